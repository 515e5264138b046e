//! What the operator's tools need beyond what a server needs: every row of a ledger, effects in
//! whatever state, switches.
//!
//! Not here: SQL (`sqlite/tools.rs`, `postgres/tools.rs`), copies of everything (`copy.rs`), and what
//! is done with it (`operator/`).

use super::people::Attendee;
use super::{
    GENERATION, LedgerHead, LedgerId, Lookup, Position, ProcessId, Result, Store, counted,
};
use super::{postgres::Postgres, sqlite::Sqlite};
use uuid::Uuid;

/// An effect as it rests in its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptEffect {
    pub ledger: LedgerId,
    pub id: Uuid,
    pub kind: String,
    /// JSON.
    pub payload: String,
    /// From this instant (ms) on a worker may take it.
    pub due_at: i64,
    pub attempts: u32,
    /// Given up; nobody tries it again by himself.
    pub is_dead: bool,
    /// Empty when no attempt has failed yet.
    pub last_error: String,
}

impl KeptEffect {
    /// The event that asked for it, if its id was derived from one.
    #[must_use]
    pub fn asked_at(&self) -> Option<Position> {
        asked_at(self.ledger, self.id)
    }
}

/// The event of this ledger that asked for the effect with this id, if the id was derived from one.
#[must_use]
pub fn asked_at(ledger: LedgerId, effect: Uuid) -> Option<Position> {
    let salt = ledger.as_u128() ^ effect.as_u128();
    Position::try_from(salt >> 8).ok().filter(|position| (1..1 << 48).contains(position))
}

macro_rules! delegate {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {
        impl Store {
            $(
                $(#[$doc])*
                pub async fn $name(&self, $($arg: $type),*) -> Result<$result> {
                    match self {
                        Self::Sqlite(store) => store.$name($($arg),*).await,
                        Self::Postgres(store) => store.$name($($arg),*).await,
                        Self::Kept(_) => Err(anyhow::anyhow!("only databases keep this").into()),
                    }
                }
            )*
        }
    };
}

delegate! {
    /// At most `limit` ledgers after this slug, in the order of slugs.
    ledgers(after: &str, limit: u32) -> Vec<LedgerHead>;
    /// The rows of these processes.
    lookups(ledger: LedgerId, processes: &[ProcessId]) -> Vec<Lookup>;
    /// The named places of these processes.
    places(ledger: LedgerId, processes: &[ProcessId]) -> Vec<Attendee>;
    /// The instants (ms) at which these processes are looked at again.
    deadlines(ledger: LedgerId, processes: &[ProcessId]) -> Vec<(ProcessId, i64)>;
    /// At most `limit` processes after this one that have any row, in the order of ids.
    processes_with_rows(ledger: LedgerId, after: ProcessId, limit: u32) -> Vec<ProcessId>;
    /// Processes of a ledger with this code, whosever they are.
    processes_by_code(ledger: LedgerId, code: &str) -> Vec<ProcessId>;
    /// At most `limit` effects after this one, in the order of ledgers and ids.
    effects(after: (LedgerId, Uuid), limit: u32) -> Vec<KeptEffect>;
    /// Makes an effect that was given up due at this instant (ms), as if it had never been tried; false
    /// when none such is there.
    revive_effect(ledger: LedgerId, id: Uuid, due_at: i64) -> bool;
    /// Removes an effect that was given up; false when none such is there.
    discard_effect(ledger: LedgerId, id: Uuid) -> bool;
    /// What a switch says; `None`: it is off.
    switch(name: &str) -> Option<String>;
    /// Turns a switch on with a value, or off.
    turn_switch(name: &str, value: Option<&str>) -> ();
}

impl Store {
    /// Opens a database that a server may be running on, to look at it and to change single rows in
    /// short transactions. It makes and migrates nothing.
    ///
    /// # Errors
    /// There is no database, or it has tables that this release cannot work with.
    pub async fn open_beside(url: &str) -> Result<Self> {
        Self::open_beside_as(url, GENERATION).await
    }

    /// The same with the documents of another generation.
    ///
    /// # Errors
    /// As [`Store::open_beside`].
    pub async fn open_beside_as(url: &str, generation: i32) -> Result<Self> {
        if is_postgres(url) {
            Ok(Self::Postgres(Postgres::open_beside(url, generation).await?))
        } else {
            Ok(Self::Sqlite(Sqlite::open_beside(url, generation).await?))
        }
    }
}

pub(super) fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

/// Process, code, e-mail, status, total, placed at, changed at, name, seats, sought.
pub(super) type LookupRow = (Uuid, String, String, String, i64, i64, i64, String, i64, String);

impl From<LookupRow> for Lookup {
    fn from(row: LookupRow) -> Self {
        let (process, code, email, status, total_minor, placed_at, changed_at, ..) = row;
        let (.., name, seats, sought) = row;
        let (status, seats) = (status.into(), counted(seats));
        Self {
            process,
            code,
            email,
            status,
            total_minor,
            placed_at,
            changed_at,
            name,
            seats,
            sought,
        }
    }
}

/// Process, place, kind, given name, family name, e-mail, ticket, admitted at.
pub(super) type PlaceRow = (Uuid, i64, Uuid, String, String, String, String, Option<i64>);

impl From<PlaceRow> for Attendee {
    fn from(row: PlaceRow) -> Self {
        let (process, place, kind, given_name, family_name, email, ticket, admitted_at) = row;
        let place = counted(place);
        Self { process, place, kind, given_name, family_name, email, ticket, admitted_at }
    }
}

/// Ledger, id, kind, payload, due at, attempts, is dead, last error.
pub(super) type KeptEffectRow = (Uuid, Uuid, String, String, i64, i64, bool, String);

impl From<KeptEffectRow> for KeptEffect {
    fn from(row: KeptEffectRow) -> Self {
        let (ledger, id, kind, payload, due_at, attempts, is_dead, last_error) = row;
        let attempts = counted(attempts);
        Self { ledger, id, kind, payload, due_at, attempts, is_dead, last_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_knows_the_event_that_asked_for_it() {
        let ledger = Uuid::from_u128(0x0190_a5e4 << 96 | 77);
        let id = Uuid::from_u128(ledger.as_u128() ^ (42 << 8 | 1));
        let effect = |id| KeptEffect {
            ledger,
            id,
            kind: String::new(),
            payload: String::new(),
            due_at: 0,
            attempts: 0,
            is_dead: false,
            last_error: String::new(),
        };
        assert_eq!(effect(id).asked_at(), Some(42));
        assert_eq!(effect(Uuid::from_u128(9 << 100)).asked_at(), None);
    }
}
