//! Three demonstration conferences that look real: one with plenty of seats, one nearly sold out, one
//! with free seats. Made through the same ledgers as everything else, so their history is honest. All
//! are of one owner, whose access codes are printed, and only here.

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::conference::{Command as Manage, Details, Owner, OwnerCode, SeatType};
use crate::domain::order::TokenHash;
use crate::ledger::Failure;
use crate::ledger::stage::{Authority, Command, Request};
use crate::ledgers::{Bells, Ledgers};
use crate::live::Hub;
use crate::owner_codes::OwnerCodes;
use crate::store::Store;
use anyhow::{Context, anyhow, ensure};
use shared::commands::{Attendee, Registrant, SeatQuantity};
use shared::{
    AccessCode, CommandId, ConferenceId, Currency, Money, OrderId, PaymentId, SeatTypeId, Ticket,
    Timestamp,
};
use tracing::info;
use uuid::Uuid;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
const HOUR: i64 = 3_600;
/// Whose the demonstration is.
const OWNER_EMAIL: &str = "owner@contoso.example";

const GIVEN_NAMES: [&str; 13] = [
    "Amara", "Bruno", "Chiara", "Dilan", "Esther", "Farid", "Greta", "Hana", "Ivo", "Jonna",
    "Kofi", "Lena", "Mateo",
];
const FAMILY_NAMES: [&str; 17] = [
    "Adeyemi",
    "Brandt",
    "Costa",
    "Dvořák",
    "Eriksen",
    "Fuchs",
    "García",
    "Horváth",
    "Ito",
    "Jansen",
    "Kaya",
    "Lindqvist",
    "Moreau",
    "Novak",
    "O'Brien",
    "Petrov",
    "Rossi",
];

/// One conference to be made, with how many orders of two seats each type has sold already.
struct Demo {
    number: u128,
    details: Details,
    seat_types: Vec<(SeatType, u32)>,
}

/// Creates what is missing; running it again changes nothing.
///
/// # Errors
/// The store cannot be opened or failed.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    if !config.mail.smtp_url.is_empty() {
        info!("No demonstration: mails go to a mail server, and its registrants have no mailbox");
        return Ok(());
    }
    let store = Store::open(&config.storage.database_url).await?;
    let now = Clock::Real.now();
    // The demonstration began to sell a week ago.
    let clock = Clock::settable(now.plus_seconds(-WEEK));
    let ledgers = Ledgers::new(store.clone(), Hub::default(), clock.clone(), Bells::default());
    let codes = OwnerCodes::new(&config.secrets);
    for mut demo in demos(now) {
        let slug = demo.details.slug.clone();
        let (code, owner) = owner(&codes, demo.number).await?;
        demo.details.owner = Some(Box::new(owner.clone()));
        match ledgers.find(&slug).await {
            Ok(_) => info!("{slug} is there already"),
            Err(Failure::Refused(_)) => {
                create(&ledgers, &clock, now, demo)
                    .await
                    .with_context(|| format!("cannot make {slug}"))?;
                info!("Created {slug}");
            }
            Err(failure) => return Err(anyhow!("cannot look for {slug}: {failure:?}")),
        }
        let entry = store.ledger_by_slug(&slug).await?;
        // Not after it was replaced, and not of a conference that an older release has made.
        if entry.is_some_and(|entry| entry.owner.code == owner.code.hash) {
            println!("To manage {slug}, sign in with {OWNER_EMAIL} and {code}");
        }
    }
    store.close().await;
    Ok(())
}

/// The owner of one demonstration, and the code that opens it.
async fn owner(codes: &OwnerCodes, number: u128) -> anyhow::Result<(AccessCode, Owner)> {
    let id = CommandId(numbered(number, 4));
    let code = codes.code(ConferenceId(numbered(number, 0)), id);
    let hash = codes.hash(OWNER_EMAIL, code).await?;
    let code_kept = OwnerCode { id, hash };
    let owner = Owner { name: "Mia Keller".into(), email: OWNER_EMAIL.into(), code: code_kept };
    Ok((code, owner))
}

