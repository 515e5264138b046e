//! What is on offer: the conference's facts, its seat types with quotas and prices, published or not.
//! Stream: `conference`. Written by the owner's commands.
//!
//! Not here: how many seats are left (`seats_availability.rs`), and who owns the conference.

use super::{Decider, Refusal};
use serde::{Deserialize, Serialize};
use shared::commands::SeatQuantity;
use shared::{Currency, Money, RefusalCode, SeatTypeId, Timestamp, rules};

/// The most seat types of one conference.
pub const SEAT_TYPES_MAX: usize = 50;
/// The most seats of one type (the reference's limit).
pub const QUOTA_MAX: u32 = 100_000;
/// The highest price, in minor units (the reference's limit of 50,000).
pub const PRICE_MINOR_MAX: i64 = 5_000_000;
/// First segments of addresses that are the server's own.
const RESERVED_SLUGS: [&str; 13] = [
    "api",
    "assets",
    "check-in",
    "desk",
    "health",
    "inbox",
    "manage",
    "new",
    "owner",
    "payment",
    "simulated-provider",
    "static",
    "test",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    CreateConference(Details),
    CreateSeatType(SeatType),
    ChangeQuota { seat_type: SeatTypeId, quota: u32 },
    PublishConference,
    UnpublishConference,
}

/// These names are stored. Change them only together with `events.rs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Event {
    ConferenceCreated(Details),
    SeatTypeCreated(SeatType),
    QuotaChanged { seat_type: SeatTypeId, quota: u32 },
    ConferencePublished {},
    ConferenceUnpublished {},
}

/// The facts of a conference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Part of every address; 2 ..= 60 of a–z, 0–9 and inner hyphens. Never changes.
    pub slug: String,
    pub name: String,
    pub tagline: String,
    pub description: String,
    pub location: String,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    /// IANA name.
    pub time_zone: String,
    pub currency: Currency,
    pub contact_email: String,
    /// How long a hold is shown to last; 60 ..= 86,400.
    pub hold_seconds: u32,
    /// How much longer the server really holds; 0 ..= 3,600.
    pub grace_seconds: u32,
    /// Confirmed orders may be cancelled before this instant; `None`: they may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_until: Option<Timestamp>,
    /// Names may be assigned to seats before this instant; `None`: until the conference ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_until: Option<Timestamp>,
}

/// One kind of admission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatType {
    pub id: SeatTypeId,
    pub name: String,
    pub description: String,
    pub price: Money,
    pub quota: u32,
    /// 1 ..= 20.
    pub per_order_max: u32,
    pub sale_starts_at: Option<Timestamp>,
    pub sale_ends_at: Option<Timestamp>,
}

/// One line of an order with the price it has today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub seat_type: SeatTypeId,
    pub name: String,
    pub unit_price: Money,
    pub quantity: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conference {
    pub details: Option<Details>,
    pub seat_types: Vec<SeatType>,
    pub is_published: bool,
}

impl Decider for Conference {
    type Command = Command;
    type Event = Event;

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::ConferenceCreated(details) => self.details = Some(details.clone()),
            Event::SeatTypeCreated(seat_type) => self.seat_types.push(seat_type.clone()),
            Event::QuotaChanged { seat_type, quota } => {
                let found = self.seat_types.iter_mut().find(|known| known.id == *seat_type);
                debug_assert!(found.is_some(), "a quota changes only for a seat type that exists");
                if let Some(known) = found {
                    known.quota = *quota;
                }
            }
            Event::ConferencePublished {} => self.is_published = true,
            Event::ConferenceUnpublished {} => self.is_published = false,
        }
    }

    fn decide(&self, command: Command, _now: Timestamp) -> Result<Vec<Event>, Refusal> {
        match (&self.details, command) {
            (None, Command::CreateConference(details)) => {
                check_details(&details)?;
                Ok(vec![Event::ConferenceCreated(details)])
            }
            (None, _) => Err(RefusalCode::ConferenceNotFound.into()),
            (Some(known), Command::CreateConference(details)) if *known == details => Ok(vec![]),
            (Some(_), Command::CreateConference(_)) => Err(RefusalCode::SlugTaken.into()),
            (Some(details), Command::CreateSeatType(seat_type)) => {
                self.create_seat_type(details, seat_type)
            }
            (Some(_), Command::ChangeQuota { seat_type, quota }) => {
                self.change_quota(seat_type, quota)
            }
            (Some(_), Command::PublishConference) => {
                Ok(if self.is_published { vec![] } else { vec![Event::ConferencePublished {}] })
            }
            (Some(_), Command::UnpublishConference) => {
                Ok(if self.is_published { vec![Event::ConferenceUnpublished {}] } else { vec![] })
            }
        }
    }
}

