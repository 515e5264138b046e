//! `restore`: an empty database becomes what a copy says, or what it says of an earlier point. All or
//! nothing, then verified.
//!
//! Going back is prepared in a database of its own that nobody else sees: what is kept goes there, what
//! stands beside it is written anew, and only the finished thing is copied to where it was wanted. So
//! whoever is interrupted finds an empty database and not half a history.
//! Not here: what is kept (`restore/cut.rs`), money that moved since (`restore/money.rs`).

mod cut;
mod money;
mod rows;

use super::verify::{Scope, verify};
use super::{Out, Outcome, backup, instant, rebuild};
use crate::clock::Clock;
use crate::store::copy::Header;
use crate::store::{Position, Store, sqlite_url};
use anyhow::Context;
use cut::Cut;
use std::path::Path;

/// Orders whose payment ended meanwhile get their seats before newcomers can take them.
const WHY_MAINTENANCE: &str = "then nobody takes the seats of those whose payments are found again";

/// Where a history ends, as the command line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// All conferences, at an instant (RFC 3339).
    Instant(String),
    /// One conference (SLUG:POSITION); the others are kept whole.
    Position(String),
}

/// The same, understood.
enum Point {
    /// Milliseconds since the Unix epoch.
    Instant(i64),
    Position(String, Position),
}

impl Point {
    fn of(until: &Until) -> anyhow::Result<Self> {
        match until {
            Until::Instant(text) => {
                let at: jiff::Timestamp = text.parse().with_context(|| {
                    format!("{text} is no instant; one looks like 2027-01-15T12:00:00Z")
                })?;
                Ok(Self::Instant(at.as_millisecond()))
            }
            Until::Position(text) => {
                let parts = text.rsplit_once(':');
                let parts = parts.and_then(|(slug, at)| Some((slug.to_owned(), at.parse().ok()?)));
                let parts = parts.with_context(|| {
                    format!("{text} is no position; one looks like rust-days:120")
                })?;
                Ok(Self::Position(parts.0, parts.1))
            }
        }
    }
}

/// Up to where, and whether only to say what would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    pub until: Until,
    pub is_dry_run: bool,
}

pub(super) async fn restore(
    url: &str,
    (file, back): (&Path, Option<&Back>),
    clock: &Clock,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    match back {
        Some(back) => {
            let cut = Cut::of(file, &back.until)?;
            describe(file, &cut.header, out)?;
            cut.tell(out)?;
            if back.is_dry_run {
                writeln!(out, "Nothing was written.")?;
                return Ok(Outcome::Fine);
            }
            go_back(url, &cut, clock, out).await.context("nothing was restored")?;
            writeln!(
                out,
                "Say `server maintenance on` before a server starts: {WHY_MAINTENANCE}."
            )?;
        }
        None => {
            let header = backup::read(url, file).await.context("nothing was restored")?;
            describe(file, &header, out)?;
        }
    }
    writeln!(out, "Restored.")?;
    // Nobody has worked on the copy since it was taken, so what is late in it is no fault.
    let store = Store::open_beside(url).await?;
    let outcome = verify(&store, clock, Scope::STOPPED, out).await;
    store.close().await;
    outcome
}

fn describe(file: &Path, header: &Header, out: Out<'_>) -> anyhow::Result<()> {
    let (rows, at) = (header.rows(), instant(header.taken_at));
    writeln!(out, "{}: {rows} rows of {at}, release {}.", file.display(), header.release)?;
    Ok(())
}

async fn go_back(url: &str, cut: &Cut, clock: &Clock, out: Out<'_>) -> anyhow::Result<()> {
    is_empty(url, &cut.header).await?;
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let scratch = sqlite_url(&folder.path().join("scratch.db"));
    Store::copy_in(&scratch, &cut.header, &mut cut.lines()?).await?;
    let store = Store::open(&scratch).await?;
    let finished = folder.path().join("finished");
    let done = finish(&store, cut, out).await;
    let written = match done {
        Ok(()) => backup::write(&store, &finished, clock).await,
        Err(error) => Err(error),
    };
    store.close().await;
    written?;
    backup::read(url, &finished).await?;
    Ok(())
}

/// Before hours are spent on it: a copy without rows goes only where there are none.
async fn is_empty(url: &str, header: &Header) -> anyhow::Result<()> {
    let mut nothing = header.clone();
    nothing.tables.iter_mut().for_each(|table| table.rows = 0);
    Ok(Store::copy_in(url, &nothing, &mut std::iter::empty()).await?)
}

/// Writes anew what stands beside the events, and asks for what was cut and may have happened outside.
async fn finish(store: &Store, cut: &Cut, out: Out<'_>) -> anyhow::Result<()> {
    // As it was then: what was to come after that point is late now, and done when a server starts.
    let then = Clock::settable(cut.at);
    for ledger in cut.shortened() {
        let head = store.head(ledger).await?.context("a conference is missing")?;
        rebuild::anew(store, &head, &then, out).await?;
        let asked = cut.money.ask_again(store, ledger, cut.at).await?;
        asked.tell(&head.slug, out)?;
    }
    for ledger in cut.gone() {
        cut.money.tell_orphans(ledger, cut.slug(ledger), out)?;
    }
    Ok(())
}
