//! The operator's tools: looked at and set right from the command line, while servers run on the same
//! database.
//!
//! Those that only look take no lock that a server waits for. Those that write change single rows in
//! short transactions: effects and switches, which no ledger remembers, and documents and rows under
//! the fence of the ledger's head, so that nothing is ever written over what a server wrote later.
//! Not here: any SQL (`store/tools.rs`, `store/copy.rs`), any rule, and what the history is checked
//! against (`checker.rs`).

mod audit;
mod backup;
mod effects;
mod export;
mod generations;
mod history;
mod kept;
mod maintenance;
mod migrate;
mod rebuild;
mod restore;
mod rests;
mod verify;

use crate::clock::Clock;
use crate::config::Operator;
use crate::nodes::Program;
use crate::store::{LedgerHead, Store};
use anyhow::Context;
use std::io::Write;
use std::path::PathBuf;

pub use rebuild::{Miscounted, Wanted as Rebuild, make_documents};
pub use restore::{Back, Until};
pub use verify::Liveness;
use verify::Scope;

/// Ledgers and rows that are read at once.
const PAGE: u32 = 1_000;

/// What can be asked for, word by word.
pub const USAGE: &str = "  verify [SLUG] [--stopped]
                   checks every promise over all conferences, or one; fails with a story. `--stopped`: no
                   server has been running, so what is late is no fault
  history ORDER [--in SLUG] [--json]
                   tells an order's story; ORDER is its id or its access code
  effects [list] [--all]
                   lists what was given up; with `--all` also what waits
  effects retry ID|all
                   tries what was given up again, now
  effects discard ID [--yes]
                   says what is lost; with `--yes` gives it up for good
  rebuild-views [SLUG|all] [--from SLUG] [--fast] [--anew]
                   writes documents and rows anew from the events, a quarter of the time (`--fast`: all of
                   it); goes on where an earlier run was interrupted (`--anew`: from the beginning)
  drop-old-views   deletes the documents of other releases, once no server of them runs and nobody wants
                   to go back
  backup FILE      copies everything, as it is at one moment, while servers run
  restore FILE [--until INSTANT | --until-position SLUG:POSITION] [--dry-run]
                   fills an empty database from a copy, of either kind, and verifies it; `--until`: as
                   everything was at that instant (2027-01-15T12:00:00Z), `--until-position`: with one
                   conference as it was then; `--dry-run` only says what would be cut
  migrate-store URL
                   moves everything into the empty database at URL, of either kind, and compares both;
                   stop all servers first
  export [SLUG]    writes all events, or one conference's, as JSON lines
  maintenance on [MESSAGE] | off | status
                   lets no new orders in, on any server; those that are placed finish";

/// What a tool found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Fine,
    /// Something is wrong, or was refused; it was said what.
    Wrong,
}

/// Where tools say what they have to say.
pub type Out<'a> = &'a mut (dyn Write + Send);

/// One tool with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tool {
    Verify { slug: Option<String>, liveness: Liveness },
    History { order: String, slug: Option<String>, json: bool },
    ListEffects { all: bool },
    RetryEffects { id: String },
    DiscardEffect { id: String, yes: bool },
    RebuildViews(Rebuild),
    DropOldViews,
    Backup { file: PathBuf },
    Restore { file: PathBuf, back: Option<Back> },
    MigrateStore { url: String },
    Export { slug: Option<String> },
    MaintenanceOn { message: String },
    MaintenanceOff,
    MaintenanceStatus,
}

