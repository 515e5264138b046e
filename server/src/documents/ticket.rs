//! Tickets for paper: one for every seat that has a name. The app lays them out and prints them; its
//! content policy allows no style from elsewhere, so what travels is data and a drawing.
//!
//! The code holds the opaque ticket and nothing else.

use super::qr;
use shared::tickets::{PrintedTicket, Tickets};
use shared::views::{ConferenceView, OrderView, SeatView};

/// Every ticket of an order, by position.
///
/// # Errors
/// A ticket is too long for a code.
pub fn tickets(conference: &ConferenceView, order: &OrderView) -> anyhow::Result<Tickets> {
    let mut tickets = Vec::new();
    for seat in &order.seats {
        let (Some(attendee), Some(ticket)) = (&seat.attendee, &seat.ticket) else { continue };
        tickets.push(PrintedTicket {
            position: seat.position,
            seat_type: seat_type(order, seat).to_owned(),
            attendee: format!("{} {}", attendee.given_name, attendee.family_name),
            ticket: ticket.clone(),
            qr: qr::svg(ticket, "QR code of this ticket")?,
        });
    }
    Ok(Tickets {
        conference: conference.name.clone(),
        location: conference.location.clone(),
        starts_at: conference.starts_at,
        ends_at: conference.ends_at,
        time_zone: conference.time_zone.clone(),
        contact_email: conference.contact_email.clone(),
        tickets,
    })
}

/// The seat type's name when the seat was bought.
#[must_use]
pub fn seat_type<'a>(order: &'a OrderView, seat: &SeatView) -> &'a str {
    let line = order.lines.iter().find(|line| line.seat_type == seat.seat_type);
    line.map_or("Seat", |line| &line.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::qr::tests::seen_in_svg;
    use crate::mailer::tests::{TICKET, conference, order, seated};

    #[test]
    fn only_seats_with_a_name_have_a_ticket() {
        assert_eq!(tickets(&conference(), &order()).unwrap().tickets, []);
        let sheet = tickets(&conference(), &seated()).unwrap();
        let [ticket] = sheet.tickets.as_slice() else { panic!("one of two: {sheet:?}") };
        assert_eq!((ticket.position, ticket.attendee.as_str()), (1, "Jon <b>Jaffe</b>"));
        assert_eq!(ticket.seat_type, "General <admission>");
    }

    #[test]
    fn the_code_says_the_ticket_and_nothing_else() {
        let sheet = tickets(&conference(), &seated()).unwrap();
        assert_eq!(seen_in_svg(&sheet.tickets[0].qr), TICKET);
        assert_eq!(sheet.tickets[0].ticket, TICKET);
    }
}
