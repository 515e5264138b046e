//! One conference judged: its history by the checker, and everything that stands beside the history by
//! folding it once more.
//!
//! Others write meanwhile. What was written beside the history is read before the head, and the history
//! is judged up to that head. The rows of an order that differ are read again between two readings of
//! the order's events: when those are the same, so was the order, and the difference is real.
//! Not here: any promise (`checker.rs`), how rows are compared (`audit/rows.rs`).

mod rows;

use super::effects::{of_ledger, order_of, words};
use super::rests::Rests;
use super::verify::Liveness;
use super::{PAGE, counted, instant};
use crate::checker::{Checker, Promise, Summary, Violation};
use crate::effects::attempts_max;
use crate::ledger::catch_up::CatchUp;
use crate::ledger::memory::{Memory, SNAPSHOT, Snapshot};
use crate::store::{Document, LedgerHead, LedgerId, Position, Recorded, Store};
use crate::views::{conference, dashboard};
use anyhow::{Context, anyhow};
use serde_json::Value;
use shared::{ConferenceId, Money, OrderId, Timestamp};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice::from_ref;

/// What a running server may be behind with what is due, in seconds.
const PATIENCE_SECONDS: i64 = 120;

/// What stood beside the history when its head was read.
struct Beside {
    snapshot: Option<Document>,
    conference: Option<Document>,
    dashboard: Option<Document>,
    entry: LedgerHead,
}

impl Beside {
    async fn read(store: &Store, ledger: LedgerId) -> anyhow::Result<Self> {
        Ok(Self {
            snapshot: store.document(ledger, SNAPSHOT).await?,
            conference: store.document(ledger, conference::TOPIC).await?,
            dashboard: store.document(ledger, dashboard::TOPIC).await?,
            // Last: everything above is not ahead of it.
            entry: store.head(ledger).await?.context("the conference is gone")?,
        })
    }
}

/// One conference, judged.
pub(super) struct Audit<'a> {
    store: &'a Store,
    ledger: LedgerId,
    now: Timestamp,
    rests: Rests<'a>,
    checker: Checker,
    memory: Memory,
    pub(super) summary: Summary,
    pub(super) findings: Vec<Violation>,
    /// What an operator should know and no promise speaks of.
    pub(super) notes: Vec<String>,
}

impl<'a> Audit<'a> {
    /// # Errors
    /// The store failed.
    pub(super) async fn of(
        store: &'a Store,
        ledger: LedgerId,
        (now, liveness): (Timestamp, Liveness),
        rests: Rests<'a>,
    ) -> anyhow::Result<Self> {
        let beside = Beside::read(store, ledger).await?;
        let mut audit = Self {
            store,
            ledger,
            now,
            rests,
            checker: Checker::new(),
            memory: Memory::open(ConferenceId(ledger), 0, Snapshot::default(), &[])?,
            summary: Summary::default(),
            findings: vec![],
            notes: vec![],
        };
        match audit.read_history(&beside).await? {
            Ok(changed_at) => {
                audit.compare_entry(&beside.entry);
                audit.is_document_current(&beside, changed_at).await?;
                audit.compare_rows().await?;
            }
            // The checker has said which event; nothing beside it can be right.
            Err(why) => {
                audit.notes.push(format!("What stands beside it was not compared: {why:#}"))
            }
        }
        audit.check_effects(liveness).await?;
        match liveness {
            Liveness::Running => audit.checker.finish(now, PATIENCE_SECONDS),
            Liveness::Stopped => audit.checker.settle(),
        }
        audit.summary = audit.checker.summary();
        audit.findings.splice(0..0, audit.checker.violations().iter().cloned());
        Ok(audit)
    }

    /// What it comes to, in one line.
    pub(super) fn words(&self) -> String {
        let Summary { events, orders, confirmed, seats_held, seats_sold, .. } = self.summary;
        let Summary { money_kept, money_returned, .. } = self.summary;
        let mut words = format!(
            "{events} events, {orders} orders ({confirmed} confirmed), {seats_sold} seats sold, \
             {seats_held} held"
        );
        if let Some(view) = self.memory.view() {
            let money = |minor| Money::new(minor, view.currency);
            let (kept, returned) = (money(money_kept), money(money_returned));
            words.push_str(&format!(", {kept} kept, {returned} returned"));
        }
        if !self.findings.is_empty() {
            words.push_str(&format!(", {} found", counted(self.findings.len(), "broken promise")));
        }
        words
    }

    fn find(&mut self, promise: Promise, order: Option<OrderId>, what: String) {
        let position = self.checker.position();
        self.findings.push(Violation { promise, position, order, what });
    }

    /// Reads everything up to the head. Says where the conference's view changed last; or why nothing
    /// can be folded, when an event is so wrong.
    async fn read_history(&mut self, beside: &Beside) -> anyhow::Result<anyhow::Result<Position>> {
        let head = beside.entry.head;
        let mut fold = Ok((CatchUp::from(ConferenceId(self.ledger), None)?, 0));
        while self.checker.position() < head {
            let after = self.checker.position();
            let mut page = self.store.read_all(self.ledger, after, PAGE).await?;
            page.retain(|recorded| recorded.position <= head);
            if page.is_empty() {
                break;
            }
            for recorded in &page {
                self.checker.fold(recorded);
                fold = match fold {
                    Ok(folded) => self.fold(folded, recorded, beside),
                    failed => failed,
                };
            }
            self.rests.rest().await;
        }
        let last = self.checker.position();
        if last < head {
            let what = format!("the head says {head}, and the last event is {last}");
            self.find(Promise::HistoryIsWhole, None, what);
        }
        self.nothing_behind_the_head(head).await?;
        Ok(fold.map(|(_, changed_at)| changed_at))
    }

