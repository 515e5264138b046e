//! `rebuild-views`: documents and rows written anew from the events, beside running servers.
//!
//! Each piece is a commit without events at the head it was folded to: when a server has written
//! meanwhile, the fence refuses it, and what is new is folded, too, while the server waits a moment. So
//! nothing ever goes back behind what a server wrote, and a server's memory stays right, because the head
//! does not move. Documents are compared with the checker, which shares no rule with the folding, before they
//! take the place of others; rows that are right already stay.
//! Writing a piece twice changes nothing: whoever was interrupted goes on where it was.
//! Not here: how a row is folded (`ledger/memory/replay.rs`), how fast (`rebuild/pace.rs`).

mod pace;

use super::kept::Kept;
use super::verify::{Scope, verify};
use super::{Out, Outcome, PAGE, counted, ledgers};
use crate::checker::Checker;
use crate::clock::Clock;
use crate::ledger::catch_up::CatchUp;
use crate::ledger::memory::{Memory, Rows, Snapshot};
use crate::store::{
    Commit, CommitError, Document, LedgerHead, LedgerId, Position, ProcessId, Store, Turn,
};
use crate::views::dashboard;
use anyhow::{bail, ensure};
use pace::Pace;
use serde::{Deserialize, Serialize};
use shared::{ConferenceId, OrderId, Timestamp};
use std::collections::BTreeSet;
use tokio::time::Instant;

/// The switch that says how far an interrupted run was.
pub(super) const MARK: &str = "rebuild-views";
/// How often one piece is folded again because a server was faster.
const CONFLICTS_MAX: u32 = 200;

/// What to write anew, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// One conference; otherwise all.
    pub slug: Option<String>,
    /// Of all, this one and what follows it in the order of slugs.
    pub from: Option<String>,
    /// Does not rest between two pieces.
    pub fast: bool,
    /// From the beginning, although an earlier run was interrupted.
    pub anew: bool,
}

/// How far a run is: the orders of `slug` are written up to and with `order`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    slug: String,
    order: ProcessId,
}

pub(super) async fn rebuild(
    store: &Store,
    clock: &Clock,
    wanted: Wanted,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let (mut events, mut conferences) = (0, 0);
    let Wanted { slug, from, fast, anew } = wanted;
    // Where a run over a part of them was, says nothing about one over all.
    let is_over_all = slug.is_none() && from.is_none();
    let mark = match is_over_all && !anew {
        true => store.switch(MARK).await?.and_then(|mark| serde_json::from_str::<Mark>(&mark).ok()),
        false => None,
    };
    if let Some(Mark { slug, .. }) = &mark {
        writeln!(out, "An earlier run was interrupted at {slug}; goes on there.")?;
    }
    let from = from.or_else(|| mark.as_ref().map(|mark| mark.slug.clone()));
    let all = ledgers(store, slug.as_deref()).await?;
    let is_wanted = |ledger: &LedgerHead| from.as_ref().is_none_or(|from| *from <= ledger.slug);
    for ledger in all.into_iter().filter(is_wanted) {
        let done = mark.as_ref().filter(|mark| mark.slug == ledger.slug);
        let done = done.map(|mark| mark.order);
        let pace = Pace::new(clock, fast, &ledger);
        let mut rebuilt = Rebuilt { marks: is_over_all, ..Rebuilt::new(store, &ledger, pace)? };
        events += rebuilt.write(done, out).await?;
        conferences += 1;
    }
    if is_over_all {
        store.turn_switch(MARK, None).await?;
    }
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    let (rate, conferences) = (events as f64 / seconds, counted(conferences, "conference"));
    writeln!(out, "{conferences}, {events} events in {seconds:.1} s ({rate:.0} events/s).")?;
    // What is late is not what was asked here.
    let scope = Scope { slug: slug.as_deref(), is_fast: fast, ..Scope::STOPPED };
    verify(store, clock, scope, out).await
}

/// Writes one conference anew, as fast as can be and without a mark: nobody else works on the database.
pub(super) async fn anew(
    store: &Store,
    ledger: &LedgerHead,
    clock: &Clock,
    out: Out<'_>,
) -> anyhow::Result<()> {
    let pace = Pace::new(clock, true, ledger);
    Rebuilt::new(store, ledger, pace)?.write(None, out).await.map(drop)
}

