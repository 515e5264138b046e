//! Whatever our server or this device may write is read as `serde_json` reads it, and whatever
//! `serde_json` cannot read is unreadable here, too.

use super::*;
use crate::saved::{Saved, SavedOrder};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use shared::commands::{Accepted, Attendee, Registrant, SeatQuantity};
use shared::dashboard::{DashboardView, Happening, HappeningKind, SalesHour, SeatRevenue};
use shared::refusal::FieldProblem;
use shared::views::{
    ConferenceSummary, ConferenceView, DirectoryView, OrderLine, OrderStatus, OrderView,
    PaymentStatus, PaymentView, SeatTypeView, SeatView,
};
use shared::{
    AccessCode, CommandId, ConferenceId, Currency, Money, OrderId, PaymentId, Problem, RefusalCode,
    SeatTypeId, Timestamp,
};
use std::fmt::Debug;
use uuid::Uuid;

const STRANGE: &str = "“Quoted” \"\\/ \u{1f980}\t\n\u{1}\u{7f}\u{2028} {\"kind\":[1]}";

fn price(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn seat_type(number: u128) -> SeatTypeView {
    SeatTypeView {
        id: SeatTypeId(Uuid::from_u128(number)),
        name: "General".into(),
        description: STRANGE.into(),
        price: price(i64::MAX),
        quota: u32::MAX,
        sold: 1,
        held: 0,
        per_order_max: 20,
        sale_starts_at: Some(Timestamp(i64::MIN)),
        sale_ends_at: None,
    }
}

fn conference() -> ConferenceView {
    ConferenceView {
        id: ConferenceId(Uuid::from_u128(1)),
        slug: "rustconf".into(),
        name: "RustConf".into(),
        tagline: String::new(),
        description: STRANGE.into(),
        location: "Zürich".into(),
        starts_at: Timestamp(1_800_000_000_000),
        ends_at: Timestamp(1_800_100_000_000),
        time_zone: "Europe/Zurich".into(),
        currency: Currency::EUR,
        contact_email: "a@example.org".into(),
        hold_minutes: 15,
        cancel_until: Some(Timestamp(5)),
        assign_until: None,
        is_published: true,
        high_demand: false,
        seat_types: vec![seat_type(1), seat_type(2)],
    }
}

fn order() -> OrderView {
    OrderView {
        id: OrderId(Uuid::from_u128(3)),
        conference_id: ConferenceId(Uuid::from_u128(1)),
        conference: "rustconf".into(),
        access_code: AccessCode::from_random(7),
        status: OrderStatus::PartlyHeld,
        lines: vec![OrderLine {
            seat_type: SeatTypeId(Uuid::from_u128(2)),
            name: STRANGE.into(),
            asked: 2,
            held: 1,
            unit_price: price(19_900),
            line_total: price(-1),
        }],
        total: price(0),
        placed_at: Timestamp(1),
        hold_expires_at: Timestamp(2),
        extensions_left: 10,
        registrant: Some(Registrant {
            given_name: "Zoë".into(),
            family_name: STRANGE.into(),
            email: "zoe@example.org".into(),
        }),
        payment: Some(PaymentView {
            id: PaymentId(Uuid::from_u128(4)),
            status: PaymentStatus::InFlight,
            amount: price(1),
            initiated_at: Timestamp(3),
            pay_at: Some("/pay/1".into()),
            decline_reason: None,
        }),
        confirmed_at: None,
        seats: vec![SeatView {
            position: 0,
            seat_type: SeatTypeId(Uuid::from_u128(2)),
            attendee: Some(Attendee {
                given_name: "A".into(),
                family_name: "B".into(),
                email: "a@example.org".into(),
            }),
            ticket: Some("7000000000000000".into()),
            assigned_at: Some(Timestamp(9)),
            admitted_at: None,
        }],
        was_short: true,
    }
}

fn directory() -> DirectoryView {
    let summary = |price_from| ConferenceSummary {
        slug: "rustconf".into(),
        name: "RustConf".into(),
        tagline: STRANGE.into(),
        location: "Berlin".into(),
        starts_at: Timestamp(1),
        ends_at: Timestamp(2),
        time_zone: "Europe/Berlin".into(),
        price_from,
        remaining: 3,
    };
    DirectoryView { conferences: vec![summary(Some(price(100))), summary(None)] }
}

fn dashboard() -> DashboardView {
    DashboardView {
        conference: conference(),
        revenue: vec![SeatRevenue { seat_type: SeatTypeId(Uuid::nil()), revenue: price(7) }],
        orders_confirmed: 1,
        orders_held: 2,
        orders_placed: 3,
        short: Default::default(),
        sales: vec![SalesHour { hour: Timestamp(1), seats: 2 }],
        happenings: vec![Happening {
            position: u64::MAX,
            at: Timestamp(1),
            kind: HappeningKind::Sale,
            words: STRANGE.into(),
            order_id: Some(OrderId(Uuid::nil())),
        }],
        happenings_count: 1,
    }
}

fn problem() -> Problem {
    Problem {
        problem_type: "about:blank".into(),
        title: "No".into(),
        status: 422,
        code: RefusalCode::DetailsInvalid,
        detail: Some(STRANGE.into()),
        fields: vec![FieldProblem { field: "email".into(), message: "Enter it".into() }],
        reference: None,
    }
}

/// Written in short and in long, it comes back.
fn comes_back<T: serde::Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let short = serde_json::to_string(value).unwrap();
    assert_eq!(read::<T>(&short).as_ref(), Ok(value), "{short}");
    let long = format!("\r\n\t {} ", serde_json::to_string_pretty(value).unwrap());
    assert_eq!(read::<T>(&long).as_ref(), Ok(value), "{long}");
}

