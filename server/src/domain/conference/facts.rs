//! What the forms of a conference and of a seat type must contain: every wrong field at once, with the
//! words to show beside it.
//!
//! Not here: what depends on anything but the form (`conference.rs`).

use super::{Details, Owner, SeatType};
use crate::domain::Refusal;
use jiff::tz::TimeZoneDatabase;
use shared::management::{ConferenceFacts, CreateConference, SeatTypeFacts};
use shared::refusal::FieldProblem;
use shared::{RefusalCode, SeatTypeId, Timestamp, rules};

/// The most seats of one type (the reference's limit).
pub const QUOTA_MAX: u32 = 100_000;
/// The highest price, in minor units (the reference's limit of 50,000).
pub const PRICE_MINOR_MAX: i64 = 5_000_000;
/// How long a hold may be shown to last, in seconds.
const HOLD_SECONDS: std::ops::RangeInclusive<u32> = 60..=86_400;
/// How much longer the server may really hold, in seconds.
const GRACE_SECONDS_MAX: u32 = 3_600;
/// The grace of a conference that an owner creates, in seconds.
const GRACE_SECONDS: u32 = 60;
/// Instants that a conference can have: from 2000 to 2200.
const INSTANTS: std::ops::Range<i64> = 946_684_800_000..7_258_118_400_000;
const DESCRIPTION_LENGTH_MAX: usize = 10_000;
const LINE_LENGTH_MAX: usize = 200;
const SEAT_TYPE_NAME_LENGTH: std::ops::RangeInclusive<usize> = 2..=70;
const SEAT_TYPE_DESCRIPTION_LENGTH_MAX: usize = 250;
/// First segments of addresses that are the server's own.
const RESERVED_SLUGS: [&str; 15] = [
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
    "sign-in",
    "simulated-provider",
    "sign-out",
    "static",
    "test",
];

/// Another conference has the slug, said beside its field.
#[must_use]
pub fn slug_taken() -> Refusal {
    let message = RefusalCode::SlugTaken.sentence();
    let field = FieldProblem { field: "slug".to_owned(), message: message.to_owned() };
    Refusal::fields(RefusalCode::SlugTaken, vec![field])
}

/// # Errors
/// More seats than a conference can have.
pub fn check_quota(quota: u32) -> Result<(), Refusal> {
    let mut wrong = Wrong::default();
    wrong.note("quota", quota_problem(quota));
    wrong.refuse()
}

impl Details {
    /// What an owner filled in, tidied.
    #[must_use]
    pub fn of(form: &CreateConference, owner: Owner) -> Self {
        let empty = Self {
            slug: form.slug.trim().to_owned(),
            currency: form.currency,
            grace_seconds: GRACE_SECONDS,
            owner: Some(Box::new(owner)),
            name: String::new(),
            tagline: String::new(),
            description: String::new(),
            location: String::new(),
            starts_at: form.facts.starts_at,
            ends_at: form.facts.ends_at,
            time_zone: String::new(),
            contact_email: String::new(),
            hold_seconds: 0,
            cancel_until: None,
            assign_until: None,
        };
        empty.with(&form.facts)
    }

    /// The same conference with these facts, tidied.
    #[must_use]
    pub fn with(&self, facts: &ConferenceFacts) -> Self {
        Self {
            slug: self.slug.clone(),
            currency: self.currency,
            grace_seconds: self.grace_seconds,
            owner: self.owner.clone(),
            name: facts.name.trim().to_owned(),
            tagline: facts.tagline.trim().to_owned(),
            description: facts.description.trim().to_owned(),
            location: facts.location.trim().to_owned(),
            starts_at: facts.starts_at,
            ends_at: facts.ends_at,
            time_zone: facts.time_zone.trim().to_owned(),
            contact_email: facts.contact_email.trim().to_owned(),
            hold_seconds: facts.hold_minutes.saturating_mul(60),
            cancel_until: facts.cancel_until,
            assign_until: facts.assign_until,
        }
    }

    /// What the owner may change later.
    #[must_use]
    pub fn facts(&self) -> ConferenceFacts {
        ConferenceFacts {
            name: self.name.clone(),
            tagline: self.tagline.clone(),
            description: self.description.clone(),
            location: self.location.clone(),
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            time_zone: self.time_zone.clone(),
            contact_email: self.contact_email.clone(),
            hold_minutes: self.hold_seconds / 60,
            cancel_until: self.cancel_until,
            assign_until: self.assign_until,
        }
    }

    /// # Errors
    /// Every field that is wrong, in the order of the form.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut wrong = Wrong::default();
        if let Some(owner) = &self.owner {
            wrong.line("owner_name", &owner.name, "your name", 1..=LINE_LENGTH_MAX);
            wrong.note("owner_email", rules::email_problem(&owner.email));
        }
        wrong.line("name", &self.name, "a name for the conference", 1..=LINE_LENGTH_MAX);
        wrong.line("tagline", &self.tagline, "a tagline", 0..=LINE_LENGTH_MAX);
        wrong.note("slug", slug_problem(&self.slug));
        let place = "where the conference takes place";
        wrong.line("location", &self.location, place, 1..=LINE_LENGTH_MAX);
        wrong.text("description", &self.description, DESCRIPTION_LENGTH_MAX);
        self.check_times(&mut wrong);
        wrong.note("contact_email", rules::email_problem(&self.contact_email));
        if !HOLD_SECONDS.contains(&self.hold_seconds) || GRACE_SECONDS_MAX < self.grace_seconds {
            wrong.add("hold_minutes", "Enter a number of minutes from 1 to 1,440");
        }
        wrong.refuse()
    }

    fn check_times(&self, wrong: &mut Wrong) {
        wrong.instant("starts_at", Some(self.starts_at));
        if self.ends_at < self.starts_at {
            wrong.add("ends_at", "Enter an end that is not before the start");
        } else {
            wrong.instant("ends_at", Some(self.ends_at));
        }
        if TimeZoneDatabase::bundled().get(&self.time_zone).is_err() {
            wrong.add("time_zone", "Choose a time zone, like Europe/Berlin");
        }
        let cut_offs = [("cancel_until", self.cancel_until), ("assign_until", self.assign_until)];
        for (field, until) in cut_offs {
            if until.is_some_and(|until| self.ends_at < until) {
                wrong.add(field, "Enter a time before the end of the conference");
            } else {
                wrong.instant(field, until);
            }
        }
    }
}

