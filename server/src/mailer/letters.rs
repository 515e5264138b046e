//! What our mails say. Each letter is a pure function of what there is to say.
//!
//! Everybody's words stay words: one line each, escaped where they are shown. No letter to an attendee
//! holds the access code, which opens the registrant's order.

use super::{Attached, Block, Letter, MailError, Person, one_line};
use crate::documents::{calendar, qr, ticket};
use anyhow::Context;
use jiff::ZonedDateTime;
use jiff::tz::TimeZone;
use shared::commands::Attendee;
use shared::views::{ConferenceView, OrderStatus, OrderView, SeatView};
use shared::{AccessCode, Money, Timestamp};

/// What every letter is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub conference: &'a ConferenceView,
    /// How often the conference changed: of two calendar entries the later is right.
    pub revision: u64,
    /// How the world reaches us, without a slash at the end.
    pub public_url: &'a str,
    pub now: Timestamp,
}

impl About<'_> {
    /// The conference's own page.
    fn home(&self) -> String {
        format!("{}/{}", self.public_url, self.conference.slug)
    }

    /// Where an order can be seen. No secret stands in it.
    fn order(&self, order: &OrderView) -> String {
        format!("{}/order/{}/confirmed", self.home(), order.id)
    }

    /// The conference's name.
    fn name(&self) -> String {
        one_line(&self.conference.name)
    }

    /// Name, time and place.
    fn occasion(&self) -> Block {
        let place = one_line(&self.conference.location);
        Block::Text(format!("{}, {}, {place}", self.name(), when(self.conference)))
    }

    fn questions(&self) -> Block {
        let contact = one_line(&self.conference.contact_email);
        Block::Text(format!("Questions? Write to {contact}."))
    }

    fn calendar(&self, order: &OrderView, url: &str) -> Attached {
        let (conference, revision, now) = (self.conference, self.revision, self.now);
        let entry = calendar::Entry { conference, id: order.id.0, revision, url, now };
        Attached {
            name: "conference.ics",
            content_type: calendar::CONTENT_TYPE,
            bytes: calendar::file(&entry).into_bytes(),
        }
    }

    fn letter(&self, kind: &'static str, to: Person, subject: &str, blocks: Vec<Block>) -> Letter {
        Letter {
            kind,
            to,
            conference: Person {
                role: "conference",
                name: self.conference.name.clone(),
                email: self.conference.contact_email.clone(),
            },
            copy_to_contact: false,
            subject: format!("{subject}: {}", self.name()),
            blocks,
            attached: Vec::new(),
        }
    }
}

/// Tells the registrant that the order is confirmed, with the access code, the calendar entry and the
/// tickets of the seats that have a name by now.
///
/// # Errors
/// There is no registrant, or a ticket is too long for a code.
pub fn confirmation(about: About<'_>, order: &OrderView) -> Result<Letter, MailError> {
    let seats = order.lines.iter().filter(|line| line.held > 0);
    let seats =
        seats.map(|line| format!("{} × {}: {}", line.held, one_line(&line.name), line.line_total));
    let url = about.order(order);
    let find = format!("{}/find", about.home());
    let mut blocks = vec![
        Block::Heading("You're registered".to_owned()),
        about.occasion(),
        Block::Text("Your access code:".to_owned()),
        Block::Code(order.access_code.to_string()),
        Block::Text(
            "Keep it. With this code and your email address you can open your order on any device."
                .to_owned(),
        ),
        Block::Text("Your seats:".to_owned()),
        Block::List(seats.collect()),
        Block::Text(if order.total.is_zero() {
            "Free of charge".to_owned()
        } else {
            format!("Total: {}", order.total)
        }),
        Block::Link { words: "Your order", address: url.clone() },
        Block::Link { words: "Find it on another device", address: find },
    ];
    blocks.extend(tickets(order)?);
    blocks.extend(unnamed(order));
    blocks.push(about.questions());
    let mut letter = about.letter("confirmation", registrant(order)?, "You're registered", blocks);
    letter.attached.push(about.calendar(order, &url));
    Ok(letter)
}

