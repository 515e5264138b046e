//! What stands in a mail, and what can never stand in it: read as a program for mails reads it.

use super::letters::{self, About};
use super::*;
use crate::documents::kit::cases;
use crate::documents::qr::tests::seen_in_png;
use crate::domain::kit::NOON;
use crate::domain::order::tests::{ada, euros};
use crate::html::Escaped;
use mail_parser::{Message, MessageParser, MimeHeaders};
use proptest::prelude::*;
use shared::commands::{Attendee, Registrant};
use shared::views::{ConferenceView, OrderLine, OrderStatus, OrderView, SeatView};
use shared::{AccessCode, ConferenceId, Currency, OrderId, SeatTypeId};
use tempfile::TempDir;

const EFFECT: Uuid = Uuid::from_u128(0xE);
pub(crate) const TICKET: &str = "7K3M-9QXF-2HTV-C8WD";
const SITE: &str = "https://tickets.example.org";

pub(crate) fn conference() -> ConferenceView {
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

pub(crate) fn order() -> OrderView {
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
        was_short: false,
    }
}

/// The same order when the second of its two seats has a name.
pub(crate) fn seated() -> OrderView {
    let empty = SeatView {
        position: 0,
        seat_type: SeatTypeId(Uuid::nil()),
        attendee: None,
        ticket: None,
        assigned_at: None,
        admitted_at: None,
    };
    let named = SeatView {
        position: 1,
        attendee: Some(jon()),
        ticket: Some(TICKET.into()),
        assigned_at: Some(NOON),
        ..empty.clone()
    };
    OrderView { seats: vec![empty, named], ..order() }
}

fn jon() -> Attendee {
    Attendee {
        given_name: "Jon".into(),
        family_name: "<b>Jaffe</b>".into(),
        email: "jon@example.org".into(),
    }
}

fn about(conference: &ConferenceView) -> About<'_> {
    About { conference, revision: 7, public_url: SITE, now: NOON }
}

fn mailer(folder: &TempDir) -> Mailer {
    let config = config::Config::for_testing(folder.path(), "sqlite:nowhere");
    Mailer::open(&config.mail, &Trust::default(), SITE.into()).unwrap()
}

/// The bytes of a letter, by way of the file it becomes.
async fn written(letter: &Letter) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    mailer(&folder).send(letter, Stamp { effect_id: EFFECT, now: NOON }).await.unwrap();
    let name = format!("{}-{EFFECT}.eml", letter.kind);
    std::fs::read(folder.path().join("mail").join(name)).unwrap()
}

/// A mail as a program for reading mails sees it.
struct Read {
    subject: String,
    plain: String,
    html: String,
    /// Kind and bytes of every file, shown or attached.
    files: Vec<(String, Vec<u8>)>,
    /// The names of all headers, and the addresses in From, To, Cc and Reply-To.
    headers: Vec<String>,
    addresses: [Vec<String>; 4],
}

async fn read(letter: &Letter) -> Read {
    let bytes = written(letter).await;
    let mail = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!((mail.text_body_count(), mail.html_body_count()), (1, 1));
    for part in [mail.text_part(0), mail.html_part(0)] {
        let kind = part.unwrap().content_type().unwrap();
        assert_eq!(kind.attribute("charset"), Some("utf-8"));
    }
    let addresses = [mail.from(), mail.to(), mail.cc(), mail.reply_to()].map(|list| {
        let addresses = list.into_iter().flat_map(|list| list.iter());
        addresses.filter_map(|one| one.address().map(str::to_owned)).collect()
    });
    Read {
        subject: mail.subject().unwrap().to_owned(),
        plain: mail.body_text(0).unwrap().into_owned(),
        html: mail.body_html(0).unwrap().into_owned(),
        files: files(&mail),
        headers: mail.headers().iter().map(|header| header.name().to_lowercase()).collect(),
        addresses,
    }
}

fn files(mail: &Message<'_>) -> Vec<(String, Vec<u8>)> {
    let kind = |part: &mail_parser::MessagePart<'_>| {
        let kind = part.content_type().unwrap();
        format!("{}/{}", kind.ctype(), kind.subtype().unwrap())
    };
    mail.attachments().map(|part| (kind(part), part.contents().to_vec())).collect()
}

