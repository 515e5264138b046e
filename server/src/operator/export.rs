//! `export`: the events as JSON lines, for whoever wants to count something of his own.

use super::{Out, Outcome, PAGE, instant, ledgers};
use crate::store::{Recorded, Store};
use serde::Serialize;
use serde_json::value::RawValue;
use std::io::{BufWriter, Write};
use uuid::Uuid;

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    conference: &'a str,
    position: u64,
    stream: &'a str,
    version: u64,
    kind: &'a str,
    payload: &'a RawValue,
    order_id: Option<Uuid>,
    command_id: Option<Uuid>,
    cause: u64,
    time: String,
}

/// An event as one line of JSON.
///
/// # Errors
/// Its payload is no JSON.
pub(super) fn line(slug: &str, recorded: &Recorded) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&Line {
        conference: slug,
        position: recorded.position,
        stream: &recorded.stream,
        version: recorded.version,
        kind: &recorded.kind,
        payload: serde_json::from_str(&recorded.payload)?,
        order_id: recorded.process,
        command_id: recorded.command_id,
        cause: recorded.cause,
        time: instant(recorded.recorded_at),
    })?)
}

/// Each ledger up to the head that it had when its turn came.
pub(super) async fn export(
    store: &Store,
    slug: Option<&str>,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    let mut out = BufWriter::new(out);
    for ledger in ledgers(store, slug).await? {
        let mut position = 0;
        loop {
            let page = store.read_all(ledger.ledger, position, PAGE).await?;
            for recorded in &page {
                writeln!(out, "{}", line(&ledger.slug, recorded)?)?;
                position = recorded.position;
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
    }
    out.flush()?;
    Ok(Outcome::Fine)
}
