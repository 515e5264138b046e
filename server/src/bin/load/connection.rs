//! One kept-alive HTTP connection and one socket, with as little of the client's own work as possible.
//! Part of the load client (`rush.rs`) and of `chaos.rs`.

use anyhow::{Context as _, ensure};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use shared::live::{ClientFrame, Topic};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// What went through all connections of this process, both ways.
pub(crate) static WIRE_BYTES: AtomicU64 = AtomicU64::new(0);

/// A connection that counts what goes through it.
struct Counted(TcpStream);

impl Counted {
    async fn connect(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        WIRE_BYTES.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            WIRE_BYTES.fetch_add(count as u64, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// A whole answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A kept-alive HTTP/1.1 connection.
pub(crate) struct Http {
    requests: SendRequest<Full<Bytes>>,
    host: String,
}

impl Http {
    pub(crate) async fn connect(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = Counted::connect(addr).await?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { requests, host: addr.to_string() })
    }

    pub(crate) async fn get(&mut self, path: &str, token: Option<&str>) -> anyhow::Result<Bytes> {
        let headers = token.map(|token| ("authorization", format!("Bearer {token}")));
        self.send(Method::GET, path, headers, String::new()).await
    }

    /// Signs an owner in; returns the cookie to show from then on.
    pub(crate) async fn sign_in(&mut self, email: &str, code: &str) -> anyhow::Result<String> {
        let body = json!({ "email": email, "access_code": code }).to_string();
        let answer = self.ask(Method::POST, "/api/sign-in", None, body).await?;
        let cookie = answer.headers.get("set-cookie").context("nobody signed us in")?;
        let (pair, _) = cookie.to_str()?.split_once(';').context("a cookie without attributes")?;
        Ok(pair.to_owned())
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        header: Option<(&'static str, String)>,
        body: String,
    ) -> anyhow::Result<Bytes> {
        self.send(Method::POST, path, header, body).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        header: Option<(&'static str, String)>,
        body: String,
    ) -> anyhow::Result<Bytes> {
        let Reply { status, body, .. } = self.ask(method, path, header, body).await?;
        ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Sends JSON, unless the header says what else it is, and reads the whole answer.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        header: Option<(&'static str, String)>,
        body: String,
    ) -> anyhow::Result<Reply> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        if header.as_ref().is_none_or(|(name, _)| *name != "content-type") {
            request = request.header("content-type", "application/json");
        }
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        self.requests.ready().await?;
        let answer = self.requests.send_request(request.body(Full::new(body.into()))?).await?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply { status: head.status, headers: head.headers, body })
    }
}

/// A socket that watches one view at a time.
pub(crate) struct Socket {
    stream: WebSocketStream<Counted>,
}

impl Socket {
    /// With the cookie of an owner's session, or an empty text.
    pub(crate) async fn connect(addr: SocketAddr, cookie: &str) -> anyhow::Result<Self> {
        let stream = Counted::connect(addr).await?;
        let mut request = format!("ws://{addr}/api/live").into_client_request()?;
        request.headers_mut().insert("cookie", cookie.parse()?);
        let (stream, _) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(Self { stream })
    }

    pub(crate) async fn watch(&mut self, topic: &Topic, token: Option<&str>) -> anyhow::Result<()> {
        let token = token.map(str::to_owned);
        self.say(&ClientFrame::Watch { topic: topic.clone(), token }).await
    }

    /// The next frame as it came.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Utf8Bytes> {
        loop {
            let message = self.stream.next().await.context("the socket was closed")??;
            if let Message::Text(text) = message {
                return Ok(text);
            }
        }
    }

    pub(crate) async fn say(&mut self, frame: &ClientFrame) -> anyhow::Result<()> {
        let text = serde_json::to_string(frame)?;
        self.stream.send(Message::Text(text.into())).await.context("the socket was closed")
    }
}