impl Conference {
    /// The seat type with this id.
    #[must_use]
    pub fn seat_type(&self, id: SeatTypeId) -> Option<&SeatType> {
        self.seat_types.iter().find(|seat_type| seat_type.id == id)
    }

    /// Puts today's names and prices on the seats somebody asks for. Seats of a type that the order
    /// already has (`had`) stay obtainable after the sale of that type ended.
    ///
    /// # Errors
    /// A seat type is unknown, over its limit or not on sale.
    pub fn offer(
        &self,
        seats: &[SeatQuantity],
        had: &[SeatQuantity],
        now: Timestamp,
    ) -> Result<Vec<Offer>, Refusal> {
        rules::check_seats(seats)?;
        seats.iter().map(|line| self.offer_line(*line, had, now)).collect()
    }

    fn offer_line(
        &self,
        line: SeatQuantity,
        had: &[SeatQuantity],
        now: Timestamp,
    ) -> Result<Offer, Refusal> {
        let SeatQuantity { seat_type: id, quantity } = line;
        let seat_type = self.seat_type(id).ok_or(RefusalCode::SeatTypeUnknown)?;
        if quantity > seat_type.per_order_max {
            let most = seat_type.per_order_max;
            let detail = format!("{most} is the most per order of {}.", seat_type.name);
            return Err(Refusal::because(RefusalCode::OverOrderLimit, detail));
        }
        let keeps = had.iter().any(|line| line.seat_type == id && quantity <= line.quantity);
        if !keeps && !rules::is_on_sale(seat_type.sale_starts_at, seat_type.sale_ends_at, now) {
            let detail = format!("{} is not on sale now.", seat_type.name);
            return Err(Refusal::because(RefusalCode::NotOnSale, detail));
        }
        Ok(Offer {
            seat_type: id,
            name: seat_type.name.clone(),
            unit_price: seat_type.price,
            quantity,
        })
    }

    fn create_seat_type(
        &self,
        details: &Details,
        seat_type: SeatType,
    ) -> Result<Vec<Event>, Refusal> {
        match self.seat_type(seat_type.id) {
            Some(known) if *known == seat_type => return Ok(vec![]),
            Some(_) => return Err(RefusalCode::SeatTypeExists.into()),
            None => {}
        }
        check_seat_type(details, &seat_type)?;
        if self.seat_types.len() >= SEAT_TYPES_MAX {
            return Err(wrong("A conference has at most 50 seat types."));
        }
        Ok(vec![Event::SeatTypeCreated(seat_type)])
    }

    fn change_quota(&self, id: SeatTypeId, quota: u32) -> Result<Vec<Event>, Refusal> {
        let known = self.seat_type(id).ok_or(RefusalCode::SeatTypeUnknown)?;
        if quota > QUOTA_MAX {
            return Err(wrong("A quota is at most 100,000 seats."));
        }
        if known.quota == quota {
            return Ok(vec![]);
        }
        Ok(vec![Event::QuotaChanged { seat_type: id, quota }])
    }
}

fn wrong(detail: &str) -> Refusal {
    Refusal::because(RefusalCode::DetailsInvalid, detail)
}

