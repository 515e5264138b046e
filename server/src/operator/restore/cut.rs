//! A copy without what happened after a point of the history.
//!
//! Of each conference the first events are kept, never others: the clocks of several servers differ a
//! little, so an event may be older than the one before it, and a history with a hole is none. What one
//! command did is kept as a whole or not at all. What stands beside the events of a conference that loses
//! some is left out, to be written anew from those that are kept. The file is read three times: what
//! to cut, how much is left, what is left.
//!
//! Not here: what becomes of money that moved after that point (`money.rs`), how what is left becomes a
//! database (`restore.rs`).

use super::money::Money;
use super::rows::{Row, Rows};
use super::{Point, Until};
use crate::operator::rebuild::MARK;
use crate::operator::{Out, counted, instant};
use crate::store::copy::Header;
use crate::store::tools::asked_at;
use crate::store::{LedgerId, Position, ProcessId};
use anyhow::{Context, ensure};
use shared::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// What becomes of a table's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Kept with the head where the conference ends.
    Heads,
    /// Kept up to that head.
    Events,
    /// Written anew.
    Anew,
    /// Kept when an event that is kept asked for them.
    Effects,
    /// Kept when they had begun.
    Sessions,
    /// Kept when their order is. One that was used stays used.
    Links,
    /// Kept, but for what a tool has noted about rows that are written anew.
    Switches,
}

/// `None` for a table that nobody has thought of.
fn rule(table: &str) -> Option<Rule> {
    Some(match table {
        "ledgers" => Rule::Heads,
        "events" => Rule::Events,
        "documents" | "orders" | "snapshots" | "deadlines" | "attendees" => Rule::Anew,
        "effects" => Rule::Effects,
        "sessions" => Rule::Sessions,
        "order_links" => Rule::Links,
        "switches" => Rule::Switches,
        _ => return None,
    })
}

/// What a copy says of a conference.
struct Entry {
    slug: String,
    head: Position,
}

/// A copy and where it is cut.
pub(super) struct Cut {
    file: PathBuf,
    until: Point,
    /// What the clock said there.
    pub(super) at: Timestamp,
    /// Of the copy, with the number of rows that are kept.
    pub(super) header: Header,
    entries: HashMap<LedgerId, Entry>,
    /// The last position that is kept, of every conference that loses events; 0: nothing is.
    ends: BTreeMap<LedgerId, Position>,
    /// The first event of each order.
    began: HashMap<(LedgerId, ProcessId), Position>,
    /// The events that are cut: how many, the earliest and the latest instant (ms).
    events: u64,
    first: i64,
    last: i64,
    pub(super) money: Money,
}

impl Cut {
    /// Reads the copy, and changes nothing.
    ///
    /// # Errors
    /// The file is no whole copy, or does not reach to this point.
    pub(super) fn of(file: &Path, until: &Until) -> anyhow::Result<Self> {
        let until = Point::of(until)?;
        let rows = Rows::open(file)?;
        let mut cut = Self {
            file: file.to_owned(),
            until,
            at: Timestamp(0),
            header: rows.header.clone(),
            entries: HashMap::new(),
            ends: BTreeMap::new(),
            began: HashMap::new(),
            events: 0,
            first: i64::MAX,
            last: i64::MIN,
            money: Money::default(),
        };
        cut.find(rows)?;
        cut.count()?;
        Ok(cut)
    }

