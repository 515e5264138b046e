//! One connection from an address of our choice; this machine has sixteen million of its own.

use anyhow::{Context, bail};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Whoever attacks, unless it takes many.
pub(crate) const ATTACKER: Ipv4Addr = Ipv4Addr::LOCALHOST;

pub(crate) struct Line {
    pub(crate) stream: TcpStream,
    heard: Vec<u8>,
}

impl Line {
    pub(crate) async fn open(from: Ipv4Addr, to: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, heard: Vec::new() })
    }

    /// The same, with next to no room for what the other side sends.
    pub(crate) async fn open_narrow(from: Ipv4Addr, to: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        socket.set_recv_buffer_size(4_096)?;
        Ok(Self { stream: socket.connect(to).await?, heard: Vec::new() })
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Sends a request and hears its answer: the status and the body.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        self.say(request).await?;
        self.hear().await
    }

    pub(crate) async fn hear(&mut self) -> anyhow::Result<(u16, Vec<u8>)> {
        loop {
            if let Some(end) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8(self.heard.drain(..end + 4).collect())?;
                let status = head.get(9..12).context("no status")?.parse()?;
                let length = head
                    .lines()
                    .find_map(|line| {
                        line.to_lowercase().strip_prefix("content-length: ")?.parse().ok()
                    })
                    .unwrap_or(0_usize);
                while self.heard.len() < length {
                    self.more().await?;
                }
                return Ok((status, self.heard.drain(..length).collect()));
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.heard).await? == 0 {
            bail!("hung up");
        }
        Ok(())
    }
}

pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

pub(crate) fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