/// Gives an attendee the ticket of a seat, with the calendar entry.
///
/// # Errors
/// Nobody sits on the seat, or its ticket is too long for a code.
pub fn ticket(about: About<'_>, order: &OrderView, seat: &SeatView) -> Result<Letter, MailError> {
    let attendee = seat.attendee.as_ref().ok_or(MailError::NoAddress("attendee"))?;
    let from_whom = order.registrant.as_ref().map_or_else(String::new, |registrant| {
        format!("{} registered you. ", full_name(&registrant.given_name, &registrant.family_name))
    });
    let blocks = vec![
        Block::Heading("Your ticket".to_owned()),
        about.occasion(),
        Block::Text(format!(
            "{from_whom}Show this at the door, on your phone or on paper. It admits one person, once."
        )),
        ticket_block(order, seat)?.context("a seat without a ticket")?,
        Block::Link { words: "About the conference", address: about.home() },
        about.questions(),
    ];
    let mut letter = about.letter("ticket", person(attendee), "Your ticket", blocks);
    letter.attached.push(about.calendar(order, &about.home()));
    Ok(letter)
}

/// Tells somebody who was replaced or taken off a seat, or whose order was cancelled.
#[must_use]
pub fn ticket_void(about: About<'_>, attendee: &Attendee, seat_type: &str) -> Letter {
    let blocks = vec![
        Block::Heading("Your ticket no longer works".to_owned()),
        about.occasion(),
        Block::Text(format!(
            "Your seat ({}) was given back or passed to somebody else. The ticket we sent you earlier \
             does not open the door any more.",
            one_line(seat_type)
        )),
        Block::Text(
            "If you did not expect this, ask whoever registered you, or write to the conference."
                .to_owned(),
        ),
        about.questions(),
    ];
    about.letter("ticket-void", person(attendee), "Your ticket no longer works", blocks)
}

/// One-time links to somebody's orders.
#[must_use]
pub fn order_links(about: About<'_>, email: &str, addresses: &[String]) -> Letter {
    let words = if addresses.len() == 1 { "Open your order" } else { "Open an order" };
    let mut blocks = vec![
        Block::Heading("Your order links".to_owned()),
        about.occasion(),
        Block::Text(
            "Each link opens one of your orders. It works once, within 24 hours. Don't pass it on."
                .to_owned(),
        ),
    ];
    let links = addresses.iter().map(|address| Block::Link { words, address: address.clone() });
    blocks.extend(links);
    blocks.push(Block::Text(
        "You did not ask for this? Then you need not do anything: nobody but you got these links."
            .to_owned(),
    ));
    blocks.push(about.questions());
    let to = Person { role: "registrant", name: String::new(), email: email.to_owned() };
    about.letter("order-links", to, "Your order links", blocks)
}

/// Tells the owner of a conference the access code.
#[must_use]
pub fn owner_code(about: About<'_>, name: &str, email: &str, code: AccessCode) -> Letter {
    let blocks = vec![
        Block::Heading("Your conference is yours to manage".to_owned()),
        about.occasion(),
        Block::Text("Your access code:".to_owned()),
        Block::Code(code.to_string()),
        Block::Text(
            "Sign in with this code and this email address. If you did not ask for it, you need not \
             do anything."
                .to_owned(),
        ),
        Block::Link { words: "Sign in", address: format!("{}/manage", about.public_url) },
    ];
    let to = Person { role: "owner", name: one_line(name), email: email.to_owned() };
    about.letter("owner-code", to, "Your access code", blocks)
}

/// Tells the registrant, and the conference by a copy, that the order was cancelled and what happens to
/// the money.
///
/// # Errors
/// There is no registrant.
pub fn cancellation(
    about: About<'_>,
    order: &OrderView,
    refund: Option<Money>,
) -> Result<Letter, MailError> {
    let mut blocks = vec![
        Block::Heading("Your registration is cancelled".to_owned()),
        about.occasion(),
        Block::Text("Your seats went back. Tickets of this order no longer work.".to_owned()),
    ];
    blocks.extend(refund.map(money_back));
    let again = "Register again";
    blocks.push(Block::Link { words: again, address: about.home() });
    blocks.push(about.questions());
    let to = registrant(order)?;
    let subject = "Your registration is cancelled";
    Ok(Letter { copy_to_contact: true, ..about.letter("cancellation", to, subject, blocks) })
}

