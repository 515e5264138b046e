//! Processes as lists show them, newest first, page by page.
//!
//! Not here: SQL (`sqlite/lists.rs`, `postgres/lists.rs`).

use super::{ProcessId, counted};
use uuid::Uuid;

/// One row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub process: ProcessId,
    pub code: String,
    pub name: String,
    pub email: String,
    pub status: String,
    pub seats: u32,
    /// Minor units.
    pub total_minor: i64,
    pub placed_at: i64,
    pub changed_at: i64,
}

/// Which rows are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Lower case; empty: all.
    pub search: String,
    /// `None`: all.
    pub status: Option<&'static str>,
    /// Those that come after this place in the list.
    pub after: ListPlace,
    pub limit: u32,
}

/// Where a row stands: when it was placed, and which one of that instant it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListPlace {
    pub placed_at: i64,
    pub process: ProcessId,
}

impl ListPlace {
    /// Before all rows.
    pub const BEGINNING: Self = Self { placed_at: i64::MAX, process: Uuid::max() };
}

impl Listed {
    /// Where this row stands.
    #[must_use]
    pub const fn place(&self) -> ListPlace {
        ListPlace { placed_at: self.placed_at, process: self.process }
    }
}

/// Process, code, name, e-mail, status, seats, total, placed at, changed at.
pub(super) type ListedRow = (Uuid, String, String, String, String, i64, i64, i64, i64);

impl From<ListedRow> for Listed {
    fn from(row: ListedRow) -> Self {
        let (process, code, name, email, status, seats, total_minor, placed_at, changed_at) = row;
        let seats = counted(seats);
        Self { process, code, name, email, status, seats, total_minor, placed_at, changed_at }
    }
}
