//! The rows of some orders as they are kept: what lists say, who sits where, what wakes them.

use crate::store::people::Attendee;
use crate::store::{LedgerId, Lookup, ProcessId, Store};
use std::collections::HashMap;

pub(super) struct Kept {
    pub(super) lookups: HashMap<ProcessId, Lookup>,
    attendees: HashMap<ProcessId, Vec<Attendee>>,
    /// When each is looked at again, in milliseconds since the Unix epoch.
    pub(super) deadlines: HashMap<ProcessId, i64>,
}

impl Kept {
    /// # Errors
    /// The store failed.
    pub(super) async fn read(
        store: &Store,
        ledger: LedgerId,
        ids: &[ProcessId],
    ) -> anyhow::Result<Self> {
        let lookups = store.lookups(ledger, ids).await?;
        let mut attendees: HashMap<ProcessId, Vec<Attendee>> = HashMap::new();
        for attendee in store.places(ledger, ids).await? {
            attendees.entry(attendee.process).or_default().push(attendee);
        }
        let deadlines = store.deadlines(ledger, ids).await?;
        Ok(Self {
            lookups: lookups.into_iter().map(|row| (row.process, row)).collect(),
            attendees,
            deadlines: deadlines.into_iter().collect(),
        })
    }

    pub(super) fn attendees_of(&self, order: ProcessId) -> &[Attendee] {
        self.attendees.get(&order).map_or(&[][..], Vec::as_slice)
    }
}
