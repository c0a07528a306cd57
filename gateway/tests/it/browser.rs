//! A tenant with one room, and a browser before it.

use std::net::SocketAddr;

use devkit::{Scratch, wait};
use serde_json::Value;

use crate::gateway::Gateway;
use crate::http::{Answer, Client, PATIENCE};
use crate::origin::Origin;

const HOST: &str = "a.test";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const PAGE: &str = "Accept: text/html\r\n";
pub(crate) const JSON: &str = "Accept: application/json\r\n";

/// A tenant with one room before `/sale`, and the files its secrets are in.
pub(crate) struct Site {
    _secrets: Scratch,
    pub(crate) rest: String,
}

pub(crate) fn site(origin: &Origin, room: &str, store: &str) -> Site {
    let secrets = Scratch::new("gateway-rooms").expect("a directory");
    let file = secrets.path().join("secret");
    std::fs::write(&file, SECRET).expect("writable");
    let (file, address) = (file.display(), origin.address());
    let rest = format!(
        "keys: [{{ id: 1, secret: {{ file: {file} }} }}]\n\
         store: {store}\n\
         upstreams: {{ shop: {{ servers: [{address}] }} }}\n\
         tenants:\n  acme:\n    hosts: [a.test]\n    origin_secret: {{ file: {file} }}\n    \
         rooms: {{ sale: {{ match: {{ path: /sale/** }}, {room} }} }}\n    \
         routes: [{{ match: {{ path: /** }}, to: shop }}]\n"
    );
    Site {
        _secrets: secrets,
        rest,
    }
}

/// One is inside, the other waits for the seat.
pub(crate) fn a_full_room(gateway: &Gateway) -> (Browser, Browser) {
    let (mut first, mut second) = (Browser::at(gateway), Browser::at(gateway));
    first.come_in();
    second.visit();
    second.wait_in_line();
    (first, second)
}

/// A browser: keeps cookies, asks for pages.
pub(crate) struct Browser {
    pub(crate) gateway: SocketAddr,
    pub(crate) cookies: Vec<(String, String)>,
}

impl Browser {
    pub(crate) fn at(gateway: &Gateway) -> Self {
        Self {
            gateway: gateway.http,
            cookies: Vec::new(),
        }
    }

    pub(crate) fn ask(&mut self, line: &str, headers: &str) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let cookies = match cookies.is_empty() {
            true => String::new(),
            false => format!("Cookie: theme=dark; {}\r\n", cookies.join("; ")),
        };
        let head = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\n{headers}{cookies}\r\n");
        let answer = Client::connect(self.gateway).send(&head).read();
        for (_, set) in answer
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        {
            let (name, rest) = set.split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    pub(crate) fn visit(&mut self) -> Answer {
        self.ask("GET /sale/shoes?size=42", PAGE)
    }

    pub(crate) fn status(&mut self) -> Value {
        self.ask("GET /.fluxgate/sale/status", JSON).json()
    }

    pub(crate) fn has(&self, cookie: &str) -> bool {
        self.cookies.iter().any(|(name, _)| name == cookie)
    }

    /// Reloads until it is in, as a visitor without scripts does.
    pub(crate) fn come_in(&mut self) -> Answer {
        self.until("in", |browser| {
            Some(browser.visit()).filter(|answer| answer.status == 200)
        })
    }

    /// Polls until it has a place in the line.
    pub(crate) fn wait_in_line(&mut self) -> Value {
        self.until("in line", |browser| {
            let status = browser.status();
            status["position"].is_number().then_some(status)
        })
    }

    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        mut done: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let found = wait::until(PATIENCE, || done(self));
        found.unwrap_or_else(|| panic!("never {what}: {:?}", self.status()))
    }
}
