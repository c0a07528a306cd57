//! The part of a browser a drill needs: a connection per site that is kept and reopened, a cookie jar per
//! site, one silent retry on a connection the server had closed meanwhile, and tabs that share cookies.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use rand::RngExt;
use tokio::time::timeout;
use url::Url;

use super::dial::Socket;
use super::{Dialer, Fault, Jar, Site};

/// The two kinds of server a visitor talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Any of the gateways: one site to the visitor, chosen anew with each connection as a balancer does, but
    /// not the one that failed just now.
    Gateway,
    /// The payment window.
    Psp,
}

/// One request, as a visitor means it.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where to.
    pub place: Place,
    /// GET or POST.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The `Accept` header.
    pub accept: &'static str,
    /// A form's body, already URL-encoded.
    pub form: Option<String>,
}

/// What browsers send for a page.
const HTML: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
/// What scripts send.
const JSON: &str = "application/json";

impl Ask {
    /// A page.
    #[must_use]
    pub fn page(place: Place, path: impl Into<String>) -> Self {
        Self {
            place,
            method: Method::GET,
            path: path.into(),
            accept: HTML,
            form: None,
        }
    }

    /// A form that was filled in.
    #[must_use]
    pub fn form(place: Place, path: impl Into<String>, body: String) -> Self {
        Self {
            place,
            method: Method::POST,
            path: path.into(),
            accept: HTML,
            form: Some(body),
        }
    }

