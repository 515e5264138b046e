//! The server under load: a release build in a process of its own, on a free port, with its own data.

use crate::connection::Http;
use crate::program::{self, PAYMENT_SECRET};
use crate::{figures, running};
use anyhow::{Context, bail};
use server::payment_gateway::PaymentGateway;
use server::store::sqlite_url;
use shared::OrderId;
use shared::live::{Snapshot, View};
use shared::views::{ConferenceView, OrderView};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use uuid::Uuid;

pub(crate) struct Target {
    pub(crate) addr: SocketAddr,
    pub(crate) gateway: PaymentGateway,
    /// Makes slugs unique when a database is used twice.
    pub(crate) run: String,
    /// The database, where it is a file.
    file: Option<PathBuf>,
    server: Child,
    folder: TempDir,
}

/// How we and the server were built.
pub(crate) const PROFILE: &str =
    if cfg!(debug_assertions) { "debug build" } else { "release build" };

impl Target {
    pub(crate) async fn start(database_url: Option<&str>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let sqlite = sqlite_url(&folder.path().join("contoso.db"));
        let url = database_url.unwrap_or(&sqlite);
        let command = Command::new(program::path()?);
        let log = folder.path().join("server.log");
        let mut command = program::set_up(command, folder.path(), url, &log, false)?;
        let mut server = command
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let addr = running::address(&mut server).await?;
        let file = url.strip_prefix("sqlite:").map(PathBuf::from);
        Ok(Self {
            addr,
            gateway: PaymentGateway::new(&format!("http://{addr}"), PAYMENT_SECRET.as_bytes()),
            file,
            run: Uuid::new_v4().simple().to_string()[..8].to_owned(),
            server,
            folder,
        })
    }

    /// A conference as its page shows it.
    pub(crate) async fn conference(&self, slug: &str) -> anyhow::Result<ConferenceView> {
        let mut http = Http::connect(self.addr).await?;
        let body = http.get(&format!("/api/views/conference/{slug}"), None).await?;
        match serde_json::from_slice::<Snapshot>(&body)?.view {
            View::Conference(view) => Ok(view),
            _ => bail!("not a conference"),
        }
    }

    /// CPU seconds the server used so far.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        figures::cpu_seconds(self.server.id().context("the server is gone; see its log")?)
    }

    /// Bytes of the database without its log, where it is a file.
    pub(crate) fn database_bytes(&self) -> Option<u64> {
        fs::metadata(self.file.as_ref()?).ok().map(|about| about.len())
    }

    /// Memory of the server and bytes on disk.
    pub(crate) fn summary(&self) -> anyhow::Result<String> {
        let bytes = size_of(self.folder.path())?;
        let memory = self.memory_mb("VmRSS:")?;
        Ok(format!("server memory {memory:.1} MB; its folder {:.1} MB", bytes as f64 / 1e6))
    }

    /// One of the server's figures; see [`running::memory_mb`].
    pub(crate) fn memory_mb(&self, figure: &str) -> anyhow::Result<f64> {
        running::memory_mb(&self.server, figure)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.server.kill().await.context("the server was gone already")
    }
}

/// An order as its registrant sees it.
pub(crate) async fn read_order(
    http: &mut Http,
    slug: &str,
    order_id: OrderId,
    token: &str,
) -> anyhow::Result<OrderView> {
    let body = http.get(&format!("/api/views/order/{slug}/{order_id}"), Some(token)).await?;
    match serde_json::from_slice::<Snapshot>(&body)?.view {
        View::Order(view) => Ok(view),
        _ => bail!("not an order"),
    }
}

fn size_of(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // The server goes on working: a log file may vanish between being listed and being asked.
        let Ok(about) = entry.metadata() else { continue };
        bytes += if about.is_dir() { size_of(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}
