//! Ledgers, positions, streams, bytes and documents, kept durably. One front, two databases.
//!
//! The head of a ledger is its fence: a commit names the head it was decided on and either everything
//! in it becomes durable at once or nothing does.
//! Not here: any word of the domain. What a payload means is known in `events.rs`.

pub mod copy;
pub mod generations;
pub mod heads;
pub mod lists;
mod migrations;
pub mod people;
mod postgres;
mod sqlite;
pub mod tools;
mod turn;

use async_trait::async_trait;
use lists::{Listed, Wanted};
use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

pub use self::generations::{Kept, Stale, Whose};
pub use self::turn::Turn;

use self::people::{Attendee, AttendeeCounts, AttendeeKey, LinkHash, ListedAttendee, NewLink};

/// The generation of this release. A release whose documents changed, or that writes events which the one
/// before does not know, counts one up.
pub const GENERATION: i32 = 2;

/// One conference's append-only history.
pub type LedgerId = Uuid;
/// 1, 2, 3 … without gaps inside one ledger; 0 is before the first event.
pub type Position = u64;
/// The order (or other long-running process) that an event belongs to.
pub type ProcessId = Uuid;

/// One event on its way into a ledger. Its position is its place in `Commit::events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub stream: String,
    /// 1, 2, 3 … inside the stream.
    pub version: u64,
    pub process: Option<ProcessId>,
    /// Stored name, for instance `Category.ThingHappened.v1`.
    pub kind: &'static str,
    /// JSON.
    pub payload: String,
    /// The intent that caused it, shared by everything that followed from it in the same step.
    pub command_id: Option<Uuid>,
    /// The event (position) it reacted to; 0: an outside command.
    pub cause: Position,
    /// Milliseconds since the Unix epoch.
    pub recorded_at: i64,
}

/// One event as it rests in a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub position: Position,
    pub stream: String,
    pub version: u64,
    pub process: Option<ProcessId>,
    pub kind: String,
    pub payload: String,
    pub command_id: Option<Uuid>,
    pub cause: Position,
    pub recorded_at: i64,
}

impl NewEvent {
    /// The same event as it rests at this position.
    #[must_use]
    pub fn at(&self, position: Position) -> Recorded {
        let Self { stream, version, process, kind, payload, command_id, cause, recorded_at } =
            self.clone();
        let kind = kind.to_owned();
        Recorded {
            position,
            stream,
            version,
            process,
            kind,
            payload,
            command_id,
            cause,
            recorded_at,
        }
    }
}

/// A read model as JSON, with the position it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Inside the ledger, for instance `conference` or `order/{uuid}`.
    pub topic: String,
    pub position: Position,
    pub body: String,
}

/// What lists and look-ups need to know of one process without opening its ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    pub process: ProcessId,
    pub code: String,
    /// Lower case, or empty while unknown.
    pub email: String,
    pub status: Cow<'static, str>,
    /// Minor units.
    pub total_minor: i64,
    pub placed_at: i64,
    pub changed_at: i64,
    /// Empty while unknown.
    pub name: String,
    pub seats: u32,
    /// Lower case: what lists are searched in.
    pub sought: String,
}

/// Something to do outside, asked for by an event of the same commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEffect {
    /// Also the idempotency key towards the outside.
    pub id: Uuid,
    pub kind: &'static str,
    /// JSON.
    pub payload: String,
    /// First attempt not before this instant, milliseconds.
    pub due_at: i64,
}

/// An effect leased to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeasedEffect {
    pub ledger: LedgerId,
    pub id: Uuid,
    pub kind: String,
    pub payload: String,
    /// Attempts before this one.
    pub attempts: u32,
}

/// An effect that was given up, for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadEffect {
    pub ledger: LedgerId,
    pub id: Uuid,
    pub kind: String,
    pub attempts: u32,
    pub last_error: String,
}

/// The name and state of a ledger; written with its first events and whenever they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Unique over all ledgers, by the database.
    pub slug: String,
    /// `draft` or `published`.
    pub state: &'static str,
    pub owner: Owner,
}

/// Whose a ledger is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Lower case; empty: nobody's.
    pub email: String,
    /// A salted hash of the access code.
    pub code: String,
}

/// The head of a ledger, and what its entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerHead {
    pub ledger: LedgerId,
    pub slug: String,
    pub state: String,
    pub head: Position,
    pub owner: Owner,
}

/// SHA-256 of the token that a browser has.
pub type SessionKey = [u8; 32];

