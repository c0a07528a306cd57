//! One question to a Redis, asked over a connection of its own.

use crate::error::{Doing, Error};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A frozen server must not freeze who asks it.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// What a Redis answered. An error of its own is an [`Error::Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// No such thing.
    Nil,
    /// A status, a number or a string; what is not UTF-8 in it is lost.
    Text(String),
    /// Several answers.
    List(Vec<Reply>),
}

impl Reply {
    /// The text, empty for anything else.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Nil | Self::List(_) => "",
        }
    }

    /// The items of a list, none for anything else.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            Self::Nil | Self::Text(_) => &[],
        }
    }
}

/// Asks the Redis at `address` one command.
pub(super) fn ask(address: SocketAddr, words: &[&str]) -> Result<Reply, Error> {
    let what = || format!("ask the Redis at {address} for {}", words.join(" "));
    match exchange(address, words).doing(what)? {
        Ok(reply) => Ok(reply),
        Err(refusal) => Err(Error::Command {
            what: what(),
            output: refusal,
        }),
    }
}

fn exchange(address: SocketAddr, words: &[&str]) -> io::Result<Result<Reply, String>> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWERS_WITHIN)?;
    stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
    stream.set_write_timeout(Some(ANSWERS_WITHIN))?;
    let mut question = format!("*{}\r\n", words.len());
    for word in words {
        question += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(question.as_bytes())?;
    read(&mut BufReader::new(stream))
}

/// One reply in RESP2; the inner error is the server's own.
fn read(stream: &mut impl BufRead) -> io::Result<Result<Reply, String>> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.trim_end();
    let Some((kind, rest)) = line.split_at_checked(1) else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    let length = || rest.parse::<usize>().ok();
    Ok(match kind {
        "-" => Err(rest.to_owned()),
        "$" => Ok(match length() {
            None => Reply::Nil,
            Some(length) => {
                let mut bytes = vec![0; length + "\r\n".len()];
                stream.read_exact(&mut bytes)?;
                bytes.truncate(length);
                Reply::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
        }),
        "*" => match length() {
            None => Ok(Reply::Nil),
            Some(length) => {
                let items = (0..length).map(|_| read(stream));
                // A list is read to its end even if one of its items is an error.
                let items = items.collect::<io::Result<Vec<_>>>()?;
                items.into_iter().collect::<Result<_, _>>().map(Reply::List)
            }
        },
        _ => Ok(Reply::Text(rest.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(text: &str) -> io::Result<Result<Reply, String>> {
        read(&mut text.as_bytes())
    }

    #[test]
    fn every_kind_of_reply_is_read() {
        let text = "*5\r\n+OK\r\n:7\r\n$4\r\na\r\nb\r\n$-1\r\n*1\r\n$0\r\n\r\n";
        let of = |text: &str| Reply::Text(text.to_owned());
        let items = vec![
            of("OK"),
            of("7"),
            of("a\r\nb"),
            Reply::Nil,
            Reply::List(vec![of("")]),
        ];
        assert_eq!(read_all(text).unwrap(), Ok(Reply::List(items)));
    }

    #[test]
    fn an_error_of_the_server_is_told_apart_from_a_broken_connection() {
        assert_eq!(read_all("-MOVED 1 x\r\n").unwrap(), Err("MOVED 1 x".into()));
        assert!(read_all("").is_err());
        assert!(read_all("$9\r\nshort").is_err());
    }
}
