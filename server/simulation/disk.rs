//! What survives a crash: a store's tables in memory, with the store's rules and nothing else.
//!
//! Pure. Not here: what goes wrong on the way there (`store.rs`). That it behaves as a database does is
//! shown by playing what a seed wrote again, on SQLite (`disk/tests.rs`).

#[cfg(test)]
mod tests;

use server::events::{Event, Stream};
use server::store::people::NewLink;
use server::store::{
    Commit, CommitError, DeadEffect, Document, Kept, LeasedEffect, LedgerEntry, LedgerHead,
    LedgerId, Lookup, NewEffect, Position, ProcessId, Recorded,
};
use server::views;
use shared::views::OrderView;
use shared::{ConferenceId, OrderId, Timestamp};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// All tables.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    pub(crate) ledgers: BTreeMap<LedgerId, Rows>,
    pub(crate) deadlines: BTreeMap<(LedgerId, ProcessId), i64>,
    pub(crate) effects: BTreeMap<(LedgerId, Uuid), EffectRow>,
    links: Vec<(LedgerId, NewLink)>,
    /// What was written and what came of it, in order.
    #[cfg(test)]
    steps: Vec<tests::Step>,
}

/// The rows of one ledger.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) entry: Option<LedgerEntry>,
    pub(crate) events: Vec<Recorded>,
    by_process: HashMap<ProcessId, Vec<usize>>,
    /// Each order as its registrant sees it after each of its events.
    views: HashMap<ProcessId, Vec<(Position, Option<OrderView>)>>,
    pub(crate) documents: BTreeMap<String, Document>,
    pub(crate) lookups: BTreeMap<ProcessId, Lookup>,
    /// Ticket by process and place.
    pub(crate) attendees: BTreeMap<(ProcessId, u32), String>,
}

/// One effect.
#[derive(Clone, Debug)]
pub(crate) struct EffectRow {
    pub(crate) kind: String,
    payload: String,
    due_at: i64,
    attempts: u32,
    pub(crate) is_dead: bool,
    pub(crate) last_error: String,
}

impl Rows {
    pub(crate) fn head(&self) -> Position {
        self.events.len() as Position
    }

    /// What follows a position.
    pub(crate) fn after(&self, position: Position) -> &[Recorded] {
        self.events.get(index(position)..).unwrap_or_default()
    }

    /// The events of one process, in order.
    pub(crate) fn of_process(&self, process: ProcessId) -> impl Iterator<Item = &Recorded> {
        self.by_process.get(&process).into_iter().flatten().map(|index| &self.events[*index])
    }

    /// An order as its registrant sees it at a position.
    pub(crate) fn order_at(&self, id: OrderId, position: Position) -> Option<&OrderView> {
        let views = self.views.get(&id.0)?;
        let until = views.partition_point(|(at, _)| *at <= position);
        views.get(until.checked_sub(1)?)?.1.as_ref()
    }

    fn append(&mut self, commit: &Commit) {
        for event in &commit.events {
            let position = self.head() + 1;
            let event = event.at(position);
            if let Some(process) = event.process {
                self.by_process.entry(process).or_default().push(self.events.len());
                let slug = self.entry.as_ref().map_or("", |entry| entry.slug.as_str());
                let about = views::order::Conference { id: ConferenceId(commit.ledger), slug };
                let views = self.views.entry(process).or_default();
                let view = views.last().and_then(|(_, view)| view.clone());
                views.push((position, after(view, about, &event)));
            }
            self.events.push(event);
        }
    }

    fn write(&mut self, commit: &Commit) {
        if let Some(entry) = &commit.entry {
            self.entry = Some(entry.clone());
        }
        for document in &commit.documents {
            let known = self.documents.get(&document.topic).map_or(0, |known| known.position);
            if known <= document.position {
                self.documents.insert(document.topic.clone(), document.clone());
            }
        }
        for lookup in &commit.lookups {
            self.lookups.insert(lookup.process, lookup.clone());
        }
        for (process, place) in &commit.attendees_gone {
            self.attendees.remove(&(*process, *place));
        }
        for attendee in &commit.attendees {
            self.attendees.insert((attendee.process, attendee.place), attendee.ticket.clone());
        }
    }
}