/// A browser that may act for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub key: SessionKey,
    pub scope: SessionScope,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// From this instant on there is no such session.
    pub expires_at: i64,
}

/// What a session is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionScope {
    /// All ledgers of this address (lower case).
    Email(String),
    /// One ledger, whosever it is.
    Ledger(LedgerId),
}

/// Everything one batch wants to make durable, or nothing of it.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    pub ledger: LedgerId,
    /// The batch was decided on this head. 0 with an `entry` creates the ledger.
    pub expected_head: Position,
    /// Get the positions `expected_head + 1 ..` in this order. May be empty; the head is checked
    /// all the same.
    pub events: Vec<NewEvent>,
    pub entry: Option<LedgerEntry>,
    /// When a topic, process or deadline occurs twice, the last one counts. A document never goes
    /// back to an earlier position.
    pub documents: Vec<Document>,
    pub lookups: Vec<Lookup>,
    /// Places whose name, ticket or admission changed; each is here or among those without a name.
    pub attendees: Vec<Attendee>,
    /// Places that have no name any more.
    pub attendees_gone: Vec<(ProcessId, u32)>,
    /// `Some(instant in ms)`: look at this process again then; `None`: no need to look again.
    pub deadlines: Vec<(ProcessId, Option<i64>)>,
    /// An effect with the id of one that is still there changes nothing: it is the same effect.
    pub effects: Vec<NewEffect>,
    pub effects_done: Vec<Uuid>,
}

impl Commit {
    /// Nothing to write: reading the head is enough, and no disk has to turn for it.
    pub(crate) fn only_checks_the_head(&self) -> bool {
        self.events.is_empty()
            && self.entry.is_none()
            && self.documents.is_empty()
            && self.lookups.is_empty()
            && self.attendees.is_empty()
            && self.attendees_gone.is_empty()
            && self.deadlines.is_empty()
            && self.effects.is_empty()
            && self.effects_done.is_empty()
    }

    fn confirm(&self, found: Option<&LedgerHead>) -> std::result::Result<(), CommitError> {
        match found {
            Some(found) if found.head == self.expected_head => Ok(()),
            _ => Err(CommitError::Conflict),
        }
    }
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else moved the head (or the ledger does not exist, or exists already). Nothing was
    /// written: catch up and decide again.
    #[error("the ledger's head has moved")]
    Conflict,
    /// Another ledger has this slug. Nothing was written.
    #[error("the slug is taken")]
    SlugTaken,
    /// The database failed. Whether the commit was applied is unknown: forget the memory and read.
    #[error("the store failed: {0}")]
    Fault(#[from] StoreFault),
}

/// The database could not be reached, or answered with something impossible.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreFault(#[from] pub anyhow::Error);

impl From<sqlx::Error> for StoreFault {
    fn from(error: sqlx::Error) -> Self {
        Self(error.into())
    }
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}

type Result<T> = std::result::Result<T, StoreFault>;

/// The ledgers, in one of the two databases. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Store {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
    /// Somewhere that fails on command: the simulation's.
    Kept(Arc<dyn Keeper>),
}

