//! Who sits where, and links that were mailed: rows beside the events, for the door and for lists.
//!
//! Not here: SQL (`sqlite/people.rs`, `postgres/people.rs`).

use super::ProcessId;
use uuid::Uuid;

/// One named place of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    pub process: ProcessId,
    /// 0, 1, 2 … inside the process.
    pub place: u32,
    /// Which kind of place it is.
    pub kind: Uuid,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    /// Unique inside the ledger, by the database.
    pub ticket: String,
    /// Milliseconds since the Unix epoch.
    pub admitted_at: Option<i64>,
}

/// A named place with the code of its process, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAttendee {
    pub attendee: Attendee,
    pub code: String,
}

/// Where in a list an attendee stands; a page begins after one. The default is before all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttendeeKey {
    pub kind: Uuid,
    pub sought: String,
    pub process: ProcessId,
    pub place: u32,
}

/// How many places of a ledger have a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttendeeCounts {
    pub assigned: u32,
    pub admitted: u32,
}

/// SHA-256 of what stands in the mail.
pub type LinkHash = [u8; 32];

/// A link on its way into a mail. Good once, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    pub hash: LinkHash,
    pub process: ProcessId,
    /// Milliseconds since the Unix epoch.
    pub expires_at: i64,
}

impl Attendee {
    /// What lists are sorted by and searched in: family name first, then as people say it.
    pub(super) fn sought(&self) -> String {
        let Self { given_name, family_name, email, .. } = self;
        format!("{family_name} {given_name}\n{given_name} {family_name}\n{email}").to_lowercase()
    }

    /// Where this attendee stands.
    #[must_use]
    pub fn key(&self) -> AttendeeKey {
        let Self { process, place, kind, .. } = *self;
        AttendeeKey { kind, sought: self.sought(), process, place }
    }
}

/// Process, place, kind, given name, family name, e-mail, ticket, admitted at, code.
pub(super) type AttendeeRow =
    (Uuid, i64, Uuid, String, String, String, String, Option<i64>, String);

impl From<AttendeeRow> for ListedAttendee {
    fn from(row: AttendeeRow) -> Self {
        let (process, place, kind, given_name, family_name, email, ticket, admitted_at, code) = row;
        let place = super::counted(place);
        let attendee =
            Attendee { process, place, kind, given_name, family_name, email, ticket, admitted_at };
        Self { attendee, code }
    }
}

impl From<(i64, i64)> for AttendeeCounts {
    fn from((assigned, admitted): (i64, i64)) -> Self {
        Self { assigned: super::counted(assigned), admitted: super::counted(admitted) }
    }
}
