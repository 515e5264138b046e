//! One conference as the public sees it, with live numbers. Document `conference` of its ledger.

use crate::domain::conference::{Details, Event as ConferenceEvent, SeatType};
use crate::domain::seats_availability::{Event as SeatsEvent, SeatChange};
use crate::events::Event;
use shared::management::{ConferenceFacts, SeatTypeFacts};
use shared::views::{ConferenceSummary, ConferenceView, SeatTypeView};
use shared::{ConferenceId, SeatTypeId, rules};

/// The document's topic inside its ledger.
pub const TOPIC: &str = "conference";

/// Folds an event into the view; true when the view changed. `None` before the conference was
/// created.
pub fn apply(view: &mut Option<ConferenceView>, id: ConferenceId, event: &Event) -> bool {
    match (view, event) {
        (view @ None, Event::Conference(ConferenceEvent::ConferenceCreated(details))) => {
            *view = Some(created(id, details));
            true
        }
        (Some(view), Event::Conference(event)) => {
            apply_conference(view, event);
            true
        }
        (Some(view), Event::Seats(event)) => {
            apply_seats(view, event);
            view.high_demand = is_high_demand(view);
            true
        }
        _ => false,
    }
}

/// The line of the directory.
#[must_use]
pub fn summary(view: &ConferenceView) -> ConferenceSummary {
    ConferenceSummary {
        slug: view.slug.clone(),
        name: view.name.clone(),
        tagline: view.tagline.clone(),
        location: view.location.clone(),
        starts_at: view.starts_at,
        ends_at: view.ends_at,
        time_zone: view.time_zone.clone(),
        price_from: view.seat_types.iter().map(|s| s.price).min_by_key(|price| price.minor),
        remaining: view.seat_types.iter().map(SeatTypeView::remaining).sum(),
    }
}

fn created(id: ConferenceId, details: &Details) -> ConferenceView {
    ConferenceView {
        id,
        slug: details.slug.clone(),
        name: details.name.clone(),
        tagline: details.tagline.clone(),
        description: details.description.clone(),
        location: details.location.clone(),
        starts_at: details.starts_at,
        ends_at: details.ends_at,
        time_zone: details.time_zone.clone(),
        currency: details.currency,
        contact_email: details.contact_email.clone(),
        hold_minutes: details.hold_seconds / 60,
        cancel_until: details.cancel_until,
        assign_until: details.assign_until,
        is_published: false,
        high_demand: false,
        seat_types: vec![],
    }
}

fn apply_conference(view: &mut ConferenceView, event: &ConferenceEvent) {
    match event {
        // The quota comes with the seats' own event, so that the numbers of one view always add up.
        ConferenceEvent::ConferenceCreated(_)
        | ConferenceEvent::QuotaChanged { .. }
        | ConferenceEvent::OwnerCodeRotated { .. } => {}
        ConferenceEvent::SeatTypeCreated(seat_type) => view.seat_types.push(line(seat_type)),
        ConferenceEvent::ConferencePublished {} => view.is_published = true,
        ConferenceEvent::ConferenceUnpublished {} => view.is_published = false,
        ConferenceEvent::ConferenceUpdated { facts } => update(view, facts),
        ConferenceEvent::SeatTypeUpdated { seat_type, facts } => {
            if let Some(line) = find(view, *seat_type) {
                describe(line, facts);
            }
        }
        ConferenceEvent::SeatTypeDeleted { seat_type } => {
            view.seat_types.retain(|line| line.id != *seat_type);
        }
    }
}

fn update(view: &mut ConferenceView, facts: &ConferenceFacts) {
    view.name.clone_from(&facts.name);
    view.tagline.clone_from(&facts.tagline);
    view.description.clone_from(&facts.description);
    view.location.clone_from(&facts.location);
    view.starts_at = facts.starts_at;
    view.ends_at = facts.ends_at;
    view.time_zone.clone_from(&facts.time_zone);
    view.contact_email.clone_from(&facts.contact_email);
    view.hold_minutes = facts.hold_minutes;
    view.cancel_until = facts.cancel_until;
    view.assign_until = facts.assign_until;
}

fn describe(line: &mut SeatTypeView, facts: &SeatTypeFacts) {
    line.name.clone_from(&facts.name);
    line.description.clone_from(&facts.description);
    line.price = facts.price;
    line.per_order_max = facts.per_order_max;
    line.sale_starts_at = facts.sale_starts_at;
    line.sale_ends_at = facts.sale_ends_at;
}

