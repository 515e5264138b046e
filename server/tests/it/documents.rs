//! What people take away: the calendar entry and the tickets, and who may have them.

use crate::house::{Browser, TestHouse};
use crate::on_both_databases;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use server::domain::conference::Command as Manage;
use shared::tickets::Tickets;

on_both_databases! {
    a_published_conference_is_a_calendar_entry
    an_order_gets_its_tickets_when_it_is_confirmed
    tickets_are_nobody_elses_business
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
