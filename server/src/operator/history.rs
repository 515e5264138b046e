//! `history`: the story of one order, from its first event to what is still to come.

use super::effects::{of_ledger, order_of, words};
use super::export::line;
use super::{Out, Outcome, instant, ledgers};
use crate::store::tools::KeptEffect;
use crate::store::{LedgerHead, ProcessId, Recorded, Store};
use crate::views;
use serde_json::{Value, json};
use shared::{AccessCode, OrderId};

/// An order, where it was found.
struct Found {
    ledger: LedgerHead,
    process: ProcessId,
}

/// Everything about one order.
struct Story {
    events: Vec<Recorded>,
    /// The instant (ms) at which it is looked at again.
    deadline: Option<i64>,
    effects: Vec<KeptEffect>,
}

pub(super) async fn tell(
    store: &Store,
    (order, slug): (&str, Option<&str>),
    json: bool,
    out: Out<'_>,
) -> anyhow::Result<Outcome> {
    let found = find(store, order, slug).await?;
    match found.as_slice() {
        [] => {
            writeln!(out, "There is no order {order}.")?;
            Ok(Outcome::Wrong)
        }
        [one] if json => {
            let story = Story::read(store, one).await?;
            writeln!(out, "{}", story.as_json(one)?)?;
            Ok(Outcome::Fine)
        }
        [one] => {
            let story = Story::read(store, one).await?;
            writeln!(out, "Order {} of {}", one.process, one.ledger.slug)?;
            story.print(out)?;
            Ok(Outcome::Fine)
        }
        several => {
            writeln!(out, "That is said of several orders; ask for one by its id, or with --in:")?;
            for Found { ledger, process } in several {
                writeln!(out, "  {process} of {}", ledger.slug)?;
            }
            Ok(Outcome::Wrong)
        }
    }
}

/// By its id, wherever it is; or by its code, which another conference may have given, too.
async fn find(store: &Store, order: &str, slug: Option<&str>) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    let id: Option<OrderId> = order.parse().ok();
    let code: Option<AccessCode> = order.parse().ok();
    for ledger in ledgers(store, slug).await? {
        let processes = match (id, &code) {
            (Some(id), _) => {
                let events = store.read_processes(ledger.ledger, &[id.0]).await?;
                events.first().map(|_| id.0).into_iter().collect()
            }
            (None, Some(code)) => store.processes_by_code(ledger.ledger, code.as_str()).await?,
            (None, None) => vec![],
        };
        let here = |process| Found { ledger: ledger.clone(), process };
        found.extend(processes.into_iter().map(here));
    }
    Ok(found)
}

impl Story {
    async fn read(store: &Store, found: &Found) -> anyhow::Result<Self> {
        let Found { ledger, process } = found;
        let events = store.read_processes(ledger.ledger, &[*process]).await?;
        let deadlines = store.deadlines(ledger.ledger, &[*process]).await?;
        let effects = of_ledger(store, ledger.ledger).await?;
        Ok(Self {
            events,
            deadline: deadlines.first().map(|(_, at)| *at),
            effects: effects.into_iter().filter(|e| order_of(e) == Some(*process)).collect(),
        })
    }

    fn print(&self, out: Out<'_>) -> anyhow::Result<()> {
        print_events(&self.events, out)?;
        if self.deadline.is_none() && self.effects.is_empty() {
            writeln!(out, "Nothing is to come by itself.")?;
        }
        if let Some(at) = self.deadline {
            writeln!(out, "To come: it is looked at again at {}.", instant(at))?;
        }
        for effect in &self.effects {
            writeln!(out, "To come: {}", words(effect))?;
        }
        Ok(())
    }

    fn as_json(&self, found: &Found) -> anyhow::Result<Value> {
        let lines = views::history::lines(&self.events)?;
        let mut events = Vec::with_capacity(lines.len());
        for (recorded, told) in self.events.iter().zip(&lines) {
            let mut event: Value = serde_json::from_str(&line(&found.ledger.slug, recorded)?)?;
            event["words"] = json!(told.words);
            events.push(event);
        }
        let effects = self.effects.iter().map(|effect| {
            json!({
                "id": effect.id,
                "kind": effect.kind,
                "due": instant(effect.due_at),
                "attempts": effect.attempts,
                "given_up": effect.is_dead,
                "last_error": effect.last_error,
            })
        });
        Ok(json!({
            "order_id": found.process,
            "conference": found.ledger.slug,
            "events": events,
            "deadline": self.deadline.map(instant),
            "effects": effects.collect::<Vec<_>>(),
        }))
    }
}

/// Each event in words, with where it stands and what it followed from.
pub(super) fn print_events(events: &[Recorded], out: Out<'_>) -> anyhow::Result<()> {
    let lines = views::history::lines(events)?;
    for (recorded, told) in events.iter().zip(&lines) {
        let Recorded { position, recorded_at, kind, cause, command_id, .. } = recorded;
        let command = command_id.map_or_else(|| "the house".to_owned(), |id| id.to_string());
        let why = match cause {
            0 => format!("by {command}"),
            cause => format!("after {cause}, by {command}"),
        };
        let at = instant(*recorded_at);
        writeln!(out, "{position:>8}  {at}  {}  [{kind}, {why}]", told.words)?;
    }
    Ok(())
}