impl Tool {
    /// Reads a command line; `None` when it means nothing.
    #[must_use]
    pub fn parse(words: &[&str]) -> Option<Self> {
        let (flags, words) = Flags::take(words)?;
        let owned = |word: &str| word.to_owned();
        let tool = match words.as_slice() {
            ["verify"] => Self::Verify { slug: None, liveness: flags.liveness() },
            ["verify", slug] => {
                Self::Verify { slug: Some(owned(slug)), liveness: flags.liveness() }
            }
            ["history", order] => {
                Self::History { order: owned(order), slug: flags.within.clone(), json: flags.json }
            }
            ["effects"] | ["effects", "list"] => Self::ListEffects { all: flags.all },
            ["effects", "retry", id] => Self::RetryEffects { id: owned(id) },
            ["effects", "discard", id] => Self::DiscardEffect { id: owned(id), yes: flags.yes },
            ["rebuild-views"] | ["rebuild-views", "all"] => Self::RebuildViews(flags.rebuild(None)),
            ["rebuild-views", slug] => Self::RebuildViews(flags.rebuild(Some(owned(slug)))),
            ["drop-old-views"] => Self::DropOldViews,
            ["backup", file] => Self::Backup { file: PathBuf::from(file) },
            ["restore", file] => {
                Self::Restore { file: PathBuf::from(file), back: flags.back().ok()? }
            }
            ["migrate-store", url] => Self::MigrateStore { url: owned(url) },
            ["export"] => Self::Export { slug: None },
            ["export", slug] => Self::Export { slug: Some(owned(slug)) },
            ["maintenance", "on", message @ ..] => {
                Self::MaintenanceOn { message: message.join(" ") }
            }
            ["maintenance", "off"] => Self::MaintenanceOff,
            ["maintenance"] | ["maintenance", "status"] => Self::MaintenanceStatus,
            _ => return None,
        };
        flags.all_belong_to(words[0]).then_some(tool)
    }

    /// Does it.
    ///
    /// # Errors
    /// The database cannot be opened or failed, or a file did.
    pub async fn run(self, operator: &Operator, out: Out<'_>) -> anyhow::Result<Outcome> {
        let url = &operator.storage.database_url;
        match &self {
            Self::Restore { file, back } => {
                let from = (file.as_path(), back.as_ref());
                return restore::restore(url, from, &operator.clock(), out).await;
            }
            Self::MigrateStore { url: to } => {
                return migrate::migrate(url, to, &operator.clock(), out).await;
            }
            _ => {}
        }
        let store = Store::open_beside(url).await.context("cannot open the database")?;
        let done = self.work(&store, &operator.clock(), out).await;
        store.close().await;
        done
    }

    async fn work(self, store: &Store, clock: &Clock, out: Out<'_>) -> anyhow::Result<Outcome> {
        match self {
            Self::Verify { slug, liveness } => {
                let scope = Scope { slug: slug.as_deref(), liveness, is_fast: true };
                verify::verify(store, clock, scope, out).await
            }
            Self::History { order, slug, json } => {
                history::tell(store, (&order, slug.as_deref()), json, out).await
            }
            Self::ListEffects { all } => effects::list(store, all, out).await,
            Self::RetryEffects { id } => effects::retry(store, clock, &id, out).await,
            Self::DiscardEffect { id, yes } => effects::discard(store, &id, yes, out).await,
            Self::RebuildViews(wanted) => rebuild::rebuild(store, clock, wanted, out).await,
            Self::DropOldViews => {
                generations::drop_others(store, Program::of_this_build(), out).await
            }
            Self::Backup { file } => backup::backup(store, &file, clock, out).await,
            Self::Export { slug } => export::export(store, slug.as_deref(), out).await,
            Self::MaintenanceOn { message } => maintenance::on(store, &message, out).await,
            Self::MaintenanceOff => maintenance::off(store, out).await,
            Self::MaintenanceStatus => maintenance::status(store, out).await,
            Self::Restore { .. } | Self::MigrateStore { .. } => {
                unreachable!("they open the databases themselves")
            }
        }
    }
}

/// What begins with two hyphens.
#[derive(Default)]
struct Flags<'a> {
    seen: Vec<&'a str>,
    all: bool,
    yes: bool,
    json: bool,
    stopped: bool,
    fast: bool,
    anew: bool,
    dry_run: bool,
    within: Option<String>,
    from: Option<String>,
    until: Option<String>,
    until_position: Option<String>,
}

impl<'a> Flags<'a> {
    /// Takes them out of the words; `None` when one is unknown, or lacks its value.
    fn take(words: &[&'a str]) -> Option<(Self, Vec<&'a str>)> {
        let (mut flags, mut rest) = (Self::default(), Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--all" => flags.all = true,
                "--yes" => flags.yes = true,
                "--json" => flags.json = true,
                "--stopped" => flags.stopped = true,
                "--fast" => flags.fast = true,
                "--anew" => flags.anew = true,
                "--dry-run" => flags.dry_run = true,
                "--in" => flags.within = Some((*words.next()?).to_owned()),
                "--from" => flags.from = Some((*words.next()?).to_owned()),
                "--until" => flags.until = Some((*words.next()?).to_owned()),
                "--until-position" => flags.until_position = Some((*words.next()?).to_owned()),
                unknown if unknown.starts_with("--") => return None,
                word => {
                    rest.push(word);
                    continue;
                }
            }
            flags.seen.push(word);
        }
        Some((flags, rest))
    }