    /// Folds one event, and compares what stands beside the history at exactly this position.
    fn fold(
        &mut self,
        (mut catch_up, mut changed_at): (CatchUp, Position),
        recorded: &Recorded,
        beside: &Beside,
    ) -> anyhow::Result<(CatchUp, Position)> {
        let position = recorded.position;
        if unbroken(|| self.memory.replay(recorded))? {
            changed_at = position;
        }
        unbroken(|| catch_up.fold(from_ref(recorded)))?;
        if let Some(kept) = beside.snapshot.as_ref().filter(|kept| kept.position == position) {
            let body = self.memory.snapshot_as_it_is()?.body;
            self.compare("the snapshot", &kept.body, &body);
        }
        if let Some(kept) = beside.conference.as_ref().filter(|kept| kept.position == position) {
            let body = self.memory.document_as_it_is()?.map_or_else(String::new, |view| view.body);
            self.compare("the conference's document", &kept.body, &body);
        }
        if let Some(kept) = beside.dashboard.as_ref().filter(|kept| kept.position == position) {
            let body = catch_up.body()?;
            self.compare("the dashboard's document", &kept.body, &body);
        }
        Ok((catch_up, changed_at))
    }

    /// As JSON, because the order of a map's entries says nothing.
    fn compare(&mut self, name: &str, kept: &str, folded: &str) {
        let read = |text: &str| serde_json::from_str::<Value>(text).ok();
        if read(kept).is_none() || read(kept) != read(folded) {
            self.find(
                Promise::ScreenNeverLies,
                None,
                format!("{name} is not what the history comes to"),
            );
        }
    }

    async fn nothing_behind_the_head(&mut self, head: Position) -> anyhow::Result<()> {
        let behind = self.store.read_all(self.ledger, head, 1).await?;
        let Some(event) = behind.first() else { return Ok(()) };
        let now = self.store.head(self.ledger).await?.map_or(0, |entry| entry.head);
        if now < event.position {
            let what = format!("there is an event {} behind the head {now}", event.position);
            self.find(Promise::HistoryIsWhole, None, what);
        }
        Ok(())
    }

    fn compare_entry(&mut self, entry: &LedgerHead) {
        let folded = self.memory.entry_as_it_is();
        let is_same = folded.is_some_and(|folded| {
            folded.slug == entry.slug && folded.state == entry.state && folded.owner == entry.owner
        });
        // Whatever came behind that head was not folded, and the entry is of that head.
        if !is_same {
            let what = "address, state or owner of the conference are not what its history says";
            self.find(Promise::ScreenNeverLies, None, what.to_owned());
        }
    }

    /// A document that was right at its position must not have been passed by a change.
    async fn is_document_current(
        &mut self,
        beside: &Beside,
        changed_at: Position,
    ) -> anyhow::Result<()> {
        let at = |document: &Option<Document>| document.as_ref().map_or(0, |kept| kept.position);
        if at(&beside.conference) < changed_at {
            let now = self.store.kept(self.ledger, conference::TOPIC).await?;
            let (now, is_fresh) = now.map_or((None, true), |kept| (kept.document, kept.is_fresh));
            if !is_fresh && now.is_some() {
                // Nobody is shown it.
                self.notes.push("its document was passed by another release".to_owned());
            } else if at(&now) < changed_at {
                let what = format!(
                    "the conference's document shows position {}, and it has changed at {changed_at}",
                    at(&now)
                );
                self.find(Promise::ScreenNeverLies, None, what);
            }
        }
        let documents = [&beside.conference, &beside.dashboard];
        let ahead = documents.into_iter().any(|kept| beside.entry.head < at(kept));
        let snapshot = beside.snapshot.as_ref().map_or(0, |kept| kept.position);
        if ahead || beside.entry.head < snapshot {
            self.find(
                Promise::ScreenNeverLies,
                None,
                "a document or the snapshot is ahead of the history".to_owned(),
            );
        }
        Ok(())
    }

    /// Every effect is performed, waits for its time, or is shown to the operator.
    async fn check_effects(&mut self, liveness: Liveness) -> anyhow::Result<()> {
        let late = |due_at| Timestamp(due_at).plus_seconds(PATIENCE_SECONDS) < self.now;
        let (effects, mut waiting) = (of_ledger(self.store, self.ledger).await?, vec![]);
        waiting.extend(effects.iter().filter(|e| !e.is_dead && late(e.due_at)).map(|e| e.due_at));
        for effect in effects {
            if effect.is_dead {
                self.notes.push(format!("given up: {}", words(&effect)));
            } else if attempts_max(&effect.kind) < effect.attempts {
                let what = format!("nobody has given it up: {}", words(&effect));
                self.find(Promise::EveryOrderEnds, order_of(&effect).map(OrderId), what);
            }
        }
        let Some(since) = waiting.iter().min().map(|at| instant(*at)) else { return Ok(()) };
        let what = format!("due since {since}: {} effects", waiting.len());
        match liveness {
            Liveness::Running => {
                let hint = "no server performs them (if none has been running: --stopped)";
                self.find(Promise::EveryOrderEnds, None, format!("{what}, and {hint}"));
            }
            Liveness::Stopped => self.notes.push(what),
        }
        Ok(())
    }
}

/// The rules trust the history and stop when it breaks them. Here that is a finding and not the end.
fn unbroken<T>(fold: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    catch_unwind(AssertUnwindSafe(fold))
        .unwrap_or_else(|_| Err(anyhow!("the rules cannot fold it")))
}