/// Every letter there is, about the same people.
fn all_letters(conference: &ConferenceView, order: &OrderView) -> Vec<Letter> {
    let about = about(conference);
    let attendee = order.seats[1].attendee.clone().unwrap();
    vec![
        letters::confirmation(about, order).unwrap(),
        letters::ticket(about, order, &order.seats[1]).unwrap(),
        letters::ticket_void(about, &attendee, &order.lines[0].name),
        letters::order_links(about, &attendee.email, &[format!("{SITE}/rustconf/find#link=abc")]),
        letters::cancellation(about, order, Some(order.total)).unwrap(),
        letters::refund(about, order, order.total).unwrap(),
    ]
}

#[tokio::test]
async fn a_confirmation_says_the_code_the_seats_the_total_and_where_to_look() {
    let mail = read(&letters::confirmation(about(&conference()), &order()).unwrap()).await;
    assert_eq!(mail.subject, "You're registered: Rust & Friends");
    let [from, to, cc, reply_to] = mail.addresses;
    assert_eq!(from, ["no-reply@localhost"]);
    assert_eq!((to, reply_to), (vec!["ada@example.org".into()], vec!["help@example.org".into()]));
    assert!(cc.is_empty());
    let link = "https://tickets.example.org/rustconf/order/00000000-0000-0000-0000-000000000003";
    for text in [
        "K7M-2QX",
        "2 × General <admission>: €398",
        "Total: €398",
        &format!("{link}/confirmed"),
        "https://tickets.example.org/rustconf/find",
        "Friday, 15 January 2027, 13:00 to 13:00 (CET), Zürich",
    ] {
        assert!(mail.plain.contains(text), "{text} in {}", mail.plain);
        let text = Escaped(text).to_string();
        assert!(mail.html.contains(&text), "{text} in {}", mail.html);
    }
}

#[tokio::test]
async fn a_confirmation_brings_the_calendar_and_the_tickets_of_named_seats() {
    let mail = read(&letters::confirmation(about(&conference()), &seated()).unwrap()).await;
    let [(picture, png), (calendar, ics)] = mail.files.as_slice() else { panic!("two files") };
    assert_eq!((picture.as_str(), calendar.as_str()), ("image/png", "text/calendar"));
    assert_eq!(seen_in_png(png), TICKET);
    let ics = String::from_utf8(ics.clone()).unwrap();
    assert!(ics.starts_with("BEGIN:VCALENDAR\r\n"), "{ics}");
    assert!(ics.contains("/rustconf/order/") && !ics.contains("K7M"), "{ics}");
    assert!(mail.plain.contains(TICKET) && mail.plain.contains("One of your seats has no name"));
}

#[tokio::test]
async fn a_ticket_opens_the_door_but_not_the_order() {
    let order = seated();
    let mail = read(&letters::ticket(about(&conference()), &order, &order.seats[1]).unwrap()).await;
    assert_eq!(mail.addresses[1], ["jon@example.org"]);
    assert!(mail.plain.contains(TICKET) && mail.plain.contains("Ada Lovelace registered you"));
    let (_, png) = &mail.files[0];
    assert_eq!(seen_in_png(png), TICKET);
    assert!(mail.html.contains("src=\"cid:ticket-3@mail\""), "{}", mail.html);
    let texts = format!("{}{}", mail.plain, mail.html);
    for secret in ["K7M-2QX", "ada@example.org", "/order/", "€"] {
        assert!(!texts.contains(secret), "{secret} in {texts}");
    }
}

#[tokio::test]
async fn the_picture_in_a_mail_is_the_one_it_brings() {
    let order = seated();
    let letter = letters::ticket(about(&conference()), &order, &order.seats[1]).unwrap();
    let bytes = written(&letter).await;
    let mail = MessageParser::default().parse(&bytes).unwrap();
    let picture = mail.attachments().next().unwrap();
    assert_eq!(picture.content_id(), Some("ticket-3@mail"));
    assert!(picture.content_disposition().unwrap().is_inline());
    let calendar = mail.attachments().nth(1).unwrap();
    assert_eq!(calendar.attachment_name(), Some("conference.ics"));
    assert!(calendar.content_disposition().unwrap().is_attachment());
}

#[tokio::test]
async fn whoever_loses_a_seat_is_told_so_without_the_name_of_who_has_it() {
    let letter = letters::ticket_void(about(&conference()), &jon(), "General");
    let mail = read(&letter).await;
    assert!(mail.plain.contains("Your ticket no longer works"), "{}", mail.plain);
    assert!(!mail.plain.contains("Ada") && mail.files.is_empty());
}

