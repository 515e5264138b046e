//! A mail server for tests: a real one, over TCP, with as much of RFC 5321 as mails need. It can be
//! told to refuse, and it says what it was given.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Octets of a line, and lines of a mail.
const LINE_MAX: u64 = 2_048;
const LINES_MAX: usize = 10_000;

/// A mail as it was handed over.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// As it was before the dots were stuffed.
    pub(crate) message: String,
}

#[derive(Debug, Default)]
struct Book {
    delivered: Vec<Delivered>,
    /// What is answered to the next recipients, instead of yes.
    refusals: VecDeque<&'static str>,
    connections: usize,
    /// What clients said to prove who they are.
    credentials: Vec<String>,
    attempts: usize,
    /// Conversations that went over to TLS.
    secured: usize,
}

/// A server that runs until the test ends.
#[derive(Clone, Default)]
pub(crate) struct SmtpServer {
    book: Arc<Mutex<Book>>,
    /// Offers STARTTLS with this, and then takes nothing in clear.
    tls: Option<TlsAcceptor>,
}

impl SmtpServer {
    /// Listens at this address.
    pub(crate) async fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let server = Self::default();
        server.clone().serve(listener);
        server
    }

    /// Listens at a free address; the second is how a client is told of it.
    pub(crate) async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = Self::default();
        server.clone().serve(listener);
        (server, url)
    }

    /// The same, for clients who begin to speak TLS.
    pub(crate) async fn start_with_tls(tls: TlsAcceptor) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://user:pass@{}?tls=required", listener.local_addr().unwrap());
        let server = Self { tls: Some(tls), ..Self::default() };
        server.clone().serve(listener);
        (server, url)
    }

    fn serve(self, listener: TcpListener) {
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                self.with(|book| book.connections += 1);
                let server = self.clone();
                tokio::spawn(async move { server.session(stream).await });
            }
        });
    }

    /// The next recipient is answered so.
    pub(crate) fn refuse_next(&self, answer: &'static str) {
        self.with(|book| book.refusals.push_back(answer));
    }

    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.with(|book| book.delivered.clone())
    }

    pub(crate) fn connections(&self) -> usize {
        self.with(|book| book.connections)
    }

    pub(crate) fn credentials(&self) -> Vec<String> {
        self.with(|book| book.credentials.clone())
    }

    /// How often somebody named a recipient.
    pub(crate) fn attempts(&self) -> usize {
        self.with(|book| book.attempts)
    }

    pub(crate) fn secured(&self) -> usize {
        self.with(|book| book.secured)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Book) -> T) -> T {
        act(&mut self.book.lock().unwrap())
    }

    /// One client, until it says goodbye or hangs up.
    async fn session(self, stream: TcpStream) -> Option<()> {
        let mut wire = Wire { stream: BufReader::new(Box::new(stream)) };
        wire.say("220 mail.test ESMTP").await?;
        if let Some(tls) = &self.tls {
            wire = self.secure(wire, tls).await?;
        }
        self.converse(wire).await
    }

    /// Goes over to TLS before anything else is said.
    async fn secure(&self, mut wire: Wire, tls: &TlsAcceptor) -> Option<Wire> {
        loop {
            let line = wire.line().await?;
            match line.split(' ').next().unwrap_or_default() {
                "EHLO" => wire.say("250-mail.test\r\n250 STARTTLS").await?,
                "STARTTLS" => break wire.say("220 2.0.0 go on").await?,
                _ => wire.say("530 5.7.0 not in clear").await?,
            }
        }
        let stream = tls.accept(wire.stream.into_inner()).await.ok()?;
        self.with(|book| book.secured += 1);
        Some(Wire { stream: BufReader::new(Box::new(stream)) })
    }

    async fn converse(self, mut wire: Wire) -> Option<()> {
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let line = wire.line().await?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                "AUTH" => {
                    self.with(|book| book.credentials.push(line));
                    "235 2.7.0 welcome"
                }
                "MAIL" => {
                    (from, to) = (address(&line), Vec::new());
                    "250 2.1.0 ok"
                }
                "RCPT" => {
                    let refusal = self.with(|book| {
                        book.attempts += 1;
                        book.refusals.pop_front()
                    });
                    if refusal.is_none() {
                        to.push(address(&line));
                    }
                    refusal.unwrap_or("250 2.1.5 ok")
                }
                "DATA" if to.is_empty() => "503 5.5.1 to whom?",
                "DATA" => {
                    wire.say("354 go on").await?;
                    let message = wire.message().await?;
                    let mail = Delivered { from: from.clone(), to: to.clone(), message };
                    self.with(|book| book.delivered.push(mail));
                    "250 2.0.0 taken"
                }
                "RSET" | "NOOP" => "250 2.0.0 ok",
                "QUIT" => {
                    wire.say("221 2.0.0 bye").await?;
                    return Some(());
                }
                _ => "502 5.5.2 what?",
            };
            wire.say(answer).await?;
        }
    }
}

/// What stands between the angle brackets.
fn address(line: &str) -> String {
    let (_, rest) = line.split_once('<').unwrap_or_default();
    rest.split('>').next().unwrap_or_default().to_owned()
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Wire {
    stream: BufReader<Box<dyn Stream>>,
}

impl Wire {
    async fn say(&mut self, line: &str) -> Option<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()
    }

    /// One line without its end, or nothing if the client hung up.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (&mut self.stream).take(LINE_MAX).read_line(&mut line).await.ok()?;
        line.strip_suffix("\r\n").map(str::to_owned)
    }

    /// Everything up to the lonely dot.
    async fn message(&mut self) -> Option<String> {
        let mut message = String::new();
        for _ in 0..LINES_MAX {
            let line = self.line().await?;
            if line == "." {
                return Some(message);
            }
            message.push_str(line.strip_prefix('.').unwrap_or(&line));
            message.push_str("\r\n");
        }
        None
    }
}