/// The documents of one ledger, made from its events beside running servers, for a quarter of the time.
///
/// # Errors
/// They would be wrong ([`Miscounted`]), an event cannot be read, or the store failed.
pub async fn make_documents(store: &Store, ledger: &LedgerHead) -> anyhow::Result<()> {
    // However fast a test's clock goes, the machine has to rest.
    let clock = Clock::Real;
    let mut rebuilt = Rebuilt::new(store, ledger, Pace::new(&clock, false, ledger))?;
    rebuilt.write_documents(&mut std::io::sink()).await
}

/// What was folded is not what the checker has counted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Miscounted(String);

/// One ledger on its way.
struct Rebuilt<'a> {
    store: &'a Store,
    /// Notes how far it is.
    marks: bool,
    ledger: LedgerId,
    slug: String,
    pace: Pace<'a>,
    memory: Memory,
    catch_up: CatchUp,
    checker: Checker,
    orders: BTreeSet<ProcessId>,
}

impl<'a> Rebuilt<'a> {
    fn new(store: &'a Store, head: &LedgerHead, pace: Pace<'a>) -> anyhow::Result<Self> {
        let (ledger, id) = (head.ledger, ConferenceId(head.ledger));
        let memory = Memory::open(id, 0, Snapshot::default(), &[])?;
        let (catch_up, checker) = (CatchUp::from(id, None)?, Checker::new());
        let (slug, orders) = (head.slug.clone(), BTreeSet::new());
        let marks = false;
        Ok(Self { store, marks, ledger, slug, pace, memory, catch_up, checker, orders })
    }

    /// Everything, but for rows up to the order that is done; how many events it was written from.
    async fn write(&mut self, done: Option<ProcessId>, out: Out<'_>) -> anyhow::Result<Position> {
        self.write_documents(out).await?;
        let orders = counted(self.write_rows(done, out).await?, "order");
        let (slug, position) = (&self.slug, self.catch_up.position());
        writeln!(out, "{slug}: written anew up to position {position}, {orders}")?;
        Ok(position)
    }

    /// Folds what is there; ends at the position of the last event.
    async fn fold(&mut self, out: Out<'_>) -> anyhow::Result<Position> {
        loop {
            let after = self.catch_up.position();
            let page = self.store.read_all(self.ledger, after, PAGE).await?;
            for recorded in &page {
                self.memory.replay(recorded)?;
                self.checker.fold(recorded);
                self.orders.extend(recorded.process);
            }
            self.catch_up.fold(&page)?;
            if page.len() < PAGE as usize {
                return Ok(self.catch_up.position());
            }
            self.pace.events(self.catch_up.position(), out)?;
            self.pace.rest().await;
        }
    }

    /// The checker has counted the seats in its own way, and comes to the same.
    fn is_verified(&self) -> anyhow::Result<()> {
        let wrong = self.memory.view().and_then(|view| self.checker.seats_unlike(view).next());
        wrong.map_or(Ok(()), |what| Err(Miscounted(format!("{}: {what}", self.slug)).into()))
    }

    async fn write_documents(&mut self, out: Out<'_>) -> anyhow::Result<()> {
        let mut turn = None;
        for _ in 0..CONFLICTS_MAX {
            let position = self.fold(out).await?;
            self.is_verified()?;
            let topic = dashboard::TOPIC.to_owned();
            let mut documents = vec![Document { topic, position, body: self.catch_up.body()? }];
            documents.extend(self.memory.document_as_it_is()?);
            documents.push(self.memory.snapshot_as_it_is()?);
            let commit = Commit {
                ledger: self.ledger,
                expected_head: position,
                entry: self.memory.entry_as_it_is(),
                documents,
                ..Commit::default()
            };
            if self.is_written(&commit, turn.take()).await? {
                return Ok(());
            }
            turn = Some(self.store.take_turn(self.ledger).await?);
        }
        bail!("servers keep writing to this conference; try again at a quieter time")
    }