    /// What the page's script asks of the gateway.
    #[must_use]
    pub fn script(method: Method, path: impl Into<String>) -> Self {
        Self {
            place: Place::Gateway,
            method,
            path: path.into(),
            accept: JSON,
            form: None,
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// A header as text, empty when absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as text; bytes that are not UTF-8 become replacement characters.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// One visitor's browser, or one more tab of it.
#[derive(Debug)]
pub struct Browser {
    dialer: Dialer,
    gateways: Arc<[Site]>,
    psp: Site,
    from: Ipv4Addr,
    language: &'static str,
    jars: [Jar; 2],
    sockets: [Option<Socket>; 2],
    /// The gateway dialled last, and whether it failed: the next connection goes to another.
    gateway: usize,
    failed: bool,
}

impl Browser {
    /// A browser with empty jars whose connections come from `from`.
    ///
    /// # Panics
    /// With no gateway.
    #[must_use]
    pub fn new(dialer: Dialer, gateways: Arc<[Site]>, psp: Site, from: Ipv4Addr) -> Self {
        assert!(!gateways.is_empty(), "a browser needs a gateway");
        let language = if from.octets()[3].is_multiple_of(2) {
            "ko-KR,ko;q=0.9,en;q=0.5"
        } else {
            "en-US,en;q=0.9"
        };
        Self {
            dialer,
            gateways,
            psp,
            from,
            language,
            jars: Default::default(),
            sockets: [None, None],
            gateway: 0,
            failed: false,
        }
    }

    /// Another tab: the same cookies, connections of its own.
    #[must_use]
    pub fn tab(&self) -> Self {
        Self {
            dialer: self.dialer.clone(),
            gateways: Arc::clone(&self.gateways),
            psp: self.psp.clone(),
            from: self.from,
            language: self.language,
            jars: self.jars.clone(),
            sockets: [None, None],
            gateway: 0,
            failed: false,
        }
    }

    /// The cookies held for `place`.
    #[must_use]
    pub fn jar(&self, place: Place) -> &Jar {
        &self.jars[place as usize]
    }

    /// Lets go of idle connections when the machine is short of them.
    pub fn rest(&mut self) {
        if !self.dialer.is_roomy() {
            self.sockets = [None, None];
        }
    }

    /// Closes every connection, as a closed tab does.
    pub fn close(&mut self) {
        self.sockets = [None, None];
    }

    /// Where `location` leads from a page of `from` at `path`.
    ///
    /// # Errors
    /// [`Fault::Elsewhere`] when that is neither a gateway nor the PSP.
    pub fn resolve(
        &self,
        from: Place,
        path: &str,
        location: &str,
    ) -> Result<(Place, String), Fault> {
        let elsewhere = || Fault::Elsewhere(location.to_owned());
        let base = format!("http://{}{path}", self.site(from).authority);
        let url = Url::parse(&base)
            .and_then(|base| base.join(location))
            .map_err(|_| elsewhere())?;
        let target = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        let here = named(url.authority());
        if here == named(&self.psp.authority) {
            return Ok((Place::Psp, target));
        }
        let ours = self
            .gateways
            .iter()
            .any(|site| named(&site.authority) == here);
        if ours {
            Ok((Place::Gateway, target))
        } else {
            Err(elsewhere())
        }
    }

    /// Sends one request and reads the whole answer. A kept connection that the server closed meanwhile is
    /// replaced once: always when the request was not written yet, and for a GET in any case.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&mut self, ask: &Ask) -> Result<Answer, Fault> {
        let patience = self.dialer.patience();
        let answered = timeout(patience, self.attempt_twice(ask)).await;
        let answered = answered.unwrap_or_else(|_| {
            self.sockets[ask.place as usize] = None;
            Err(Fault::Timeout)
        });
        if ask.place == Place::Gateway {
            self.failed = answered.is_err();
        }
        answered
    }

    async fn attempt_twice(&mut self, ask: &Ask) -> Result<Answer, Fault> {
        match self.attempt(ask).await {
            Err(Lost::Unsent) => {}
            Err(Lost::Stale) if ask.method == Method::GET => {}
            other => return other.map_err(Lost::into_fault),
        }
        self.attempt(ask).await.map_err(Lost::into_fault)
    }

    async fn attempt(&mut self, ask: &Ask) -> Result<Answer, Lost> {
        let place = ask.place as usize;
        let mut socket = match self.sockets[place].take() {
            Some(socket) if !socket.sender.is_closed() => socket,
            _ => {
                let address = self.pick(ask.place).address;
                let dialled = self.dialer.dial(self.from, address).await;
                dialled.map_err(Lost::Fault)?
            }
        };
        let lost = if socket.used {
            Lost::Stale
        } else {
            Lost::Fault(Fault::Broken)
        };
        if socket.sender.ready().await.is_err() {
            return Err(Lost::Unsent);
        }
        let response = match socket.sender.try_send_request(self.request(ask)).await {
            Ok(response) => response,
            Err(mut error) => {
                return Err(if error.take_message().is_some() {
                    Lost::Unsent
                } else {
                    lost
                });
            }
        };
        let (head, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|_| Lost::Fault(Fault::Broken))?
            .to_bytes();
        self.jars[place].take(&head.headers);
        socket.used = true;
        self.sockets[place] = Some(socket);
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    fn request(&self, ask: &Ask) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header(HOST, &self.site(ask.place).authority)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, ask.accept)
            .header(ACCEPT_LANGUAGE, self.language);
        if let Some(cookies) = self.jars[ask.place as usize].header() {
            request = request.header(COOKIE, cookies);
        }
        if ask.form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(Bytes::from(ask.form.clone().unwrap_or_default()));
        request
            .body(body)
            .expect("paths come from parsed URLs and headers from cookies that were sent to us")
    }

    /// The site whose name is used: always the first gateway's, as a balancer has one name.
    fn site(&self, place: Place) -> &Site {
        match place {
            Place::Gateway => &self.gateways[0],
            Place::Psp => &self.psp,
        }
    }

    fn pick(&mut self, place: Place) -> &Site {
        if place == Place::Psp {
            return &self.psp;
        }
        let count = self.gateways.len();
        self.gateway = if self.failed && count > 1 {
            (self.gateway + rand::rng().random_range(1..count)) % count
        } else {
            rand::rng().random_range(0..count)
        };
        &self.gateways[self.gateway]
    }
}

const AGENT: &str = "Mozilla/5.0 (compatible; FluxgateDrill/1)";

/// A site by one of its names: the demo's servers call each other by both.
fn named(authority: &str) -> String {
    authority.replacen("localhost", "127.0.0.1", 1)
}

/// How a request went missing, which decides whether it may be sent again.
enum Lost {
    /// It never left.
    Unsent,
    /// It left on a kept connection that then ended: the server may have closed it while it was idle.
    Stale,
    /// It failed for good.
    Fault(Fault),
}

impl Lost {
    fn into_fault(self) -> Fault {
        match self {
            Self::Unsent | Self::Stale => Fault::Broken,
            Self::Fault(fault) => fault,
        }
    }
}

#[cfg(test)]
mod tests;
