//! Every answer that a client got, against what the command did.

use super::History;
use crate::journal::{Intent, Journal, Said};
use crate::report::{Breach, Kind};
use std::collections::HashSet;

/// Everything that is not as it was said.
pub(super) fn compare(journal: &Journal, history: &History) -> Vec<Breach> {
    let mut breaches: Vec<Breach> =
        journal.intents.iter().filter_map(|intent| check(intent, history).err()).collect();
    let asked: HashSet<_> = journal.intents.iter().filter_map(|intent| intent.order).collect();
    for order in history.orders.difference(&asked) {
        breaches.push(Breach::of(*order, "nobody placed this order".to_owned()));
    }
    breaches
}

fn check(intent: &Intent, history: &History) -> Result<(), Breach> {
    let Intent { slug, order, command_id, route, said, .. } = intent;
    let acted = history.acted.get(command_id).map_or(&[][..], Vec::as_slice);
    let lost = |what: &str| {
        let what = format!("{route} {command_id} was answered {said:?}, but {what} ({acted:?})");
        Breach::lost(*order, what)
    };
    let head = history.heads.get(slug).copied().unwrap_or(0);
    let mut first = None;
    for answer in said {
        let Said::Yes(accepted) = answer else {
            if first.is_some() && !acted.is_empty() {
                return Err(lost("had acted before the no"));
            }
            continue;
        };
        if head < accepted.position {
            return Err(lost("the history ends before"));
        }
        if !acted.is_empty() && acted.iter().all(|(position, _)| *position != accepted.position) {
            return Err(lost("it did nothing there"));
        }
        let before = first.get_or_insert(accepted);
        if !acted.is_empty() && before != &accepted {
            return Err(lost("two answers to one command differ"));
        }
    }
    let was_refused = order.is_some() && matches!(said.last(), Some(Said::No(_)));
    if was_refused && !acted.is_empty() {
        return Err(lost("it acted all the same"));
    }
    if first.is_some() && acted.is_empty() && !may_change_nothing(intent, history) {
        return Err(lost("it left no event"));
    }
    deeds_once(intent, acted)
}

/// What a yes to this command must have left.
fn deed(route: &str) -> &'static [&'static str] {
    match route {
        "register-to-conference" => &["Order.OrderPlaced.v1", "Order.OrderUpdated.v1"],
        "assign-registrant-details" => &["Order.OrderRegistrantAssigned.v1"],
        "extend-seat-reservation" => &["Order.SeatsReservationExtended.v1"],
        "initiate-payment" => &["Payment.PaymentInitiated.v1"],
        "complete-registration" => &["Order.RegistrationCompleted.v1"],
        "assign-seat" => &["SeatAssignments.SeatAssigned.v1"],
        "cancel-registration" => &["Order.RegistrationCancelled.v1"],
        "release-hold" => &["Order.OrderCancelled.v1"],
        "change-quota" => &["Conference.QuotaChanged.v1"],
        _ => &[],
    }
}

/// A hold that has expired is released already.
fn may_change_nothing(intent: &Intent, history: &History) -> bool {
    let is_expired = intent.order.is_some_and(|order| history.expired.contains(&order));
    intent.route == "release-hold" && is_expired
}

/// What the command is for happened exactly once, if it happened.
fn deeds_once(intent: &Intent, acted: &[(u64, String)]) -> Result<(), Breach> {
    let deeds = acted.iter().filter(|(_, kind)| deed(intent.route).contains(&kind.as_str()));
    let times = deeds.count();
    if times == 1 || acted.is_empty() {
        return Ok(());
    }
    let Intent { route, command_id, order, .. } = intent;
    let what = format!("{route} {command_id} did {times} times what it is for: {acted:?}");
    Err(Breach::new(Kind::ActedTwice, *order, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::commands::Accepted;
    use shared::{OrderId, RefusalCode};
    use std::time::{Duration, Instant};
    use uuid::Uuid;

    const COMMAND: Uuid = Uuid::from_u128(7);

    /// A history of ten events in which the command did this.
    fn history(acted: &[(u64, &str)]) -> History {
        let mut history = History::default();
        history.heads.insert("rustconf".into(), 10);
        let acted: Vec<_> = acted.iter().map(|(at, kind)| (*at, (*kind).to_owned())).collect();
        if !acted.is_empty() {
            history.acted.insert(COMMAND, acted);
        }
        history
    }

    fn registered(said: &[Said]) -> Intent {
        Intent {
            slug: "rustconf".into(),
            order: Some(OrderId(Uuid::from_u128(3))),
            command_id: COMMAND,
            route: "register-to-conference",
            said: said.to_vec(),
            at: Instant::now(),
            took: Duration::ZERO,
        }
    }

    fn yes(position: u64) -> Said {
        Said::Yes(Accepted { position, pay_at: None })
    }

    fn kind(said: &[Said], acted: &[(u64, &str)]) -> Option<Kind> {
        check(&registered(said), &history(acted)).err().map(|breach| breach.kind)
    }

    #[test]
    fn an_answer_that_stands_in_the_history_is_right() {
        let placed = [(4, "Order.OrderPlaced.v1"), (5, "Seats.SeatsReserved.v1")];
        assert_eq!(kind(&[yes(5), yes(5)], &placed), None);
        assert_eq!(kind(&[Said::No(RefusalCode::NotOnSale)], &[]), None);
    }

    #[test]
    fn an_answer_without_its_events_is_lost() {
        let placed = [(4, "Order.OrderPlaced.v1")];
        assert_eq!(kind(&[yes(4)], &[]), Some(Kind::Lost));
        assert_eq!(kind(&[yes(11)], &placed), Some(Kind::Lost), "after the end of the history");
        assert_eq!(kind(&[yes(6)], &placed), Some(Kind::Lost), "where others acted");
    }

    #[test]
    fn two_answers_to_one_command_agree() {
        let placed = [(4, "Order.OrderPlaced.v1"), (5, "Seats.SeatsReserved.v1")];
        assert_eq!(kind(&[yes(5), yes(4)], &placed), Some(Kind::Lost));
        let refused = Said::No(RefusalCode::NotOnSale);
        assert_eq!(kind(&[refused], &placed), Some(Kind::Lost));
    }

    #[test]
    fn a_command_that_acted_twice_is_found() {
        let twice = [(4, "Order.OrderPlaced.v1"), (8, "Order.OrderPlaced.v1")];
        assert_eq!(kind(&[yes(8)], &twice), Some(Kind::ActedTwice));
    }
}