impl Disk {
    /// All of a commit, or nothing.
    pub(crate) fn commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        let written = self.try_commit(commit);
        #[cfg(test)]
        self.steps.push(tests::Step::commit(commit, &written));
        written
    }

    fn try_commit(&mut self, commit: &Commit) -> Result<(), CommitError> {
        let head = self.ledgers.get(&commit.ledger).map(Rows::head);
        let is_new = head.is_none() && commit.expected_head == 0 && commit.entry.is_some();
        if head != Some(commit.expected_head) && !is_new {
            return Err(CommitError::Conflict);
        }
        if let Some(entry) = &commit.entry {
            let of_another = |(id, rows): (&LedgerId, &Rows)| {
                *id != commit.ledger
                    && rows.entry.as_ref().is_some_and(|known| known.slug == entry.slug)
            };
            if self.ledgers.iter().any(of_another) {
                return Err(CommitError::SlugTaken);
            }
        }
        let rows = self.ledgers.entry(commit.ledger).or_default();
        rows.append(commit);
        rows.write(commit);
        for (process, at) in &commit.deadlines {
            match at {
                Some(at) => self.deadlines.insert((commit.ledger, *process), *at),
                None => self.deadlines.remove(&(commit.ledger, *process)),
            };
        }
        for effect in &commit.effects {
            self.effects.entry((commit.ledger, effect.id)).or_insert_with(|| row(effect));
        }
        for id in &commit.effects_done {
            self.effects.remove(&(commit.ledger, *id));
        }
        Ok(())
    }

    pub(crate) fn head(&self, ledger: LedgerId) -> Option<LedgerHead> {
        let rows = self.ledgers.get(&ledger)?;
        let entry = rows.entry.clone()?;
        Some(LedgerHead {
            ledger,
            slug: entry.slug,
            state: entry.state.to_owned(),
            head: rows.head(),
            owner: entry.owner,
        })
    }

    pub(crate) fn ledger_by_slug(&self, slug: &str) -> Option<LedgerHead> {
        let mut heads = self.ledgers.keys().filter_map(|id| self.head(*id));
        heads.find(|head| head.slug == slug)
    }

    pub(crate) fn read(
        &self,
        ledger: LedgerId,
        after: Position,
        wanted: impl Fn(&Recorded) -> bool,
    ) -> Vec<Recorded> {
        let Some(rows) = self.ledgers.get(&ledger) else { return vec![] };
        rows.after(after).iter().filter(|event| wanted(event)).cloned().collect()
    }

    pub(crate) fn read_processes(
        &self,
        ledger: LedgerId,
        processes: &[ProcessId],
    ) -> Vec<Recorded> {
        let Some(rows) = self.ledgers.get(&ledger) else { return vec![] };
        let mut events: Vec<Recorded> =
            processes.iter().flat_map(|process| rows.of_process(*process)).cloned().collect();
        events.sort_unstable_by_key(|event| event.position);
        events
    }

    pub(crate) fn document(&self, ledger: LedgerId, topic: &str) -> Option<Document> {
        self.ledgers.get(&ledger)?.documents.get(topic).cloned()
    }

    /// There is one generation here, so a document that is there is to be believed.
    pub(crate) fn kept(&self, ledger: LedgerId, topic: &str) -> Option<Kept> {
        let rows = self.ledgers.get(&ledger)?;
        let document = rows.documents.get(topic).cloned();
        Some(Kept { ledger, is_fresh: document.is_some(), document })
    }

    pub(crate) fn due_deadlines(
        &self,
        now: i64,
        limit: u32,
        except: &[LedgerId],
    ) -> Vec<(LedgerId, ProcessId)> {
        let is_due = |ledger: &LedgerId, at: i64| at <= now && !except.contains(ledger);
        let due = self.deadlines.iter().filter(|((ledger, _), at)| is_due(ledger, **at));
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(_, at)| **at);
        due.into_iter().take(limit as usize).map(|(key, _)| *key).collect()
    }

    pub(crate) fn lease_effects(&mut self, now: i64, until: i64, limit: u32) -> Vec<LeasedEffect> {
        let is_due = |row: &EffectRow| !row.is_dead && row.due_at <= now;
        let mut due: Vec<_> = self.effects.iter_mut().filter(|(_, row)| is_due(row)).collect();
        due.sort_by_key(|(_, row)| row.due_at);
        let leased: Vec<LeasedEffect> = due
            .into_iter()
            .take(limit as usize)
            .map(|((ledger, id), row)| {
                let attempts = row.attempts;
                row.due_at = until;
                row.attempts += 1;
                let (kind, payload) = (row.kind.clone(), row.payload.clone());
                LeasedEffect { ledger: *ledger, id: *id, kind, payload, attempts }
            })
            .collect();
        #[cfg(test)]
        self.steps.push(tests::Step::Lease { now, until, limit, leased: leased.clone() });
        leased
    }

    pub(crate) fn next_effect(&self) -> Option<i64> {
        self.effects.values().filter(|row| !row.is_dead).map(|row| row.due_at).min()
    }

    pub(crate) fn return_effect(&mut self, ledger: LedgerId, id: Uuid, due_at: i64) {
        #[cfg(test)]
        self.steps.push(tests::Step::Return { ledger, id, due_at });
        if let Some(row) = self.effects.get_mut(&(ledger, id)).filter(|row| !row.is_dead) {
            row.due_at = due_at;
            row.attempts = row.attempts.saturating_sub(1);
        }
    }

    pub(crate) fn retry_effect(&mut self, ledger: LedgerId, id: Uuid, retry_at: i64, error: &str) {
        #[cfg(test)]
        self.steps.push(tests::Step::Retry { ledger, id, retry_at });
        if let Some(row) = self.effects.get_mut(&(ledger, id)).filter(|row| !row.is_dead) {
            row.due_at = retry_at;
            error.clone_into(&mut row.last_error);
        }
    }

    pub(crate) fn bury_effect(&mut self, ledger: LedgerId, id: Uuid, error: &str) {
        #[cfg(test)]
        self.steps.push(tests::Step::Bury { ledger, id, error: error.to_owned() });
        if let Some(row) = self.effects.get_mut(&(ledger, id)) {
            row.is_dead = true;
            error.clone_into(&mut row.last_error);
        }
    }

    pub(crate) fn dead_effects(&self, limit: u32) -> Vec<DeadEffect> {
        let dead = self.effects.iter().filter(|(_, row)| row.is_dead);
        dead.take(limit as usize)
            .map(|((ledger, id), row)| DeadEffect {
                ledger: *ledger,
                id: *id,
                kind: row.kind.clone(),
                attempts: row.attempts,
                last_error: row.last_error.clone(),
            })
            .collect()
    }

    pub(crate) fn processes_by_email(
        &self,
        ledger: LedgerId,
        email: &str,
        limit: u32,
    ) -> Vec<ProcessId> {
        let Some(rows) = self.ledgers.get(&ledger) else { return vec![] };
        let mut known: Vec<&Lookup> = rows.lookups.values().filter(|l| l.email == email).collect();
        known.sort_by_key(|lookup| (std::cmp::Reverse(lookup.placed_at), lookup.process));
        known.into_iter().take(limit as usize).map(|lookup| lookup.process).collect()
    }

    pub(crate) fn add_links(&mut self, ledger: LedgerId, links: &[NewLink], now: i64) {
        self.links.retain(|(_, link)| now < link.expires_at);
        for link in links {
            if !self.links.iter().any(|(_, known)| known.hash == link.hash) {
                self.links.push((ledger, link.clone()));
            }
        }
    }
}

/// An order after one more event; one that cannot be read shows nothing.
fn after(
    mut view: Option<OrderView>,
    about: views::order::Conference<'_>,
    event: &Recorded,
) -> Option<OrderView> {
    let stream = Stream::parse(&event.stream).ok()?;
    let happened = Event::decode(&event.kind, &event.payload).ok()?;
    views::order::apply(&mut view, about, stream, &happened, Timestamp(event.recorded_at));
    view
}

fn row(effect: &NewEffect) -> EffectRow {
    EffectRow {
        kind: effect.kind.to_owned(),
        payload: effect.payload.clone(),
        due_at: effect.due_at,
        attempts: 0,
        is_dead: false,
        last_error: String::new(),
    }
}

fn index(position: Position) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