impl SeatType {
    /// What an owner filled in, tidied.
    #[must_use]
    pub fn of(id: SeatTypeId, facts: &SeatTypeFacts, quota: u32) -> Self {
        Self {
            id,
            name: facts.name.trim().to_owned(),
            description: facts.description.trim().to_owned(),
            price: facts.price,
            quota,
            per_order_max: facts.per_order_max,
            sale_starts_at: facts.sale_starts_at,
            sale_ends_at: facts.sale_ends_at,
        }
    }

    /// The same seat type with these facts, tidied.
    #[must_use]
    pub fn with(&self, facts: &SeatTypeFacts) -> Self {
        Self::of(self.id, facts, self.quota)
    }

    /// What can be said about it, apart from how many there are.
    #[must_use]
    pub fn facts(&self) -> SeatTypeFacts {
        SeatTypeFacts {
            name: self.name.clone(),
            description: self.description.clone(),
            price: self.price,
            per_order_max: self.per_order_max,
            sale_starts_at: self.sale_starts_at,
            sale_ends_at: self.sale_ends_at,
        }
    }

    /// Limits of the reference, plus one of our own per order.
    ///
    /// # Errors
    /// Every field that is wrong, in the order of the form.
    pub fn check(&self, conference: &Details) -> Result<(), Refusal> {
        let mut wrong = Wrong::default();
        wrong.line("name", &self.name, "a name for the seat type", SEAT_TYPE_NAME_LENGTH);
        wrong.text("description", &self.description, SEAT_TYPE_DESCRIPTION_LENGTH_MAX);
        if self.price.currency != conference.currency {
            wrong.add("price", "Enter a price in the currency of the conference");
        } else if !(0..=PRICE_MINOR_MAX).contains(&self.price.minor) {
            wrong.add("price", "Enter a price from 0 to 50,000");
        }
        wrong.note("quota", quota_problem(self.quota));
        if !(1..=rules::SEATS_PER_TYPE_MAX).contains(&self.per_order_max) {
            wrong.add("per_order_max", "Enter a number from 1 to 20");
        }
        wrong.instant("sale_starts_at", self.sale_starts_at);
        match (self.sale_starts_at, self.sale_ends_at) {
            (Some(opens), Some(ends)) if ends <= opens => {
                wrong.add("sale_ends_at", "Enter an end after the start of the sale");
            }
            (_, ends) => wrong.instant("sale_ends_at", ends),
        }
        wrong.refuse()
    }
}

/// What is wrong with a form so far.
#[derive(Default)]
struct Wrong(Vec<FieldProblem>);

impl Wrong {
    fn add(&mut self, field: &str, message: &str) {
        self.note(field, Some(message.to_owned()));
    }

    fn note(&mut self, field: &str, problem: Option<String>) {
        self.0.extend(problem.map(|message| FieldProblem { field: field.to_owned(), message }));
    }

    /// One line of text; `what` completes "Enter …".
    fn line(
        &mut self,
        field: &str,
        text: &str,
        what: &str,
        length: std::ops::RangeInclusive<usize>,
    ) {
        let (least, most) = (*length.start(), *length.end());
        let characters = text.trim().chars().count();
        if characters == 0 && 0 < least {
            self.add(field, &format!("Enter {what}"));
        } else if most < characters {
            self.add(field, &format!("Enter {what} of {most} characters or fewer"));
        } else if characters < least {
            self.add(field, &format!("Enter {what} of {least} characters or more"));
        } else if text.contains(char::is_control) {
            self.add(field, &format!("Enter {what} without control characters"));
        }
    }

    /// Text of several lines.
    fn text(&mut self, field: &str, text: &str, length_max: usize) {
        let strange = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if length_max < text.chars().count() {
            self.add(field, &format!("Enter a description of {length_max} characters or fewer"));
        } else if text.contains(strange) {
            self.add(field, "Enter a description without control characters");
        }
    }

    fn instant(&mut self, field: &str, instant: Option<Timestamp>) {
        if instant.is_some_and(|instant| !INSTANTS.contains(&instant.0)) {
            self.add(field, "Enter a date between 2000 and 2200");
        }
    }

    fn refuse(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Refusal::fields(RefusalCode::DetailsInvalid, self.0))
        }
    }
}

fn slug_problem(slug: &str) -> Option<String> {
    let is_shaped = (2..=60).contains(&slug.len())
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if !is_shaped {
        Some("Enter an address of 2 to 60 characters: a–z, 0–9 and inner hyphens".to_owned())
    } else if RESERVED_SLUGS.contains(&slug) {
        Some("Enter another address: this one is ours".to_owned())
    } else {
        None
    }
}

fn quota_problem(quota: u32) -> Option<String> {
    (QUOTA_MAX < quota).then(|| "Enter a number of seats from 0 to 100,000".to_owned())
}
