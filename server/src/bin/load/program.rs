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

/// Makes `command`, which runs the server, use this folder and database, with the test door open. Without
/// limits one address may play everybody. It dies with its handle; what it logs is added to `log`.
///
/// # Errors
/// The log cannot be written.
pub(crate) fn set_up(
    mut command: Command,
    folder: &Path,
    database_url: &str,
    log: &Path,
    has_limits: bool,
) -> anyhow::Result<Command> {
    let log = fs::OpenOptions::new().create(true).append(true).open(log);
    command
        .env("DATABASE_URL", database_url)
        .env("DATA_DIR", folder)
        .env("PAYMENT_SECRET", PAYMENT_SECRET)
        .env("TEST_DOOR", "1")
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "info".into()))
        .stderr(Stdio::from(log.context("cannot write the server's log")?))
        .kill_on_drop(true);
    if !has_limits {
        command
            .env("COMMANDS_PER_MINUTE", "0")
            .env("SOCKETS_PER_CLIENT", "0")
            .env("CONNECTIONS_PER_CLIENT", "0");
    }
    Ok(command)
}
