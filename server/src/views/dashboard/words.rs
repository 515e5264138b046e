//! What happened, in a few domain words with the order's code. Never with an e-mail address or a name
//! of a person, because a dashboard hangs on walls.
//!
//! Not here: the whole story of one order (`views/history.rs`).

use crate::domain::conference::Event as ConferenceEvent;
use crate::domain::order::Event as OrderEvent;
use crate::domain::payment::Event as PaymentEvent;
use crate::domain::seat_assignments::Event as AssignmentsEvent;
use crate::domain::seats_availability::Event as SeatsEvent;
use crate::events::{Event, Stream};
use shared::dashboard::HappeningKind as Kind;
use shared::views::OrderView;
use shared::{PaymentId, SeatTypeId};

/// The words for an event; `None` for what is only a step of something that is told elsewhere.
pub(super) fn happening<'a>(
    stream: Stream,
    event: &Event,
    order: Option<&OrderView>,
    name: impl Fn(SeatTypeId) -> &'a str,
) -> Option<(Kind, String)> {
    match event {
        Event::Conference(event) => Some((Kind::Settings, of_conference(event, name))),
        Event::Order(event) => of_order(event, order?),
        Event::Payment(event) => {
            let Stream::Payment(_, id) = stream else { return None };
            of_payment(event, id, order).map(|words| (Kind::Payment, words))
        }
        Event::SeatAssignments(event) => {
            of_assignments(event, order?).map(|words| (Kind::Attendee, words))
        }
        // They follow what orders and owners do, which is told.
        Event::Seats(
            SeatsEvent::AvailableSeatsChanged { .. }
            | SeatsEvent::SeatsReserved { .. }
            | SeatsEvent::SeatsReservationCommitted { .. }
            | SeatsEvent::SeatsReservationCancelled { .. }
            | SeatsEvent::SeatsReturned { .. },
        ) => None,
    }
}

fn of_conference<'a>(event: &ConferenceEvent, name: impl Fn(SeatTypeId) -> &'a str) -> String {
    match event {
        ConferenceEvent::ConferenceCreated(details) => format!("{} created", details.name),
        ConferenceEvent::SeatTypeCreated(seat_type) => {
            format!("{} added · {} seats at {}", seat_type.name, seat_type.quota, seat_type.price)
        }
        ConferenceEvent::QuotaChanged { seat_type, quota } => {
            format!("Quota of {} is now {quota}", name(*seat_type))
        }
        ConferenceEvent::ConferencePublished {} => "Conference published".to_owned(),
        ConferenceEvent::ConferenceUnpublished {} => "Conference hidden".to_owned(),
        ConferenceEvent::ConferenceUpdated { .. } => {
            "Settings of the conference changed".to_owned()
        }
        ConferenceEvent::SeatTypeUpdated { facts, .. } => {
            format!("{} changed · {} each", facts.name, facts.price)
        }
        ConferenceEvent::SeatTypeDeleted { seat_type } => format!("{} removed", name(*seat_type)),
        ConferenceEvent::OwnerCodeRotated { .. } => "Access code of the owner replaced".to_owned(),
    }
}

fn of_order(event: &OrderEvent, order: &OrderView) -> Option<(Kind, String)> {
    let code = order.access_code;
    let about = |what: &str| format!("Order {code} {what} · {}", seats_and_total(order));
    let (kind, words) = match event {
        OrderEvent::OrderReservationCompleted { .. } => (Kind::Order, about("held")),
        OrderEvent::OrderPartiallyReserved { .. } => {
            let (held, asked) = (order.seats(), order.seats_asked());
            (Kind::Order, about(&format!("held in part, {held} of {asked}")))
        }
        OrderEvent::OrderConfirmed { .. } => (Kind::Sale, about("confirmed")),
        OrderEvent::OrderExpired {} => (Kind::Order, about("expired")),
        OrderEvent::OrderCancelled {} => (Kind::Order, about("let go")),
        OrderEvent::RegistrationCancelled {} => (Kind::Order, about("cancelled")),
        OrderEvent::SeatsReservationExtended { .. } => {
            (Kind::Order, format!("Order {code} got more time"))
        }
        OrderEvent::ConfirmationRequested { .. } => {
            (Kind::Order, format!("Confirmation of order {code} sent again"))
        }
        OrderEvent::OrderPlaced { .. }
        | OrderEvent::OrderUpdated { .. }
        | OrderEvent::OrderTotalsCalculated { .. }
        | OrderEvent::OrderRegistrantAssigned { .. }
        | OrderEvent::RegistrationCompleted {} => return None,
    };
    Some((kind, words))
}

fn of_payment(event: &PaymentEvent, id: PaymentId, order: Option<&OrderView>) -> Option<String> {
    let order_words = order.map_or_else(
        || "an order nobody knows".to_owned(),
        |order| format!("order {}", order.access_code),
    );
    // Of an older payment the view says nothing any more.
    let payment = order.and_then(|order| order.payment.as_ref()).filter(|known| known.id == id);
    let of = payment.map_or_else(String::new, |payment| format!(" of {}", payment.amount));
    Some(match event {
        PaymentEvent::PaymentInitiated { amount, .. } => {
            format!("Payment of {amount} begun for {order_words}")
        }
        PaymentEvent::PaymentCompleted { amount, .. } => {
            format!("{amount} arrived for {order_words}")
        }
        PaymentEvent::PaymentRejected { .. } => format!("Payment{of} declined for {order_words}"),
        PaymentEvent::PaymentCancelled {} => format!("Payment{of} given up for {order_words}"),
        PaymentEvent::PaymentRefundRequested { amount } => {
            format!("{amount} goes back for {order_words}")
        }
        PaymentEvent::PaymentRefunded { .. } => format!("Payment{of} refunded for {order_words}"),
        PaymentEvent::PaymentQueried {} => return None,
    })
}

