//! What stands in a mail, and what can never stand in it.

use super::*;
use crate::domain::kit::NOON;
use crate::domain::order::tests::{ada, euros};
use shared::commands::Registrant;
use shared::views::OrderLine;
use shared::{AccessCode, ConferenceId, Currency, OrderId, SeatTypeId};
use tempfile::TempDir;

const EFFECT: Uuid = Uuid::from_u128(0xE);

fn conference() -> ConferenceView {
    ConferenceView {
        id: ConferenceId(Uuid::nil()),
        slug: "rustconf".into(),
        name: "Rust & Friends".into(),
        tagline: String::new(),
        description: String::new(),
        location: "Zürich".into(),
        starts_at: NOON,
        ends_at: NOON,
        time_zone: "Europe/Zurich".into(),
        currency: Currency::EUR,
        contact_email: "help@example.org".into(),
        hold_minutes: 15,
        cancel_until: None,
        assign_until: None,
        is_published: true,
        high_demand: false,
        seat_types: vec![],
    }
}

fn order() -> OrderView {
    OrderView {
        id: OrderId(Uuid::from_u128(3)),
        conference_id: ConferenceId(Uuid::nil()),
        conference: "rustconf".into(),
        access_code: "K7M-2QX".parse::<AccessCode>().unwrap(),
        status: OrderStatus::Confirmed,
        lines: vec![OrderLine {
            seat_type: SeatTypeId(Uuid::nil()),
            name: "General <admission>".into(),
            asked: 3,
            held: 2,
            unit_price: euros(19_900),
            line_total: euros(39_800),
        }],
        total: euros(39_800),
        placed_at: NOON,
        hold_expires_at: NOON,
        extensions_left: 10,
        registrant: Some(ada()),
        payment: None,
        confirmed_at: Some(NOON),
        seats: Vec::new(),
    }
}

/// A mail as a program for reading mails sees it.
struct Read {
    header: String,
    plain: String,
    html: String,
}

fn read(folder: &TempDir, name: &str) -> Read {
    let mail = std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (header, body) = mail.split_once("\r\n\r\n").unwrap();
    let boundary = format!("--{}", EFFECT.simple());
    let parts: Vec<&str> = body.split(&boundary).collect();
    assert_eq!(parts.len(), 4, "before, plain, HTML, the end");
    assert!(parts[1].contains("text/plain; charset=utf-8"));
    assert!(parts[2].contains("text/html; charset=utf-8"));
    Read { header: header.into(), plain: decoded(parts[1]), html: decoded(parts[2]) }
}

/// The text of a part, whatever it was encoded in.
fn decoded(part: &str) -> String {
    let (header, body) = part.trim_start().split_once("\r\n\r\n").unwrap();
    if header.contains("base64") {
        use base64::Engine;
        let text: String = body.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        return String::from_utf8(bytes).unwrap();
    }
    if !header.contains("quoted-printable") {
        return body.to_owned();
    }
    let body = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut pieces = body.split('=');
    bytes.extend(pieces.next().unwrap().bytes());
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend(piece[2..].bytes());
    }
    String::from_utf8(bytes).unwrap()
}

async fn confirmation(conference: &ConferenceView, order: &OrderView) -> Read {
    let folder = TempDir::new().unwrap();
    let mailer = Mailer::new(folder.path(), "https://tickets.example.org".into());
    let about = About { effect_id: EFFECT, conference, order, now: NOON };
    mailer.send_confirmation(about).await.unwrap();
    read(&folder, &format!("confirmation-{EFFECT}.eml"))
}

async fn refund_mail(order: &OrderView) -> Read {
    let folder = TempDir::new().unwrap();
    let mailer = Mailer::new(folder.path(), "https://tickets.example.org".into());
    let about = About { effect_id: EFFECT, conference: &conference(), order, now: NOON };
    mailer.send_refund(about, euros(39_800)).await.unwrap();
    read(&folder, &format!("refund-{EFFECT}.eml"))
}

