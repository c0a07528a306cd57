//! The order of a start: what is needed first comes first, and each is ready before the next.

use super::documents::{self, GatewaySecrets};
use super::{Databases, Plan, Roster, Stack, StackOptions, Store};
use crate::error::{Doing, Error};
use crate::{
    DeathSignal, Launch, Persistence, Postgres, PostgresOptions, Proc, Ready, Redis, RedisOptions,
    Roles, tied,
};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Debug builds on a busy machine are slow to come up; a broken one ends and is seen at once.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// The shop owns its database and needs no second role.
const SHOP_ROLES: Roles = Roles {
    owner: "shop_owner",
    app: "shop_app",
};

pub(super) fn all(options: StackOptions, tell: &mut dyn FnMut(&str)) -> Result<Stack, Error> {
    if options.gateways == 0 || (options.gateways > 1 && options.store == Store::Memory) {
        return Err(Error::Command {
            what: format!(
                "start {} gateways: more than one need the store redis",
                options.gateways
            ),
            output: String::new(),
        });
    }
    let plan = Plan::new(options.ports, options.gateways)?;
    Roster::of(&options.home).end_leftovers();
    plan.check_free()?;
    options.home.set_logs_aside();

    tell("PostgreSQL");
    let postgres = postgres(&options, &plan)?;
    let databases = Databases {
        core: postgres.create_database("fluxpay")?,
        shop: postgres.create_database_for("shop", SHOP_ROLES)?,
    };
    options
        .home
        .write_key("database", &databases.core.admin_url)?;
    let redis = match options.store {
        Store::Memory => None,
        Store::Redis => {
            tell("Redis");
            Some(redis(&options, &plan)?)
        }
    };
    tell("psp-sim");
    let psp = psp(&options, &plan)?;
    tell("payment core: migrations, tenants, service");
    provision(&options, &plan, &databases)?;
    let core = core(&options, &plan, &databases)?;
    tell("demo shop");
    let shops = (0..plan.shops.len())
        .map(|index| shop(&options, &plan, index, &databases))
        .collect::<Result<_, _>>()?;
    tell("gateway");
    let gateways = (0..options.gateways)
        .map(|index| gateway(&options, &plan, index).map(Some))
        .collect::<Result<_, _>>()?;
    let stack = Stack {
        gateways,
        shops,
        core,
        psp,
        redis,
        postgres,
        plan,
        options,
        databases,
    };
    stack.write_roster()?;
    Ok(stack)
}

fn postgres(options: &StackOptions, plan: &Plan) -> Result<Postgres, Error> {
    Postgres::start(PostgresOptions {
        durability: options.durability,
        port: Some(plan.postgres.port()),
        dir: Some(options.home.cluster()?),
        ..PostgresOptions::default()
    })
}

fn redis(options: &StackOptions, plan: &Plan) -> Result<Redis, Error> {
    Redis::start(RedisOptions {
        // What is joined and claimed within the last second is worth a sync a second.
        persistence: Persistence::EverySecond,
        port: Some(plan.redis.port()),
        dir: Some(options.home.path().join("redis")),
        settings: Vec::new(),
    })
}

fn psp(options: &StackOptions, plan: &Plan) -> Result<Proc, Error> {
    let hook = format!(
        "{}=http://{}/webhooks/toss/acme",
        documents::PSP_SECRET,
        plan.core
    );
    let launch = service(options, "psp-sim", "psp-sim")
        .args(["--listen", &plan.psp.to_string()])
        .args(["--latency-ms", &options.psp_latency.as_millis().to_string()])
        .args(["--webhook", &hook]);
    ready(launch, plan.psp, "/healthz")
}