    /// The first reading: where each conference ends.
    fn find(&mut self, rows: Rows) -> anyhow::Result<()> {
        let mut steps = BTreeMap::new();
        let mut earliest = i64::MAX;
        for row in rows {
            let (table, row) = row?;
            match self.rule(table)? {
                Rule::Heads => {
                    let (slug, head) = (row.text("slug")?.to_owned(), position(&row, "head")?);
                    self.entries.insert(ledger_of(&row)?, Entry { slug, head });
                }
                Rule::Events => {
                    let (ledger, at) = (ledger_of(&row)?, position(&row, "position")?);
                    let recorded_at = row.number("recorded_at")?;
                    earliest = earliest.min(recorded_at);
                    if let Some(process) = row.id("process")? {
                        let began = self.began.entry((ledger, process)).or_insert(at);
                        *began = at.min(*began);
                    }
                    match &self.until {
                        Point::Instant(until) if *until < recorded_at => {
                            let end = self.ends.entry(ledger).or_insert(Position::MAX);
                            *end = (*end).min(at.saturating_sub(1));
                        }
                        Point::Position(slug, _) if self.may_be(ledger, slug) => {
                            steps.insert(at, Step::of(&row)?);
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        match &self.until {
            Point::Instant(until) => {
                self.at = Timestamp(*until);
                self.is_known(*until, earliest)
            }
            Point::Position(slug, wanted) => {
                let (slug, wanted) = (slug.clone(), *wanted);
                self.end_at(&slug, wanted, &steps)
            }
        }
    }

    /// False once it is known that another conference has this slug.
    fn may_be(&self, ledger: LedgerId, slug: &str) -> bool {
        self.entries.get(&ledger).is_none_or(|entry| entry.slug == slug)
    }

    fn is_known(&self, until: i64, earliest: i64) -> anyhow::Result<()> {
        let taken_at = self.header.taken_at;
        ensure!(
            until <= taken_at,
            "the copy is of {}: it does not know what happened until {}",
            instant(taken_at),
            instant(until)
        );
        ensure!(earliest < i64::MAX, "nothing has ever happened in this copy");
        ensure!(
            earliest <= until,
            "nothing had happened yet: the first event is of {}",
            instant(earliest)
        );
        Ok(())
    }

    /// One conference ends at a position, or before it where a command would be kept by half.
    fn end_at(
        &mut self,
        slug: &str,
        wanted: Position,
        steps: &BTreeMap<Position, Step>,
    ) -> anyhow::Result<()> {
        let found = self.entries.iter().find(|(_, entry)| entry.slug == slug);
        let (ledger, entry) = found.with_context(|| format!("there is no conference {slug}"))?;
        ensure!(
            (1..=entry.head).contains(&wanted),
            "{slug} has the positions 1 to {}, not {wanted}",
            entry.head
        );
        let goes_on = |end: Position| {
            let (one, next) = (steps.get(&end), steps.get(&(end + 1)));
            one.zip(next).is_some_and(|(one, next)| one.goes_on_with(next))
        };
        let end = (1..=wanted).rev().find(|end| !goes_on(*end)).unwrap_or(0);
        ensure!(0 < end, "{slug} began with all of that at once: there is no point before it");
        self.at = Timestamp(steps.get(&end).map_or(0, |step| step.recorded_at));
        if end < entry.head {
            self.ends.insert(*ledger, end);
        }
        Ok(())
    }

    /// The second reading: how much is kept of each table, and what is said of the rest.
    fn count(&mut self) -> anyhow::Result<()> {
        let rows = Rows::open(&self.file)?;
        let mut kept = vec![0; self.header.tables.len()];
        for row in rows {
            let (table, row) = row?;
            if self.rule(table)? == Rule::Events {
                let (ledger, at) = (ledger_of(&row)?, position(&row, "position")?);
                if self.end(ledger) < at {
                    let recorded_at = row.number("recorded_at")?;
                    self.first = self.first.min(recorded_at);
                    self.last = self.last.max(recorded_at);
                    self.events += 1;
                    self.money.hear(ledger, &row)?;
                }
            }
            if self.keep(table, row)?.is_some() {
                kept[table] += 1;
            }
        }
        for (table, rows) in self.header.tables.iter_mut().zip(kept) {
            table.rows = rows;
        }
        Ok(())
    }

    /// The third reading: the lines that are kept.
    pub(super) fn lines(
        &self,
    ) -> anyhow::Result<impl Iterator<Item = anyhow::Result<String>> + Send + '_> {
        let rows = Rows::open(&self.file)?;
        Ok(rows.filter_map(|row| row.and_then(|(table, row)| self.keep(table, row)).transpose()))
    }

    /// The line of a row that is kept.
    fn keep(&self, table: usize, row: Row) -> anyhow::Result<Option<String>> {
        let rule = self.rule(table)?;
        if rule == Rule::Switches {
            let is_mark = row.text("name")? == MARK;
            return Ok((!is_mark).then_some(row.line));
        }
        let Some(ledger) = row.id("ledger")? else {
            // Only a session can be for several conferences.
            return Ok(self.had_begun(&row)?.then_some(row.line));
        };
        let end = self.end(ledger);
        let is_whole = end == Position::MAX;
        let is_kept = 0 < end
            && match rule {
                Rule::Heads if !is_whole => {
                    return row.bounded(&["head", "others_until"], end).map(Some);
                }
                Rule::Heads | Rule::Switches => true,
                Rule::Events => position(&row, "position")? <= end,
                Rule::Anew => is_whole,
                Rule::Effects => {
                    let asked_at = row.id("id")?.and_then(|id| asked_at(ledger, id));
                    is_whole || asked_at.is_some_and(|at| at <= end)
                }
                Rule::Sessions => self.had_begun(&row)?,
                Rule::Links => {
                    let order = row.id("process")?.unwrap_or_default();
                    self.began.get(&(ledger, order)).is_some_and(|began| *began <= end)
                }
            };
        Ok(Some(row.line).filter(|_| is_kept))
    }

    fn had_begun(&self, session: &Row) -> anyhow::Result<bool> {
        Ok(match self.until {
            Point::Instant(until) => session.number("created_at")? <= until,
            Point::Position(..) => true,
        })
    }

    fn rule(&self, table: usize) -> anyhow::Result<Rule> {
        let name = &self.header.tables[table].name;
        rule(name).with_context(|| format!("this release cannot cut {name}"))
    }

    /// The last position that is kept.
    fn end(&self, ledger: LedgerId) -> Position {
        self.ends.get(&ledger).copied().unwrap_or(Position::MAX)
    }

    /// The conferences that lose a part of their events.
    pub(super) fn shortened(&self) -> impl Iterator<Item = LedgerId> {
        self.ends.iter().filter(|(_, end)| 0 < **end).map(|(ledger, _)| *ledger)
    }

    /// The conferences of which nothing is kept.
    pub(super) fn gone(&self) -> impl Iterator<Item = LedgerId> {
        self.ends.iter().filter(|(_, end)| **end == 0).map(|(ledger, _)| *ledger)
    }

    /// What a conference is called, also one of which nothing is kept.
    pub(super) fn slug(&self, ledger: LedgerId) -> &str {
        self.entries.get(&ledger).map_or("", |entry| &entry.slug)
    }

    /// Says what is cut.
    pub(super) fn tell(&self, out: Out<'_>) -> anyhow::Result<()> {
        let mut gone: HashMap<LedgerId, usize> = HashMap::new();
        for (ledger, _) in self.began.iter().filter(|((ledger, _), at)| self.end(*ledger) < **at) {
            *gone.entry(ledger.0).or_default() += 1;
        }
        for (ledger, end) in &self.ends {
            let gone = counted(gone.get(ledger).copied().unwrap_or(0), "order");
            let slug = self.slug(*ledger);
            let head = self.entries.get(ledger).map_or(0, |entry| entry.head);
            match end {
                0 => writeln!(out, "{slug}: did not exist yet; it is gone with {gone}")?,
                end => writeln!(out, "{slug}: ends at position {end} of {head}, without {gone}")?,
            }
        }
        if self.events == 0 {
            writeln!(out, "Nothing is cut: nothing happened later.")?;
            return Ok(());
        }
        let (events, conferences) = (self.events, counted(self.ends.len(), "conference"));
        let (first, last) = (instant(self.first), instant(self.last));
        writeln!(out, "{events} events of {conferences} are cut, of {first} to {last}.")?;
        Ok(())
    }
}

/// What tells which events were written together.
struct Step {
    recorded_at: i64,
    command: Option<Uuid>,
    process: Option<ProcessId>,
    cause: Position,
}

impl Step {
    fn of(row: &Row) -> anyhow::Result<Self> {
        Ok(Self {
            recorded_at: row.number("recorded_at")?,
            command: row.id("command_id")?,
            process: row.id("process")?,
            cause: position(row, "cause")?,
        })
    }

    /// Whether one command did both. What the house does by itself has no id: there each event follows from
    /// the one before it, and is about the same order.
    fn goes_on_with(&self, next: &Self) -> bool {
        let is_same = next.process == self.process && 0 < next.cause;
        next.recorded_at == self.recorded_at
            && next.command == self.command
            && (next.command.is_some() || is_same)
    }
}

fn ledger_of(row: &Row) -> anyhow::Result<LedgerId> {
    row.id("ledger")?.context("a row has no ledger")
}

fn position(row: &Row, column: &str) -> anyhow::Result<Position> {
    Position::try_from(row.number(column)?).context("a position is negative")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::copy::TABLES;

    /// Whoever adds a table says here what becomes of it when a history is cut.
    #[test]
    fn every_table_has_a_rule() {
        for table in TABLES {
            assert!(rule(table.name).is_some(), "{}", table.name);
        }
    }
}
