//! The story of one order in sentences: its events are its history, so nothing has to be kept for it.
//!
//! Not here: what the order is now (`order.rs`), and who may read this (`http/management.rs`).

use crate::domain::order::{Event as OrderEvent, PricedLine};
use crate::domain::payment::Event as PaymentEvent;
use crate::domain::seat_assignments::Event as AssignmentsEvent;
use crate::domain::seats_availability::Event as SeatsEvent;
use crate::events::Event;
use crate::store::Recorded;
use shared::commands::SeatQuantity;
use shared::management::HistoryLine;
use shared::{SeatTypeId, Timestamp};
use std::collections::HashMap;

/// One sentence per event of one order, oldest first.
///
/// # Errors
/// An event is not of this release.
pub fn lines(events: &[Recorded]) -> anyhow::Result<Vec<HistoryLine>> {
    let mut names = Names::default();
    let mut lines = Vec::with_capacity(events.len());
    // Seats are asked for by id; their names come with the price, an event later.
    let decoded: Vec<Event> = events
        .iter()
        .map(|recorded| Event::decode(&recorded.kind, &recorded.payload))
        .collect::<Result<_, _>>()?;
    for event in &decoded {
        if let Event::Order(OrderEvent::OrderTotalsCalculated { lines, .. }) = event {
            names.learn(lines);
        }
    }
    for (recorded, event) in events.iter().zip(&decoded) {
        let (position, at) = (recorded.position, Timestamp(recorded.recorded_at));
        lines.push(HistoryLine { position, at, words: names.sentence(event) });
    }
    Ok(lines)
}

/// The names under which seats were priced.
#[derive(Default)]
struct Names(HashMap<SeatTypeId, String>);

impl Names {
    fn learn(&mut self, lines: &[PricedLine]) {
        for line in lines {
            self.0.insert(line.seat_type, line.name.clone());
        }
    }

    fn sentence(&self, event: &Event) -> String {
        match event {
            Event::Order(event) => self.of_order(event),
            Event::Seats(event) => self.of_seats(event),
            Event::Payment(event) => of_payment(event),
            Event::SeatAssignments(event) => of_assignments(event),
            Event::Conference(_) => "The conference was changed.".to_owned(),
        }
    }

    fn of_order(&self, event: &OrderEvent) -> String {
        match event {
            OrderEvent::OrderPlaced { seats, .. } => {
                format!("Order placed: {}.", self.seats(seats))
            }
            OrderEvent::OrderUpdated { seats } => {
                format!("Seats changed: {} asked for.", self.seats(seats))
            }
            OrderEvent::OrderTotalsCalculated { total, is_free_of_charge: false, .. } => {
                format!("Priced at {total}.")
            }
            OrderEvent::OrderTotalsCalculated { .. } => "Free of charge.".to_owned(),
            OrderEvent::OrderPartiallyReserved { seats } => {
                format!("Fewer seats than asked for were left: {}.", self.seats(seats))
            }
            OrderEvent::OrderReservationCompleted { .. } => {
                "All seats asked for are held.".to_owned()
            }
            OrderEvent::OrderRegistrantAssigned { registrant } => {
                let (given, family) = (&registrant.given_name, &registrant.family_name);
                format!("Registrant: {given} {family}, {}.", registrant.email)
            }
            OrderEvent::SeatsReservationExtended { .. } => {
                "The registrant asked for more time and got it.".to_owned()
            }
            OrderEvent::RegistrationCompleted {} => "The registrant completed it.".to_owned(),
            OrderEvent::OrderConfirmed { payment_id: Some(_) } => "Order confirmed.".to_owned(),
            OrderEvent::OrderConfirmed { payment_id: None } => {
                "Order confirmed, free of charge.".to_owned()
            }
            OrderEvent::OrderExpired {} => "The time to pay was over: order expired.".to_owned(),
            OrderEvent::OrderCancelled {} => "The registrant let the seats go.".to_owned(),
            OrderEvent::RegistrationCancelled {} => {
                "The registrant gave the order back.".to_owned()
            }
            OrderEvent::ConfirmationRequested { .. } => {
                "The confirmation is sent again.".to_owned()
            }
        }
    }

