//! One commit as a transaction of SQLite: the head is moved first, everything else follows in one text
//! of several statements. Not here: the connection; it is clean or gone when this returns.

use sqlx::{Connection, SqliteConnection};
use uuid::fmt::Simple;

use super::super::people::Attendee;
use super::super::{Commit, CommitError, Lookup, NewEvent, Uuid, last_of_each};

/// Leaves early by dropping the transaction: the driver rolls back before anything that follows on
/// this connection. That is also what happens when the caller stops waiting.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    commit: &Commit,
    rows: Rows,
    generation: i32,
) -> std::result::Result<(), CommitError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    apply(&mut transaction, commit, rows, generation).await?;
    transaction.commit().await?;
    Ok(())
}

/// What a commit writes, in a transaction that has begun.
pub(super) async fn apply(
    transaction: &mut SqliteConnection,
    commit: &Commit,
    rows: Rows,
    generation: i32,
) -> std::result::Result<(), CommitError> {
    if !move_head(transaction, commit, generation).await.map_err(classify)? {
        return Err(CommitError::Conflict);
    }
    sqlx::query(WRITE)
        .bind(commit.ledger)
        .bind(commit.expected_head.cast_signed())
        .bind(rows.payloads)
        .bind(rows.events)
        .bind(generation)
        .bind(rows.documents)
        .bind(rows.lookups)
        .bind(rows.deadlines)
        .bind(rows.effects)
        .bind(rows.effects_done)
        .bind(rows.attendees)
        .bind(rows.attendees_gone)
        .execute(transaction)
        .await
        .map_err(classify)?;
    Ok(())
}

async fn move_head(
    transaction: &mut SqliteConnection,
    commit: &Commit,
    generation: i32,
) -> sqlx::Result<bool> {
    let entry = commit.entry.as_ref();
    let moved = sqlx::query(
        "UPDATE ledgers
         SET head = head + $3, slug = coalesce($4, slug), state = coalesce($5, state),
             owner_email = coalesce($6, owner_email), owner_code = coalesce($7, owner_code),
             others_until = CASE WHEN $3 = 0 OR generation = $8 THEN others_until ELSE head END,
             generation = CASE WHEN $3 = 0 THEN generation ELSE $8 END
         WHERE ledger = $1 AND head = $2",
    )
    .bind(commit.ledger)
    .bind(commit.expected_head.cast_signed())
    .bind(commit.events.len() as i64)
    .bind(entry.map(|entry| entry.slug.clone()))
    .bind(entry.map(|entry| entry.state))
    .bind(entry.map(|entry| entry.owner.email.clone()))
    .bind(entry.map(|entry| entry.owner.code.clone()))
    .bind(generation)
    .execute(&mut *transaction)
    .await?;
    let Some(entry) = entry.filter(|_| moved.rows_affected() == 0 && commit.expected_head == 0)
    else {
        return Ok(moved.rows_affected() == 1);
    };
    let created = sqlx::query(
        "INSERT INTO ledgers (ledger, slug, state, head, owner_email, owner_code, generation)
         SELECT $1, $2, $3, $4, $5, $6, $7
         WHERE NOT EXISTS (SELECT 1 FROM ledgers WHERE ledger = $1)",
    )
    .bind(commit.ledger)
    .bind(entry.slug.clone())
    .bind(entry.state)
    .bind(commit.events.len() as i64)
    .bind(entry.owner.email.clone())
    .bind(entry.owner.code.clone())
    .bind(generation)
    .execute(transaction)
    .await?;
    Ok(created.rows_affected() == 1)
}

/// SQLite names the columns of a violated constraint only in its message.
fn classify(error: sqlx::Error) -> CommitError {
    match &error {
        sqlx::Error::Database(refused) if refused.is_unique_violation() => {
            if refused.message().contains("ledgers.slug") {
                return CommitError::SlugTaken;
            }
            if refused.message().contains("events.") {
                return CommitError::Conflict;
            }
        }
        _ => {}
    }
    error.into()
}

/// Everything behind the head, as one text of several statements: one step for the driver's thread.
/// `$3` holds the bytes of all payloads and bodies, the JSON beside it says where each one lies: so
/// they are neither escaped nor parsed, and come back byte for byte. `jsonb_each` hands each row on as it
/// was parsed; `json_each` would write it as text, to be parsed again for every column.
const WRITE: &str = "
INSERT INTO events (ledger, position, stream, version, process, kind, payload, command_id, cause,
                    recorded_at)
SELECT $1, $2 + key + 1, value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3,
       CAST(substr($3, value ->> 4, value ->> 5) AS TEXT), unhex(value ->> 6), value ->> 7,
       value ->> 8
FROM jsonb_each($4);

INSERT INTO documents (ledger, generation, topic, position, body)
SELECT $1, $5, value ->> 0, value ->> 1, CAST(substr($3, value ->> 2, value ->> 3) AS TEXT)
FROM jsonb_each($6) WHERE true
ON CONFLICT (ledger, generation, topic) DO UPDATE
SET position = excluded.position, body = excluded.body
WHERE excluded.position >= documents.position;

INSERT INTO orders (ledger, process, code, email, status, total_minor, placed_at, changed_at, name,
                    seats, sought)
SELECT $1, unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
       value ->> 6, value ->> 7, value ->> 8, value ->> 9
