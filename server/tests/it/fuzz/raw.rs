//! HTTP as a stranger may write it: any byte anywhere, and lengths that are not true.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What a server may take to answer or to hang up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the body is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// As long as it says it is.
    Length,
    /// In pieces of this many bytes.
    Chunked(usize),
    /// Shorter than it says.
    Short(usize),
    /// With two lengths that contradict each other.
    TwoLengths,
}

/// A request of which nothing needs to be right.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RawRequest {
    pub(crate) method: String,
    pub(crate) target: Vec<u8>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Option<(Framing, Vec<u8>)>,
}

#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl RawRequest {
    pub(crate) fn new(method: &str, target: impl Into<Vec<u8>>) -> Self {
        Self { method: method.into(), target: target.into(), headers: vec![], body: None }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn with_body(mut self, framing: Framing, body: Vec<u8>) -> Self {
        self.body = Some((framing, body));
        self
    }

    /// From somebody at this address, as a proxy says.
    pub(crate) fn from(self, address: u32) -> Self {
        let address = std::net::Ipv4Addr::from_bits(address);
        self.with("x-forwarded-for", address.to_string())
    }

    pub(crate) fn is_for_the_api(&self) -> bool {
        self.target.starts_with(b"/api/")
    }

    /// Nobody has to answer it.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.body, Some((Framing::Short(_) | Framing::TwoLengths, _)))
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.method.clone().into_bytes();
        bytes.push(b' ');
        bytes.extend(&self.target);
        bytes.extend(b" HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n");
        for (name, value) in &self.headers {
            bytes.extend(name.as_bytes());
            bytes.extend(b": ");
            bytes.extend(value);
            bytes.extend(b"\r\n");
        }
        let Some((framing, body)) = &self.body else {
            bytes.extend(b"\r\n");
            return bytes;
        };
        let length = |length: usize| format!("content-length: {length}\r\n").into_bytes();
        match framing {
            Framing::Length => bytes.extend(length(body.len())),
            Framing::Short(missing) => bytes.extend(length(body.len() + 1 + missing)),
            Framing::TwoLengths => {
                bytes.extend([length(body.len()), length(body.len() + 1)].concat());
            }
            Framing::Chunked(_) => bytes.extend(b"transfer-encoding: chunked\r\n"),
        }
        bytes.extend(b"\r\n");
        if let Framing::Chunked(size) = framing {
            for chunk in body.chunks(*size) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(body);
        }
        bytes
    }
}

/// As it was sent, and short.
impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        let shown = bytes.get(..2_000).unwrap_or(&bytes);
        write!(f, "{} bytes: {}", bytes.len(), shown.escape_ascii())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.body.get(..500).unwrap_or(&self.body);
        write!(f, "{} {:?} {}", self.status, self.headers, shown.escape_ascii())
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads what a server sent until it hung up.
    fn parse(bytes: &[u8], is_for_head: bool) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).expect("headers are text");
        let (status_line, lines) = head.split_once("\r\n").unwrap_or((&head, ""));
        let status = status_line.strip_prefix("HTTP/1.1 ").expect("HTTP comes back");
        let headers: Vec<(String, String)> = lines
            .split("\r\n")
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut answer =
            Self { status: status[..3].parse().expect("a status"), headers, body: vec![] };
        let rest = &bytes[end + 4..];
        answer.body = match answer.header("content-length").map(str::parse::<usize>) {
            _ if is_for_head => vec![],
            Some(length) => {
                let length = length.expect("a number");
                assert_eq!(rest.len(), length, "the body is as long as it says");
                rest.to_vec()
            }
            None if answer.header("transfer-encoding") == Some("chunked") => unchunked(rest),
            None => rest.to_vec(),
        };
        Some(answer)
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").expect("a chunk's size");
        let size = std::str::from_utf8(&rest[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size in hex");
        if size == 0 {
            return body;
        }
        body.extend(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

/// Sends these bytes on a connection of their own and hears what comes until it is closed.
pub(crate) async fn ask(address: SocketAddr, request: &RawRequest) -> Option<Answer> {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // A server may hang up before it has heard everything.
        let _ = stream.write_all(&request.bytes()).await;
        if request.is_broken() {
            // Nothing follows, whatever it said.
            let _ = stream.shutdown().await;
        }
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard).await;
        heard
    };
    let heard = timeout(PATIENCE, talk).await.expect("the server answers or hangs up");
    Answer::parse(&heard, request.method == "HEAD")
}