/// Tells the registrant, and the conference by a copy, that money goes back.
///
/// # Errors
/// There is no registrant.
pub fn refund(about: About<'_>, order: &OrderView, amount: Money) -> Result<Letter, MailError> {
    let reason = match order.status {
        OrderStatus::Confirmed => {
            "Your order had already been paid for, so this second payment was not needed. Your \
             registration is not affected."
        }
        OrderStatus::Cancelled if order.confirmed_at.is_some() => "Your registration is cancelled.",
        OrderStatus::Expired | OrderStatus::Cancelled => {
            "Your payment arrived after the hold on your seats had ended, and the seats were gone. \
             You are not registered."
        }
        OrderStatus::Reserving | OrderStatus::Held | OrderStatus::PartlyHeld => {
            "Your payment was for another amount than your order now costs."
        }
    };
    let blocks = vec![
        Block::Heading(format!("We are returning {amount}")),
        about.occasion(),
        Block::Text(reason.to_owned()),
        money_back(amount),
        about.questions(),
    ];
    let to = registrant(order)?;
    let subject = "Your payment is returned";
    Ok(Letter { copy_to_contact: true, ..about.letter("refund", to, subject, blocks) })
}

fn money_back(amount: Money) -> Block {
    Block::Text(format!(
        "The full amount of {amount} goes back the way it came. Banks can take some days to show it."
    ))
}

/// The tickets of the seats that have a name.
fn tickets(order: &OrderView) -> Result<Vec<Block>, MailError> {
    order.seats.iter().filter_map(|seat| ticket_block(order, seat).transpose()).collect()
}

fn ticket_block(order: &OrderView, seat: &SeatView) -> Result<Option<Block>, MailError> {
    let (Some(attendee), Some(code)) = (&seat.attendee, &seat.ticket) else { return Ok(None) };
    Ok(Some(Block::Ticket {
        attendee: full_name(&attendee.given_name, &attendee.family_name),
        seat_type: one_line(ticket::seat_type(order, seat)),
        ticket: code.clone(),
        png: qr::png(code)?,
    }))
}

/// What to do about seats without a name.
fn unnamed(order: &OrderView) -> Option<Block> {
    let open = order.seats.iter().filter(|seat| seat.attendee.is_none()).count();
    let words = match open {
        0 => return None,
        1 => "One of your seats has no name yet. Say who comes, and they get a ticket.".to_owned(),
        _ => {
            format!("{open} of your seats have no name yet. Say who comes, and they get a ticket.")
        }
    };
    Some(Block::Text(words))
}

fn registrant(order: &OrderView) -> Result<Person, MailError> {
    let registrant = order.registrant.as_ref().ok_or(MailError::NoAddress("registrant"))?;
    Ok(Person {
        role: "registrant",
        name: full_name(&registrant.given_name, &registrant.family_name),
        email: registrant.email.clone(),
    })
}

fn person(attendee: &Attendee) -> Person {
    Person {
        role: "attendee",
        name: full_name(&attendee.given_name, &attendee.family_name),
        email: attendee.email.clone(),
    }
}

fn full_name(given: &str, family: &str) -> String {
    one_line(&format!("{given} {family}"))
}

/// From when until when, where it takes place.
fn when(conference: &ConferenceView) -> String {
    let (Some(starts), Some(ends)) =
        (there(conference, conference.starts_at), there(conference, conference.ends_at))
    else {
        return String::new();
    };
    let from = starts.strftime("%A, %-d %B %Y, %H:%M");
    let until =
        if starts.date() == ends.date() { "%H:%M (%Z)" } else { "%A, %-d %B %Y, %H:%M (%Z)" };
    format!("{from} to {}", ends.strftime(until))
}

fn there(conference: &ConferenceView, at: Timestamp) -> Option<ZonedDateTime> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    let zone = TimeZone::get(&conference.time_zone).unwrap_or(TimeZone::UTC);
    Some(at.to_zoned_datetime(zone))
}