    fn all_belong_to(&self, verb: &str) -> bool {
        let known: &[&str] = match verb {
            "verify" => &["--stopped"],
            "history" => &["--in", "--json"],
            "effects" => &["--all", "--yes"],
            "rebuild-views" => &["--from", "--fast", "--anew"],
            "restore" => &["--until", "--until-position", "--dry-run"],
            _ => &[],
        };
        self.seen.iter().all(|flag| known.contains(flag))
    }

    fn rebuild(&self, slug: Option<String>) -> Rebuild {
        Rebuild { slug, from: self.from.clone(), fast: self.fast, anew: self.anew }
    }

    /// Up to where to restore; an error when that means nothing.
    fn back(&self) -> Result<Option<Back>, ()> {
        let until = match (self.until.clone(), self.until_position.clone()) {
            (Some(_), Some(_)) => return Err(()),
            (Some(instant), None) => Until::Instant(instant),
            (None, Some(position)) => Until::Position(position),
            (None, None) if self.dry_run => return Err(()),
            (None, None) => return Ok(None),
        };
        Ok(Some(Back { until, is_dry_run: self.dry_run }))
    }

    const fn liveness(&self) -> Liveness {
        if self.stopped { Liveness::Stopped } else { Liveness::Running }
    }
}

/// Every ledger in the order of slugs, or the one that is asked for.
///
/// # Errors
/// There is no such ledger, or the store failed.
async fn ledgers(store: &Store, slug: Option<&str>) -> anyhow::Result<Vec<LedgerHead>> {
    if let Some(slug) = slug {
        let found = store.ledger_by_slug(slug).await?;
        return Ok(vec![found.with_context(|| format!("there is no conference {slug}"))?]);
    }
    let mut ledgers: Vec<LedgerHead> = Vec::new();
    loop {
        let after = ledgers.last().map_or("", |last| last.slug.as_str());
        let page = store.ledgers(after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        ledgers.extend(page);
        if is_last {
            return Ok(ledgers);
        }
    }
}

/// An instant (ms) as people and programs read it.
fn instant(ms: i64) -> String {
    let instant = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    format!("{instant:.3}")
}

/// "1 order", "2 orders".
fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_means_one_thing_or_nothing() {
        let parse = |line: &str| Tool::parse(&line.split(' ').collect::<Vec<_>>());
        let slug = Some("rust-days".to_owned());
        let verify = |slug, liveness| Some(Tool::Verify { slug, liveness });
        assert_eq!(parse("verify"), verify(None, Liveness::Running));
        assert_eq!(parse("verify --stopped rust-days"), verify(slug.clone(), Liveness::Stopped));
        let history = Tool::History { order: "K7M-2QX".into(), slug, json: true };
        assert_eq!(parse("history K7M-2QX --json --in rust-days"), Some(history));
        let on = Tool::MaintenanceOn { message: "back at noon".into() };
        assert_eq!(parse("maintenance on back at noon"), Some(on));
        let until = Until::Position("rust-days:12".into());
        let back = Some(Back { until, is_dry_run: true });
        let restore = Tool::Restore { file: "copy".into(), back };
        assert_eq!(parse("restore copy --dry-run --until-position rust-days:12"), Some(restore));
        for nonsense in [
            "verify --yes",
            "history",
            "history a --in",
            "effects retry",
            "effects discard 1 --json",
            "backup",
            "export a b",
            "maintenance perhaps",
            "verify --quick",
            "restore",
            "restore a --until",
            "restore a --dry-run",
            "restore a --until now --until-position b:1",
            "backup a --until now",
        ] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
        assert_eq!(Tool::parse(&[]), None);
    }

    #[test]
    fn the_usage_lists_every_verb() {
        for verb in [
            "verify",
            "history",
            "effects",
            "rebuild-views",
            "drop-old-views",
            "backup",
            "restore",
            "migrate-store",
            "export",
            "maintenance",
        ] {
            assert!(USAGE.lines().any(|line| line.trim_start().starts_with(verb)), "{verb}");
        }
    }

    #[test]
    fn an_instant_is_read_by_everybody() {
        assert_eq!(instant(1_800_014_400_123), "2027-01-15T12:00:00.123Z");
    }
}