fn of_assignments(event: &AssignmentsEvent, order: &OrderView) -> Option<String> {
    let seat = |position: u32| format!("Seat {} of order {}", position + 1, order.access_code);
    Some(match event {
        AssignmentsEvent::SeatAssigned { position, .. } => {
            format!("{} has a name", seat(*position))
        }
        AssignmentsEvent::SeatUnassigned { position } => {
            format!("{} has no name any more", seat(*position))
        }
        AssignmentsEvent::SeatAdmitted { position } => format!("{} admitted", seat(*position)),
        // They begin and end with their order.
        AssignmentsEvent::SeatAssignmentsCreated { .. }
        | AssignmentsEvent::SeatAssignmentsClosed {} => return None,
    })
}

/// "2 General + 1 Workshop · €398"; what is held or was.
fn seats_and_total(order: &OrderView) -> String {
    let lines = order.lines.iter().filter(|line| 0 < line.held);
    let lines: Vec<String> = lines.map(|line| format!("{} {}", line.held, line.name)).collect();
    if lines.is_empty() {
        "no seats".to_owned()
    } else {
        format!("{} · {}", lines.join(" + "), order.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::order::{self, Conference};
    use shared::{ConferenceId, OrderId, Timestamp};
    use uuid::Uuid;

    /// What is told of each event that was ever stored, as if one order had seen them all.
    const TOLD: [(&str, &str); 39] = [
        ("ConferenceCreated", "RustConf created"),
        ("SeatTypeCreated", "General admission added · 100 seats at €199"),
        ("QuotaChanged", "Quota of General is now 120"),
        ("ConferencePublished", "Conference published"),
        ("ConferenceUnpublished", "Conference hidden"),
        ("ConferenceUpdated", "Settings of the conference changed"),
        ("SeatTypeUpdated", "General admission changed · €199 each"),
        ("SeatTypeDeleted", "General removed"),
        ("OwnerCodeRotated", "Access code of the owner replaced"),
        ("AvailableSeatsChanged", ""),
        ("SeatsReserved", ""),
        ("SeatsReservationCommitted", ""),
        ("SeatsReservationCancelled", ""),
        ("SeatsReturned", ""),
        ("OrderPlaced", ""),
        ("OrderUpdated", ""),
        ("OrderTotalsCalculated", ""),
        ("OrderPartiallyReserved", "Order 0JR-300 held in part, 0 of 2 · no seats"),
        ("OrderReservationCompleted", "Order 0JR-300 held · 2 General admission · €398"),
        ("OrderRegistrantAssigned", ""),
        ("SeatsReservationExtended", "Order 0JR-300 got more time"),
        ("RegistrationCompleted", ""),
        ("OrderConfirmed", "Order 0JR-300 confirmed · 2 General admission · €398"),
        ("OrderExpired", "Order 0JR-300 expired · 2 General admission · €398"),
        ("OrderCancelled", "Order 0JR-300 let go · 2 General admission · €398"),
        ("RegistrationCancelled", "Order 0JR-300 cancelled · 2 General admission · €398"),
        ("ConfirmationRequested", "Confirmation of order 0JR-300 sent again"),
        ("PaymentInitiated", "Payment of €398 begun for order 0JR-300"),
        ("PaymentQueried", ""),
        ("PaymentCompleted", "€398 arrived for order 0JR-300"),
        ("PaymentRejected", "Payment of €398 declined for order 0JR-300"),
        ("PaymentCancelled", "Payment of €398 given up for order 0JR-300"),
        ("PaymentRefundRequested", "€398 goes back for order 0JR-300"),
        ("PaymentRefunded", "Payment of €398 refunded for order 0JR-300"),
        ("SeatAssignmentsCreated", ""),
        ("SeatAssigned", "Seat 2 of order 0JR-300 has a name"),
        ("SeatUnassigned", "Seat 2 of order 0JR-300 has no name any more"),
        ("SeatAdmitted", "Seat 2 of order 0JR-300 admitted"),
        ("SeatAssignmentsClosed", ""),
    ];

    const fn stream_of(event: &Event) -> Stream {
        let (order, payment) = (OrderId(Uuid::nil()), PaymentId(Uuid::nil()));
        match event {
            Event::Conference(_) => Stream::Conference,
            Event::Seats(_) => Stream::Seats,
            Event::Order(_) => Stream::Order(order),
            Event::Payment(_) => Stream::Payment(order, payment),
            Event::SeatAssignments(_) => Stream::SeatAssignments(order),
        }
    }

    #[test]
    fn every_event_is_told_or_is_a_step_and_none_names_a_person() {
        let conference = Conference { id: ConferenceId(Uuid::nil()), slug: "rustconf" };
        let golden = include_str!("../../events/golden.jsonl");
        assert_eq!(golden.lines().count(), TOLD.len());
        let mut order = None;
        for (line, (name, expected)) in golden.lines().zip(TOLD) {
            let (kind, payload) = line.split_once(' ').unwrap();
            assert!(kind.contains(&format!(".{name}.")), "{kind} is not {name}");
            let event = Event::decode(kind, payload).unwrap();
            let stream = stream_of(&event);
            order::apply(&mut order, conference, stream, &event, Timestamp(0));
            let told = happening(stream, &event, order.as_ref(), |_| "General");
            assert_eq!(told.map_or_else(String::new, |(_, words)| words), expected, "{kind}");
        }
    }
}
