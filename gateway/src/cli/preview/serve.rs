//! The preview's own little server: this machine only, one answer a connection.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::rehearsal::{Fate, Manner, Opened, Rehearsal, proves};
use super::{Options, PreviewError, gallery, language, tag};
use crate::clock;
use crate::page::negotiate::{self, Form, Language, Wish};
use crate::page::sample::Sample;
use crate::page::{Held, Refresh, State, Status, Visit, json, original_of_still, still_url};

/// Bytes of a request's head: more is nobody's who looks at pages.
const HEAD_LIMIT: u64 = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
/// What stands behind the line.
const SHOP: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
    <title>The shop</title><main><h1>The shop</h1><p>Here the visitor is in. <a href=\"/\">Back to all pages</a></main>";

#[derive(Debug)]
struct Preview {
    options: Options,
    rehearsal: Rehearsal,
}

#[derive(Debug)]
struct Asked {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
}

/// Status line, headers, body.
struct Reply(&'static str, String, Vec<u8>);

/// Serves until the process is ended.
pub(super) fn serve(port: u16, options: Options) -> Result<(), PreviewError> {
    let refused = |source| PreviewError::Listen { port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    super::super::print(&format!(
        "the queue page is at http://{address}/ (Ctrl-C ends it)\n"
    ));
    let preview = Arc::new(Preview {
        options,
        rehearsal: Rehearsal::default(),
    });
    for stream in listener.incoming() {
        let preview = Arc::clone(&preview);
        // A browser that breaks off has lost interest; there is nobody to tell.
        std::thread::spawn(move || stream.and_then(|stream| preview.answer(&stream)));
    }
    Ok(())
}

impl Preview {
    fn answer(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let asked = read(stream)?;
        let Reply(code, headers, body) = self.reply(&asked);
        let head = format!(
            "HTTP/1.1 {code}\r\n{headers}Content-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let mut stream = stream;
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)
    }

    fn reply(&self, asked: &Asked) -> Reply {
        let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
        match parts.as_slice() {
            [""] => self.gallery(),
            ["shop"] => html(SHOP.into()),
            [".fluxgate", id, verb] => match Opened::of_id(id) {
                Some(opened) => self.room(asked, &opened, verb),
                None => nothing(),
            },
            [lang, name] => match language(lang) {
                Ok(language) => self.open(asked, language, name),
                Err(_) => nothing(),
            },
            _ => nothing(),
        }
    }

    fn gallery(&self) -> Reply {
        let Options {
            languages, samples, ..
        } = &self.options;
        let address = |language, name: &str| format!("/{}/{name}?still", tag(language));
        html(gallery::page(languages, samples, address).into_bytes())
    }

    /// A page: where no time is in its address, a new visit begins.
    fn open(&self, asked: &Asked, language: Language, name: &str) -> Reply {
        let at = asked
            .query
            .strip_prefix("at=")
            .and_then(|at| at.parse().ok());
        let manner = match asked.query.as_str() {
            "still" => Manner::StandsStill,
            _ => Manner::Plays,
        };
        let now_ms = now_ms();
        let opened = Opened {
            sample: name.to_owned(),
            at_ms: at.unwrap_or(now_ms),
            manner,
        };
        let own = format!("/{}/{name}?at={}", tag(language), opened.at_ms);
        match self.rehearsal.status(&opened, now_ms) {
            None => nothing(),
            Some(_) if at.is_none() && manner == Manner::Plays => {
                Reply("303 See Other", format!("Location: {own}\r\n"), Vec::new())
            }
            Some(status) if status.state == State::Admitted && name != "admitted" => {
                html(SHOP.into())
            }
            Some(status) => {
                let original = match manner {
                    Manner::StandsStill => format!("/.fluxgate/{}/stay", opened.id()),
                    Manner::Plays if name == "admitted" => "/shop".to_owned(),
                    Manner::Plays => own,
                };
                let sight = Sight {
                    original: &original,
                    refresh: Refreshes::Itself,
                };
                self.page((language, &opened), status, sight)
            }
        }
    }

    /// The room's addresses, as the gateway has them.
    fn room(&self, asked: &Asked, opened: &Opened, verb: &str) -> Reply {
        let now_ms = now_ms();
        let Some(before) = self.rehearsal.status(opened, now_ms) else {
            return nothing();
        };
        match (asked.method.as_str(), verb) {
            ("GET", "status") => {
                let counter = asked.header("x-fluxgate-work").unwrap_or_default();
                if before
                    .work
                    .is_some_and(|work| proves(work.nonce, counter, work.bits))
                {
                    self.rehearsal.note(opened, Fate::Worked);
                }
            }
            // A page that leads here stays where it is.
            ("GET", "stay") => return Reply("204 No Content", String::new(), Vec::new()),
            ("POST", "claim") if opened.manner == Manner::StandsStill => {}
            ("POST", "claim") if before.state == State::Called => {
                self.rehearsal.note(opened, Fate::Admitted)
            }
            ("POST", "claim") => {}
            ("POST", "leave") => self.rehearsal.note(opened, Fate::Left),
            ("POST", "handoff") => {
                self.rehearsal.note(opened, Fate::Moves { at_ms: now_ms });
                let host = asked.header("host").unwrap_or("127.0.0.1");
                return json_reply(
                    format!("{{\"url\":\"http://{host}/.fluxgate/move/K7QM-2X9P\"}}").into_bytes(),
                );
            }
            _ => return nothing(),
        }
        let Some(status) = self.rehearsal.status(opened, now_ms) else {
            return nothing();
        };
        let wish = Wish {
            accept: asked.header("accept"),
            requested_with: None,
        };
        if negotiate::form(wish) == Form::Json {
            let urls = Urls::of(opened);
            return json_reply(json::body(&urls.in_status(status), Held::Reading).to_vec());
        }
        let original = original_of_still(&asked.query).unwrap_or_else(|| "/".to_owned());
        let language = negotiate::language(asked.header("accept-language"), Language::English);
        self.page(
            (language, opened),
            status,
            Sight {
                original: &original,
                refresh: Refreshes::OnRequest,
            },
        )
    }

    fn page(
        &self,
        (language, opened): (Language, &Opened),
        status: Status<'_>,
        sight: Sight<'_>,
    ) -> Reply {
        let pages = match self.options.pages() {
            Ok(pages) => pages,
            // Its author is at work on it.
            Err(error) => {
                let text = format!("{error}\n").into_bytes();
                return Reply(
                    "200 OK",
                    "Content-Type: text/plain; charset=utf-8\r\n".to_owned(),
                    text,
                );
            }
        };
        let urls = Urls::of(opened);
        let stop = still_url(&urls.status, sight.original);
        let sample = Sample::named(&opened.sample).expect("it has a status");
        let sample = sample.visit(language, opened.at_ms);
        let status = Status {
            message: status.message.and(sample.status.message),
            ..status
        };
        let visit = Visit {
            status: urls.in_status(status),
            status_url: &urls.status,
            claim_url: &urls.claim,
            leave_url: Some(&urls.leave),
            original: sight.original,
            refresh: match sight.refresh {
                Refreshes::Itself => Refresh::Itself { stop: &stop },
                Refreshes::OnRequest => Refresh::OnRequest,
            },
            ..sample
        };
        let mut headers = String::new();
        for (name, value) in pages.headers(language, &visit.status) {
            let value = String::from_utf8_lossy(value.as_bytes());
            // The gallery frames them; nobody frames what the gateway serves.
            let value = value.replace("frame-ancestors 'none'", "frame-ancestors 'self'");
            headers.extend([name.as_str(), ": ", &value, "\r\n"]);
        }
        Reply("200 OK", headers, pages.body(language, &visit).to_vec())
    }
}

/// Where a page leads, and whether it refreshes by itself.
struct Sight<'a> {
    original: &'a str,
    refresh: Refreshes,
}

enum Refreshes {
    Itself,
    OnRequest,
}

struct Urls {
    room: String,
    status: String,
    claim: String,
    leave: String,
    handoff: String,
}

impl Urls {
    fn of(opened: &Opened) -> Self {
        let room = opened.id();
        let url = |verb| format!("/.fluxgate/{room}/{verb}");
        Self {
            status: url("status"),
            claim: url("claim"),
            leave: url("leave"),
            handoff: url("handoff"),
            room,
        }
    }

    fn in_status<'a>(&'a self, status: Status<'a>) -> Status<'a> {
        Status {
            room: &self.room,
            handoff_url: status.handoff_url.map(|_| self.handoff.as_str()),
            ..status
        }
    }
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn read(stream: &TcpStream) -> io::Result<Asked> {
    let mut lines = BufReader::new(stream.take(HEAD_LIMIT)).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let mut words = first.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = Vec::new();
    for line in lines {
        let line = line?;
        match line.split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()))
            }
            None => break,
        }
    }
    Ok(Asked {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
    })
}

fn html(body: Vec<u8>) -> Reply {
    Reply(
        "200 OK",
        "Content-Type: text/html; charset=utf-8\r\n".to_owned(),
        body,
    )
}

fn json_reply(body: Vec<u8>) -> Reply {
    Reply(
        "200 OK",
        "Content-Type: application/json\r\n".to_owned(),
        body,
    )
}

fn nothing() -> Reply {
    Reply(
        "404 Not Found",
        "Content-Type: text/plain; charset=utf-8\r\n".to_owned(),
        b"There is no such page.\n".to_vec(),
    )
}

fn now_ms() -> u64 {
    u64::try_from(clock::since_epoch().as_millis()).unwrap_or(u64::MAX)
}