#[tokio::test]
async fn a_confirmation_says_the_code_the_seats_the_total_and_where_to_look() {
    let mail = confirmation(&conference(), &order()).await;
    assert!(mail.header.contains("Subject: You're registered: Rust & Friends"), "{}", mail.header);
    assert!(mail.header.contains("help@example.org") && mail.header.contains("ada@example.org"));
    let link = "https://tickets.example.org/rustconf/order/00000000-0000-0000-0000-000000000003";
    for text in [
        "K7M-2QX",
        "2 × General <admission>: €398",
        "Total: €398",
        &format!("{link}/confirmed"),
        "https://tickets.example.org/rustconf/find",
        "2027, Zürich",
    ] {
        assert!(mail.plain.contains(text), "{text} in {}", mail.plain);
        let text = Escaped(text).to_string();
        assert!(mail.html.contains(&text), "{text} in {}", mail.html);
    }
}

#[tokio::test]
async fn nothing_in_a_mail_is_loaded_from_elsewhere() {
    let mail = confirmation(&conference(), &order()).await;
    for element in ["<img", "<script", "<link", "src=", "url(", "@import"] {
        assert!(!mail.html.contains(element), "{element}");
    }
}

#[tokio::test]
async fn a_refund_says_the_amount_and_why_and_the_owner_gets_a_copy() {
    let mut order = order();
    let second = refund_mail(&order).await;
    assert!(second.plain.contains("second payment"), "{}", second.plain);
    order.status = OrderStatus::Expired;
    let late = refund_mail(&order).await;
    assert!(late.plain.contains("The full amount of €398 goes back"), "{}", late.plain);
    assert!(late.plain.contains("after the hold on your seats had ended"), "{}", late.plain);
    assert!(late.header.contains("Cc: ") && !late.plain.contains("K7M-2QX"), "{}", late.header);
}

#[tokio::test]
async fn no_name_becomes_a_header() {
    let evil = "Ada\r\nBcc: victim@example.org\n\nHello";
    let conference = ConferenceView { name: evil.into(), ..conference() };
    let registrant = Registrant { given_name: evil.into(), family_name: evil.into(), ..ada() };
    let order = OrderView { registrant: Some(registrant), ..order() };
    let header = confirmation(&conference, &order).await.header;
    let starts = header.lines().map(|line| line.split([':', ' ']).next().unwrap_or_default());
    assert!(!starts.into_iter().any(|name| name.eq_ignore_ascii_case("bcc")), "{header}");
}

#[tokio::test]
async fn a_repeated_attempt_writes_the_same_mail_again() {
    let folder = TempDir::new().unwrap();
    let mailer = Mailer::new(folder.path(), "https://tickets.example.org".into());
    let (conference, order) = (conference(), order());
    let about = About { effect_id: EFFECT, conference: &conference, order: &order, now: NOON };
    let mut contents = Vec::new();
    for _ in 0..2 {
        mailer.send_confirmation(about).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(files.len(), 1, "one file, and nothing unfinished");
        contents.push(std::fs::read(files[0].as_ref().unwrap().path()).unwrap());
    }
    assert_eq!(contents[0], contents[1]);
}

#[tokio::test]
async fn an_address_that_is_none_will_not_become_one() {
    let folder = TempDir::new().unwrap();
    let mailer = Mailer::new(folder.path(), "https://tickets.example.org".into());
    let registrant = Registrant { email: "ada\r\n@example.org".into(), ..ada() };
    for registrant in [None, Some(registrant)] {
        let (conference, order) = (conference(), OrderView { registrant, ..order() });
        let about = About { effect_id: EFFECT, conference: &conference, order: &order, now: NOON };
        let error = mailer.send_confirmation(about).await.unwrap_err();
        assert!(matches!(error, MailError::NoAddress("registrant")), "{error}");
    }
}
