//! The secret of a server that was given none: made once and kept beside the data.

use crate::new_file;
use anyhow::{Context, bail};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// A secret that somebody chose has as many or more.
pub(super) const BYTES: usize = 32;

/// The secret in `data_dir`, made when there is none.
///
/// # Errors
/// It cannot be read or written, or is too short to be one: a new one would make void what was mailed, so
/// somebody has to decide.
pub(super) fn read_or_make(data_dir: &Path) -> anyhow::Result<Vec<u8>> {
    let path = data_dir.join("secret.key");
    match fs::read(&path) {
        Ok(secret) if BYTES <= secret.len() => Ok(secret),
        Ok(secret) => bail!(
            "{} has {} bytes, not {BYTES}: put the right one back, or remove it, which makes void every \
             code and link that was mailed",
            path.display(),
            secret.len()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => make(&path),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn make(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = || format!("cannot write {}", path.display());
    if let Some(data_dir) = path.parent() {
        fs::create_dir_all(data_dir).with_context(name)?;
    }
    let mut secret = vec![0; BYTES];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut unfinished = new_file::begin(path).with_context(name)?;
    unfinished.write_all(&secret).with_context(name)?;
    match new_file::finish(unfinished, path) {
        Ok(()) => Ok(secret),
        // Another server of this folder was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        }
        Err(error) => Err(error).with_context(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    #[test]
    fn a_secret_is_made_once_and_only_we_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let made: Vec<_> = thread::scope(|scope| {
            let servers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| read_or_make(&data_dir).unwrap())).collect();
            servers.into_iter().map(|server| server.join().unwrap()).collect()
        });
        assert_eq!(made[0].len(), BYTES);
        assert!(made.iter().all(|secret| *secret == made[0]));
        assert_eq!(read_or_make(&data_dir).unwrap(), made[0]);
        let files: Vec<_> = fs::read_dir(&data_dir).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_secret_that_was_cut_off_is_not_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.key");
        for bytes in [0, BYTES - 1] {
            fs::write(&path, vec![7; bytes]).unwrap();
            let refused = read_or_make(folder.path()).unwrap_err().to_string();
            assert!(refused.contains(&format!("has {bytes} bytes, not 32")), "{refused}");
            assert_eq!(fs::read(&path).unwrap().len(), bytes);
        }
    }
}