fn check_details(details: &Details) -> Result<(), Refusal> {
    let inner_hyphens = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let slug = details.slug.as_str();
    if !(2..=60).contains(&slug.len())
        || !slug.chars().all(inner_hyphens)
        || slug.starts_with('-')
        || slug.ends_with('-')
    {
        return Err(wrong("A slug has 2 to 60 of the characters a–z, 0–9 and inner hyphens."));
    }
    if RESERVED_SLUGS.contains(&slug) {
        return Err(wrong("This slug is reserved."));
    }
    check_text("name", &details.name, 1, 200)?;
    check_text("tagline", &details.tagline, 0, 200)?;
    check_text("description", &details.description, 0, 10_000)?;
    check_text("location", &details.location, 1, 200)?;
    if details.ends_at < details.starts_at {
        return Err(wrong("A conference ends after it starts."));
    }
    if !(60..=86_400).contains(&details.hold_seconds) || details.grace_seconds > 3_600 {
        return Err(wrong("Holds last 1 minute to 24 hours, and grace at most 1 hour."));
    }
    match rules::email_problem(&details.contact_email) {
        Some(problem) => Err(wrong(&problem)),
        None => Ok(()),
    }
}

/// Limits of the reference (`domain.md` §3.2), plus one of our own per order.
fn check_seat_type(details: &Details, seat_type: &SeatType) -> Result<(), Refusal> {
    check_text("name of a seat type", &seat_type.name, 2, 70)?;
    check_text("description of a seat type", &seat_type.description, 0, 250)?;
    if seat_type.quota > QUOTA_MAX {
        return Err(wrong("A quota is at most 100,000 seats."));
    }
    if !(0..=PRICE_MINOR_MAX).contains(&seat_type.price.minor) {
        return Err(wrong("A price is between 0 and 50,000."));
    }
    if seat_type.price.currency != details.currency {
        return Err(wrong("All prices of a conference are in its currency."));
    }
    if !(1..=rules::SEATS_PER_TYPE_MAX).contains(&seat_type.per_order_max) {
        return Err(wrong("The limit per order is between 1 and 20."));
    }
    match (seat_type.sale_starts_at, seat_type.sale_ends_at) {
        (Some(opens), Some(ends)) if ends <= opens => Err(wrong("A sale ends after it opens.")),
        _ => Ok(()),
    }
}

