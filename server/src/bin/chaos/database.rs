//! PostgreSQL as something that dies: all of its processes at once, or its connections, or in an
//! orderly way.

use crate::cluster::Cluster;
use crate::process::signal;
use anyhow::{Context, bail};
use std::fs;
use std::path::Path;
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
        Death::Killed => kill(&cluster.folder),
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
fn kill(folder: &Path) -> anyhow::Result<()> {
    let pid_file = folder.join("data/postmaster.pid");
    let text = fs::read_to_string(&pid_file).context("the database does not run")?;
    let postmaster = text.lines().next().unwrap_or_default().parse().context("not a number")?;
    signal("STOP", &[postmaster])?;
    let mut doomed = children(postmaster)?;
    doomed.push(postmaster);
    signal("KILL", &doomed)?;
    for _ in 0..GONE_LOOKS_MAX {
        if doomed.iter().all(|pid| is_gone(*pid)) {
            // Its successor would believe that a dead process nobody has buried yet still runs.
            fs::remove_file(&pid_file)?;
            return Ok(fs::remove_file(folder.join(".s.PGSQL.5432.lock"))?);
        }
        std::thread::sleep(GONE_PAUSE);
    }
    bail!("the killed database is still there")
}

fn children(parent: u32) -> anyhow::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if fields(pid).is_some_and(|fields| fields.get(1) == Some(&parent.to_string())) {
            found.push(pid);
        }
    }
    Ok(found)
}

/// Gone, or only waiting for its parent to notice.
fn is_gone(pid: u32) -> bool {
    fields(pid).is_none_or(|fields| fields.first().is_some_and(|state| state == "Z"))
}

/// What proc(5) stat says behind the name: state, parent …
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