/// Both readers say the same about a text.
fn agree<T: DeserializeOwned + PartialEq + Debug>(text: &str) {
    assert_eq!(read::<T>(text).ok(), serde_json::from_str::<T>(text).ok(), "{text}");
}

#[test]
fn everything_that_is_shown_comes_back() {
    comes_back(&conference());
    comes_back(&order());
    comes_back(&directory());
    comes_back(&dashboard());
    comes_back(&problem());
    comes_back(&Accepted { position: u64::MAX, pay_at: Some("/pay/1".into()) });
    comes_back(&vec![("says".to_owned(), CommandId(Uuid::from_u128(9)))]);
}

#[test]
fn what_a_device_keeps_comes_back() {
    let id = OrderId(Uuid::from_u128(3));
    let seats = vec![SeatQuantity { seat_type: SeatTypeId(Uuid::from_u128(2)), quantity: 2 }];
    let order = SavedOrder {
        id,
        token: "00ff".into(),
        is_placed: true,
        payment: Some(PaymentId(Uuid::from_u128(4))),
        unanswered: vec![(STRANGE.into(), CommandId(Uuid::from_u128(5)))],
    };
    let saved = Saved {
        seats,
        family_name: STRANGE.into(),
        orders: vec![order],
        confirmed_at: Some(Timestamp(1)),
        ..Saved::default()
    };
    assert!(read(&serde_json::to_string(&saved).unwrap()) == Ok(saved));
    // An earlier release kept less.
    let text = format!(r#"{{"orders":[{{"id":"{id}","token":"00ff"}}]}}"#);
    let earlier = read::<Saved>(&text).unwrap_or_default();
    assert!(earlier.order(id).is_some_and(|order| !order.is_placed && order.unanswered.is_empty()));
}

/// A name is found by its place in a list, so every place is tried.
#[test]
fn every_name_is_itself() {
    for code in RefusalCode::ALL {
        comes_back(code);
    }
    for status in ["reserving", "held", "partly_held", "confirmed", "expired", "cancelled"] {
        agree::<OrderStatus>(&format!("{status:?}"));
    }
    for status in ["in_flight", "completed", "declined", "abandoned", "refunding", "refunded"] {
        agree::<PaymentStatus>(&format!("{status:?}"));
    }
    for kind in ["order", "sale", "payment", "attendee", "settings"] {
        agree::<HappeningKind>(&format!("{kind:?}"));
    }
}

#[test]
fn what_is_left_out_and_what_is_new_is_read_as_serde_json_reads_it() {
    let more = r#"{"deep":[{"a":[]},{},-1.5e+3,0,0.25,1E2,true,false,null,"\u0041\""]}"#;
    for text in [
        format!(r#"{{"position":1,"invented":{more}}}"#),
        format!(r#"{{"invented":{more},"position":1,"pay_at":null}}"#),
        r#"{"position":1,"position":2}"#.into(),
        r#"{"pay_at":null}"#.into(),
        "{}".into(),
    ] {
        agree::<Accepted>(&text);
    }
    agree::<RefusalCode>(r#""invented_later""#);
    agree::<OrderStatus>(r#""invented_later""#);
    agree::<SeatQuantity>(
        r#"{"seat_type":"00000000-0000-0000-0000-000000000001","quantity":1,"x":1}"#,
    );
}

#[test]
fn texts_and_numbers_are_read_to_the_letter() {
    for text in [
        r#""\ud83e\udd80 \u00e4\u0000\b\f\n\r\t\/\\\"""#,
        r#""\ud83e""#,
        r#""\ud83e\n""#,
        r#""\ud83e\u0041""#,
        r#""\udd80""#,
        r#""\u00g0""#,
        r#""\x""#,
        "\"\n\"",
        "\"open",
        "\"",
        "\"a\" b",
        "",
    ] {
        agree::<String>(text);
    }
    for text in
        ["0", "00", "01", "+1", "-", "-1", "1.0", "1e3", ".5", "1x", "9223372036854775808", "null"]
    {
        agree::<i64>(text);
        agree::<u64>(text);
        agree::<u32>(text);
        agree::<Option<u16>>(text);
        // As a member that nobody knows.
        agree::<Accepted>(&format!(r#"{{"position":1,"x":{text}}}"#));
    }
    agree::<(bool, bool)>("[true,false]");
    agree::<(bool, bool)>("[true]");
    agree::<(bool, bool)>("[true,false,true]");
    agree::<Vec<bool>>("[true,]");
    agree::<Vec<bool>>("[,true]");
    agree::<Vec<bool>>("[true true]");
    agree::<Vec<bool>>("[ ]");
}

#[test]
fn a_value_for_later_is_its_own_text() {
    let later = r#"{ "a" : [1, "]}"] }"#;
    assert_eq!(read::<Vec<Later<'_>>>(&format!("[ {later} ]")), Ok(vec![Later(later)]));
}

#[test]
fn what_is_nested_without_end_is_refused_and_not_followed() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read::<Later<'_>>(&deep(60)).is_ok());
    assert_eq!(read::<Later<'_>>(&deep(100_000)), Err(Unreadable));
}

proptest! {
    #[test]
    fn any_text_and_number_comes_back(
        value: Vec<(String, Option<i64>, u64, bool)>,
    ) {
        comes_back(&value);
    }

    /// One letter of a view is lost, doubled or becomes another one.
    #[test]
    fn of_a_spoilt_view_both_readers_say_the_same(
        which in 0..4_usize,
        place: prop::sample::Index,
        instead in "[\\[\\]{}\":,0-9a-z \\\\.-]{0,2}",
    ) {
        let text = match which {
            0 => serde_json::to_string(&order()),
            1 => serde_json::to_string(&conference()),
            2 => serde_json::to_string(&directory()),
            _ => serde_json::to_string(&problem()),
        };
        let mut letters: Vec<String> = text.unwrap().chars().map(String::from).collect();
        *place.get_mut(&mut letters) = instead;
        let spoilt = letters.concat();
        // The one difference: minus nothing is a fraction to `serde_json`.
        prop_assume!(!spoilt.contains(":-0") && !spoilt.contains(" -0"));
        match which {
            0 => agree::<OrderView>(&spoilt),
            1 => agree::<ConferenceView>(&spoilt),
            2 => agree::<DirectoryView>(&spoilt),
            _ => agree::<Problem>(&spoilt),
        }
    }
}
