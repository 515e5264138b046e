//! One commit as one statement of PostgreSQL: the row of the ledger is the fence, and everything else
//! in the statement reads from it. Not here: connections, and what a lost answer means.

use sqlx::postgres::{PgArguments, Postgres as Pg};
use sqlx::query::Query;

use super::super::{Commit, CommitError, last_of_each};

/// What the numbers in `commit_statement` stand for, in their order.
pub(super) fn bind<'q>(
    query: Query<'q, Pg, PgArguments>,
    commit: &'q Commit,
    generation: i32,
) -> Query<'q, Pg, PgArguments> {
    let Commit { events, effects, .. } = commit;
    let attendees: Vec<_> =
        last_of_each(&commit.attendees, |attendee| (attendee.process, attendee.place)).collect();
    let entry = commit.entry.as_ref();
    let documents: Vec<_> = last_of_each(&commit.documents, |document| &document.topic).collect();
    let lookups: Vec<_> = last_of_each(&commit.lookups, |lookup| lookup.process).collect();
    let deadlines = last_of_each(&commit.deadlines, |(process, _)| *process);
    let (set, cleared): (Vec<_>, Vec<_>) = deadlines.partition(|(_, at)| at.is_some());
    query
        .bind(commit.ledger)
        .bind(commit.expected_head.cast_signed())
        .bind(events.len() as i64)
        .bind(entry.map(|entry| entry.slug.as_str()))
        .bind(entry.map(|entry| entry.state))
        .bind(column(events, |event| event.stream.as_str()))
        .bind(column(events, |event| event.version.cast_signed()))
        .bind(column(events, |event| event.process))
        .bind(column(events, |event| event.kind))
        .bind(column(events, |event| event.payload.as_str()))
        .bind(column(events, |event| event.command_id))
        .bind(column(events, |event| event.cause.cast_signed()))
        .bind(column(events, |event| event.recorded_at))
        .bind(generation)
        .bind(column(&documents, |document| document.topic.as_str()))
        .bind(column(&documents, |document| document.position.cast_signed()))
        .bind(column(&documents, |document| document.body.as_str()))
        .bind(column(&lookups, |lookup| lookup.process))
        .bind(column(&lookups, |lookup| lookup.code.as_str()))
        .bind(column(&lookups, |lookup| lookup.email.as_str()))
        .bind(column(&lookups, |lookup| &*lookup.status))
        .bind(column(&lookups, |lookup| lookup.total_minor))
        .bind(column(&lookups, |lookup| lookup.placed_at))
        .bind(column(&lookups, |lookup| lookup.changed_at))
        .bind(column(&set, |(process, _)| *process))
        .bind(column(&set, |(_, at)| *at))
        .bind(column(&cleared, |(process, _)| *process))
        .bind(column(effects, |effect| effect.id))
        .bind(column(effects, |effect| effect.kind))
        .bind(column(effects, |effect| effect.payload.as_str()))
        .bind(column(effects, |effect| effect.due_at))
        .bind(&commit.effects_done)
        .bind(entry.map(|entry| entry.owner.email.as_str()))
        .bind(entry.map(|entry| entry.owner.code.as_str()))
        .bind(column(&attendees, |attendee| attendee.process))
        .bind(column(&attendees, |attendee| i64::from(attendee.place)))
        .bind(column(&attendees, |attendee| attendee.kind))
        .bind(column(&attendees, |attendee| attendee.given_name.as_str()))
        .bind(column(&attendees, |attendee| attendee.family_name.as_str()))
        .bind(column(&attendees, |attendee| attendee.email.as_str()))
        .bind(column(&attendees, |attendee| attendee.sought()))
        .bind(column(&attendees, |attendee| attendee.ticket.as_str()))
        .bind(column(&attendees, |attendee| attendee.admitted_at))
        .bind(column(&commit.attendees_gone, |(process, _)| *process))
        .bind(column(&commit.attendees_gone, |(_, place)| i64::from(*place)))
        .bind(column(&lookups, |lookup| lookup.name.as_str()))
        .bind(column(&lookups, |lookup| i64::from(lookup.seats)))
        .bind(column(&lookups, |lookup| lookup.sought.as_str()))
}

fn column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

pub(super) fn classify(error: sqlx::Error) -> CommitError {
    if let sqlx::Error::Database(refused) = &error {
        if refused.is_unique_violation() {
            match (refused.constraint(), refused.table()) {
                (Some("ledgers_slug"), _) => return CommitError::SlugTaken,
                (_, Some("events")) => return CommitError::Conflict,
                _ => {}
            }
        }
        if refused.code().is_some_and(|code| code == SERIALIZATION_FAILURE) {
            return CommitError::Conflict;
        }
    }
    error.into()
}

const SERIALIZATION_FAILURE: &str = "40001";

