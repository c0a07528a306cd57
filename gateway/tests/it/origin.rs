//! An origin: answers what the test says, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

type Reply = dyn Fn(&Asked, &mut TcpStream) + Send + Sync;

pub(crate) struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    reply: Box<Reply>,
    asked: Mutex<Vec<Asked>>,
    connections: Mutex<Vec<TcpStream>>,
    stopped: AtomicBool,
}

impl Origin {
    /// Answers every request with 200 and `name`.
    pub(crate) fn named(name: &'static str) -> Self {
        Self::replying(move |_, stream| answer(stream, 200, name))
    }

    /// The same at a given address: a server that comes back.
    pub(crate) fn at(address: SocketAddr, name: &'static str) -> Self {
        let listener = TcpListener::bind(address).expect("its old port");
        Self::replying_at(listener, move |_, stream| answer(stream, 200, name))
    }

    /// Answers as `reply` does.
    pub(crate) fn replying(reply: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        // Another test may take a port between its being found and its being used.
        let listener =
            std::iter::repeat_with(free_address).find_map(|at| TcpListener::bind(at).ok());
        Self::replying_at(listener.expect("endless"), reply)
    }

    fn replying_at(
        listener: TcpListener,
        reply: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            reply: Box::new(reply),
            asked: Mutex::default(),
            connections: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &of_thread));
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().expect("not poisoned").clone()
    }

    /// The newest request.
    pub(crate) fn last(&self) -> Asked {
        self.asked().pop().expect("a request arrived")
    }
}

impl Drop for Origin {
    /// Stops listening and cuts every connection, as a killed server does.
    fn drop(&mut self) {
        self.shared.stopped.store(true, SeqCst);
        // Wakes the accepting thread, which then drops the listener.
        let woken = TcpStream::connect(self.address).is_ok();
        for connection in self.shared.connections.lock().expect("not poisoned").iter() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        let gone = || TcpListener::bind(self.address).is_ok().then_some(());
        let freed = devkit::wait::until(crate::http::PATIENCE, gone);
        assert!(woken && freed.is_some(), "the origin stops");
    }
}

fn free_address() -> SocketAddr {
    let port = devkit::free_port().expect("a free port");
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming().map_while(Result::ok) {
        if shared.stopped.load(SeqCst) {
            return;
        }
        let kept = stream.try_clone().expect("clonable");
        shared.connections.lock().expect("not poisoned").push(kept);
        let shared = Arc::clone(shared);
        std::thread::spawn(move || serve(stream, &shared));
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let mut writer = stream.try_clone().expect("clonable");
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        shared
            .asked
            .lock()
            .expect("not poisoned")
            .push(asked.clone());
        (shared.reply)(&asked, &mut writer);
    }
    let _ = writer.shutdown(Shutdown::Both);
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = || {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|bytes| *bytes > 0)?;
        Some(line.trim_end().to_owned())
    };
    let mut asked = Asked {
        line: line()?,
        ..Asked::default()
    };
    loop {
        let header = line()?;
        match header.split_once(':') {
            Some((name, value)) => {
                asked
                    .headers
                    .push((name.to_owned(), value.trim().to_owned()));
            }
            None => break,
        }
    }
    if let Some(length) = asked.header("content-length") {
        let mut body = vec![0; length.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        asked.body = String::from_utf8(body).ok()?;
    }
    Some(asked)
}

/// Writes a complete answer. The gateway may be gone; that is its test's business.
pub(crate) fn answer(stream: &mut TcpStream, status: u16, body: &str) {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nServer: secret/1.0\r\n\r\n");
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}