#[tokio::test]
async fn order_links_go_to_the_address_alone() {
    let links = [1, 2].map(|number| format!("{SITE}/rustconf/find#link=secret{number}"));
    let mail = read(&letters::order_links(about(&conference()), "ada@example.org", &links)).await;
    let [_, to, cc, _] = mail.addresses;
    assert_eq!((to, cc), (vec!["ada@example.org".into()], vec![]));
    for link in links {
        assert!(mail.plain.contains(&link) && mail.html.contains(&link), "{link}");
    }
    assert!(!mail.subject.contains("secret") && mail.plain.contains("works once"));
}

#[tokio::test]
async fn a_cancellation_says_what_happens_to_the_money() {
    let (conference, order) = (conference(), seated());
    let paid = letters::cancellation(about(&conference), &order, Some(euros(39_800))).unwrap();
    let paid = read(&paid).await;
    assert!(paid.plain.contains("The full amount of €398 goes back"), "{}", paid.plain);
    assert_eq!(paid.addresses[2], ["help@example.org"]);
    let free = read(&letters::cancellation(about(&conference), &order, None).unwrap()).await;
    assert!(!free.plain.contains("amount") && free.plain.contains("no longer work"));
}

#[tokio::test]
async fn a_refund_says_the_amount_and_why_and_the_owner_gets_a_copy() {
    let (conference, mut order) = (conference(), order());
    let second = read(&letters::refund(about(&conference), &order, order.total).unwrap()).await;
    assert!(second.plain.contains("second payment"), "{}", second.plain);
    (order.status, order.confirmed_at) = (OrderStatus::Expired, None);
    let late = read(&letters::refund(about(&conference), &order, order.total).unwrap()).await;
    assert!(late.plain.contains("The full amount of €398 goes back"), "{}", late.plain);
    assert!(late.plain.contains("after the hold on your seats had ended"), "{}", late.plain);
    assert_eq!(late.addresses[2], ["help@example.org"]);
    assert!(!late.plain.contains("K7M-2QX"));
    (order.status, order.confirmed_at) = (OrderStatus::Cancelled, Some(NOON));
    let cancelled = read(&letters::refund(about(&conference), &order, order.total).unwrap()).await;
    assert!(cancelled.plain.contains("Your registration is cancelled."), "{}", cancelled.plain);
}

#[tokio::test]
async fn nothing_in_a_mail_is_loaded_from_elsewhere() {
    for letter in all_letters(&conference(), &seated()) {
        let html = read(&letter).await.html;
        let sources = html.matches("src=").count();
        assert_eq!(sources, html.matches("src=\"cid:").count(), "{html}");
        for element in ["<script", "<link", "url(", "@import", "style=", "<iframe"] {
            assert!(!html.contains(element), "{element} in {html}");
        }
    }
}

#[tokio::test]
async fn no_text_becomes_a_header_or_markup() {
    let evil = "Ada\r\nBcc: victim@example.org\r\n\r\n<script>alert(1)</script>";
    let conference = ConferenceView {
        name: evil.into(),
        location: evil.into(),
        contact_email: evil.into(),
        ..conference()
    };
    let (given_name, family_name) = (evil.to_owned(), evil.to_owned());
    let mut order = seated();
    order.lines[0].name = evil.into();
    order.registrant = Some(Registrant { given_name, family_name, ..ada() });
    let attendee = order.seats[1].attendee.as_mut().unwrap();
    (attendee.given_name, attendee.family_name) = (evil.into(), evil.into());
    for letter in all_letters(&conference, &order) {
        let mail = read(&letter).await;
        assert!(!mail.headers.iter().any(|name| name == "bcc"), "{:?}", mail.headers);
        assert!(!mail.html.contains("<script"), "{}", mail.html);
        let all: Vec<&String> = mail.addresses.iter().flatten().collect();
        assert!(!all.iter().any(|address| address.contains("victim")), "{all:?}");
        assert!(!mail.plain.contains("\nBcc"), "{}", mail.plain);
    }
}

#[tokio::test]
async fn every_letter_says_its_kind_comes_from_a_program_and_is_not_wide() {
    for letter in all_letters(&conference(), &seated()) {
        let bytes = written(&letter).await;
        let text = String::from_utf8(bytes).expect("a mail is ASCII");
        assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 998), "{text}");
    }
}

