//! PostgreSQL as something that dies: all of its processes at once, or its connections, or in an
//! orderly way.

use crate::cluster::Cluster;
use crate::process::signal;
use anyhow::{Context, bail};
use std::fs;
use std::time::Duration;

/// Options of the cluster. Durable as in production; without `fsync` what a killed process has written
/// is still there, and only a loss of power would show a difference.
pub(crate) fn settings(fsync: bool) -> String {
    let fsync = if fsync { "on" } else { "off" };
    format!("-c max_connections=60 -c synchronous_commit=on -c fsync={fsync}")
}
/// How often it is asked whether killed processes are gone, and with which pauses.
const GONE_LOOKS_MAX: u32 = 1_000;
const GONE_PAUSE: Duration = Duration::from_millis(2);

/// How the database is taken away.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death {
    /// SIGKILL to the postmaster and all its children.
    Killed,
    Immediate,
    Fast,
}

impl Death {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Killed => "database killed",
            Self::Immediate => "database stopped at once",
            Self::Fast => "database stopped in order",
        }
    }
}

/// Takes the database away; `Cluster::resume` brings it back.
pub(crate) fn take_away(cluster: &Cluster, death: Death) -> anyhow::Result<()> {
    match death {
        Death::Killed => kill(cluster),
        Death::Immediate => {
            cluster.stop("immediate");
            Ok(())
        }
        Death::Fast => {
            cluster.stop("fast");
            Ok(())
        }
    }
}

/// First the postmaster is held, so that it cannot start more of them meanwhile.
fn kill(cluster: &Cluster) -> anyhow::Result<()> {
    let postmaster = cluster.processes().pop().context("the database does not run")?;
    signal("STOP", &[postmaster])?;
    let doomed = cluster.processes();
    signal("KILL", &doomed)?;
    for _ in 0..GONE_LOOKS_MAX {
        if doomed.iter().all(|process| is_gone(process)) {
            // Its successor would believe that a dead process nobody has buried yet still runs.
            fs::remove_file(cluster.folder.join("data/postmaster.pid"))?;
            return Ok(fs::remove_file(cluster.folder.join(".s.PGSQL.5432.lock"))?);
        }
        std::thread::sleep(GONE_PAUSE);
    }
    bail!("the killed database is still there")
}

/// Gone, or only waiting for its parent to notice.
fn is_gone(process: &str) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}
