//! `migrate-store`: everything from one database into an empty one of either kind, then both are read
//! once more and must tell the same story.
//!
//! Not here: what a line is (`store/copy.rs`).

use super::verify::{Scope, verify};
use super::{Out, Outcome, backup};
use crate::clock::Clock;
use crate::store::Store;
use crate::store::copy::{About, Counted, Header};
use anyhow::{Context, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::io::{self, Write};

/// What a copy says of a table.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    name: String,
    rows: u64,
    /// Of all rows, in whichever order they came: the sums of their hashes' quarters.
    sum: [u64; 4],
}

/// The source must not be written meanwhile: what came later would be left behind. A file of SQLite is
/// kept from servers until this is done; whoever moves away from PostgreSQL stops them first.
pub(super) async fn migrate(
    from: &str,
    to: &str,
    clock: &Clock,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    ensure!(from != to, "the database cannot be moved to where it is");
    let source = Store::open(from).await.context("cannot open the database")?;
    let moved = copy(&source, to, clock, out).await;
    source.close().await;
    moved
}

async fn copy(source: &Store, to: &str, clock: &Clock, out: Out<'_>) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join("copy");
    let header = backup::write(source, &file, clock).await?;
    backup::read(to, &file).await.context("nothing was moved")?;
    let target = Store::open_beside(to).await.context("cannot open the new database")?;
    writeln!(out, "{} rows were copied.", header.rows())?;
    let differing = differences(source, &target).await?;
    for table in &differing {
        writeln!(out, "The two databases differ in {table}.")?;
    }
    let outcome = verify(&target, clock, Scope::STOPPED, out).await;
    target.close().await;
    if !differing.is_empty() || outcome? == Outcome::Wrong {
        writeln!(out, "Go on with the old database; the new one is not to be used.")?;
        return Ok(Outcome::Wrong);
    }
    writeln!(
        out,
        "Both tell the same story. Start servers with the new DATABASE_URL from now on."
    )?;
    Ok(Outcome::Fine)
}

/// The tables that do not hold the same rows in both databases.
pub(super) async fn differences(one: &Store, other: &Store) -> anyhow::Result<Vec<String>> {
    let (one, other) = (story(one).await?, story(other).await?);
    ensure!(one.len() == other.len(), "they have other tables");
    let differing = one.into_iter().zip(other).filter(|(one, other)| one != other);
    Ok(differing.map(|(one, _)| one.name).collect())
}

async fn story(store: &Store) -> anyhow::Result<Vec<Told>> {
    let mut listener = Listener::default();
    let about = About { release: env!("CARGO_PKG_VERSION"), taken_at: 0 };
    store.copy_out(about, &mut listener).await?;
    ensure!(listener.coming.iter().all(|table| table.rows == 0), "a copy ended too early");
    Ok(listener.told)
}

/// Reads a copy while it is written, and remembers the sums.
#[derive(Default)]
struct Listener {
    /// The beginning of a line.
    line: Vec<u8>,
    /// Tables whose rows are still to come, the next one first.
    coming: VecDeque<Counted>,
    told: Vec<Told>,
}

impl Listener {
    fn hear(&mut self, line: &[u8]) -> anyhow::Result<()> {
        if self.told.is_empty() {
            let header: Header = serde_json::from_slice(line)?;
            let told = |table: &Counted| Told { name: table.name.clone(), rows: 0, sum: [0; 4] };
            self.told = header.tables.iter().map(told).collect();
            self.coming = header.tables.into();
            return Ok(());
        }
        while self.coming.front().is_some_and(|table| table.rows == 0) {
            self.coming.pop_front();
        }
        let table = self.coming.front_mut().context("a row too many")?;
        table.rows -= 1;
        let place = self.told.len() - self.coming.len();
        // Two databases write the same values with other spaces.
        let values: Vec<Value> = serde_json::from_slice(line)?;
        let hash = Sha256::digest(serde_json::to_vec(&values)?);
        let told = &mut self.told[place];
        told.rows += 1;
        for (sum, quarter) in told.sum.iter_mut().zip(hash.chunks_exact(8)) {
            let quarter = quarter.try_into().map_or(0, u64::from_be_bytes);
            *sum = sum.wrapping_add(quarter);
        }
        Ok(())
    }
}

impl Write for Listener {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.hear(&line).map_err(io::Error::other)?;
            } else {
                self.line.push(*byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Vec<Told> {
        let header = r#"{"format":"contoso-backup-1","release":"1","migration":1,"taken_at":0,
            "tables":[{"name":"none","columns":["a"],"rows":0},{"name":"two","columns":["a","b"],"rows":2}]}"#;
        let mut listener = Listener::default();
        writeln!(listener, "{}", header.replace('\n', " ")).unwrap();
        for line in lines {
            writeln!(listener, "{line}").unwrap();
        }
        listener.told
    }

    #[test]
    fn order_and_spaces_do_not_matter_and_values_do() {
        let one = heard(&[r#"["x", 1]"#, r#"["y",2]"#]);
        assert_eq!(one, heard(&[r#"["y", 2]"#, r#"["x",1]"#]));
        assert_eq!(one.iter().map(|told| told.rows).collect::<Vec<_>>(), [0, 2]);
        for other in [r#"["y",3]"#, r#"["y","2"]"#, r#"["y",null]"#, r#"["x",1]"#] {
            assert_ne!(one, heard(&[r#"["x",1]"#, other]), "{other}");
        }
    }

    #[test]
    fn a_row_too_many_is_noticed() {
        let mut listener = Listener::default();
        let header = r#"{"format":"","release":"","migration":1,"taken_at":0,"tables":[{"name":"a","columns":[],"rows":0}]}"#;
        writeln!(listener, "{header}").unwrap();
        assert!(writeln!(listener, "[]").is_err());
    }
}