#[tokio::test]
async fn a_repeated_attempt_writes_the_same_mail_again() {
    let folder = TempDir::new().unwrap();
    let mailer = mailer(&folder);
    let mut contents = Vec::new();
    for _ in 0..2 {
        let letter = letters::confirmation(about(&conference()), &seated()).unwrap();
        mailer.send(&letter, Stamp { effect_id: EFFECT, now: NOON }).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path().join("mail")).unwrap().collect();
        assert_eq!(files.len(), 1, "one file, and nothing unfinished");
        contents.push(std::fs::read(files[0].as_ref().unwrap().path()).unwrap());
    }
    assert_eq!(contents[0], contents[1]);
}

#[tokio::test]
async fn an_address_that_is_none_will_not_become_one() {
    let folder = TempDir::new().unwrap();
    let stamp = Stamp { effect_id: EFFECT, now: NOON };
    let attendee = Attendee { email: "jon\r\n@example.org".into(), ..jon() };
    let letter = letters::ticket_void(about(&conference()), &attendee, "General");
    let error = mailer(&folder).send(&letter, stamp).await.unwrap_err();
    assert!(matches!(error, MailError::NoAddress("attendee")), "{error}");
    let nobody = OrderView { registrant: None, ..order() };
    let error = letters::confirmation(about(&conference()), &nobody).unwrap_err();
    assert!(matches!(error, MailError::NoAddress("registrant")), "{error}");
}

/// A name as somebody types it, or an attacker.
fn typed() -> impl Strategy<Value = String> {
    let odd =
        ["\r\nBcc: eve@example.org", "=?utf-8?q?x?=", "\u{202e}", "👩\u{200d}🚀", "\"<>,;@", "\0"];
    prop_oneof![
        "\\PC{1,120}",
        "[ -~]{1,300}",
        prop::collection::vec(any::<char>(), 1..60).prop_map(|all| all.into_iter().collect()),
        prop::sample::select(odd.to_vec()).prop_map(|odd| format!("Ada {odd} Lovelace")),
    ]
}

/// Blanks at the ends of words that are encoded are not worth a promise.
fn words(text: &str) -> Vec<String> {
    one_line(text).replace("=?", "= ?").split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn what_looks_encoded_is_read_as_it_was_typed() {
    let name = "Ada =?utf-8?q?=45ve?= Love  lace";
    let conference = ConferenceView { name: name.into(), ..conference() };
    let mail = read(&letters::confirmation(about(&conference), &order()).unwrap()).await;
    assert_eq!(mail.subject, "You're registered: Ada = ?utf-8?q?=45ve?= Love lace");
}

proptest! {
    #![proptest_config(cases(64))]

    /// Names and titles come back from the headers they are in, and make no header of their own.
    #[test]
    fn whatever_a_name_is_a_mail_program_reads_it(name in typed(), given_name in typed()) {
        let conference = ConferenceView { name: name.clone(), ..conference() };
        let mut order = seated();
        let attendee = order.seats[1].attendee.as_mut().unwrap();
        attendee.given_name.clone_from(&given_name);
        let letter = letters::ticket(about(&conference), &order, &order.seats[1]).unwrap();
        let stamp = Stamp { effect_id: EFFECT, now: NOON };
        let from = "tickets@example.org".parse().unwrap();
        let bytes = message::wrap(&letter, &from, stamp).unwrap().formatted();
        let mail = MessageParser::default().parse(&bytes).unwrap();
        prop_assert!(bytes.is_ascii());
        let names: Vec<&str> = mail.headers().iter().map(|header| header.name()).collect();
        let known = [
            "Message-ID", "Date", "Auto-Submitted", "From", "To", "Subject", "Reply-To",
            "MIME-Version", "Content-Type",
        ];
        prop_assert!(names.iter().all(|name| known.contains(name)), "{:?}", names);
        prop_assert_eq!(words(mail.subject().unwrap()), words(&format!("Your ticket: {name}")));
        let from = mail.from().unwrap().first().unwrap();
        prop_assert_eq!(words(from.name().unwrap_or_default()), words(&name));
        let to = mail.to().unwrap().first().unwrap();
        prop_assert_eq!(to.address(), Some("jon@example.org"));
        let spelled = format!("{given_name} <b>Jaffe</b>");
        prop_assert_eq!(words(to.name().unwrap_or_default()), words(&spelled));
        prop_assert_eq!(mail.html_body_count(), 1);
    }
}
