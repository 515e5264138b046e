//! The server's program beside ours, told where its data is and to let itself be loaded.

use anyhow::{Context, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

pub(crate) const PAYMENT_SECRET: &str = "the load client plays the payment provider";

/// The server that was built together with us.
///
/// # Errors
/// It was not built.
pub(crate) fn path() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("server");
    ensure!(program.exists(), "build the server first: {} is not there", program.display());
    Ok(program)
}

/// Makes `command`, which runs the server, use this folder and database, with the test door open and
/// without limits. It dies with its handle; what it logs is added to `log`.
///
/// # Errors
/// The log cannot be written.
pub(crate) fn set_up(
    mut command: Command,
    folder: &Path,
    database_url: &str,
    log: &Path,
) -> anyhow::Result<Command> {
    let log = fs::OpenOptions::new().create(true).append(true).open(log);
    command
        .env("DATABASE_URL", database_url)
        .env("DATA_DIR", folder)
        .env("PAYMENT_SECRET", PAYMENT_SECRET)
        .env("TEST_DOOR", "1")
        .env("COMMANDS_PER_MINUTE", "0")
        .env("SOCKETS_PER_CLIENT", "0")
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "info".into()))
        .stderr(Stdio::from(log.context("cannot write the server's log")?))
        .kill_on_drop(true);
    Ok(command)
}

/// CPU seconds that a process used so far.
///
/// # Errors
/// It is gone.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    // Fields 14 and 15 of proc(5) stat, in clock ticks of a hundredth of a second.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("an unknown form of stat")?;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