async fn create(
    ledgers: &Ledgers,
    clock: &Clock,
    now: Timestamp,
    demo: Demo,
) -> anyhow::Result<()> {
    ensure!(clock.set(now.plus_seconds(-WEEK)), "the machine's own clock cannot tell a story");
    let id = ConferenceId(numbered(demo.number, 0));
    let manage = |command| async move {
        ledgers.manage(id, command).await.map_err(|failure| anyhow!("{failure:?}"))
    };
    manage(Manage::CreateConference(demo.details)).await?;
    let mut sales = Vec::new();
    for (seat_type, orders) in demo.seat_types {
        for order in 0..orders {
            let number = 1_001 + sales.len() as u128;
            sales.push((sold_at(now, order, orders), number, seat_type.id, seat_type.price));
        }
        manage(Manage::CreateSeatType(seat_type)).await?;
    }
    manage(Manage::PublishConference).await?;
    sales.sort_by_key(|(at, ..)| *at);
    for (at, number, seat_type, price) in sales {
        ensure!(clock.set(at), "the machine's own clock cannot tell a story");
        sell(ledgers, id, demo.number + number, (seat_type, price)).await?;
    }
    Ok(())
}

/// When the sale with this number of a seat type happened, of so many in a week: ever more often.
fn sold_at(now: Timestamp, order: u32, orders: u32) -> Timestamp {
    let share = f64::from(order + 1) / f64::from(orders + 1);
    let seconds_ago = WEEK as f64 * (1.0 - share.sqrt());
    now.plus_seconds(-(seconds_ago as i64))
}

/// One order of two seats, all the way to confirmed.
async fn sell(
    ledgers: &Ledgers,
    id: ConferenceId,
    number: u128,
    (seat_type, price): (SeatTypeId, Money),
) -> anyhow::Result<()> {
    let order_id = OrderId(numbered(number, 1));
    let payment_id = PaymentId(numbered(number, 2));
    let total = price.times(2);
    let authority = Authority::Token(TokenHash(format!("demonstration-{number}")));
    let registrant = person(number);
    let sitting = Attendee {
        given_name: registrant.given_name.clone(),
        family_name: registrant.family_name.clone(),
        email: registrant.email.clone(),
    };
    let seats = vec![SeatQuantity { seat_type, quantity: 2 }];
    let access_code = AccessCode::from_random(u32::try_from(number % 1_000_003)?);
    let pay_at = String::new();
    let reference = "demonstration".to_owned();
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    let ticket = Ticket::from_random(u128::from_le_bytes(random));
    let mut commands = vec![
        Command::RegisterToConference { order_id, seats, access_code },
        Command::AssignRegistrantDetails { order_id, registrant },
        Command::InitiatePayment { order_id, payment_id, total, pay_at },
        Command::CompletePayment { order_id, payment_id, amount: total, reference },
    ];
    // Two of three have said already that one of the seats is their own.
    if !number.is_multiple_of(3) {
        commands.push(Command::AssignSeat { order_id, position: 0, attendee: sitting, ticket });
    }
    for command in commands {
        let authority = match command {
            Command::CompletePayment { .. } => Authority::House,
            _ => authority.clone(),
        };
        let request = Request { authority, ..Request::of_the_house(command) };
        ledgers.perform(id, request).await.map_err(|failure| anyhow!("{failure:?}"))?;
    }
    Ok(())
}

/// Somebody who never lived, the same on every machine.
fn person(number: u128) -> Registrant {
    let pick = |names: &[&str], salt: u128| {
        let count = names.len() as u128;
        names
            .get(usize::try_from(number * salt % count).unwrap_or(0))
            .copied()
            .unwrap_or_default()
            .to_owned()
    };
    Registrant {
        given_name: pick(&GIVEN_NAMES, 7),
        family_name: pick(&FAMILY_NAMES, 5),
        email: format!("demo-{number}@example.org"),
    }
}

/// Ids that are the same on every machine, so that seeding twice finds what is there.
fn numbered(number: u128, kind: u128) -> Uuid {
    Uuid::from_u128(0x0dec_0de0_0000_7000_8000_0000_0000_0000 | kind << 48 | number)
}

fn demos(now: Timestamp) -> Vec<Demo> {
    // Whole days from now, at nine o'clock UTC, so that the demonstration never grows old.
    let morning =
        |days: i64| Timestamp((now.0 / (DAY * 1000) + days) * DAY * 1000 + 9 * HOUR * 1000);
    vec![ferrous_forum(&morning), tidepool(&morning), commons_day(&morning)]
}

fn seat_type(number: u128, name: &str, description: &str, numbers: (i64, u32, u32)) -> SeatType {
    let (price_minor, quota, per_order_max) = numbers;
    SeatType {
        id: SeatTypeId(numbered(number, 3)),
        name: name.into(),
        description: description.into(),
        price: Money::new(price_minor, Currency::EUR),
        quota,
        per_order_max,
        sale_starts_at: None,
        sale_ends_at: None,
    }
}

