//! The owner's commands, and the seats that follow from them.
//!
//! Not here: any rule (`domain/conference.rs`), and whose the conference is (`http/owner_session.rs`).

use super::super::memory::{Cause, Memory};
use super::{Answer, at, decide_seats};
use crate::domain::conference::{Command, Event as ConferenceEvent, Taken};
use crate::domain::{Decider, Refusal, seats_availability};
use crate::events::{Event, Stream};
use shared::SeatTypeId;

/// A command that was acted upon lately is recognised by its id. A creation is compared as a whole: its
/// id alone must not be worth anything.
pub(super) fn answer(
    memory: &mut Memory,
    command: Command,
    cause: Cause,
) -> Result<Answer, Refusal> {
    let is_creation = matches!(command, Command::CreateConference(_));
    match cause.command_id.and_then(|id| memory.handled(id)).filter(|_| !is_creation) {
        Some(position) => Ok(at(position)),
        None => manage(memory, command, cause),
    }
}

fn manage(memory: &mut Memory, command: Command, cause: Cause) -> Result<Answer, Refusal> {
    let command = command.informed(|id| taken(memory, id));
    let events = memory.conference().decide(command, cause.now)?;
    for event in events {
        if let ConferenceEvent::SeatTypeDeleted { seat_type } = event {
            withdraw(memory, seat_type, cause)?;
        }
        memory.record(Stream::Conference, Event::Conference(event), cause);
    }
    let moved: Vec<(SeatTypeId, i64)> = memory
        .conference()
        .seat_types
        .iter()
        .map(|known| {
            let quota = memory.seats().counts.get(&known.id).map_or(0, |counts| counts.quota);
            (known.id, i64::from(known.quota) - quota)
        })
        .filter(|(id, change)| *change != 0 || !memory.seats().counts.contains_key(id))
        .collect();
    for (seat_type, change) in moved {
        let quantity = u32::try_from(change.unsigned_abs()).unwrap_or(u32::MAX);
        let command = if change < 0 {
            seats_availability::Command::RemoveSeats { seat_type, quantity }
        } else {
            seats_availability::Command::AddSeats { seat_type, quantity }
        };
        decide_seats(memory, command, Cause { position: memory.position(), ..cause })?;
    }
    Ok(at(memory.position()))
}

fn taken(memory: &Memory, id: SeatTypeId) -> Taken {
    let counts = memory.seats().counts.get(&id).copied().unwrap_or_default();
    let number = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    Taken { sold: number(counts.sold), held: number(counts.held) }
}

/// Takes all seats of a type off the offer while its line is still there, so that money that comes too
/// late cannot buy one back.
fn withdraw(memory: &mut Memory, seat_type: SeatTypeId, cause: Cause) -> Result<(), Refusal> {
    let quota = memory.seats().counts.get(&seat_type).map_or(0, |counts| counts.quota);
    let quantity = u32::try_from(quota).unwrap_or(0);
    let command = seats_availability::Command::RemoveSeats { seat_type, quantity };
    decide_seats(memory, command, cause)
}
