//! What people take away: the calendar entry and the tickets, and who may have them.

use crate::house::{Browser, TestHouse, fresh};
use crate::on_both_databases;
use crate::payment::{all_effects_are_done, eventually, mails};
use mail_parser::{MessageParser, MimeHeaders};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use server::domain::conference::Command as Manage;
use server::ledger::stage::{Command, Request};
use shared::Ticket;
use shared::commands::Attendee;
use shared::management::ConferenceFacts;
use shared::tickets::Tickets;

on_both_databases! {
    a_published_conference_is_a_calendar_entry
    an_order_gets_its_tickets_when_it_is_confirmed
    tickets_are_nobody_elses_business
    a_named_seat_has_a_ticket_on_paper_and_by_mail
    whoever_is_replaced_is_told_and_the_old_ticket_is_gone
    a_cancelled_order_has_no_tickets_and_everybody_is_told
}

async fn get(house: &TestHouse, path: &str, token: Option<&str>) -> Response {
    let request = house.client.get(house.url(path));
    let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
    request.send().await.unwrap()
}

async fn code(answer: Response) -> (StatusCode, String) {
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

async fn a_published_conference_is_a_calendar_entry(house: TestHouse) {
    let conference = house.conference("calendar", &[("General", 500, 10)]).await;
    let path = "/api/conferences/calendar/calendar.ics";
    let answer = get(&house, path, None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers();
    assert_eq!(headers["content-type"], "text/calendar; charset=utf-8; method=PUBLISH");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"calendar.ics\"");
    let file = answer.text().await.unwrap();
    let url = house.url("/calendar");
    for line in [
        "BEGIN:VCALENDAR".to_owned(),
        "SUMMARY:The calendar conference".to_owned(),
        format!("UID:{}@127.0.0.1", conference.id),
        format!("URL:{url}"),
        "DTSTART;TZID=Europe/Berlin:20270415T140000".to_owned(),
    ] {
        assert!(file.contains(&format!("{line}\r\n")), "{line} in {file}");
    }
    let id = house.ledgers.find("calendar").await.unwrap();
    house.ledgers.manage(id, Manage::UnpublishConference).await.unwrap();
    for hidden in [path, "/api/conferences/nowhere/calendar.ics"] {
        let refused = code(get(&house, hidden, None).await).await;
        assert_eq!(refused, (StatusCode::NOT_FOUND, "conference_not_found".into()));
    }
}

fn path(browser: &Browser) -> String {
    format!("/api/tickets/{}/{}", browser.conference, browser.order_id)
}

async fn an_order_gets_its_tickets_when_it_is_confirmed(house: TestHouse) {
    let conference = house.conference("tickets", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    let early = code(get(&house, &path(&browser), Some(&browser.token)).await).await;
    assert_eq!(early, (StatusCode::CONFLICT, "order_not_confirmed".into()));
    house.paid(&browser, payment_id, total).await;
    let answer = get(&house, &path(&browser), Some(&browser.token)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let sheet: Tickets = answer.json().await.unwrap();
    assert_eq!(sheet.conference, "The tickets conference");
    assert_eq!(sheet.tickets, [], "nobody sits anywhere yet");
}

async fn tickets_are_nobody_elses_business(house: TestHouse) {
    let conference = house.conference("private", &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    house.paid(&browser, payment_id, total).await;
    let path = path(&browser);
    let nobody = code(get(&house, &path, None).await).await;
    assert_eq!(nobody, (StatusCode::UNAUTHORIZED, "token_missing".into()));
    let somebody = Browser::new("private");
    for (path, token) in [
        (path.as_str(), somebody.token.as_str()),
        (path.as_str(), "short"),
        ("/api/tickets/private/not-an-order", browser.token.as_str()),
    ] {
        let refused = code(get(&house, path, Some(token)).await).await;
        assert_eq!(refused, (StatusCode::NOT_FOUND, "order_not_found".into()), "{path}");
    }
}

fn attendee(given_name: &str) -> Attendee {
    Attendee {
        given_name: given_name.into(),
        family_name: "Jaffe".into(),
        email: format!("{}@example.org", given_name.to_lowercase()),
    }
}

/// A confirmed order of two seats, whose second has a name.
async fn seated(house: &TestHouse, slug: &str, given_name: &str) -> Browser {
    let conference = house.conference(slug, &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    house.paid(&browser, payment_id, total).await;
    assign(house, &browser, given_name).await;
    browser
}

async fn assign(house: &TestHouse, browser: &Browser, given_name: &str) {
    let (order_id, ticket) = (browser.order_id, Ticket::from_random(fresh().as_u128()));
    let attendee = attendee(given_name);
    perform(house, browser, Command::AssignSeat { order_id, position: 1, attendee, ticket }).await;
}

async fn perform(house: &TestHouse, browser: &Browser, command: Command) {
    let ledger = house.ledgers.find(&browser.conference).await.unwrap();
    house.ledgers.perform(ledger, Request::of_the_house(command)).await.unwrap();
    all_effects_are_done(house).await;
}

async fn sheet(house: &TestHouse, browser: &Browser) -> Tickets {
    get(house, &path(browser), Some(&browser.token)).await.json().await.unwrap()
}

/// Whom each mail of a kind went to, and what it says.
pub(crate) fn letters(house: &TestHouse, kind: &str) -> Vec<(String, String)> {
    let mails = mails(house, kind);
    let letters = mails.iter().map(|mail| {
        let mail = MessageParser::default().parse(mail).unwrap();
        let to = mail.to().unwrap().first().unwrap().address().unwrap().to_owned();
        (to, mail.body_text(0).unwrap().into_owned())
    });
    letters.collect()
}

async fn a_named_seat_has_a_ticket_on_paper_and_by_mail(house: TestHouse) {
    let browser = seated(&house, "paper", "Jon").await;
    let sheet = sheet(&house, &browser).await;
    let [paper] = sheet.tickets.as_slice() else { panic!("one ticket: {sheet:?}") };
    assert_eq!((paper.position, paper.attendee.as_str()), (1, "Jon Jaffe"));
    assert!(paper.qr.starts_with("<svg") && !paper.qr.contains("href"), "{}", paper.qr);
    let seats = house.order(&browser).await.seats;
    assert_eq!(seats[1].ticket.as_deref(), Some(paper.ticket.as_str()));
    let letters = letters(&house, "ticket-");
    let [(to, text)] = letters.as_slice() else { panic!("one mail: {letters:?}") };
    assert_eq!(to, "jon@example.org");
    assert!(text.contains(&paper.ticket) && text.contains("Ada Lovelace registered you"), "{text}");
    let bytes = mails(&house, "ticket-").remove(0);
    let mail = MessageParser::default().parse(&bytes).unwrap();
    let names: Vec<_> = mail.attachments().filter_map(|part| part.attachment_name()).collect();
    assert_eq!(names, ["ticket-3.png", "conference.ics"]);
}

async fn whoever_is_replaced_is_told_and_the_old_ticket_is_gone(house: TestHouse) {
    let browser = seated(&house, "replaced", "Jon").await;
    let old = sheet(&house, &browser).await.tickets.remove(0).ticket;
    assign(&house, &browser, "Mia").await;
    let new = sheet(&house, &browser).await.tickets.remove(0);
    assert_eq!(new.attendee, "Mia Jaffe");
    assert_ne!(new.ticket, old);
    let void = letters(&house, "ticket-void-");
    let [(to, text)] = void.as_slice() else { panic!("one mail: {void:?}") };
    assert_eq!(to, "jon@example.org");
    assert!(text.contains("no longer works") && !text.contains("Mia"), "{text}");
}

/// The owner lets orders be given back for an hour.
async fn may_cancel(house: &TestHouse, slug: &str) {
    let now = house.conference_view(slug).await;
    let facts = ConferenceFacts {
        name: now.name,
        tagline: now.tagline,
        description: now.description,
        location: now.location,
        starts_at: now.starts_at,
        ends_at: now.ends_at,
        time_zone: now.time_zone,
        contact_email: now.contact_email,
        hold_minutes: now.hold_minutes,
        cancel_until: Some(house.clock.now().plus_seconds(3_600)),
        assign_until: now.assign_until,
    };
    house.ledgers.manage(now.id, Manage::UpdateConference(facts)).await.unwrap();
}

async fn a_cancelled_order_has_no_tickets_and_everybody_is_told(house: TestHouse) {
    let browser = seated(&house, "cancelled", "Jon").await;
    may_cancel(&house, "cancelled").await;
    let ledger = house.ledgers.find("cancelled").await.unwrap();
    let cancel = Command::CancelRegistration { order_id: browser.order_id };
    house.ledgers.perform(ledger, Request::of_the_house(cancel)).await.unwrap();
    let kinds = ["cancellation-", "ticket-void-"];
    eventually("everybody is told", async || {
        kinds.iter().all(|kind| mails(&house, kind).len() == 1)
    })
    .await;
    let refused = code(get(&house, &path(&browser), Some(&browser.token)).await).await;
    assert_eq!(refused, (StatusCode::CONFLICT, "order_not_confirmed".into()));
    let told: Vec<_> = kinds.iter().flat_map(|kind| letters(&house, kind)).collect();
    let said =
        |to: &str, words: &str| told.iter().any(|(whom, text)| whom == to && text.contains(words));
    assert!(said("ada@example.org", "Your registration is cancelled"), "{told:?}");
    assert!(said("ada@example.org", "The full amount of €10 goes back"), "{told:?}");
    assert!(said("jon@example.org", "no longer works"), "{told:?}");
}
