//! What a batch wants to make durable, as one commit: events and effects as they were collected, and
//! the rows that lists, look-ups and the door read.

use super::{Changed, Memory, SNAPSHOT};
use crate::store::people::Attendee;
use crate::store::{Commit, Document, LedgerEntry, Lookup, Owner};
use crate::views;
use shared::OrderId;
use uuid::Uuid;

impl Memory {
    /// The batch as one commit; `None` when it changed nothing.
    ///
    /// # Errors
    /// Never in practice: views and snapshots are plain data.
    pub fn commit(&self) -> anyhow::Result<Option<Commit>> {
        if !self.has_changes() {
            return Ok(None);
        }
        let changes = &self.changes;
        let (attendees, attendees_gone) = self.attendees();
        let deadlines = changes.deadlines.iter().map(|(id, at)| (id.0, at.map(|at| at.0)));
        Ok(Some(Commit {
            ledger: self.id.0,
            expected_head: self.head,
            events: changes.events.clone(),
            entry: self.entry(),
            documents: self.documents()?,
            lookups: changes.orders.iter().filter_map(|(id, at)| self.lookup(*id, at.0)).collect(),
            attendees,
            attendees_gone,
            deadlines: deadlines.collect(),
            effects: changes.effects.clone(),
            effects_done: changes.effects_done.clone(),
        }))
    }

    fn entry(&self) -> Option<LedgerEntry> {
        if self.changes.entry_changed { self.entry_as_it_is() } else { None }
    }

    /// What the ledger's entry has to say.
    #[must_use]
    pub fn entry_as_it_is(&self) -> Option<LedgerEntry> {
        let conference = &self.base.conference;
        conference.details.as_ref().map(|details| LedgerEntry {
            slug: details.slug.clone(),
            state: if conference.is_published { "published" } else { "draft" },
            owner: details.owner.as_ref().map_or_else(Owner::default, |owner| Owner {
                email: owner.email.clone(),
                code: owner.code.hash.clone(),
            }),
        })
    }

    fn documents(&self) -> anyhow::Result<Vec<Document>> {
        let position = self.position();
        let mut documents = Vec::new();
        let is_asked = self.changes.documents_asked;
        let shows_more = is_asked || self.changes.conference_changed;
        if let Some(view) = self.base.view.as_ref().filter(|_| shows_more) {
            let body = serde_json::to_string(&Changed::Conference(view))?;
            let topic = views::conference::TOPIC.to_owned();
            documents.push(Document { topic, position, body });
        }
        if is_asked || position - self.dashboard_at >= self.bounds.dashboard_every {
            let body = serde_json::to_string(&self.dashboard)?;
            let topic = views::dashboard::TOPIC.to_owned();
            documents.push(Document { topic, position, body });
        }
        documents.extend(self.snapshot()?);
        Ok(documents)
    }

    /// What lists and look-ups have to say of an order that was loaded; `changed_at` (ms) is when its
    /// own stream last got an event.
    pub(super) fn lookup(&self, id: OrderId, changed_at: i64) -> Option<Lookup> {
        let file = self.orders.get(&id)?;
        let view = file.view.as_ref()?;
        let registrant = file.order.registrant.as_ref();
        let name = registrant.map_or_else(String::new, |registrant| {
            format!("{} {}", registrant.given_name, registrant.family_name)
        });
        let email =
            registrant.map_or_else(String::new, |registrant| registrant.email.to_lowercase());
        let code = view.access_code.as_str().to_owned();
        Some(Lookup {
            process: id.0,
            sought: format!("{code} {}\n{name}\n{email}", view.access_code).to_lowercase(),
            code,
            email,
            status: file.order.status.name().into(),
            total_minor: file.order.total.map_or(0, |total| total.minor),
            placed_at: view.placed_at.0,
            changed_at,
            name,
            seats: view.seats(),
        })
    }

    /// What those at the door and lists have to know of the seats that changed: who sits there, and
    /// where nobody does any more.
    fn attendees(&self) -> (Vec<Attendee>, Vec<(Uuid, u32)>) {
        let (mut named, mut gone) = (Vec::new(), Vec::new());
        for (id, position) in &self.changes.seats {
            match self.attendee(*id, *position) {
                Some(attendee) => named.push(attendee),
                None => gone.push((id.0, *position)),
            }
        }
        (named, gone)
    }

    /// Who sits on one seat of an order that was loaded.
    pub(super) fn attendee(&self, id: OrderId, position: u32) -> Option<Attendee> {
        let file = self.orders.get(&id)?;
        let view = file.view.as_ref().and_then(|view| view.seats.get(position as usize));
        let seat = file.assignments.seat(position)?;
        let (attendee, ticket) = seat.assigned.as_ref()?;
        Some(Attendee {
            process: id.0,
            place: position,
            kind: seat.seat_type.0,
            given_name: attendee.given_name.clone(),
            family_name: attendee.family_name.clone(),
            email: attendee.email.clone(),
            ticket: ticket.as_str().to_owned(),
            admitted_at: view.and_then(|seat| seat.admitted_at).map(|at| at.0),
        })
    }

    fn snapshot(&self) -> anyhow::Result<Option<Document>> {
        let position = self.position();
        if position - self.snapshot_at < self.bounds.snapshot_every {
            return Ok(None);
        }
        let (topic, body) = (SNAPSHOT.to_owned(), serde_json::to_string(&self.base)?);
        Ok(Some(Document { topic, position, body }))
    }
}