fn check_text(what: &str, text: &str, min: usize, max: usize) -> Result<(), Refusal> {
    if (min..=max).contains(&text.trim().chars().count()) {
        Ok(())
    } else {
        Err(wrong(&format!("The {what} has {min} to {max} characters.")))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::kit::{NOON, given, minutes};
    use uuid::Uuid;

    pub(crate) const GENERAL: SeatTypeId = SeatTypeId(Uuid::from_u128(1));
    pub(crate) const WORKSHOP: SeatTypeId = SeatTypeId(Uuid::from_u128(2));

    pub(crate) fn details() -> Details {
        Details {
            slug: "rustconf".into(),
            name: "RustConf".into(),
            tagline: "Fearless".into(),
            description: "Two days of Rust.".into(),
            location: "Berlin".into(),
            starts_at: minutes(60 * 24 * 90),
            ends_at: minutes(60 * 24 * 92),
            time_zone: "Europe/Berlin".into(),
            currency: Currency::EUR,
            contact_email: "team@example.org".into(),
            hold_seconds: 900,
            grace_seconds: 60,
            cancel_until: None,
            assign_until: None,
        }
    }

    pub(crate) fn seat_type(id: SeatTypeId, quota: u32, price_minor: i64) -> SeatType {
        SeatType {
            id,
            name: if id == GENERAL { "General admission".into() } else { "Workshop".into() },
            description: String::new(),
            price: Money::new(price_minor, Currency::EUR),
            quota,
            per_order_max: 20,
            sale_starts_at: None,
            sale_ends_at: None,
        }
    }

    fn created() -> Event {
        Event::ConferenceCreated(details())
    }

    #[test]
    fn a_conference_is_created_once() {
        given::<Conference>([])
            .when(Command::CreateConference(details()))
            .then([Event::ConferenceCreated(details())]);
        let other = Details { name: "Other".into(), ..details() };
        given::<Conference>([created()])
            .when(Command::CreateConference(other))
            .then_refused(RefusalCode::SlugTaken);
    }

    #[test]
    fn dates_and_texts_make_sense() {
        let wrong = [
            Details { ends_at: NOON, ..details() },
            Details { name: "  ".into(), ..details() },
            Details { slug: "Rust Conf".into(), ..details() },
            Details { slug: "api".into(), ..details() },
            Details { contact_email: "nobody".into(), ..details() },
            Details { hold_seconds: 5, ..details() },
        ];
        for details in wrong {
            given::<Conference>([])
                .when(Command::CreateConference(details))
                .then_refused(RefusalCode::DetailsInvalid);
        }
    }

    #[test]
    fn seat_types_keep_within_the_limits() {
        given::<Conference>([created()])
            .when(Command::CreateSeatType(seat_type(GENERAL, 100, 19_900)))
            .then([Event::SeatTypeCreated(seat_type(GENERAL, 100, 19_900))]);
        let wrong = [
            SeatType { quota: 100_001, ..seat_type(GENERAL, 0, 0) },
            SeatType { per_order_max: 21, ..seat_type(GENERAL, 1, 0) },
            SeatType { name: "x".into(), ..seat_type(GENERAL, 1, 0) },
            seat_type(GENERAL, 1, -1),
            seat_type(GENERAL, 1, PRICE_MINOR_MAX + 1),
            SeatType { price: Money::new(1, "USD".parse().unwrap()), ..seat_type(GENERAL, 1, 0) },
        ];
        for seat_type in wrong {
            given::<Conference>([created()])
                .when(Command::CreateSeatType(seat_type))
                .then_refused(RefusalCode::DetailsInvalid);
        }
    }

    #[test]
    fn publishing_is_repeatable_and_reversible() {
        given::<Conference>([created()])
            .when(Command::PublishConference)
            .then([Event::ConferencePublished {}]);
        given::<Conference>([created(), Event::ConferencePublished {}])
            .when(Command::UnpublishConference)
            .then([Event::ConferenceUnpublished {}]);
    }

    #[test]
    fn an_offer_names_todays_prices_and_respects_limits_and_sale_windows() {
        let mut conference = Conference::default();
        conference.evolve(&created());
        let limited = SeatType { per_order_max: 2, ..seat_type(GENERAL, 10, 500) };
        conference.evolve(&Event::SeatTypeCreated(limited));
        let ended = SeatType { sale_ends_at: Some(NOON), ..seat_type(WORKSHOP, 10, 700) };
        conference.evolve(&Event::SeatTypeCreated(ended));

        let ask = |id, quantity| [SeatQuantity { seat_type: id, quantity }];
        let offer = conference.offer(&ask(GENERAL, 2), &[], NOON).unwrap();
        assert_eq!(offer[0].unit_price, Money::new(500, Currency::EUR));
        let code = |seats: &[SeatQuantity], had: &[SeatQuantity]| {
            conference.offer(seats, had, NOON).map(|_| ()).map_err(|refusal| refusal.code)
        };
        assert_eq!(code(&ask(GENERAL, 3), &[]), Err(RefusalCode::OverOrderLimit));
        assert_eq!(code(&ask(WORKSHOP, 1), &[]), Err(RefusalCode::NotOnSale));
        assert_eq!(code(&ask(WORKSHOP, 1), &ask(WORKSHOP, 2)), Ok(()), "what I have I may keep");
        let unknown = SeatTypeId(Uuid::from_u128(9));
        assert_eq!(code(&ask(unknown, 1), &[]), Err(RefusalCode::SeatTypeUnknown));
    }
}
