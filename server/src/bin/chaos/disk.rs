//! A small disk that can be filled: a tmpfs in a mount namespace of our own, so that it is gone when we
//! are, however that comes.

use anyhow::{Context, ensure};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Enough for a scenario; the larger, the longer it takes to fill.
const SIZE: &str = "size=768m";
const CHUNK: usize = 64 * 1024;

/// A command that runs in a mount namespace of its own, in which we may mount: as root by right,
/// otherwise as the root of a namespace of users, where the machine allows it.
///
/// # Errors
/// Why it cannot run here.
pub(crate) fn in_namespace(program: &Path) -> anyhow::Result<Command> {
    let is_root = fs::metadata("/proc/self")?.uid() == 0;
    let flags: &[&str] =
        if is_root { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] };
    let tried = Command::new("unshare")
        .args(flags)
        .args(["sh", "-c", "mount -t tmpfs -o size=1m tmpfs /tmp"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let may = tried.context("unshare is missing")?.success();
    ensure!(may, "this machine lets us mount no tmpfs");
    let mut command = Command::new("unshare");
    command.args(flags).arg(program);
    Ok(command)
}

/// The mounted folder.
pub(crate) struct Disk {
    folder: PathBuf,
    filler: PathBuf,
}

impl Disk {
    /// Mounts a tmpfs on an empty folder.
    pub(crate) fn mount(folder: &Path) -> anyhow::Result<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder);
        ensure!(mount.status().context("mount is missing")?.success(), "cannot mount a tmpfs");
        Ok(Self { folder: folder.to_owned(), filler: folder.join("filler") })
    }

    /// Fills it to the last byte, except so many.
    pub(crate) fn fill(&self, spare: u64) -> anyhow::Result<()> {
        let mut file = File::create(&self.filler)?;
        let chunk = vec![7; CHUNK];
        let mut length = 0;
        while let Ok(written @ 1..) = file.write(&chunk) {
            length += written as u64;
        }
        file.set_len(length.saturating_sub(spare)).context("cannot give some bytes back")
    }

    pub(crate) fn make_room(&self) -> anyhow::Result<()> {
        fs::remove_file(&self.filler).context("the disk was not full")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The namespace ends with us, and with it the mount.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}
