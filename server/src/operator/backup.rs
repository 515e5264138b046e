//! `backup`, and how its file is read again: whole or not there. A header, the rows, a checksum over both.
//!
//! Not here: what a line is (`store/copy.rs`), what follows when it was read (`restore.rs`). Not in the file: `secret.key`, without which codes, links
//! and tickets that were mailed open nothing any more; it is kept apart, as a key should be.

use super::{Out, Outcome, instant};
use crate::clock::Clock;
use crate::new_file;
use crate::store::Store;
use crate::store::copy::{About, Header};
use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    /// Of every byte before this line.
    sha256: String,
}

/// Writes, and sums up what it wrote.
struct Summing<W> {
    to: W,
    sum: Sha256,
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The file appears under its name when it is complete and on the disk, readable only by us; until then
/// it is a temporary one beside it, which a failure removes.
pub(super) async fn backup(
    store: &Store,
    file: &Path,
    clock: &Clock,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    if file.exists() {
        writeln!(out, "{} is there already; nothing was written.", file.display())?;
        return Ok(Outcome::Wrong);
    }
    let header = write(store, file, clock).await?;
    let bytes = file.metadata()?.len();
    let (rows, at) = (header.rows(), instant(header.taken_at));
    writeln!(out, "{}: {rows} rows of {at}, {bytes} bytes.", file.display())?;
    writeln!(out, "Keep secret.key, too: without it, codes and links that were mailed are void.")?;
    Ok(Outcome::Fine)
}

/// Writes the file, whole and on the disk, or not at all.
pub(super) async fn write(store: &Store, file: &Path, clock: &Clock) -> anyhow::Result<Header> {
    let name = || format!("cannot write {}", file.display());
    let unfinished = new_file::begin(file).with_context(name)?;
    let mut to = Summing { to: BufWriter::new(unfinished), sum: Sha256::new() };
    let about = About { release: env!("CARGO_PKG_VERSION"), taken_at: clock.now().0 };
    let header = store.copy_out(about, &mut to).await?;
    let Summing { mut to, sum } = to;
    let footer = Footer { sha256: hex(&sum.finalize()) };
    writeln!(to, "{}", serde_json::to_string(&footer)?)?;
    let unfinished = to.into_inner().context("cannot write the copy")?;
    new_file::finish(unfinished, file).with_context(name)?;
    Ok(header)
}

/// Fills an empty database from a copy, all or nothing; says what was copied.
pub(super) async fn read(url: &str, file: &Path) -> anyhow::Result<Header> {
    let mut reader = Reader::open(file)?;
    let header = reader.header()?;
    Store::copy_in(url, &header, &mut reader).await?;
    Ok(header)
}

/// Reads line by line, and says at the end whether the sum was right.
pub(super) struct Reader {
    from: BufReader<File>,
    sum: Sha256,
    /// `None` until the header was read.
    rows_left: Option<u64>,
}

impl Reader {
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let from = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self { from: BufReader::new(from), sum: Sha256::new(), rows_left: None })
    }

    pub(super) fn header(&mut self) -> anyhow::Result<Header> {
        let line = self.line()?;
        let header: Header = serde_json::from_str(&line).context("this is no copy of ours")?;
        ensure!(header.format == Header::FORMAT, "this release cannot read {}", header.format);
        self.rows_left = Some(header.rows());
        Ok(header)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line).context("cannot read the copy")?;
        ensure!(line.ends_with('\n'), "the file ends too early");
        self.sum.update(&line);
        line.pop();
        Ok(line)
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        let sum = hex(&std::mem::take(&mut self.sum).finalize());
        let footer: Footer =
            serde_json::from_str(&self.line()?).context("the checksum is missing")?;
        if footer.sha256 != sum {
            bail!("the file was changed: its checksum is {sum}, not {}", footer.sha256);
        }
        ensure!(self.from.fill_buf()?.is_empty(), "the file goes on behind its end");
        Ok(())
    }
}

impl Iterator for Reader {
    type Item = anyhow::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.rows_left {
            Some(left @ 1..) => {
                *left -= 1;
                Some(self.line())
            }
            _ => self.finish().err().map(Err),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