fn line(seat_type: &SeatType) -> SeatTypeView {
    SeatTypeView {
        id: seat_type.id,
        name: seat_type.name.clone(),
        description: seat_type.description.clone(),
        price: seat_type.price,
        quota: 0,
        sold: 0,
        held: 0,
        per_order_max: seat_type.per_order_max,
        sale_starts_at: seat_type.sale_starts_at,
        sale_ends_at: seat_type.sale_ends_at,
    }
}

fn apply_seats(view: &mut ConferenceView, event: &SeatsEvent) {
    match event {
        SeatsEvent::AvailableSeatsChanged { available_seats_changed } => {
            each(view, available_seats_changed, |line, change| add(&mut line.quota, change));
        }
        SeatsEvent::SeatsReserved { available_seats_changed, .. }
        | SeatsEvent::SeatsReservationCancelled { available_seats_changed, .. } => {
            each(view, available_seats_changed, |line, change| add(&mut line.held, -change));
        }
        SeatsEvent::SeatsReservationCommitted { seats, .. } => {
            for seat in seats {
                if let Some(line) = find(view, seat.seat_type) {
                    add(&mut line.held, -i64::from(seat.quantity));
                    add(&mut line.sold, i64::from(seat.quantity));
                }
            }
        }
        SeatsEvent::SeatsReturned { seats, .. } => {
            for seat in seats {
                if let Some(line) = find(view, seat.seat_type) {
                    add(&mut line.sold, -i64::from(seat.quantity));
                }
            }
        }
    }
}

fn each(view: &mut ConferenceView, changes: &[SeatChange], apply: fn(&mut SeatTypeView, i64)) {
    for SeatChange { seat_type, change } in changes {
        if let Some(line) = find(view, *seat_type) {
            apply(line, *change);
        }
    }
}

fn find(view: &mut ConferenceView, id: SeatTypeId) -> Option<&mut SeatTypeView> {
    let found = view.seat_types.iter_mut().find(|line| line.id == id);
    debug_assert!(found.is_some(), "seats are added only for a seat type that exists");
    found
}

fn add(number: &mut u32, change: i64) {
    let sum = i64::from(*number) + change;
    debug_assert!(sum >= 0, "no number of seats is negative");
    *number = u32::try_from(sum).unwrap_or(0);
}

fn is_high_demand(view: &ConferenceView) -> bool {
    let remaining = view.seat_types.iter().map(SeatTypeView::remaining).sum();
    rules::is_high_demand(remaining, view.seat_types.iter().map(|line| line.quota).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::conference::tests::{GENERAL, details, seat_type};
    use shared::OrderId;
    use shared::commands::SeatQuantity;
    use uuid::Uuid;

    fn view_of(events: &[Event]) -> ConferenceView {
        let mut view = None;
        for event in events {
            assert!(apply(&mut view, ConferenceId(Uuid::nil()), event));
        }
        view.expect("the conference was created")
    }

    fn history() -> Vec<Event> {
        let two = vec![SeatQuantity { seat_type: GENERAL, quantity: 2 }];
        let change = |change| vec![SeatChange { seat_type: GENERAL, change }];
        let reservation_id = OrderId(Uuid::from_u128(5));
        vec![
            Event::Conference(ConferenceEvent::ConferenceCreated(details())),
            Event::Conference(ConferenceEvent::SeatTypeCreated(seat_type(GENERAL, 20, 500))),
            Event::Seats(SeatsEvent::AvailableSeatsChanged { available_seats_changed: change(20) }),
            Event::Conference(ConferenceEvent::ConferencePublished {}),
            Event::Seats(SeatsEvent::SeatsReserved {
                reservation_id,
                revision: 1,
                seats: two.clone(),
                available_seats_changed: change(-2),
            }),
            Event::Seats(SeatsEvent::SeatsReservationCommitted { reservation_id, seats: two }),
        ]
    }

    #[test]
    fn the_numbers_follow_the_seats_and_always_add_up() {
        let numbers = |count: usize| {
            let view = view_of(&history()[..count]);
            let line = view.seat_types[0].clone();
            assert_eq!(line.sold + line.held + line.remaining(), line.quota);
            (line.quota, line.held, line.sold)
        };
        assert_eq!(numbers(2), (0, 0, 0));
        assert_eq!(numbers(3), (20, 0, 0));
        assert_eq!(numbers(5), (20, 2, 0));
        assert_eq!(numbers(6), (20, 0, 2));
    }

    #[test]
    fn an_unpublished_conference_says_so() {
        assert!(view_of(&history()).is_published);
        let mut events = history();
        events.push(Event::Conference(ConferenceEvent::ConferenceUnpublished {}));
        assert!(!view_of(&events).is_published);
    }
}
