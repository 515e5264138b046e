//! `maintenance`: the switch that every server on the database sees within seconds.

use super::{Out, Outcome};
use crate::maintenance::SWITCH;
use crate::store::Store;

/// The longest message that people are shown, in characters.
const MESSAGE_CHARACTERS_MAX: usize = 200;

pub(super) async fn on(store: &Store, message: &str, out: Out<'_>) -> anyhow::Result<Outcome> {
    if MESSAGE_CHARACTERS_MAX < message.chars().count() {
        writeln!(out, "The message is longer than {MESSAGE_CHARACTERS_MAX} characters.")?;
        return Ok(Outcome::Wrong);
    }
    store.turn_switch(SWITCH, Some(message)).await?;
    status(store, out).await
}

pub(super) async fn off(store: &Store, out: Out<'_>) -> anyhow::Result<Outcome> {
    store.turn_switch(SWITCH, None).await?;
    status(store, out).await
}

pub(super) async fn status(store: &Store, out: Out<'_>) -> anyhow::Result<Outcome> {
    match store.switch(SWITCH).await? {
        None => writeln!(out, "Maintenance is off: new orders are taken.")?,
        Some(message) if message.is_empty() => {
            writeln!(out, "Maintenance is on: no new orders.")?;
        }
        Some(message) => writeln!(out, "Maintenance is on: no new orders. People read: {message}")?,
    }
    Ok(Outcome::Fine)
}
