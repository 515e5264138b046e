//! One order as its registrant sees it. Folded from the order's own events when it is loaded; not
//! stored, because reading ten events costs no more than reading a document (ADR 0002).

use crate::domain::order::{Event as OrderEvent, PricedLine};
use crate::domain::payment::Event as PaymentEvent;
use crate::domain::seat_assignments::Event as AssignmentEvent;
use crate::domain::seats_availability::quantity_of;
use crate::events::{Event, Stream};
use shared::commands::SeatQuantity;
use shared::rules::EXTENSIONS_MAX;
use shared::views::{OrderLine, OrderStatus, OrderView, PaymentStatus, PaymentView, SeatView};
use shared::{ConferenceId, Money, OrderId, PaymentId, SeatTypeId, Timestamp};

/// The conference an order belongs to, as its view names it.
#[derive(Clone, Copy, Debug)]
pub struct Conference<'a> {
    pub id: ConferenceId,
    pub slug: &'a str,
}

/// Folds an event of this order into its view; true when the view changed. `None` before the order
/// was placed.
pub fn apply(
    view: &mut Option<OrderView>,
    conference: Conference<'_>,
    stream: Stream,
    event: &Event,
    recorded_at: Timestamp,
) -> bool {
    match (view, stream, event) {
        (view @ None, Stream::Order(id), Event::Order(event)) => {
            *view = placed(conference, id, event, recorded_at);
            view.is_some()
        }
        (Some(view), _, Event::Order(event)) => {
            apply_order(view, event, recorded_at);
            true
        }
        (Some(view), Stream::Payment(_, id), Event::Payment(event)) => {
            apply_payment(view, id, event, recorded_at)
        }
        (Some(view), _, Event::SeatAssignments(event)) => {
            apply_assignments(view, event, recorded_at);
            true
        }
        _ => false,
    }
}

fn placed(
    conference: Conference<'_>,
    id: OrderId,
    event: &OrderEvent,
    recorded_at: Timestamp,
) -> Option<OrderView> {
    let OrderEvent::OrderPlaced { hold_expires_at, access_code, .. } = event else {
        debug_assert!(false, "an order begins by being placed");
        return None;
    };
    Some(OrderView {
        id,
        conference_id: conference.id,
        conference: conference.slug.to_owned(),
        access_code: *access_code,
        status: OrderStatus::Reserving,
        lines: vec![],
        total: Money::zero(shared::Currency::EUR),
        placed_at: recorded_at,
        hold_expires_at: *hold_expires_at,
        extensions_left: EXTENSIONS_MAX,
        registrant: None,
        payment: None,
        confirmed_at: None,
        seats: Vec::new(),
        was_short: false,
    })
}

fn apply_order(view: &mut OrderView, event: &OrderEvent, recorded_at: Timestamp) {
    match event {
        OrderEvent::OrderPlaced { .. } => debug_assert!(false, "an order is placed once"),
        OrderEvent::OrderUpdated { .. } => view.status = OrderStatus::Reserving,
        OrderEvent::OrderTotalsCalculated { lines, total, .. } => {
            if view.status == OrderStatus::Reserving {
                view.lines = asked_lines(&view.lines, lines);
            }
            view.total = *total;
        }
        OrderEvent::OrderPartiallyReserved { seats } => {
            view.status = OrderStatus::PartlyHeld;
            view.was_short = true;
            hold(view, seats);
        }
        OrderEvent::OrderReservationCompleted { seats } => {
            view.status = OrderStatus::Held;
            hold(view, seats);
        }
        OrderEvent::OrderRegistrantAssigned { registrant } => {
            view.registrant = Some(registrant.clone());
        }
        OrderEvent::SeatsReservationExtended { hold_expires_at } => {
            view.hold_expires_at = *hold_expires_at;
            view.extensions_left = view.extensions_left.saturating_sub(1);
        }
        OrderEvent::RegistrationCompleted {} => {}
        OrderEvent::OrderConfirmed { .. } => {
            view.status = OrderStatus::Confirmed;
            view.confirmed_at = Some(recorded_at);
        }
        OrderEvent::OrderExpired {} => view.status = OrderStatus::Expired,
        OrderEvent::OrderCancelled {} | OrderEvent::RegistrationCancelled {} => {
            view.status = OrderStatus::Cancelled;
        }
        OrderEvent::ConfirmationRequested { .. } => {}
    }
}

fn apply_assignments(view: &mut OrderView, event: &AssignmentEvent, recorded_at: Timestamp) {
    match event {
        AssignmentEvent::SeatAssignmentsCreated { seats } => {
            view.seats = (0..).zip(seats).map(|(n, seat_type)| free_seat(n, *seat_type)).collect();
        }
        AssignmentEvent::SeatAssigned { position, attendee, ticket } => {
            change_seat(view, *position, |seat| {
                seat.attendee = Some(attendee.clone());
                seat.ticket = Some(ticket.to_string());
                seat.assigned_at = Some(recorded_at);
            });
        }
        AssignmentEvent::SeatUnassigned { position } => {
            change_seat(view, *position, |seat| *seat = free_seat(*position, seat.seat_type));
        }
        AssignmentEvent::SeatAdmitted { position } => {
            change_seat(view, *position, |seat| seat.admitted_at = Some(recorded_at));
        }
        AssignmentEvent::SeatAssignmentsClosed {} => view.seats.clear(),
    }
}

