//! A client that says exactly what a test wants said, and keeps its connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Nothing here takes so long; a test that waits longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client(BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn keeps_connection(&self) -> bool {
        self.header("connection") != Some("close")
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::connect_for(address, PATIENCE)
    }

    /// The same, for answers that may take so long.
    pub(crate) fn connect_for(address: SocketAddr, patience: Duration) -> Self {
        let stream = TcpStream::connect(address).expect("the gateway listens");
        stream.set_read_timeout(Some(patience)).expect("settable");
        stream.set_nodelay(true).expect("settable");
        Self(BufReader::new(stream))
    }

    /// Sends bytes as they are. The peer may be gone already; then reading tells.
    pub(crate) fn send(&mut self, text: &str) -> &mut Self {
        let _ = self.0.get_mut().write_all(text.as_bytes());
        self
    }

    pub(crate) fn get(&mut self, host: &str, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .read()
    }

    /// Reads one answer. Panics when the connection ends instead.
    pub(crate) fn read(&mut self) -> Answer {
        self.try_read()
            .expect("an answer, not the end of the connection")
    }

    /// Reads the head of an answer that has no body.
    pub(crate) fn read_head(&mut self) -> Answer {
        self.try_read_head()
            .expect("an answer, not the end of the connection")
    }

    fn try_read_head(&mut self) -> Option<Answer> {
        let status = self.line().filter(|line| !line.is_empty())?;
        let status = status.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        while let Some(line) = self.line().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a header");
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Some(Answer {
            status,
            headers,
            body: String::new(),
        })
    }

    pub(crate) fn try_read(&mut self) -> Option<Answer> {
        let mut answer = self.try_read_head()?;
        answer.body = match answer.header("content-length").map(str::parse::<usize>) {
            Some(length) => {
                let mut body = vec![0; length.expect("a number")];
                self.0.read_exact(&mut body).expect("the whole body");
                String::from_utf8(body).expect("text")
            }
            None if answer.header("transfer-encoding") == Some("chunked") => self.chunks(),
            None => String::new(),
        };
        Some(answer)
    }

    fn chunks(&mut self) -> String {
        let mut body = String::new();
        while let Some(size) = self.line() {
            let size = usize::from_str_radix(&size, 16).expect("a chunk size");
            let mut chunk = vec![0; size + 2];
            self.0.read_exact(&mut chunk).expect("the whole chunk");
            body.push_str(std::str::from_utf8(&chunk[..size]).expect("text"));
            if size == 0 {
                break;
            }
        }
        body
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
        }
    }

    /// Reads to the end of the connection; how many bytes came.
    pub(crate) fn drain(&mut self) -> usize {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) | Err(_) => bytes.len(),
        }
    }

    /// Whether the peer has ended the connection by now.
    pub(crate) fn has_ended(&mut self) -> bool {
        let stream = self.0.get_mut();
        stream.set_nonblocking(true).expect("settable");
        let peeked = stream.peek(&mut [0]);
        stream.set_nonblocking(false).expect("settable");
        match peeked {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// Waits until the peer ends the connection without another byte. False when it sends something or
    /// patience ends.
    pub(crate) fn is_ended(&mut self) -> bool {
        let mut byte = [0];
        match self.0.read(&mut byte) {
            Ok(0) => true,
            Ok(_) => false,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}
