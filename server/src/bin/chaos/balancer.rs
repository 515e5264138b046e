//! What stands before several servers: takes connections and hands each to one that says it is ready.
//! When one does not say so any more, its connections are cut, so that nobody waits for it.
//!
//! Not here: what else a reverse proxy does; `tools/cluster` uses a real one.

use crate::world::is_ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// How often each server is asked, and how long it may think about the answer.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ANSWERS_WITHIN: Duration = Duration::from_millis(400);

pub(crate) struct Balancer {
    pub(crate) addr: SocketAddr,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

/// One of the servers.
struct Server {
    addr: SocketAddr,
    is_ready: watch::Sender<bool>,
}

impl Balancer {
    /// Listens on a free port.
    pub(crate) async fn start(servers: &[SocketAddr]) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let servers: Arc<[Server]> = servers
            .iter()
            .map(|addr| Server { addr: *addr, is_ready: watch::Sender::new(false) })
            .collect();
        let mut tasks = Vec::new();
        for number in 0..servers.len() {
            let servers = servers.clone();
            tasks.push(AbortOnDropHandle::new(tokio::spawn(async move {
                servers[number].ask_for_ever().await;
            })));
        }
        let accepting = tokio::spawn(async move {
            let turn = AtomicUsize::new(0);
            while let Ok((client, _)) = listener.accept().await {
                let first = turn.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(hand_over(client, servers.clone(), first));
            }
        });
        tasks.push(AbortOnDropHandle::new(accepting));
        Ok(Self { addr, _tasks: tasks })
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

/// Carries bytes to the next server that is ready, until one side ends or the server is not.
async fn hand_over(mut client: TcpStream, servers: Arc<[Server]>, first: usize) {
    let in_turn = (0..servers.len()).map(|number| &servers[(first + number) % servers.len()]);
    for server in in_turn.filter(|server| *server.is_ready.borrow()) {
        let Ok(mut stream) = TcpStream::connect(server.addr).await else { continue };
        let (_, _) = (client.set_nodelay(true), stream.set_nodelay(true));
        let mut health = server.is_ready.subscribe();
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut stream) => {}
            _ = health.wait_for(|is_ready| !is_ready) => {}
        }
        return;
    }
}
