//! The payment provider of the rehearsal: in our own process, because it is somebody else's house and
//! outlives every server.

use crate::program::PAYMENT_SECRET;
use anyhow::Context;
use server::clock::Clock;
use server::simulated_provider::{self, SimulatedProvider};
use shared::Timestamp;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

pub(crate) struct Provider {
    pub(crate) addr: SocketAddr,
    /// What it did.
    pub(crate) journal: PathBuf,
    clock: Clock,
    _serving: AbortOnDropHandle<()>,
}

impl Provider {
    /// Tells its callbacks to whoever answers at `house`.
    pub(crate) async fn open(folder: &Path, house: SocketAddr) -> anyhow::Result<Self> {
        let journal = folder.join("provider.jsonl");
        let clock = Clock::shifted(0);
        let callbacks = format!("http://{house}/api/payment-callbacks");
        let key = PAYMENT_SECRET.as_bytes();
        let provider = SimulatedProvider::open(&journal, key, callbacks, clock.clone())?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port is free")?;
        let addr = listener.local_addr()?;
        let router = simulated_provider::router(provider);
        let serving = tokio::spawn(async move {
            // It ends with its handle.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { addr, journal, clock, _serving: AbortOnDropHandle::new(serving) })
    }

    /// Signatures have a time, so its clock goes with everybody's.
    pub(crate) fn set_clock(&self, now: Timestamp) {
        let _ = self.clock.set(now);
    }
}
