//! `rebuild-views`: documents and rows written anew from the events, beside running servers.
//!
//! Each piece is a commit without events at the head it was folded to: when a server has written
//! meanwhile, the fence refuses it, and what is new is folded, too. So nothing ever goes back behind what
//! a server wrote, and a server's memory stays right, because the head does not move. Writing a piece
//! twice changes nothing: whoever was interrupted begins again, or with `--from` where it was.
//! Not here: how a row is folded (`ledger/memory/replay.rs`).

use super::verify::{Liveness, verify};
use super::{Out, Outcome, PAGE, counted, ledgers};
use crate::clock::Clock;
use crate::ledger::catch_up::CatchUp;
use crate::ledger::memory::Memory;
use crate::store::{
    Commit, CommitError, Document, LedgerHead, LedgerId, Position, ProcessId, Store,
};
use crate::views::dashboard;
use anyhow::{bail, ensure};
use shared::{ConferenceId, OrderId, Timestamp};
use std::collections::{BTreeSet, HashMap};
use tokio::time::Instant;

/// Orders whose rows are written by one commit.
const ORDERS_AT_ONCE: usize = 200;
/// How often one piece is folded again because a server was faster.
const CONFLICTS_MAX: u32 = 200;

pub(super) async fn rebuild(
    store: &Store,
    clock: &Clock,
    (slug, from): (Option<&str>, Option<&str>),
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let (mut events, mut conferences) = (0, 0);
    let wanted = ledgers(store, slug).await?;
    let wanted =
        wanted.into_iter().filter(|ledger| from.is_none_or(|from| from <= ledger.slug.as_str()));
    for ledger in wanted {
        let mut rebuilt = Rebuilt::new(store, &ledger, clock.now())?;
        rebuilt.write_documents().await?;
        let orders = rebuilt.write_rows().await?;
        conferences += 1;
        events += rebuilt.catch_up.position();
        let (position, orders) = (rebuilt.catch_up.position(), counted(orders, "order"));
        writeln!(out, "{}: written anew up to position {position}, {orders}", ledger.slug)?;
    }
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    let (rate, conferences) = (events as f64 / seconds, counted(conferences, "conference"));
    writeln!(out, "{conferences}, {events} events in {seconds:.1} s ({rate:.0} events/s).")?;
    // What is late is not what was asked here.
    verify(store, clock, (slug, Liveness::Stopped), out).await
}

/// One ledger on its way.
struct Rebuilt<'a> {
    store: &'a Store,
    ledger: LedgerId,
    now: Timestamp,
    memory: Memory,
    catch_up: CatchUp,
    orders: BTreeSet<ProcessId>,
}

impl<'a> Rebuilt<'a> {
    fn new(store: &'a Store, ledger: &LedgerHead, now: Timestamp) -> anyhow::Result<Self> {
        let (ledger, id) = (ledger.ledger, ConferenceId(ledger.ledger));
        let memory = Memory::open(id, 0, None, &[])?;
        let catch_up = CatchUp::from(id, None)?;
        Ok(Self { store, ledger, now, memory, catch_up, orders: BTreeSet::new() })
    }

    /// Folds what is there; ends at the position of the last event.
    async fn fold(&mut self) -> anyhow::Result<Position> {
        loop {
            let after = self.catch_up.position();
            let page = self.store.read_all(self.ledger, after, PAGE).await?;
            for recorded in &page {
                self.memory.replay(recorded)?;
                self.orders.extend(recorded.process);
            }
            self.catch_up.fold(&page)?;
            if page.len() < PAGE as usize {
                return Ok(self.catch_up.position());
            }
        }
    }

    async fn write_documents(&mut self) -> anyhow::Result<()> {
        for _ in 0..CONFLICTS_MAX {
            let position = self.fold().await?;
            let topic = dashboard::TOPIC.to_owned();
            let mut documents = vec![Document { topic, position, body: self.catch_up.body()? }];
            documents.extend(self.memory.document_as_it_is()?);
            let commit = Commit {
                ledger: self.ledger,
                expected_head: position,
                documents,
                snapshot: Some(self.memory.snapshot_as_it_is()?),
                ..Commit::default()
            };
            if self.is_written(&commit).await? {
                return Ok(());
            }
        }
        bail!("servers keep writing to this conference; try again at a quieter time")
    }

    /// The rows of every order, piece by piece; how many there are.
    async fn write_rows(&mut self) -> anyhow::Result<usize> {
        let orders: Vec<ProcessId> = self.orders.iter().copied().collect();
        let (mut done, mut piece, mut conflicts) = (0, ORDERS_AT_ONCE, 0);
        while done < orders.len() {
            let end = orders.len().min(done + piece);
            let commit = self.rows(&orders[done..end]).await?;
            if self.is_written(&commit).await? {
                done = end;
                conflicts = 0;
                piece = ORDERS_AT_ONCE.min(piece * 2);
            } else {
                // A smaller piece is read and written before the next batch of a busy ledger.
                piece = (piece / 2).max(1);
                conflicts += 1;
                ensure!(conflicts < CONFLICTS_MAX, "servers keep writing; try again later");
            }
        }
        Ok(orders.len())
    }

    /// What these orders' rows should be, decided on the head that the commit names.
    async fn rows(&mut self, ids: &[ProcessId]) -> anyhow::Result<Commit> {
        let head = self.store.head(self.ledger).await?;
        let expected_head = head.map_or(0, |entry| entry.head);
        let events = self.store.read_processes(self.ledger, ids).await?;
        let orders: Vec<OrderId> = ids.iter().copied().map(OrderId).collect();
        self.memory.load_orders(&orders, &events)?;
        let places = self.store.places(self.ledger, ids).await?;
        let deadlines = self.store.deadlines(self.ledger, ids).await?;
        let deadlines: HashMap<ProcessId, i64> = deadlines.into_iter().collect();
        let mut commit = Commit { ledger: self.ledger, expected_head, ..Commit::default() };
        for id in orders {
            let rows = self.memory.rows(id, &events);
            commit.lookups.extend(rows.lookup);
            commit.attendees.extend(rows.attendees);
            if let Some(at) = self.memory.wakes_at(id, self.now)
                && deadlines.get(&id.0).is_none_or(|known| at.0 < *known)
            {
                commit.deadlines.push((id.0, Some(at.0)));
            }
        }
        self.memory.forget_orders();
        let named: BTreeSet<(ProcessId, u32)> =
            commit.attendees.iter().map(|seat| (seat.process, seat.place)).collect();
        let kept = places.into_iter().map(|seat| (seat.process, seat.place));
        commit.attendees_gone = kept.filter(|seat| !named.contains(seat)).collect();
        Ok(commit)
    }

    /// False when a server was faster.
    async fn is_written(&self, commit: &Commit) -> anyhow::Result<bool> {
        match self.store.commit(commit).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
