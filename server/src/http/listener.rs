//! The door itself: takes connections in, and stays open when the machine has no files left for more.
//!
//! Not here: what is served on them (`http.rs`).

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};
use tracing::{debug, error};

/// Pause after a connection could not be taken in: files come back when others close, and those who
/// wait at the door should not wait for us. In a tight circle it would use up a core.
const PAUSE: Duration = Duration::from_millis(50);
/// The log hears of it once in this time.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Takes connections in.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    told_at: Option<Instant>,
}

impl Listener {
    #[must_use]
    pub const fn new(inner: TcpListener) -> Self {
        Self { inner, told_at: None }
    }

    /// Nobody reads a log that says the same twenty times a second.
    fn tell(&mut self, error: &io::Error) {
        if self.told_at.is_none_or(|at| TOLD_EVERY <= at.elapsed()) {
            error!(%error, "Cannot take a connection in");
            self.told_at = Some(Instant::now());
        }
    }
}

impl axum::serve::Listener for Listener {
    type Io = TcpStream;
    type Addr = SocketAddr;

    #[expect(clippy::disallowed_methods, reason = "nothing tells when a file comes free")]
    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.inner.accept().await {
                Ok((stream, peer)) => {
                    // Pushes are small and must not wait for the acknowledgement of the one before.
                    if let Err(error) = stream.set_nodelay(true) {
                        debug!(%error, "Cannot set TCP_NODELAY");
                    }
                    return (stream, peer);
                }
                // Whoever came is gone again; the next one is not to blame.
                Err(error) if is_about_the_peer(&error) => {}
                Err(error) => {
                    self.tell(&error);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Self(*stream.remote_addr())
    }
}

fn is_about_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
