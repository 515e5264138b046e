use super::facts::PRICE_MINOR_MAX;
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
        owner: None,
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

pub(crate) fn owner() -> Owner {
    Owner { name: "Mia".into(), email: "mia@example.org".into(), code: code(1) }
}

fn code(number: u128) -> OwnerCode {
    OwnerCode { id: CommandId(Uuid::from_u128(number)), hash: format!("hash {number}") }
}

fn created() -> Event {
    Event::ConferenceCreated(Details { owner: Some(Box::new(owner())), ..details() })
}

fn general() -> Event {
    Event::SeatTypeCreated(seat_type(GENERAL, 100, 19_900))
}

/// The fields that a command is refused for.
fn wrong_fields(events: &[Event], command: Command) -> Vec<String> {
    let mut conference = Conference::default();
    for event in events {
        conference.evolve(event);
    }
    let refusal = conference.decide(command, NOON).expect_err("it is wrong");
    assert_eq!(refusal.code, RefusalCode::DetailsInvalid);
    refusal.fields.into_iter().map(|problem| problem.field).collect()
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
        Details { slug: "manage".into(), ..details() },
        Details { slug: "-a".into(), ..details() },
        Details { name: "two\nlines".into(), ..details() },
        Details { description: "\u{0}".into(), ..details() },
        Details { description: "x".repeat(10_001), ..details() },
        Details { time_zone: "Berlin".into(), ..details() },
        Details { starts_at: Timestamp(-1), ..details() },
        Details { ends_at: Timestamp(i64::MAX), ..details() },
        Details { cancel_until: Some(minutes(60 * 24 * 93)), ..details() },
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
        .then_refused(RefusalCode::NothingToPublish);
    given::<Conference>([created(), general()])
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

#[test]
fn every_wrong_field_of_a_form_is_named_at_once_in_its_order() {
    let owner = Owner { name: " ".trim().into(), email: "mia".into(), code: code(1) };
    let wrong = Details {
        slug: String::new(),
        name: String::new(),
        location: "x".repeat(201),
        ends_at: NOON,
        time_zone: "Mars/Olympus".into(),
        hold_seconds: 0,
        owner: Some(Box::new(owner)),
        ..details()
    };
    let fields = wrong_fields(&[], Command::CreateConference(wrong));
    let expected = [
        "owner_name",
        "owner_email",
        "name",
        "slug",
        "location",
        "ends_at",
        "time_zone",
        "hold_minutes",
    ];
    assert_eq!(fields, expected);
    let wrong = SeatTypeFacts {
        name: "x".into(),
        description: "x".repeat(251),
        price: Money::new(-1, Currency::EUR),
        per_order_max: 0,
        sale_starts_at: Some(NOON),
        sale_ends_at: Some(NOON),
    };
    let command = Command::UpdateSeatType { seat_type: GENERAL, facts: wrong };
    let fields = wrong_fields(&[created(), general()], command);
    assert_eq!(fields, ["name", "description", "price", "per_order_max", "sale_ends_at"]);
}

#[test]
fn an_edit_changes_the_facts_and_neither_the_publication_nor_the_address() {
    let facts = ConferenceFacts { name: "  RustConf II ".into(), ..details().facts() };
    let tidied = ConferenceFacts { name: "RustConf II".into(), ..details().facts() };
    let published = [created(), general(), Event::ConferencePublished {}];
    given::<Conference>(published.clone())
        .when(Command::UpdateConference(facts))
        .then([Event::ConferenceUpdated { facts: tidied.clone() }]);
    let mut conference = Conference::default();
    for event in published.iter().chain(&[Event::ConferenceUpdated { facts: tidied }]) {
        conference.evolve(event);
    }
    assert!(conference.is_published);
    let details = conference.details.expect("it was created");
    assert_eq!((details.slug.as_str(), details.name.as_str()), ("rustconf", "RustConf II"));
    assert_eq!(details.owner, Some(Box::new(owner())));
}

#[test]
fn an_edit_that_makes_no_sense_or_no_difference_changes_nothing() {
    given::<Conference>([created()])
        .when(Command::UpdateConference(details().facts()))
        .then_nothing();
    let backwards = ConferenceFacts { ends_at: NOON, ..details().facts() };
    given::<Conference>([created()])
        .when(Command::UpdateConference(backwards))
        .then_refused(RefusalCode::DetailsInvalid);
    given::<Conference>([])
        .when(Command::UpdateConference(details().facts()))
        .then_refused(RefusalCode::ConferenceNotFound);
}

#[test]
fn a_seat_type_is_updated_without_touching_its_quota() {
    let dearer = SeatType { price: Money::new(25_000, Currency::EUR), ..seat_type(GENERAL, 7, 0) };
    let facts = dearer.facts();
    given::<Conference>([created(), general()])
        .when(Command::UpdateSeatType { seat_type: GENERAL, facts: facts.clone() })
        .then([Event::SeatTypeUpdated { seat_type: GENERAL, facts: facts.clone() }]);
    let mut conference = Conference::default();
    let updated = Event::SeatTypeUpdated { seat_type: GENERAL, facts: facts.clone() };
    for event in [created(), general(), updated] {
        conference.evolve(&event);
    }
    assert_eq!(conference.seat_types, [SeatType { quota: 100, ..dearer }]);
    given::<Conference>([created()])
        .when(Command::UpdateSeatType { seat_type: WORKSHOP, facts })
        .then_refused(RefusalCode::SeatTypeUnknown);
}

#[test]
fn a_seat_type_is_deleted_unless_seats_of_it_are_taken() {
    let delete =
        |sold, held| Command::DeleteSeatType { seat_type: GENERAL, taken: Taken { sold, held } };
    given::<Conference>([created(), general()])
        .when(delete(0, 0))
        .then([Event::SeatTypeDeleted { seat_type: GENERAL }]);
    for taken in [delete(1, 0), delete(0, 1)] {
        given::<Conference>([created(), general()])
            .when(taken)
            .then_refused(RefusalCode::SeatTypeInUse);
    }
    given::<Conference>([created()]).when(delete(0, 0)).then_nothing();
}

#[test]
fn a_quota_changes_from_what_the_owner_saw_and_never_below_what_is_taken() {
    let change = |seen, quota| Command::ChangeQuotaFrom {
        seen,
        seat_type: GENERAL,
        quota,
        taken: Taken { sold: 312, held: 9 },
    };
    let full = || [created(), Event::SeatTypeCreated(seat_type(GENERAL, 400, 0))];
    for quota in [321, 450] {
        given::<Conference>(full())
            .when(change(400, quota))
            .then([Event::QuotaChanged { seat_type: GENERAL, quota }]);
    }
    given::<Conference>(full()).when(change(399, 400)).then_nothing();
    given::<Conference>(full())
        .when(change(400, 100_001))
        .then_refused(RefusalCode::DetailsInvalid);

    let detail = |command| {
        let mut conference = Conference::default();
        full().iter().for_each(|event| conference.evolve(event));
        let refusal = conference.decide(command, NOON).expect_err("it is refused");
        (refusal.code, refusal.detail.unwrap_or_default())
    };
    let too_low = "312 sold and 9 held. The lowest possible is 321.";
    assert_eq!(detail(change(400, 320)), (RefusalCode::QuotaTooLow, too_low.to_owned()));
    let changed = "It is 400 now. You wrote 500.";
    assert_eq!(detail(change(450, 500)), (RefusalCode::QuotaChanged, changed.to_owned()));
}

#[test]
fn an_owners_code_is_replaced_and_a_conference_of_the_house_has_none() {
    given::<Conference>([created()])
        .when(Command::RotateOwnerCode(code(2)))
        .then([Event::OwnerCodeRotated { code: code(2) }]);
    given::<Conference>([Event::ConferenceCreated(details())])
        .when(Command::RotateOwnerCode(code(2)))
        .then_refused(RefusalCode::ConferenceNotFound);
}

#[test]
fn what_is_said_about_an_owner_stays_out_of_logs() {
    let said = format!("{:?}", created());
    assert!(!said.contains("Mia") && !said.contains("mia@"), "{said}");
}
