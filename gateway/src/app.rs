//! The wiring: the only module that knows every part.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use pingora::apps::http_app::HttpServer;
use pingora::proxy::http_proxy;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server};
use pingora::services::background::background_service;
use pingora::services::listening::Service;

use crate::access_log::AccessLog;
use crate::admin::{Admin, Readiness};
use crate::config::listen::Listen;
use crate::config::{self, Config};
use crate::drain::Drain;
use crate::edge::Edge;
use crate::host;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::proxy::{Gateway, TRIES_MAX};
use crate::reload::Reloader;
use crate::rooms::{Figures, RoomService};
use crate::shutdown::{LAST_GRACE_SECONDS, Signals};
use crate::upkeep::Upkeep;

/// Idle connections to upstreams kept for each thread.
const UPSTREAM_IDLE_CONNECTIONS: usize = 256;

/// Why the gateway cannot start. The operator's to mend.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot listen on {address} (`listen.{key}`): {cause}; is another process there?")]
    Listen {
        key: &'static str,
        address: SocketAddr,
        #[source]
        cause: io::Error,
    },
    #[error("cannot open the access log: {0}")]
    AccessLog(#[source] io::Error),
    #[error("cannot set up metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Serves until a signal ends the process.
pub(crate) fn run(file: PathBuf, config: Config) -> Result<(), StartError> {
    let listen = config.listen.clone();
    let shutdown = config.shutdown;
    let header_timeout = config.http.header_timeout;
    host::prepare();
    host::end_when_deaf();
    probe("http", listen.http)?;
    probe("admin", listen.admin)?;

    let metrics = Arc::new(Metrics::new()?);
    let drain = Arc::new(Drain::default());
    let (log, writer) = AccessLog::open(&config.access_log, metrics.log_dropped.clone())
        .map_err(StartError::AccessLog)?;
    let live = Arc::new(ArcSwap::from_pointee(Live::build(&config, None, &metrics)));
    metrics
        .registry()
        .register(Box::new(Figures::new(Arc::clone(&live))?))?;
    let rooms = RoomService(Arc::clone(&live.load().rooms));
    let gateway = Gateway {
        live: Arc::clone(&live),
        metrics: Arc::clone(&metrics),
        log,
        drain: Arc::clone(&drain),
    };
    let admin = Admin {
        live: Arc::clone(&live),
        metrics: Arc::clone(&metrics),
        drain: Arc::clone(&drain),
        token: config.admin_token.clone(),
        local: config::is_local(listen.admin),
        visitors: listen.http,
        listening: AtomicBool::new(false),
        readiness: Readiness::new(),
    };
    let reloader = Reloader::new(file, config, Arc::clone(&live), metrics);

    let mut server = Server::new_with_opt_and_conf(None, server_conf(&listen));
    server.bootstrap();
    let edge = Edge {
        gateway: gateway.clone(),
        proxy: Arc::new(http_proxy(&server.configuration, gateway)),
        header_timeout,
    };
    let mut proxy = Service::new("gateway".to_owned(), edge);
    proxy.add_tcp(&listen.http.to_string());
    let mut admin = Service::new("admin".to_owned(), HttpServer::new_app(admin));
    admin.add_tcp(&listen.admin.to_string());
    admin.threads = Some(1);
    server.add_service(proxy);
    server.add_service(admin);
    server.add_service(background_service("rooms", rooms));
    server.add_service(background_service("upkeep", Upkeep { live, reloader }));
    tracing::info!(http = %listen.http, admin = %listen.admin, threads = listen.threads, "serving");
    server.run(RunArgs {
        shutdown_signal: Box::new(Signals { drain, shutdown }),
    });
    // Only now has the last request been logged.
    drop(writer);
    Ok(())
}

fn server_conf(listen: &Listen) -> ServerConf {
    ServerConf {
        threads: listen.threads,
        work_stealing: listen.work_stealing,
        upstream_keepalive_pool_size: UPSTREAM_IDLE_CONNECTIONS,
        max_retries: TRIES_MAX as usize,
        grace_period_seconds: Some(LAST_GRACE_SECONDS),
        graceful_shutdown_timeout_seconds: Some(LAST_GRACE_SECONDS),
        // Never used: no daemon is made and no socket handed over. The defaults lie in a directory
        // that every local user can write to.
        pid_file: "/nonexistent/fluxgate.pid".to_owned(),
        upgrade_sock: "/nonexistent/fluxgate.sock".to_owned(),
        ..ServerConf::default()
    }
}

/// Pingora panics when it cannot bind. Trying first turns that into a sentence.
fn probe(key: &'static str, address: SocketAddr) -> Result<(), StartError> {
    TcpListener::bind(address)
        .map(drop)
        .map_err(|cause| StartError::Listen {
            key,
            address,
            cause,
        })
}