fn ferrous_forum(morning: &impl Fn(i64) -> Timestamp) -> Demo {
    Demo {
        number: 0x10_0000,
        details: Details {
            slug: "ferrous-forum".into(),
            name: "Ferrous Forum".into(),
            tagline: "Two days on software that has to be right".into(),
            description: "Compilers, kernels, railways and pacemakers: people who ship software \
                that must not fail tell how they do it, and what it cost them.\n\nA single track, \
                long breaks, and a workshop day in small groups with the speakers. Lunch, coffee \
                and the evening on the river are included in every ticket."
                .into(),
            location: "Kraftwerk am Fluss, Berlin".into(),
            starts_at: morning(75),
            ends_at: morning(76).plus_seconds(9 * HOUR),
            time_zone: "Europe/Berlin".into(),
            currency: Currency::EUR,
            contact_email: "hello@ferrous-forum.example".into(),
            hold_seconds: 900,
            grace_seconds: 60,
            cancel_until: None,
            assign_until: None,
            owner: None,
        },
        seat_types: vec![
            (
                seat_type(
                    0x10_0001,
                    "General admission",
                    "Both days, lunch and the evening on \
                    the river.",
                    (39_900, 600, 20),
                ),
                47,
            ),
            (
                seat_type(
                    0x10_0002,
                    "Workshop day",
                    "The day before, in groups of twelve. \
                    Bring a laptop.",
                    (24_900, 120, 6),
                ),
                31,
            ),
            (
                seat_type(
                    0x10_0003,
                    "Student",
                    "Both days. Bring a valid student card.",
                    (9_900, 80, 2),
                ),
                12,
            ),
        ],
    }
}

fn tidepool(morning: &impl Fn(i64) -> Timestamp) -> Demo {
    Demo {
        number: 0x20_0000,
        details: Details {
            slug: "tidepool".into(),
            name: "Tidepool".into(),
            tagline: "A small conference about small databases".into(),
            description: "Forty people, one room above the harbour, and everything that fits into \
                a single file. Talks in the morning, hacking after lunch, low tide walk at six.\n\n\
                Tidepool is deliberately tiny and always sells out. Seats that are held but not \
                paid come back, so it is worth to keep this page open."
                .into(),
            location: "Lotsenhaus, Sankt Peter-Ording".into(),
            starts_at: morning(40),
            ends_at: morning(40).plus_seconds(10 * HOUR),
            time_zone: "Europe/Berlin".into(),
            currency: Currency::EUR,
            contact_email: "crew@tidepool.example".into(),
            hold_seconds: 900,
            grace_seconds: 60,
            cancel_until: None,
            assign_until: None,
            owner: None,
        },
        seat_types: vec![
            (
                seat_type(
                    0x20_0001,
                    "Seat in the room",
                    "The whole day with lunch and the walk.",
                    (14_900, 40, 4),
                ),
                18,
            ),
            (
                seat_type(
                    0x20_0002,
                    "Sailing the evening before",
                    "Three hours on a wooden boat.",
                    (5_900, 12, 2),
                ),
                6,
            ),
        ],
    }
}

fn commons_day(morning: &impl Fn(i64) -> Timestamp) -> Demo {
    Demo {
        number: 0x30_0000,
        details: Details {
            slug: "commons-day".into(),
            name: "Commons Day".into(),
            tagline: "Open source in public service, free for everybody".into(),
            description: "Libraries, schools and town halls show the software they share. Come \
                for an hour or for the whole day; children are welcome and looked after.\n\n\
                Admission is free. The workshops cost what their materials cost."
                .into(),
            location: "Stadtbücherei, Graz".into(),
            starts_at: morning(54),
            ends_at: morning(54).plus_seconds(8 * HOUR),
            time_zone: "Europe/Vienna".into(),
            currency: Currency::EUR,
            contact_email: "commons@graz.example".into(),
            hold_seconds: 900,
            grace_seconds: 60,
            cancel_until: None,
            assign_until: None,
            owner: None,
        },
        seat_types: vec![
            (seat_type(0x30_0001, "Admission", "Talks, exhibition and coffee.", (0, 400, 10)), 0),
            (
                seat_type(
                    0x30_0002,
                    "Soldering workshop",
                    "Build a weather station and take it \
                    home.",
                    (3_500, 24, 2),
                ),
                5,
            ),
        ],
    }
}