const fn free_seat(position: u32, seat_type: SeatTypeId) -> SeatView {
    SeatView {
        position,
        seat_type,
        attendee: None,
        ticket: None,
        assigned_at: None,
        admitted_at: None,
    }
}

fn change_seat(view: &mut OrderView, position: u32, change: impl FnOnce(&mut SeatView)) {
    let found = view.seats.get_mut(position as usize);
    debug_assert!(found.is_some(), "names are only on seats that exist");
    if let Some(seat) = found {
        change(seat);
    }
}

/// The lines while the answer is awaited: what is asked for, beside what was held before.
fn asked_lines(before: &[OrderLine], lines: &[PricedLine]) -> Vec<OrderLine> {
    lines
        .iter()
        .map(|line| OrderLine {
            seat_type: line.seat_type,
            name: line.name.clone(),
            asked: line.quantity,
            held: before.iter().find(|b| b.seat_type == line.seat_type).map_or(0, |b| b.held),
            unit_price: line.unit_price,
            line_total: line.line_total,
        })
        .collect()
}

fn hold(view: &mut OrderView, seats: &[SeatQuantity]) {
    for line in &mut view.lines {
        line.held = quantity_of(seats, line.seat_type);
        line.line_total = line.unit_price.times(line.held);
    }
}

fn apply_payment(
    view: &mut OrderView,
    id: PaymentId,
    event: &PaymentEvent,
    recorded_at: Timestamp,
) -> bool {
    if let PaymentEvent::PaymentInitiated { amount, pay_at, .. } = event {
        view.payment = Some(PaymentView {
            id,
            status: PaymentStatus::InFlight,
            amount: *amount,
            initiated_at: recorded_at,
            pay_at: Some(pay_at.clone()),
            decline_reason: None,
        });
        return true;
    }
    let status = match event {
        PaymentEvent::PaymentInitiated { .. } | PaymentEvent::PaymentQueried {} => return false,
        PaymentEvent::PaymentCompleted { .. } => PaymentStatus::Completed,
        PaymentEvent::PaymentRejected { .. } => PaymentStatus::Declined,
        PaymentEvent::PaymentCancelled {} => PaymentStatus::Abandoned,
        PaymentEvent::PaymentRefundRequested { .. } => PaymentStatus::Refunding,
        PaymentEvent::PaymentRefunded { .. } => PaymentStatus::Refunded,
    };
    // An older payment that comes back to life does not hide the one that confirmed the order.
    let Some(payment) = view.payment.as_mut().filter(|payment| payment.id == id) else {
        return false;
    };
    payment.status = status;
    if status != PaymentStatus::InFlight {
        payment.pay_at = None;
    }
    if let PaymentEvent::PaymentRejected { reason } = event {
        payment.decline_reason = Some(reason.clone());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kit::NOON;
    use crate::domain::order::tests::{PAYMENT, euros, general, held};
    use uuid::Uuid;

    const ID: OrderId = OrderId(Uuid::from_u128(3));

    fn view_of(events: impl IntoIterator<Item = (Stream, Event)>) -> OrderView {
        let conference = Conference { id: ConferenceId(Uuid::nil()), slug: "rustconf" };
        let mut view = None;
        for (stream, event) in events {
            apply(&mut view, conference, stream, &event, NOON);
        }
        view.expect("the order was placed")
    }

    fn order(events: Vec<OrderEvent>) -> Vec<(Stream, Event)> {
        events.into_iter().map(|event| (Stream::Order(ID), Event::Order(event))).collect()
    }

    fn payment(event: PaymentEvent) -> (Stream, Event) {
        (Stream::Payment(ID, PAYMENT), Event::Payment(event))
    }

    #[test]
    fn a_held_order_shows_its_seats_total_and_deadline() {
        let view = view_of(order(held(2, 500)));
        assert_eq!((view.status, view.seats(), view.total), (OrderStatus::Held, 2, euros(1_000)));
        assert_eq!(view.hold_expires_at, NOON.plus_seconds(900));
    }

    #[test]
    fn a_partial_grant_keeps_what_was_asked_beside_what_is_held() {
        let mut events = held(5, 500);
        events[2] = OrderEvent::OrderPartiallyReserved { seats: vec![general(3)] };
        let view = view_of(order(events));
        assert_eq!(view.status, OrderStatus::PartlyHeld);
        assert_eq!((view.seats_asked(), view.seats()), (5, 3));
        assert_eq!(view.lines[0].line_total, euros(1_500));
    }

    #[test]
    fn a_decline_is_told_with_its_reason_and_the_hold_stays() {
        let mut events = order(held(2, 500));
        events.push(payment(PaymentEvent::PaymentInitiated {
            amount: euros(1_000),
            description: String::new(),
            pay_at: "/pay".into(),
        }));
        assert_eq!(view_of(events.clone()).payment.unwrap().pay_at.as_deref(), Some("/pay"));
        events.push(payment(PaymentEvent::PaymentRejected { reason: "No funds.".into() }));
        let view = view_of(events);
        let payment = view.payment.unwrap();
        assert_eq!(payment.status, PaymentStatus::Declined);
        assert_eq!(payment.decline_reason.as_deref(), Some("No funds."));
        assert_eq!(payment.pay_at, None);
        assert_eq!(view.status, OrderStatus::Held);
    }
}
