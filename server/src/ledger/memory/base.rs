//! The conference itself as a ledger remembers it, and how that is read back from its document.

use crate::domain::conference::Conference;
use crate::domain::seats_availability::SeatsAvailability;
use crate::events::Event;
use crate::store::{Document, Position};
use serde::{Deserialize, Serialize};
use shared::CommandId;
use shared::views::ConferenceView;
use std::collections::VecDeque;
use uuid::Uuid;

/// The topic of the document that a ledger is opened from: the conference itself, for nobody to watch. It
/// has the shape of its generation, as every document has.
pub const SNAPSHOT: &str = "snapshot";
/// Commands of owners that are recognised when they come again.
const OWNER_COMMANDS_MAX: usize = 256;

/// The conference as it was at a position, read from its document.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub position: Position,
    base: Base,
}

impl Snapshot {
    /// Reads the document.
    ///
    /// # Errors
    /// It is not of this release's shape.
    pub fn read(document: &Document) -> anyhow::Result<Self> {
        let base = serde_json::from_str(&document.body)?;
        Ok(Self { position: document.position, base })
    }

    pub(super) fn into_base(self) -> (Position, Base) {
        (self.position, self.base)
    }
}

/// The conference itself, complete at every moment. This is what a snapshot holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Base {
    pub(super) conference: Conference,
    pub(super) seats: SeatsAvailability,
    /// Versions of the two conference-level streams.
    pub(super) conference_version: u64,
    pub(super) seats_version: u64,
    pub(super) view: Option<ConferenceView>,
    /// The latest commands of owners with the position of the last event of each, latest last.
    #[serde(default)]
    pub(super) handled: VecDeque<(CommandId, Position)>,
}

impl Base {
    pub(super) fn remember(&mut self, event: &Event, command_id: Option<Uuid>, position: Position) {
        let Some(id) = command_id.map(CommandId) else { return };
        if let Some((_, at)) = self.handled.back_mut().filter(|(known, _)| *known == id) {
            // Seats that follow from it.
            *at = position;
            return;
        }
        if !matches!(event, Event::Conference(_)) {
            return;
        }
        if OWNER_COMMANDS_MAX <= self.handled.len() {
            self.handled.pop_front();
        }
        self.handled.push_back((id, position));
    }
}