    /// The rows of every order, piece by piece; how many orders there are.
    async fn write_rows(&mut self, done: Option<ProcessId>, out: Out<'_>) -> anyhow::Result<usize> {
        let orders: Vec<ProcessId> = self.orders.iter().copied().collect();
        let done = orders.partition_point(|order| Some(*order) <= done);
        let (mut done, mut conflicts, mut turn) = (done, 0, None);
        self.pace.turns_to_orders(done);
        while done < orders.len() {
            let end = orders.len().min(done + self.pace.orders_to_read());
            let (commit, covered) = self.rows(&orders[done..end]).await?;
            let began = Instant::now();
            if commit.only_checks_the_head() {
                turn = None;
                self.pace.found_nothing();
            } else if self.is_written(&commit, turn.take()).await? {
                self.pace.written(began.elapsed());
            } else {
                // A ledger that is never at rest would be chased for ever, so it waits this once.
                turn = Some(self.store.take_turn(self.ledger).await?);
                conflicts += 1;
                self.pace.starts_over();
                ensure!(conflicts < CONFLICTS_MAX, "servers keep writing; try again later");
                continue;
            }
            done += covered;
            conflicts = 0;
            if self.pace.orders(done, orders.len(), out)? && self.marks {
                self.mark(orders[done - 1]).await?;
            }
            self.pace.rest().await;
        }
        Ok(orders.len())
    }

    async fn mark(&self, order: ProcessId) -> anyhow::Result<()> {
        let mark = Mark { slug: self.slug.clone(), order };
        Ok(self.store.turn_switch(MARK, Some(&serde_json::to_string(&mark)?)).await?)
    }

    /// The rows that should be and are not, of as many of these orders as one commit may change, decided on the
    /// head that the commit names; and of how many orders. What is right already is not written: nobody has
    /// to wait for that. Whoever changes it meanwhile knows better.
    async fn rows(&mut self, ids: &[ProcessId]) -> anyhow::Result<(Commit, usize)> {
        let now = self.pace.now();
        let head = self.store.head(self.ledger).await?;
        let expected_head = head.map_or(0, |entry| entry.head);
        let events = self.store.read_processes(self.ledger, ids).await?;
        let orders: Vec<OrderId> = ids.iter().copied().map(OrderId).collect();
        self.memory.load_orders(&orders, &events)?;
        let kept = Kept::read(self.store, self.ledger, ids).await?;
        let mut commit = Commit { ledger: self.ledger, expected_head, ..Commit::default() };
        let (mut covered, mut changed) = (0, 0);
        for id in orders {
            if changed == self.pace.orders_to_write() {
                break;
            }
            let wakes_at = self.memory.wakes_at(id, now);
            let is_right =
                compare(&kept, id.0, self.memory.rows(id, &events), wakes_at, &mut commit);
            changed += usize::from(!is_right);
            covered += 1;
        }
        self.memory.forget_orders();
        Ok((commit, covered))
    }

    /// False when a server was faster.
    async fn is_written(&self, commit: &Commit, turn: Option<Turn>) -> anyhow::Result<bool> {
        let written = match turn {
            Some(turn) => turn.commit(self.store, commit).await,
            None => self.store.commit(commit).await,
        };
        match written {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Adds to the commit what is not as it should be; true when there was nothing to add.
fn compare(
    kept: &Kept,
    order: ProcessId,
    Rows { lookup, attendees }: Rows,
    wakes_at: Option<Timestamp>,
    commit: &mut Commit,
) -> bool {
    let mut is_right = true;
    if let Some(row) = lookup.filter(|row| kept.lookups.get(&order) != Some(row)) {
        commit.lookups.push(row);
        is_right = false;
    }
    let seated = kept.attendees_of(order);
    if seated != attendees {
        let is_named = |place| attendees.iter().any(|seat| seat.place == place);
        let gone = seated.iter().filter(|seat| !is_named(seat.place));
        commit.attendees_gone.extend(gone.map(|seat| (seat.process, seat.place)));
        commit.attendees.extend(attendees);
        is_right = false;
    }
    // An earlier look does no harm.
    let known = kept.deadlines.get(&order);
    if let Some(at) = wakes_at.filter(|at| known.is_none_or(|known| at.0 < *known)) {
        commit.deadlines.push((order, Some(at.0)));
        is_right = false;
    }
    is_right
}
