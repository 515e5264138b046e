//! One kept-alive HTTP connection and one socket, with as little of the client's own work as possible.

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use shared::live::{ClientFrame, Topic};
use shared::views::OrderStatus;
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// A kept-alive HTTP/1.1 connection.
pub(crate) struct Http {
    requests: SendRequest<Full<Bytes>>,
    host: String,
}

impl Http {
    pub(crate) async fn connect(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
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
        let answer = self.answer(Method::POST, "/api/sign-in", None, body).await?;
        let cookie = answer.headers().get("set-cookie").context("nobody signed us in")?;
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
        let answer = self.answer(method, path, header, body).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    async fn answer(
        &mut self,
        method: Method,
        path: &str,
        header: Option<(&'static str, String)>,
        body: String,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json");
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        self.requests.ready().await?;
        Ok(self.requests.send_request(request.body(Full::new(body.into()))?).await?)
    }
}

/// A socket that watches one view at a time.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
}

/// As much of a server's frame as the client needs.
#[derive(Deserialize)]
struct Pushed {
    #[serde(default)]
    topic: Option<Topic>,
    #[serde(default)]
    view: Option<PushedOrder>,
}

#[derive(Deserialize)]
struct PushedOrder {
    status: OrderStatus,
}

impl Socket {
    /// With the cookie of an owner's session, or an empty text.
    pub(crate) async fn connect(addr: SocketAddr, cookie: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
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

    pub(crate) async fn unwatch(&mut self, topic: &Topic) -> anyhow::Result<()> {
        self.say(&ClientFrame::Unwatch { topic: topic.clone() }).await
    }

    /// Waits until the order is pushed with this status.
    pub(crate) async fn until(&mut self, topic: &Topic, status: OrderStatus) -> anyhow::Result<()> {
        loop {
            let text = self.next().await?;
            let pushed: Pushed = serde_json::from_str(&text).context(text.to_string())?;
            match (pushed.topic, pushed.view) {
                (Some(about), Some(order)) if about == *topic && order.status == status => {
                    return Ok(());
                }
                (Some(about), None) if about == *topic => bail!("refused: {text}"),
                _ => {}
            }
        }
    }

    async fn say(&mut self, frame: &ClientFrame) -> anyhow::Result<()> {
        let text = serde_json::to_string(frame)?;
        self.stream.send(Message::Text(text.into())).await.context("the socket was closed")
    }
}
