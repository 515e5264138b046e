//! `effects`: what was to be done outside and was given up. The table is the whole truth about it: no
//! ledger remembers effects, and the worker takes what is due from the table each time. So a row may be
//! changed beside a running server, which finds it within its patience.

use super::{Out, Outcome, PAGE, counted, instant};
use crate::clock::Clock;
use crate::domain::registration_process::Effect;
use crate::store::Store;
use crate::store::tools::KeptEffect;
use uuid::Uuid;

/// Every effect in the order of ledgers and ids.
///
/// # Errors
/// The store failed.
async fn all(store: &Store) -> anyhow::Result<Vec<KeptEffect>> {
    let mut effects: Vec<KeptEffect> = Vec::new();
    loop {
        let after =
            effects.last().map_or((Uuid::nil(), Uuid::nil()), |last| (last.ledger, last.id));
        let page = store.effects(after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        effects.extend(page);
        if is_last {
            return Ok(effects);
        }
    }
}

/// The effects of one ledger.
///
/// # Errors
/// The store failed.
pub(super) async fn of_ledger(store: &Store, ledger: Uuid) -> anyhow::Result<Vec<KeptEffect>> {
    let (mut effects, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let page = store.effects((ledger, after), PAGE).await?;
        let is_last = page.len() < PAGE as usize || page.iter().any(|e| e.ledger != ledger);
        effects.extend(page.into_iter().filter(|effect| effect.ledger == ledger));
        match effects.last() {
            Some(last) if !is_last => after = last.id,
            _ => return Ok(effects),
        }
    }
}

/// The order that an effect is about, if this release knows.
pub(super) fn order_of(effect: &KeptEffect) -> Option<Uuid> {
    let effect: Effect = serde_json::from_str(&effect.payload).ok()?;
    effect.order_id().map(|id| id.0)
}

/// One effect in one line.
pub(super) fn words(effect: &KeptEffect) -> String {
    let order = order_of(effect).map_or_else(String::new, |id| format!(" of order {id}"));
    let tries = counted(effect.attempts as usize, "attempt");
    let when = match effect.is_dead {
        true => "given up".to_owned(),
        false => format!("due {}", instant(effect.due_at)),
    };
    let why = match effect.last_error.as_str() {
        "" => String::new(),
        error => format!(": {error}"),
    };
    format!("{}  {}{order}, {when}, {tries}{why}", effect.id, effect.kind)
}

pub(super) async fn list(store: &Store, waiting: bool, out: Out<'_>) -> anyhow::Result<Outcome> {
    let effects = all(store).await?;
    let (dead, live): (Vec<_>, Vec<_>) = effects.into_iter().partition(|effect| effect.is_dead);
    for effect in dead.iter().chain(live.iter().filter(|_| waiting)) {
        let slug = store.head(effect.ledger).await?.map_or_else(String::new, |head| head.slug);
        writeln!(out, "{slug}  {}", words(effect))?;
    }
    let waiting = counted(live.len(), "effect");
    writeln!(out, "{} given up, {waiting} waiting.", counted(dead.len(), "effect"))?;
    Ok(Outcome::Fine)
}

pub(super) async fn retry(
    store: &Store,
    clock: &Clock,
    id: &str,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    let Some(dead) = dead(store, id, out).await? else { return Ok(Outcome::Wrong) };
    for effect in &dead {
        if store.revive_effect(effect.ledger, effect.id, clock.now().0).await? {
            writeln!(out, "{} {} is tried again now.", effect.kind, effect.id)?;
        } else {
            writeln!(out, "{} {} is not there any more.", effect.kind, effect.id)?;
        }
    }
    if dead.is_empty() {
        writeln!(out, "Nothing was given up.")?;
    }
    Ok(Outcome::Fine)
}

pub(super) async fn discard(
    store: &Store,
    id: &str,
    yes: bool,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    let Some(dead) = dead(store, id, out).await? else { return Ok(Outcome::Wrong) };
    let [effect] = dead.as_slice() else {
        writeln!(out, "Effects are discarded one by one.")?;
        return Ok(Outcome::Wrong);
    };
    writeln!(out, "{}", words(effect))?;
    if effect.kind == "RefundPayment" {
        // Nobody's money is ever ignored: what was returned by hand stays in the list as a reminder.
        writeln!(
            out,
            "Money that is owed cannot be discarded. Retry it when the provider is back."
        )?;
        return Ok(Outcome::Wrong);
    }
    writeln!(out, "{}", what_is_lost(effect))?;
    if !yes {
        writeln!(out, "Nothing was changed. To discard it, say so: --yes")?;
        return Ok(Outcome::Wrong);
    }
    let done = store.discard_effect(effect.ledger, effect.id).await?;
    writeln!(out, "{}", if done { "Discarded." } else { "It is not there any more." })?;
    Ok(Outcome::Fine)
}

/// The effects that were given up and are meant; `None` (and words) when there is no such one.
async fn dead(store: &Store, id: &str, out: Out<'_>) -> anyhow::Result<Option<Vec<KeptEffect>>> {
    let effects = all(store).await?;
    if id == "all" {
        return Ok(Some(effects.into_iter().filter(|effect| effect.is_dead).collect()));
    }
    let wanted: Option<Uuid> = id.parse().ok();
    match effects.into_iter().find(|effect| Some(effect.id) == wanted) {
        Some(effect) if effect.is_dead => return Ok(Some(vec![effect])),
        Some(effect) => writeln!(out, "It was not given up: {}", words(&effect))?,
        None => {
            writeln!(out, "There is no effect {id}. `effects` lists those that were given up.")?
        }
    }
    Ok(None)
}

/// What nobody will do any more.
fn what_is_lost(effect: &KeptEffect) -> &'static str {
    match effect.kind.as_str() {
        "QueryPayment" => {
            "The provider is not asked about this payment. The order ends by its deadline; money that \
             arrives by a callback is still used or returned."
        }
        "CancelPayment" => {
            "The provider is not told that the payment is given up. Money that arrives all the same is \
             still used or returned."
        }
        "MailConfirmation" => "The registrant does not get the confirmation with the access code.",
        "MailRefund" | "MailCancellation" => {
            "The registrant does not get the mail about the money."
        }
        "MailTicket" => {
            "The attendee does not get the ticket by mail; the registrant can print it."
        }
        "MailTicketVoid" => "Nobody tells the attendee that the ticket is void.",
        "MailOrderLinks" | "MailOwnerCode" => "The mail is not sent; it can be asked for again.",
        _ => "This release does not know what is lost.",
    }
}