/// One constant text per fence, so that each connection prepares it once. Rows that a commit does
/// not have are empty arrays. Every part reads from `fence`: no row there, no row anywhere.
macro_rules! commit_statement {
    ($fence:literal) => {
        concat!(
            "WITH fence AS MATERIALIZED (",
            $fence,
            r#" RETURNING ledgers.ledger),
new_events AS (
    INSERT INTO events (ledger, position, stream, version, process, kind, payload, command_id,
                        cause, recorded_at)
    SELECT ledger, $2 + place, stream, version, process, kind, payload, command_id, cause,
           recorded_at
    FROM fence, unnest($6::text[], $7::bigint[], $8::uuid[], $9::text[], $10::text[], $11::uuid[],
                       $12::bigint[], $13::bigint[])
        WITH ORDINALITY AS row (stream, version, process, kind, payload, command_id, cause,
                                recorded_at, place)),
new_documents AS (
    INSERT INTO documents (ledger, generation, topic, position, body)
    SELECT ledger, $14, topic, reached, body
    FROM fence, unnest($15::text[], $16::bigint[], $17::text[]) AS row (topic, reached, body)
    ON CONFLICT (ledger, generation, topic) DO UPDATE
    SET position = excluded.position, body = excluded.body
    WHERE excluded.position >= documents.position),
new_orders AS (
    INSERT INTO orders (ledger, process, code, email, status, total_minor, placed_at, changed_at,
                        name, seats, sought)
    SELECT ledger, process, code, email, status, total_minor, placed_at, changed_at, name, seats,
           sought
    FROM fence, unnest($18::uuid[], $19::text[], $20::text[], $21::text[], $22::bigint[],
                       $23::bigint[], $24::bigint[], $46::text[], $47::bigint[], $48::text[])
        AS row (process, code, email, status, total_minor, placed_at, changed_at, name, seats,
                sought)
    ON CONFLICT (ledger, process) DO UPDATE
    SET code = excluded.code, email = excluded.email, status = excluded.status,
        total_minor = excluded.total_minor, placed_at = excluded.placed_at,
        changed_at = excluded.changed_at, name = excluded.name, seats = excluded.seats,
        sought = excluded.sought),
new_deadlines AS (
    INSERT INTO deadlines (ledger, process, at)
    SELECT ledger, process, instant
    FROM fence, unnest($25::uuid[], $26::bigint[]) AS row (process, instant)
    ON CONFLICT (ledger, process) DO UPDATE SET at = excluded.at),
old_deadlines AS (
    DELETE FROM deadlines USING fence
    WHERE deadlines.ledger = fence.ledger AND deadlines.ledger = $1
    AND deadlines.process = ANY($27::uuid[])),
new_effects AS (
    INSERT INTO effects (ledger, id, kind, payload, due_at)
    SELECT ledger, id, kind, payload, due_at
    FROM fence, unnest($28::uuid[], $29::text[], $30::text[], $31::bigint[])
        AS row (id, kind, payload, due_at)
    ON CONFLICT (ledger, id) DO NOTHING),
old_effects AS (
    DELETE FROM effects USING fence
    WHERE effects.ledger = fence.ledger AND effects.ledger = $1
    AND effects.id = ANY($32::uuid[])),
new_attendees AS (
    INSERT INTO attendees (ledger, process, place, kind, given_name, family_name, email, sought,
                           ticket, admitted_at)
    SELECT ledger, process, place, kind, given_name, family_name, email, sought, ticket, admitted_at
    FROM fence, unnest($35::uuid[], $36::bigint[], $37::uuid[], $38::text[], $39::text[],
                       $40::text[], $41::text[], $42::text[], $43::bigint[])
        AS row (process, place, kind, given_name, family_name, email, sought, ticket, admitted_at)
    ON CONFLICT (ledger, process, place) DO UPDATE
    SET kind = excluded.kind, given_name = excluded.given_name,
        family_name = excluded.family_name, email = excluded.email, sought = excluded.sought,
        ticket = excluded.ticket, admitted_at = excluded.admitted_at),
old_attendees AS (
    DELETE FROM attendees
    USING fence, unnest($44::uuid[], $45::bigint[]) AS row (gone, gone_place)
    WHERE attendees.ledger = fence.ledger AND attendees.ledger = $1
    AND attendees.process = gone AND attendees.place = gone_place)
SELECT ledger FROM fence"#
        )
    };
}

pub(super) const APPEND: &str = commit_statement!(
    "UPDATE ledgers SET head = head + $3, slug = coalesce($4, slug), state = coalesce($5, state),
         owner_email = coalesce($33, owner_email), owner_code = coalesce($34, owner_code),
         others_until = CASE WHEN $3 = 0 OR generation = $14 THEN others_until ELSE head END,
         generation = CASE WHEN $3 = 0 THEN generation ELSE $14 END
     WHERE ledger = $1 AND head = $2"
);

/// Also when the ledger has been made before, but without events.
pub(super) const CREATE: &str = commit_statement!(
    "INSERT INTO ledgers (ledger, slug, state, head, owner_email, owner_code, generation)
     VALUES ($1, $4, $5, $2 + $3, $33, $34, $14)
     ON CONFLICT (ledger) DO UPDATE
     SET slug = excluded.slug, state = excluded.state, head = excluded.head,
         owner_email = excluded.owner_email, owner_code = excluded.owner_code,
         generation = excluded.generation
     WHERE ledgers.head = $2"
);