FROM jsonb_each($7) WHERE true
ON CONFLICT (ledger, process) DO UPDATE
SET code = excluded.code, email = excluded.email, status = excluded.status,
    total_minor = excluded.total_minor, placed_at = excluded.placed_at,
    changed_at = excluded.changed_at, name = excluded.name, seats = excluded.seats,
    sought = excluded.sought;

DELETE FROM deadlines WHERE ledger = $1
AND process IN (SELECT unhex(value ->> 0) FROM jsonb_each($8) WHERE value ->> 1 IS NULL);

INSERT INTO deadlines (ledger, process, at)
SELECT $1, unhex(value ->> 0), value ->> 1 FROM jsonb_each($8) WHERE value ->> 1 IS NOT NULL
ON CONFLICT (ledger, process) DO UPDATE SET at = excluded.at;

DELETE FROM effects WHERE ledger = $1 AND id IN (SELECT unhex(value) FROM json_each($10));

INSERT INTO effects (ledger, id, kind, payload, due_at)
SELECT $1, unhex(value ->> 0), value ->> 1, CAST(substr($3, value ->> 2, value ->> 3) AS TEXT),
       value ->> 4
FROM jsonb_each($9) WHERE true
ON CONFLICT (ledger, id) DO NOTHING;

DELETE FROM attendees WHERE ledger = $1
AND (process, place) IN (SELECT unhex(value ->> 0), value ->> 1 FROM jsonb_each($12));

INSERT INTO attendees (ledger, process, place, kind, given_name, family_name, email, sought, ticket,
                       admitted_at)
SELECT $1, unhex(value ->> 0), value ->> 1, unhex(value ->> 2), value ->> 3, value ->> 4,
       value ->> 5, value ->> 6, value ->> 7, value ->> 8
FROM jsonb_each($11) WHERE true
ON CONFLICT (ledger, process, place) DO UPDATE
SET kind = excluded.kind, given_name = excluded.given_name, family_name = excluded.family_name,
    email = excluded.email, sought = excluded.sought, ticket = excluded.ticket,
    admitted_at = excluded.admitted_at;
";

/// The rows of one commit as `WRITE` wants them.
pub(super) struct Rows {
    payloads: Vec<u8>,
    events: String,
    documents: String,
    lookups: String,
    deadlines: String,
    effects: String,
    effects_done: String,
    attendees: String,
    attendees_gone: String,
}

impl Rows {
    pub(super) fn of(commit: &Commit) -> Self {
        let mut payloads = Vec::new();
        let events: Vec<_> = commit
            .events
            .iter()
            .map(|event| {
                let (start, length) = put(&mut payloads, &event.payload);
                let process = event.process.map(Uuid::simple);
                let command_id = event.command_id.map(Uuid::simple);
                let NewEvent { stream, version, kind, cause, recorded_at, .. } = event;
                (stream, version, process, kind, start, length, command_id, cause, recorded_at)
            })
            .collect();
        let documents: Vec<_> = last_of_each(&commit.documents, |document| &document.topic)
            .map(|document| {
                let (start, length) = put(&mut payloads, &document.body);
                (&document.topic, document.position, start, length)
            })
            .collect();
        let lookups: Vec<_> = last_of_each(&commit.lookups, |lookup| lookup.process)
            .map(|lookup| {
                let Lookup { code, email, status, total_minor, placed_at, changed_at, .. } = lookup;
                let Lookup { process, name, seats, sought, .. } = lookup;
                let process = process.simple();
                (
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
                )
            })
            .collect();
        let deadlines: Vec<_> = last_of_each(&commit.deadlines, |(process, _)| *process)
            .map(|(process, at)| (process.simple(), at))
            .collect();
        let effects: Vec<_> = commit
            .effects
            .iter()
            .map(|effect| {
                let (start, length) = put(&mut payloads, &effect.payload);
                (effect.id.simple(), effect.kind, start, length, effect.due_at)
            })
            .collect();
        let effects_done: Vec<_> = commit.effects_done.iter().map(|id| id.simple()).collect();
        Self {
            events: json(&events),
            documents: json(&documents),
            lookups: json(&lookups),
            deadlines: json(&deadlines),
            effects: json(&effects),
            effects_done: json(&effects_done),
            attendees: attendees(commit),
            attendees_gone: json(&places(&commit.attendees_gone)),
            payloads,
        }
    }
}

fn attendees(commit: &Commit) -> String {
    let rows: Vec<_> = last_of_each(&commit.attendees, |row| (row.process, row.place))
        .map(|row| {
            let Attendee { place, given_name, family_name, email, ticket, admitted_at, .. } = row;
            let (process, kind) = (row.process.simple(), row.kind.simple());
            let sought = row.sought();
            (process, place, kind, given_name, family_name, email, sought, ticket, admitted_at)
        })
        .collect();
    json(&rows)
}

fn places(places: &[(Uuid, u32)]) -> Vec<(Simple, u32)> {
    places.iter().map(|(process, place)| (process.simple(), *place)).collect()
}

/// Where `substr` finds the text again: its first byte, counted from 1, and how many there are.
fn put(payloads: &mut Vec<u8>, text: &str) -> (usize, usize) {
    let start = payloads.len() + 1;
    payloads.extend_from_slice(text.as_bytes());
    (start, text.len())
}

pub(super) fn json<T: serde::Serialize + ?Sized>(rows: &T) -> String {
    serde_json::to_string(rows).expect("numbers, texts and ids are JSON")
}
