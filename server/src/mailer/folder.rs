//! Mails as files, for whoever sends them on: each is there whole, under its name and durable, or not at
//! all.
//!
//! Not here: when a mail leaves us by SMTP instead (`transport.rs`).

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A folder that many threads write mails into at once.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// How many files have got their name. Threads that change one folder at once keep the processor busy
    /// waiting for each other: here they sleep. For the disk, which takes longest, they all wait together.
    named: Mutex<u64>,
    /// How many of these names are durable.
    durable: Mutex<u64>,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, named: Mutex::new(0), durable: Mutex::new(0) }
    }

    /// Writes over a file of the same name. Waits for the disk, so it wants a thread to itself.
    ///
    /// # Errors
    /// The disk failed; then there may be a file under the name, and it is whole.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.path.join(format!(".{name}.unfinished"));
        self.create(&unfinished, bytes)?.sync_all()?;
        let place = self.rename(&unfinished, &self.path.join(name))?;
        self.make_durable(place)
    }

    fn create(&self, file: &Path, bytes: &[u8]) -> io::Result<File> {
        let _alone = lock(&self.named);
        fs::create_dir_all(&self.path)?;
        let mut file = File::create(file)?;
        file.write_all(bytes)?;
        Ok(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<u64> {
        let mut named = lock(&self.named);
        fs::rename(from, to)?;
        *named += 1;
        Ok(*named)
    }

    /// A name is durable only when its folder is. Whoever waits while the folder is on its way to the disk
    /// finds that the next one has taken all names along.
    fn make_durable(&self, place: u64) -> io::Result<()> {
        let mut durable = lock(&self.durable);
        if *durable < place {
            let named = *lock(&self.named);
            File::open(&self.path)?.sync_all()?;
            *durable = named;
        }
        Ok(())
    }
}

/// Both are plain numbers, so a panic elsewhere while one was locked has not broken it.
fn lock(number: &Mutex<u64>) -> MutexGuard<'_, u64> {
    number.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn many_threads_write_whole_files_and_leave_nothing_else() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::new(parent.path().join("mails"));
        thread::scope(|scope| {
            for thread in 0..8 {
                let folder = &folder;
                scope.spawn(move || {
                    for mail in 0..8 {
                        let text = format!("mail {mail} of {thread}").repeat(1_000);
                        folder.write(&format!("{thread}-{mail}.eml"), text.as_bytes()).unwrap();
                    }
                });
            }
        });
        let files: Vec<_> = fs::read_dir(&folder.path).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 64);
        for file in files {
            let name = file.file_name().into_string().unwrap();
            let (thread, mail) = name.strip_suffix(".eml").unwrap().split_once('-').unwrap();
            let text = fs::read_to_string(file.path()).unwrap();
            assert_eq!(text, format!("mail {mail} of {thread}").repeat(1_000));
        }
        assert_eq!((*lock(&folder.named), *lock(&folder.durable)), (64, 64));
    }

    #[test]
    fn what_is_written_again_replaces_what_was_there() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::new(parent.path().to_owned());
        for text in ["once", "twice"] {
            folder.write("mail.eml", text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(parent.path().join("mail.eml")).unwrap(), text);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error_and_no_durable_name() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "in the way").unwrap();
        let folder = Folder::new(file);
        assert!(folder.write("mail.eml", b"text").is_err());
        assert_eq!(*lock(&folder.durable), 0);
    }
}
