//! Conferences and orders told to the domain directly, without a browser: for a past that nobody lived,
//! and for the rows that storage alone is measured with.

use server::domain::conference::{Command as Manage, Details, SeatType};
use server::ledger::stage::{Command, Request};
use shared::commands::{Registrant, SeatQuantity};
use shared::{AccessCode, Currency, Money, OrderId, PaymentId, SeatTypeId, Timestamp};
use uuid::Uuid;

const DAY_SECONDS: i64 = 86_400;
/// As many as a seat type may have.
const QUOTA: u32 = 100_000;
/// Enough for a million events.
const SEAT_TYPES: usize = 3;

/// What an owner does until seats can be had, and the seat types there are.
pub(crate) fn conference(slug: &str, now: Timestamp) -> (Vec<SeatType>, Vec<Request>) {
    let seat_types: Vec<SeatType> = (0..SEAT_TYPES).map(seat_type).collect();
    let details = Details {
        slug: slug.to_owned(),
        name: "A conference with a past".into(),
        tagline: String::new(),
        description: String::new(),
        location: "Vienna".into(),
        starts_at: now.plus_seconds(60 * DAY_SECONDS),
        ends_at: now.plus_seconds(61 * DAY_SECONDS),
        time_zone: "Europe/Vienna".into(),
        currency: Currency::EUR,
        contact_email: "hello@example.org".into(),
        hold_seconds: 900,
        grace_seconds: 60,
        cancel_until: None,
        assign_until: None,
        owner: None,
    };
    let mut commands = vec![Manage::CreateConference(details)];
    commands.extend(seat_types.iter().cloned().map(Manage::CreateSeatType));
    commands.push(Manage::PublishConference);
    let of_the_house = |command| Request::of_the_house(Command::Conference(command));
    (seat_types, commands.into_iter().map(of_the_house).collect())
}

fn seat_type(number: usize) -> SeatType {
    SeatType {
        id: SeatTypeId(Uuid::now_v7()),
        name: format!("Admission {number}"),
        description: "All talks and lunch".into(),
        price: Money::new(19_900, Currency::EUR),
        quota: QUOTA,
        per_order_max: 20,
        sale_starts_at: None,
        sale_ends_at: None,
    }
}

/// One order of one seat of any type, from reserved to paid.
pub(crate) fn order(seat_types: &[SeatType]) -> [Request; 4] {
    let random = Uuid::new_v4().as_fields().0;
    let seat_type = &seat_types[random as usize % seat_types.len()];
    let (order_id, payment_id) = (OrderId(Uuid::now_v7()), PaymentId(Uuid::now_v7()));
    let total = seat_type.price;
    let seats = vec![SeatQuantity { seat_type: seat_type.id, quantity: 1 }];
    let access_code = AccessCode::from_random(random);
    let registrant = Registrant {
        given_name: "Ada".into(),
        family_name: "Lovelace".into(),
        email: "ada@example.org".into(),
    };
    let reference = "story".to_owned();
    let commands = [
        Command::RegisterToConference { order_id, seats, access_code },
        Command::AssignRegistrantDetails { order_id, registrant },
        Command::InitiatePayment { order_id, payment_id, total, pay_at: String::new() },
        Command::CompletePayment { order_id, payment_id, amount: total, reference },
    ];
    commands.map(Request::of_the_house)
}

/// The mark that an effect was performed.
pub(crate) fn performed(effect: Uuid) -> Request {
    Request { effect_done: Some(effect), ..Request::of_the_house(Command::EffectPerformed) }
}