    fn of_seats(&self, event: &SeatsEvent) -> String {
        match event {
            SeatsEvent::SeatsReserved { seats, .. } => format!("Held: {}.", self.seats(seats)),
            SeatsEvent::SeatsReservationCommitted { seats, .. } => {
                format!("Sold: {}.", self.seats(seats))
            }
            SeatsEvent::SeatsReservationCancelled { .. } => {
                "The seats went back on offer.".to_owned()
            }
            SeatsEvent::SeatsReturned { seats, .. } => {
                format!("Back on offer: {}.", self.seats(seats))
            }
            SeatsEvent::AvailableSeatsChanged { .. } => {
                "The number of seats was changed.".to_owned()
            }
        }
    }

    /// "2 General, 1 Workshop".
    fn seats(&self, seats: &[SeatQuantity]) -> String {
        let name = |id| self.0.get(&id).map_or("seats", String::as_str);
        let lines = seats.iter().filter(|line| 0 < line.quantity);
        let lines: Vec<String> =
            lines.map(|line| format!("{} {}", line.quantity, name(line.seat_type))).collect();
        if lines.is_empty() { "no seats".to_owned() } else { lines.join(", ") }
    }
}

fn of_assignments(event: &AssignmentsEvent) -> String {
    match event {
        AssignmentsEvent::SeatAssignmentsCreated { seats } => {
            format!("{} can be named.", counted(seats.len(), "seat"))
        }
        AssignmentsEvent::SeatAssigned { position, attendee, .. } => {
            let (given, family) = (&attendee.given_name, &attendee.family_name);
            format!("Seat {} is for {given} {family}, {}.", position + 1, attendee.email)
        }
        AssignmentsEvent::SeatUnassigned { position } => {
            format!("Seat {} is for nobody any more.", position + 1)
        }
        AssignmentsEvent::SeatAdmitted { position } => {
            format!("The attendee of seat {} was admitted.", position + 1)
        }
        AssignmentsEvent::SeatAssignmentsClosed {} => "All tickets became void.".to_owned(),
    }
}

fn of_payment(event: &PaymentEvent) -> String {
    match event {
        PaymentEvent::PaymentInitiated { amount, .. } => format!("Went to pay {amount}."),
        PaymentEvent::PaymentQueried {} => "The provider was asked about the payment.".to_owned(),
        PaymentEvent::PaymentCompleted { amount, reference } => {
            format!("{amount} arrived (reference {reference}).")
        }
        PaymentEvent::PaymentRejected { reason } => format!("The payment was declined: {reason}"),
        PaymentEvent::PaymentCancelled {} => "The payment was given up.".to_owned(),
        PaymentEvent::PaymentRefundRequested { amount } => format!("{amount} is to go back."),
        PaymentEvent::PaymentRefunded { reference } => {
            format!("The money went back (reference {reference}).")
        }
    }
}

fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each event that was ever stored, as if one order had seen them all.
    fn everything() -> Vec<Recorded> {
        let golden = include_str!("../events/golden.jsonl");
        let events = golden.lines().filter_map(|line| line.split_once(' '));
        let recorded = events.enumerate().map(|(index, (kind, payload))| Recorded {
            position: index as u64 + 1,
            stream: String::new(),
            version: 1,
            process: None,
            kind: kind.to_owned(),
            payload: payload.to_owned(),
            command_id: None,
            cause: 0,
            recorded_at: index as i64,
        });
        recorded.collect()
    }

    #[test]
    fn every_event_has_its_sentence() {
        let events = everything();
        let lines = lines(&events).unwrap();
        assert_eq!(lines.len(), events.len());
        for (line, event) in lines.iter().zip(&events) {
            assert_eq!((line.position, line.at.0), (event.position, event.recorded_at));
            let is_sentence = line.words.ends_with('.') && line.words.len() > 8;
            assert!(is_sentence, "{}: {}", event.kind, line.words);
        }
    }

    #[test]
    fn no_sentence_tells_a_secret() {
        for line in lines(&everything()).unwrap() {
            for secret in ["token", "hash", "/pay", "argon2"] {
                assert!(!line.words.contains(secret), "{}", line.words);
            }
        }
    }
}
