//! A new file that is there whole, durable and readable only by us, or not there at all.
//!
//! Not here: files that are written over (`mailer/folder.rs`) or added to (`simulated_provider/journal.rs`).

use std::fs::File;
use std::io;
use std::path::Path;
use tempfile::NamedTempFile;

/// Somewhere to write what will be `file`, beside it. Removed when it is dropped before it is finished.
///
/// # Errors
/// The folder is not there or cannot be written to.
pub(crate) fn begin(file: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder_of(file))
}

/// Gives what was written its name.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when there is such a file, which stays as it is; or the disk failed.
pub(crate) fn finish(unfinished: NamedTempFile, file: &Path) -> io::Result<()> {
    unfinished.as_file().sync_all()?;
    unfinished.persist_noclobber(file).map_err(|refused| refused.error)?;
    // A name is durable only when its folder is.
    File::open(folder_of(file))?.sync_all()
}

fn folder_of(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
