//! A server that was started: where it listens, and what it keeps in memory.

use anyhow::Context;
use std::fs;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// Where it listens, once it says so on its standard output.
///
/// # Errors
/// It stopped before.
pub(crate) async fn address(server: &mut Child) -> anyhow::Result<SocketAddr> {
    let output = server.stdout.take().context("no output")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(addr) = line.strip_prefix("listening on http://") {
            return addr.parse().context("not an address");
        }
    }
    anyhow::bail!("the server stopped before it listened")
}

/// One of its figures in proc(5) status, in megabytes: `VmRSS:` is its memory now, `VmHWM:` its peak.
///
/// # Errors
/// It is gone.
pub(crate) fn memory_mb(server: &Child, figure: &str) -> anyhow::Result<f64> {
    let pid = server.id().context("the server is gone; see its log")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(figure));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")).context("no such figure")?;
    Ok(kib.trim().parse::<f64>()? * 1_024.0 / 1e6)
}
