//! A shop with one room of one seat, and its operators.

use devkit::Scratch;

use crate::browser::site;
use crate::gateway::{Gateway, fluxgate};
use crate::http::{Answer, Client};
use crate::origin::Origin;

pub(crate) const TOKEN: &str = "a-token-for-operators-of-this-test";

/// A gateway with one room of one seat, and the file its operators' token is in.
pub(crate) struct Shop {
    pub(crate) gateway: Gateway,
    token: Scratch,
    _origin: Origin,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let token = Scratch::new("gateway-figures").expect("a directory");
        std::fs::write(token.path().join("token"), TOKEN).expect("writable");
        let origin = Origin::named("shop");
        let site = site(&origin, "capacity: { active: 1 }", "{ kind: memory }");
        let file = token.path().join("token");
        let lines = token.path().join("lines");
        let admin = format!(
            "admin: {{ token: {{ file: {} }} }}\nline_logs: {}\n",
            file.display(),
            lines.display()
        );
        let gateway = Gateway::start(&(admin + &site.rest));
        let shop = Self {
            gateway,
            token,
            _origin: origin,
        };
        // The line is there, and was looked at once.
        let limit = "fluxgate_room_limit{room=\"sale\",tenant=\"acme\"}";
        shop.gateway.wait_metric(limit, 1.0);
        shop
    }

    /// `fluxgate room …`: what it printed, and whether it went well.
    pub(crate) fn operator(&self, words: &str) -> (String, bool) {
        let admin = format!("http://{}", self.gateway.admin);
        let file = self.token.path().join("token");
        let file = file.to_str().expect("text");
        let mut line = vec!["room"];
        line.extend(words.split_whitespace());
        line.extend(["--admin", admin.as_str(), "--token-file", file]);
        let (code, printed, _) = fluxgate(&line);
        (printed, code == Some(0))
    }

    /// `fluxgate line verify` of what the gateway has archived, with a head: what it printed, and whether all is well.
    pub(crate) fn verify(&self, head: &str) -> (String, bool) {
        let lines = self.token.path().join("lines/acme/sale");
        let files = std::fs::read_dir(lines).expect("archived");
        let files = files.map(|file| file.expect("a file").path());
        let files = files.filter(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
        let files: Vec<_> = files.map(|file| file.display().to_string()).collect();
        let mut line = vec!["line", "verify", "--head", head];
        line.extend(files.iter().map(String::as_str));
        let (code, printed, complaints) = fluxgate(&line);
        (printed + &complaints, code == Some(0))
    }

    /// A request to `/admin/rooms` and what follows it, with these headers and whatever is below them.
    pub(crate) fn admin(&self, method: &str, path: &str, headers: &str) -> Answer {
        let head = format!("{method} /admin/rooms{path} HTTP/1.1\r\nHost: admin\r\n{headers}\r\n");
        Client::connect(self.gateway.admin).send(&head).read()
    }

    /// An order over HTTP by who has the token.
    pub(crate) fn order(&self, body: &str) -> Answer {
        let (path, length) = ("/admin/rooms/acme/sale", body.len());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        Client::connect(self.gateway.admin).send(&head).read()
    }
}