/// Migrations and tenants: both may run again on a home that has them.
fn provision(options: &StackOptions, plan: &Plan, databases: &Databases) -> Result<(), Error> {
    let home = &options.home;
    let master_key = home.secret("fluxpay-master")?;
    let config = home.write(
        "fluxpay.yaml",
        &documents::core(plan, databases, &master_key),
    )?;
    let fluxpay = |args: &[&str], spec: Option<&Path>| {
        let program = crate::proc::installed(&options.binaries.join("fluxpay"))?;
        let mut command = tied(program, DeathSignal::Kill);
        command.args(args).arg("--config").arg(&config);
        command.args(spec.iter().flat_map(|spec| [Path::new("--spec"), *spec]));
        run(command, &format!("run fluxpay {}", args.join(" ")))
    };
    fluxpay(&["migrate"], None)?;
    for (tenant, kind) in [("acme", "toss"), ("service-a", "sandbox")] {
        let key = home.key(&format!("{tenant}-secret"));
        let spec = documents::tenant(tenant, kind, plan, &key);
        let spec = home.write(&format!("tenant-{tenant}.yaml"), &spec)?;
        fluxpay(&["tenant", "ensure"], Some(&spec))?;
    }
    Ok(())
}

pub(super) fn core(
    options: &StackOptions,
    plan: &Plan,
    databases: &Databases,
) -> Result<Proc, Error> {
    let master_key = options.home.secret("fluxpay-master")?;
    let document = documents::core(plan, databases, &master_key);
    let config = options.home.write("fluxpay.yaml", &document)?;
    let launch = service(options, "core-api", "fluxpay")
        .arg("serve")
        .arg("--config")
        .arg(config);
    ready(launch, plan.core_admin, "/healthz")
}

fn shop(
    options: &StackOptions,
    plan: &Plan,
    index: usize,
    databases: &Databases,
) -> Result<Proc, Error> {
    let home = &options.home;
    let (origin, api) = (home.secret("origin-acme")?, home.key("acme-secret"));
    let document = documents::shop(options, plan, index, databases, (&origin, &api));
    let config = home.write(&format!("shop-{index}.yaml"), &document)?;
    let launch = service(options, &format!("shop-{index}"), "demo-shop")
        .arg("--config")
        .arg(config);
    ready(launch, plan.shops[index], "/healthz")
}

pub(super) fn gateway(options: &StackOptions, plan: &Plan, index: usize) -> Result<Proc, Error> {
    let home = &options.home;
    let (token, origin) = (home.secret("token-1")?, home.secret("origin-acme")?);
    let admin = home.secret("admin")?;
    let secrets = GatewaySecrets {
        token: &token,
        origin: &origin,
        admin: &admin,
    };
    let document = documents::gateway(options, plan, index, &secrets);
    let config = home.write(&format!("gateway-{index}.yaml"), &document)?;
    let launch = service(options, &format!("gateway-{index}"), "fluxgate")
        .arg("run")
        .arg("--config")
        .arg(config);
    let launch = match clock(options, index) {
        Some(offset) => launch.clock(&offset)?,
        None => launch,
    };
    ready(launch, plan.gateway_admins[index], "/readyz")
}

/// How a gateway's clock is off, in seconds; `None` if it is right.
fn clock(options: &StackOptions, index: usize) -> Option<String> {
    let half = options.clocks_apart.as_secs_f64() / 2.0;
    let is_last = index + 1 == options.gateways;
    let sign = match (half > 0.0, index, is_last) {
        (true, 0, false) => '-',
        (true, _, true) => '+',
        _ => return None,
    };
    Some(format!("{sign}{half:.3}"))
}

fn service(options: &StackOptions, name: &str, binary: &str) -> Launch {
    Launch::new(name, options.binaries.join(binary), options.home.log(name))
}

fn ready(launch: Launch, address: SocketAddr, path: &str) -> Result<Proc, Error> {
    let child = Proc::spawn(launch)?;
    child.wait_ready(&Ready::Http(address, path.to_owned()), READY_WITHIN)?;
    Ok(child)
}

fn run(mut command: Command, what: &str) -> Result<(), Error> {
    let output = command.output().doing(|| what.to_owned())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Command {
        what: what.to_owned(),
        output: said,
    })
}