/// Calls the same function of whichever database it is. What a ledger and its workers need can also be
/// kept elsewhere; what only pages and sessions need is in databases alone.
macro_rules! delegate {
    (
        ledgers { $($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)* }
        pages { $($(#[$page_doc:meta])* $page:ident($($page_arg:ident: $page_type:ty),*) -> $page_result:ty;)* }
    ) => {
        /// Keeps ledgers as a database does.
        #[async_trait]
        pub trait Keeper: std::fmt::Debug + Send + Sync {
            /// True when several servers write to it.
            fn is_shared(&self) -> bool;
            $(
                $(#[$doc])*
                async fn $name(&self, $($arg: $type),*) -> $result;
            )*
        }

        impl Store {
            $(
                $(#[$doc])*
                pub async fn $name(&self, $($arg: $type),*) -> $result {
                    match self {
                        Self::Sqlite(store) => Box::pin(store.$name($($arg),*)).await,
                        Self::Postgres(store) => Box::pin(store.$name($($arg),*)).await,
                        Self::Kept(store) => store.$name($($arg),*).await,
                    }
                }
            )*
            $(
                $(#[$page_doc])*
                pub async fn $page(&self, $($page_arg: $page_type),*) -> $page_result {
                    match self {
                        Self::Sqlite(store) => Box::pin(store.$page($($page_arg),*)).await,
                        Self::Postgres(store) => Box::pin(store.$page($($page_arg),*)).await,
                        Self::Kept(_) => Err(anyhow::anyhow!("only databases keep this").into()),
                    }
                }
            )*
        }
    };
}

delegate! {
    ledgers {
        /// Makes everything in the commit durable, or nothing.
        commit(commit: &Commit) -> std::result::Result<(), CommitError>;
        /// The head of one ledger; `None` when there is no such ledger.
        head(ledger: LedgerId) -> Result<Option<LedgerHead>>;
        /// The ledger with this slug.
        ledger_by_slug(slug: &str) -> Result<Option<LedgerHead>>;
        /// Whole streams after a position, in the order of the ledger.
        read_streams(ledger: LedgerId, streams: &[&str], after: Position) -> Result<Vec<Recorded>>;
        /// All events of these processes, over all streams, in the order of the ledger.
        read_processes(ledger: LedgerId, processes: &[ProcessId]) -> Result<Vec<Recorded>>;
        /// At most `limit` events after a position, in order.
        read_all(ledger: LedgerId, after: Position, limit: u32) -> Result<Vec<Recorded>>;
        /// One document of this generation, however old it is.
        document(ledger: LedgerId, topic: &str) -> Result<Option<Document>>;
        /// The same, and whether another generation has written since; `None` when there is no such
        /// ledger.
        kept(ledger: LedgerId, topic: &str) -> Result<Option<Kept>>;
        /// Processes (with their ledger) whose instant has come, earliest first, except those of some
        /// ledgers.
        due_deadlines(
            now: i64, limit: u32, except: &[LedgerId]
        ) -> Result<Vec<(LedgerId, ProcessId)>>;
        /// The earliest instant in the table.
        next_deadline() -> Result<Option<i64>>;
        /// Takes effects of these kinds that are due and not leased, until `lease_until`; counts an
        /// attempt each.
        lease_effects(
            kinds: &[&str], now: i64, lease_until: i64, limit: u32
        ) -> Result<Vec<LeasedEffect>>;
        /// The earliest instant at which some effect of these kinds can be leased.
        next_effect(kinds: &[&str]) -> Result<Option<i64>>;
        /// Gives a leased effect back, to be taken again at `due_at` by whoever can perform it: this was
        /// no attempt.
        return_effect(ledger: LedgerId, id: Uuid, due_at: i64) -> Result<()>;
        /// Gives a leased effect back, to be tried again at `retry_at`.
        retry_effect(ledger: LedgerId, id: Uuid, retry_at: i64, error: &str) -> Result<()>;
        /// Gives an effect up; it stays visible to the operator.
        bury_effect(ledger: LedgerId, id: Uuid, error: &str) -> Result<()>;
        /// Effects that were given up.
        dead_effects(limit: u32) -> Result<Vec<DeadEffect>>;
        /// Processes of a ledger with this e-mail (lower case); newest first.
        processes_by_email(ledger: LedgerId, email: &str, limit: u32) -> Result<Vec<ProcessId>>;
        /// Remembers links, and sweeps those that have expired. A link that is known stays as it is.
        add_links(ledger: LedgerId, links: &[NewLink], now: i64) -> Result<()>;
        /// True when the database answers.
        is_ready() -> bool;
        /// Finishes what is under way and closes the connections.
        close() -> ();
    }
    pages {
        /// The document with this topic of each of these ledgers.
        kept_by(whose: Whose<'_>, topic: &str, limit: u32) -> Result<Vec<Kept>>;
        /// The ledgers of this address (lower case), newest first.
        ledgers_by_owner(email: &str, limit: u32) -> Result<Vec<LedgerHead>>;
        /// Begins a session, and sweeps those that have expired by then.
        begin_session(session: &Session) -> Result<()>;
        /// The session with this key, unless it has expired.
        session(key: &SessionKey, now: i64) -> Result<Option<Session>>;
        /// Ends one session, if it is there.
        end_session(key: &SessionKey) -> Result<()>;
        /// Ends the sessions of a scope, except the one with this key.
        end_sessions(scope: &SessionScope, except: &SessionKey) -> Result<()>;
        /// Processes of a ledger with this e-mail (lower case) and code; newest first.
        find_processes(ledger: LedgerId, email: &str, code: &str) -> Result<Vec<ProcessId>>;
        /// Processes of a ledger as lists show them, newest first.
        list(ledger: LedgerId, wanted: &Wanted) -> Result<Vec<Listed>>;
        /// The process and place that this ticket is for.
        find_ticket(ledger: LedgerId, ticket: &str) -> Result<Option<(ProcessId, u32)>>;
        /// At most `limit` attendees with `search` (lower case; empty: all) in their names or e-mail, in
        /// the order of kinds and names, after a place in that order.
        attendees(
            ledger: LedgerId, search: &str, after: &AttendeeKey, limit: u32
        ) -> Result<Vec<ListedAttendee>>;
        /// How many places of a ledger have a name.
        attendee_counts(ledger: LedgerId) -> Result<AttendeeCounts>;
        /// Uses a link up: its process, if it is good and was not used before.
        take_link(ledger: LedgerId, hash: &LinkHash, now: i64) -> Result<Option<ProcessId>>;
    }
}

impl Store {
    /// True when other processes may write to the same ledgers.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) => true,
            Self::Kept(store) => store.is_shared(),
        }
    }

    /// Opens the database behind `url` (`sqlite:path`, `postgres://…`), creating and migrating it as
    /// needed.
    ///
    /// # Errors
    /// When the database cannot be opened, has tables that this release cannot work with, or (SQLite) is
    /// in use by another process.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_as(url, i64::MAX, GENERATION).await
    }

    /// The same as another release: with its last migration, and its generation.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_as(url: &str, last_migration: i64, generation: i32) -> Result<Self> {
        if tools::is_postgres(url) {
            Ok(Self::Postgres(postgres::Postgres::open(url, last_migration, generation).await?))
        } else {
            Ok(Self::Sqlite(sqlite::Sqlite::open(url, last_migration, generation).await?))
        }
    }
}

/// The URL of the SQLite database in this file.
#[must_use]
pub fn sqlite_url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// The last row of each key, in the order of the rows: a statement may not write a row twice.
fn last_of_each<'a, T, K: Eq + Hash>(
    rows: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> impl Iterator<Item = &'a T> {
    let mut seen = HashSet::with_capacity(rows.len());
    let mut kept: Vec<&T> = rows.iter().rev().filter(|row| seen.insert(key(row))).collect();
    kept.reverse();
    kept.into_iter()
}

// What both databases answer, column by column. Positions and counts are signed there.

type HeadRow = (Uuid, String, String, i64, String, String);

impl From<HeadRow> for LedgerHead {
    fn from((ledger, slug, state, head, email, code): HeadRow) -> Self {
        Self { ledger, slug, state, head: head.cast_unsigned(), owner: Owner { email, code } }
    }
}

/// E-mail, ledger, created at, expires at.
type SessionRow = (Option<String>, Option<Uuid>, i64, i64);

/// `None` for what the table cannot hold: a session for everything or for nothing.
fn session(key: SessionKey, row: SessionRow) -> Option<Session> {
    let (email, ledger, created_at, expires_at) = row;
    let scope = match (email, ledger) {
        (Some(email), None) => SessionScope::Email(email),
        (None, Some(ledger)) => SessionScope::Ledger(ledger),
        _ => return None,
    };
    Some(Session { key, scope, created_at, expires_at })
}

impl SessionScope {
    /// As it stands in the columns.
    fn columns(&self) -> (Option<&str>, Option<LedgerId>) {
        match self {
            Self::Email(email) => (Some(email), None),
            Self::Ledger(ledger) => (None, Some(*ledger)),
        }
    }
}

type RecordedRow = (i64, String, i64, Option<Uuid>, String, String, Option<Uuid>, i64, i64);

impl From<RecordedRow> for Recorded {
    fn from(row: RecordedRow) -> Self {
        let (position, stream, version, process, kind, payload, command_id, cause, recorded_at) =
            row;
        Self {
            position: position.cast_unsigned(),
            stream,
            version: version.cast_unsigned(),
            process,
            kind,
            payload,
            command_id,
            cause: cause.cast_unsigned(),
            recorded_at,
        }
    }
}

type DocumentRow = (String, i64, String);

impl From<DocumentRow> for Document {
    fn from((topic, position, body): DocumentRow) -> Self {
        Self { topic, position: position.cast_unsigned(), body }
    }
}

/// Ledger, id, kind, payload or last error, attempts.
type EffectRow = (Uuid, Uuid, String, String, i64);

impl From<EffectRow> for LeasedEffect {
    fn from((ledger, id, kind, payload, attempts): EffectRow) -> Self {
        Self { ledger, id, kind, payload, attempts: counted(attempts) }
    }
}

impl From<EffectRow> for DeadEffect {
    fn from((ledger, id, kind, last_error, attempts): EffectRow) -> Self {
        Self { ledger, id, kind, attempts: counted(attempts), last_error }
    }
}

fn counted(attempts: i64) -> u32 {
    u32::try_from(attempts).unwrap_or(u32::MAX)
}
