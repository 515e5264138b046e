//! The server that things are done to: started, killed, stopped for a while, started again, always at
//! the same address with the same data.

use crate::program;
use crate::world::World;
use anyhow::{Context, bail, ensure};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tokio::process::{Child, Command};

/// A server that was asked to stop is given this long.
const STOP_MAX: Duration = Duration::from_secs(30);
/// Ports that no system gives to somebody who only wants to go out: otherwise one of our own
/// connections could sit on the address while nobody listens there.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// Lines of the log that are shown when something is wrong.
const LOG_LINES: usize = 20;

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) folder: PathBuf,
    pub(crate) database_url: String,
    /// Of another release; `None`: the one that was built together with us.
    pub(crate) program: Option<PathBuf>,
    /// Settings of its own.
    pub(crate) settings: Vec<(&'static str, String)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Server {
    pub(crate) fn new(folder: &Path, database_url: &str, log: PathBuf) -> anyhow::Result<Self> {
        let addr = free_address()?;
        let (folder, database_url) = (folder.to_owned(), database_url.to_owned());
        let (program, settings) = (None, Vec::new());
        Ok(Self { addr, folder, database_url, program, settings, log, child: None })
    }

    /// Starts it; from now on the world waits for it.
    pub(crate) fn start(&mut self, world: &World) -> anyhow::Result<()> {
        world.begin_anew();
        self.start_among_others(world)
    }

    /// Starts it; nobody has to wait for it.
    pub(crate) fn start_among_others(&mut self, world: &World) -> anyhow::Result<()> {
        let program = self.program.clone().map_or_else(program::path, Ok)?;
        let command = Command::new(program);
        let mut command =
            program::set_up(command, &self.folder, &self.database_url, &self.log, false)?;
        command
            .env("LISTEN_ADDR", self.addr.to_string())
            .env("TEST_CLOCK_AHEAD_MS", world.ahead_ms().to_string())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        self.child = Some(command.spawn().context("cannot start the server")?);
        Ok(())
    }

    /// Kills it in whatever it is doing, and waits until it is gone.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("the server does not run")?;
        if let Some(status) = child.try_wait()? {
            bail!("the server had stopped by itself ({status}):\n{}", self.last_words());
        }
        child.kill().await.context("the server cannot be killed")
    }

    /// Lets it stop in an orderly way.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        self.signal("TERM")?;
        let mut child = self.child.take().context("the server does not run")?;
        let stopped = tokio::time::timeout(STOP_MAX, child.wait()).await;
        let status = stopped.context("the server does not stop")??;
        ensure!(status.success(), "the server stopped with {status}:\n{}", self.last_words());
        Ok(())
    }

    /// `STOP`, `CONT` or `TERM`.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        signal(name, &[self.pid()?.to_string()])
    }

    /// Lets it open this many files from now on, those that are open already included.
    pub(crate) fn limit_files(&self, files: u32) -> anyhow::Result<()> {
        let mut prlimit = std::process::Command::new("prlimit");
        prlimit.arg("--pid").arg(self.pid()?.to_string()).arg(format!("--nofile={files}:"));
        ensure!(prlimit.status().context("prlimit is missing")?.success(), "no limit can be set");
        Ok(())
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.child.as_ref().and_then(Child::id).context("the server does not run")
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

/// Sends a signal to processes that we started.
pub(crate) fn signal(name: &str, pids: &[String]) -> anyhow::Result<()> {
    let mut kill = std::process::Command::new("sh");
    kill.arg("-c").arg(format!("kill -{name} {}", pids.join(" "))).stderr(Stdio::null());
    let status = kill.status().context("a shell")?;
    ensure!(status.success(), "cannot send {name} to {}", pids.join(", "));
    Ok(())
}

/// An address on which nobody listens.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    // Nobody listens yet on those that were given out before.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).unwrap_or(0);
    for _ in 0..2_000 {
        let number = NEXT.fetch_add(1, Ordering::Relaxed) % 2_000;
        let port = PORTS.start + (start + number * 7) % (PORTS.end - PORTS.start);
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        if TcpListener::bind(addr).is_ok() {
            return Ok(addr);
        }
    }
    bail!("no port is free")
}
