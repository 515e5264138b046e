//! What stands before several servers: takes connections and hands each to one that says it is ready.
//!
//! When one does not say so any more, it gets no new connections. Those it has are cut, so that nobody
//! waits for it; or kept until it ends them itself, where it leaves in order. Not here: what else a
//! reverse proxy does; `tools/cluster` uses a real one.

use crate::world::is_ready;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// How often each server is asked, and how long it may think about the answer.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ANSWERS_WITHIN: Duration = Duration::from_millis(400);

/// What becomes of the connections of a server that is not ready any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Cut,
    Kept,
}

pub(crate) struct Balancer {
    pub(crate) addr: SocketAddr,
    servers: Servers,
    _accepting: AbortOnDropHandle<()>,
}

type Servers = Arc<Mutex<Vec<Known>>>;

/// A server, and whoever asks it.
struct Known {
    server: Arc<Server>,
    _asking: AbortOnDropHandle<()>,
}

/// One of the servers.
struct Server {
    addr: SocketAddr,
    is_ready: watch::Sender<bool>,
}

impl Balancer {
    /// Listens on a free port, for nobody yet.
    pub(crate) async fn start(held: Held) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let servers = Servers::default();
        let all = servers.clone();
        let accepting = tokio::spawn(async move {
            let turn = AtomicUsize::new(0);
            while let Ok((client, _)) = listener.accept().await {
                let first = turn.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(hand_over(client, in_turn(&all, first), held));
            }
        });
        Ok(Self { addr, servers, _accepting: AbortOnDropHandle::new(accepting) })
    }

    /// From now on this one is asked, and gets its share when it is ready.
    pub(crate) fn add(&self, addr: SocketAddr) {
        let server = Arc::new(Server { addr, is_ready: watch::Sender::new(false) });
        let asked = server.clone();
        let asking = tokio::spawn(async move { asked.ask_for_ever().await });
        let known = Known { server, _asking: AbortOnDropHandle::new(asking) };
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).push(known);
    }

    /// Waits until this one gets its share.
    pub(crate) async fn until_ready(&self, addr: SocketAddr) {
        let known = in_turn(&self.servers, 0).into_iter().find(|server| server.addr == addr);
        if let Some(server) = known {
            let _ = server.is_ready.subscribe().wait_for(|is_ready| *is_ready).await;
        }
    }

    /// This one is gone for good.
    pub(crate) fn forget(&self, addr: SocketAddr) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        servers.retain(|known| known.server.addr != addr);
    }
}

impl Server {
    async fn ask_for_ever(&self) {
        loop {
            let answers = tokio::time::timeout(ANSWERS_WITHIN, is_ready(self.addr)).await;
            self.is_ready.send_if_modified(|known| {
                std::mem::replace(known, answers == Ok(true)) != (answers == Ok(true))
            });
            tokio::time::sleep(ASK_EVERY).await;
        }
    }
}

fn in_turn(servers: &Servers, first: usize) -> Vec<Arc<Server>> {
    let servers = servers.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all: Vec<_> = servers.iter().map(|known| known.server.clone()).collect();
    let count = all.len().max(1);
    all.rotate_left(first % count);
    all
}

/// Carries bytes to the first of the servers that is ready, until one side ends.
async fn hand_over(mut client: TcpStream, servers: Vec<Arc<Server>>, held: Held) {
    for server in servers.iter().filter(|server| *server.is_ready.borrow()) {
        let Ok(mut stream) = TcpStream::connect(server.addr).await else { continue };
        let (_, _) = (client.set_nodelay(true), stream.set_nodelay(true));
        let mut health = server.is_ready.subscribe();
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut stream) => {}
            _ = health.wait_for(|is_ready| !is_ready), if held == Held::Cut => {}
        }
        return;
    }
}
