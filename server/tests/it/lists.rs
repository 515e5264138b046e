//! An owner's lists: complete, searchable, page by page, in words and as tables.

use crate::desk::Desk;
use crate::house::{Browser, TestHouse, ada, fresh};
use crate::on_both_databases;
use crate::seating::{SLUG, admit, assign, ticket_of};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE, COOKIE};
use serde_json::Value;
use server::domain::order::TokenHash;
use server::ledger::stage::{Authority, Command, Request};
use shared::commands::{AssignRegistrantDetails, Attendee, Registrant, SeatQuantity};
use shared::management::{AttendeePage, OrderHistory, OrderPage};
use shared::views::{ConferenceView, OrderStatus};
use shared::{AccessCode, CommandId, OrderId};

on_both_databases! {
    orders_are_listed_newest_first_page_by_page
    orders_are_found_by_code_name_and_email_and_by_their_status
    an_order_tells_its_story_in_words
    a_table_has_every_order_and_computes_nothing
    lists_are_nobody_elses_business
    an_odd_question_gets_an_answer
    attendees_are_listed_by_seat_and_name_page_by_page
    attendees_are_found_by_name_address_and_order
    a_table_has_every_attendee_and_computes_nothing
}

async fn desk(house: &TestHouse) -> (Desk, ConferenceView) {
    let desk = Desk::of_a_conference(house, SLUG, &[("General", 500, 2_000)]).await;
    (desk, house.conference_view(SLUG).await)
}

/// Orders that nobody has paid, placed a second apart.
async fn orders(house: &TestHouse, view: &ConferenceView, number: u32) -> Vec<OrderId> {
    let mut placed = Vec::new();
    for number in 0..number {
        house.pass_seconds(i64::from(number % 2));
        let order_id = OrderId(fresh());
        let seats = vec![SeatQuantity { seat_type: view.seat_types[0].id, quantity: 1 }];
        let access_code = AccessCode::from_random(number);
        let command = Command::RegisterToConference { order_id, seats, access_code };
        let authority = Authority::Token(TokenHash(number.to_string()));
        let request = Request { authority, ..Request::of_the_house(command) };
        house.ledgers.perform(view.id, request).await.unwrap();
        placed.push(order_id);
    }
    placed
}

async fn page(house: &TestHouse, desk: &Desk, query: &str) -> OrderPage {
    let (status, body) = desk.get(house, &format!("/api/manage/{SLUG}/orders?{query}")).await;
    assert_eq!(status, 200, "{query}: {body}");
    serde_json::from_value(body).unwrap()
}

async fn found(house: &TestHouse, desk: &Desk, query: &str) -> Vec<OrderId> {
    page(house, desk, query).await.orders.iter().map(|row| row.id).collect()
}

async fn orders_are_listed_newest_first_page_by_page(house: TestHouse) {
    let (mia, view) = desk(&house).await;
    assert_eq!(page(&house, &mia, "").await, OrderPage::default());
    let placed = orders(&house, &view, 53).await;
    let first = page(&house, &mia, "").await;
    assert_eq!(first.orders.len(), 50);
    let newest = &first.orders[0];
    assert_eq!((newest.status, newest.seats, newest.total.minor), (OrderStatus::Held, 1, 500));
    let after = first.next.expect("there is more");
    let second = page(&house, &mia, &format!("after={after}")).await;
    assert_eq!((second.orders.len(), second.next), (3, None));
    let all: Vec<_> = first.orders.iter().chain(&second.orders).collect();
    assert!(all.windows(2).all(|pair| pair[1].placed_at <= pair[0].placed_at));
    let mut seen: Vec<OrderId> = all.iter().map(|row| row.id).collect();
    let mut wanted = placed;
    seen.sort();
    wanted.sort();
    assert_eq!(seen, wanted, "every order once");
}

async fn orders_are_found_by_code_name_and_email_and_by_their_status(house: TestHouse) {
    let (mia, view) = desk(&house).await;
    let (paid, payment_id, total) = house.up_to_payment(&view, 2).await;
    house.paid(&paid, payment_id, total).await;
    let held = Browser::new(SLUG);
    house.accepted(&held.register(&[(view.seat_types[0].id, 3)]), &held.token).await;
    let registrant = Registrant {
        given_name: "Ägnes".into(),
        family_name: "O'Neill".into(),
        email: "Agnes%@example.org".into(),
    };
    let details = AssignRegistrantDetails { registrant, ..held.details() };
    house.accepted(&details, &held.token).await;

    let both = [held.order_id, paid.order_id];
    let mut all = found(&house, &mia, "").await;
    all.sort();
    assert_eq!(all, {
        let mut both = both;
        both.sort();
        both
    });
    let code = house.order(&held).await.access_code;
    let plain = code.as_str().to_lowercase();
    for search in [&code.to_string(), &plain, "%C3%A4GNES", "o'neill", "agnes%25@"] {
        let query = format!("search={search}");
        assert_eq!(found(&house, &mia, &query).await, [held.order_id], "{search}");
    }
    assert_eq!(found(&house, &mia, "search=nobody").await, []);
    assert_eq!(found(&house, &mia, "status=confirmed").await, [paid.order_id]);
    assert_eq!(found(&house, &mia, "status=held&search=lovelace").await, []);
    let row = &page(&house, &mia, "status=confirmed").await.orders[0];
    assert_eq!((row.name.as_str(), row.email.as_str()), ("Ada Lovelace", "ada@example.org"));
}

async fn an_order_tells_its_story_in_words(house: TestHouse) {
    let (mia, view) = desk(&house).await;
    let (browser, payment_id, total) = house.up_to_payment(&view, 2).await;
    house.paid(&browser, payment_id, total).await;
    let path = |id: &str| format!("/api/manage/{SLUG}/orders/{id}");
    let (status, body) = mia.get(&house, &path(&browser.order_id.to_string())).await;
    assert_eq!(status, 200, "{body}");
    let history: OrderHistory = serde_json::from_value(body).unwrap();
    assert_eq!(history.order.status, OrderStatus::Confirmed);
    let words: Vec<&str> = history.lines.iter().map(|line| line.words.as_str()).collect();
    for (index, sentence) in [
        "Order placed: 2 General.",
        "Priced at €10.",
        "Held: 2 General.",
        "All seats asked for are held.",
        "Registrant: Ada Lovelace, ada@example.org.",
        "Went to pay €10.",
        "€10 arrived (reference test).",
        "Order confirmed.",
        "Sold: 2 General.",
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(words[index], *sentence, "{words:#?}");
    }
    assert!(history.lines.windows(2).all(|pair| pair[0].position < pair[1].position));
    for unknown in [OrderId(fresh()).to_string(), "nonsense".to_owned()] {
        let (status, body) = mia.get(&house, &path(&unknown)).await;
        assert_eq!((status, body["code"].as_str()), (404, Some("order_not_found")));
    }
}

/// Downloads a table and reads it as another program would.
async fn table(house: &TestHouse, desk: &Desk, name: &str) -> Vec<Vec<String>> {
    let request = house.client.get(house.url(&format!("/api/manage/{SLUG}/{name}")));
    let cookie = desk.cookie.clone().unwrap();
    let answer = request.header(COOKIE, cookie).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers()[CONTENT_TYPE], "text/csv; charset=utf-8");
    let file = format!("attachment; filename=\"{SLUG}-{name}\"");
    assert_eq!(answer.headers()[CONTENT_DISPOSITION], *file);
    let text = answer.text().await.unwrap();
    let text = text.strip_prefix('\u{feff}').expect("a mark by which UTF-8 is known");
    assert!(text.ends_with("\r\n"));
    let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows = reader.into_records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

async fn a_table_has_every_order_and_computes_nothing(house: TestHouse) {
    let (mia, view) = desk(&house).await;
    orders(&house, &view, 510).await;
    let last = Browser::new(SLUG);
    house.accepted(&last.register(&[(view.seat_types[0].id, 2)]), &last.token).await;
    let given_name = "=HYPERLINK(\"https://evil.example\",\"x\")".to_owned();
    let registrant = Registrant { given_name, family_name: "<b>".into(), ..ada() };
    let details =
        AssignRegistrantDetails { command_id: CommandId(fresh()), registrant, ..last.details() };
    house.accepted(&details, &last.token).await;

    let rows = table(&house, &mia, "orders.csv").await;
    assert_eq!(rows.len(), 1 + 511, "over more than one page");
    assert_eq!(rows[0][..4], ["Order", "Status", "Name", "Email"]);
    let order = house.order(&last).await;
    let evil = rows.iter().find(|row| row[0] == order.access_code.to_string()).expect("its row");
    assert_eq!(evil[1..3], ["held", "'=HYPERLINK(\"https://evil.example\",\"x\") <b>"]);
    assert_eq!(evil[3..7], ["ada@example.org", "2", "10.00", "EUR"]);
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
}

async fn lists_are_nobody_elses_business(house: TestHouse) {
    let (_, view) = desk(&house).await;
    let (browser, ..) = house.up_to_payment(&view, 1).await;
    let eve = Desk::of_a_conference(&house, "evilconf", &[("General", 500, 10)]).await;
    let nobody = Desk::default();
    let one = format!("orders/{}", browser.order_id);
    for path in ["orders", "orders.csv", "attendees", "attendees.csv", &one] {
        for (slug, who, expected) in [
            (SLUG, &nobody, (401, "sign_in_required")),
            (SLUG, &eve, (404, "conference_not_found")),
            ("nowhere", &eve, (404, "conference_not_found")),
        ] {
            let (status, body) = who.get(&house, &format!("/api/manage/{slug}/{path}")).await;
            let code = body["code"].as_str().unwrap_or_default();
            assert_eq!((status, code), expected, "{slug} {path}");
            assert!(!body.to_string().contains("Lovelace"));
        }
    }
    // An order of another conference is none of this one.
    let (status, _) = eve.get(&house, &format!("/api/manage/evilconf/{one}")).await;
    assert_eq!(status, 404);
}

async fn an_odd_question_gets_an_answer(house: TestHouse) {
    let (mia, _) = desk(&house).await;
    let ask = async |list: &str, query: &str| -> (u16, Value) {
        mia.get(&house, &format!("/api/manage/{SLUG}/{list}?{query}")).await
    };
    let id = fresh();
    // The last part is "a\0b" and two bytes that are no text.
    let places = ["YQBi", "__4", "!"].map(|end| format!("after={id}.{id}.0.{end}"));
    for (list, query) in [
        ("orders", "status=nonsense"),
        ("orders", "after=nonsense"),
        ("orders", "after=1.2"),
        ("orders", "color=red"),
        ("orders", "status=%27"),
        ("attendees", "status=held"),
        ("attendees", "after=nonsense"),
        ("attendees", &places[0]),
        ("attendees", &places[1]),
        ("attendees", &places[2]),
    ] {
        let (status, body) = ask(list, query).await;
        assert_eq!((status, body["code"].as_str()), (400, Some("malformed")), "{query}");
    }
    let long = format!("search={}", "x".repeat(3_000));
    for query in ["search=%00%01", "search=%27;--", &long, "search=%25%5F%5C"] {
        for list in ["orders", "attendees"] {
            assert_eq!(ask(list, query).await.0, 200, "{list} {query}");
        }
    }
    let made_up = format!("after={id}.{id}.4294967295.{}", "eHh4".repeat(1_000));
    assert_eq!(ask("attendees", &made_up).await.0, 200);
}

fn attendee(given_name: &str, family_name: &str) -> Attendee {
    let email = format!("{}@example.org", family_name.to_lowercase());
    Attendee { given_name: given_name.into(), family_name: family_name.into(), email }
}

/// A paid order whose seats go to these attendees.
async fn seated(house: &TestHouse, view: &ConferenceView, attendees: &[Attendee]) -> Browser {
    let (browser, payment_id, total) = house.up_to_payment(view, attendees.len() as u32).await;
    house.paid(&browser, payment_id, total).await;
    for (position, attendee) in (0..).zip(attendees) {
        house.accepted(&assign(&browser, position, attendee.clone()), &browser.token).await;
    }
    browser
}

async fn attendees(house: &TestHouse, desk: &Desk, query: &str) -> AttendeePage {
    let (status, body) = desk.get(house, &format!("/api/manage/{SLUG}/attendees?{query}")).await;
    assert_eq!(status, 200, "{query}: {body}");
    serde_json::from_value(body).unwrap()
}

/// The ticket of the first seat at the door.
async fn admit_first(house: &TestHouse, desk: &mut Desk, browser: &Browser) {
    let ticket = ticket_of(house, browser, 0).await;
    let (status, body) = desk.send(house, &admit(SLUG, &ticket)).await;
    assert_eq!((status, &body["is_first"]), (200, &Value::Bool(true)), "{body}");
}

async fn attendees_are_listed_by_seat_and_name_page_by_page(house: TestHouse) {
    let (mut mia, view) = desk(&house).await;
    assert_eq!(attendees(&house, &mia, "").await, AttendeePage::default());
    let numbered = |number: u32| attendee("Grace", &format!("Hopper{number:02}"));
    let mut first = None;
    for order in [2, 0, 1] {
        let people: Vec<Attendee> = (order * 18..(order + 1) * 18).map(numbered).collect();
        first = Some(seated(&house, &view, &people).await).filter(|_| order == 0).or(first);
    }
    let first = first.expect("three orders");
    admit_first(&house, &mut mia, &first).await;

    let page = attendees(&house, &mia, "").await;
    assert_eq!((page.attendees.len(), page.assigned, page.admitted), (50, 54, 1));
    let top = &page.attendees[0];
    assert_eq!((top.order_id, top.position), (first.order_id, 0));
    assert_eq!(top.access_code, house.order(&first).await.access_code);
    assert_eq!((top.seat_type.as_str(), top.email.as_str()), ("General", "hopper00@example.org"));
    assert_eq!(top.admitted_at, Some(house.clock.now()));
    let next = page.next.expect("there is more");
    let last = attendees(&house, &mia, &format!("after={next}")).await;
    assert_eq!((last.attendees.len(), last.next, last.assigned), (4, None, 54));
    let names = page.attendees.iter().chain(&last.attendees).map(|row| row.family_name.clone());
    let wanted: Vec<String> = (0..54).map(|number| numbered(number).family_name).collect();
    assert_eq!(names.collect::<Vec<_>>(), wanted, "everybody once, by name");
}

async fn attendees_are_found_by_name_address_and_order(house: TestHouse) {
    let (mia, view) = desk(&house).await;
    let agnes = attendee("Ägnes", "O'Neill");
    let browser = seated(&house, &view, &[agnes, attendee("Jon", "Jaffe")]).await;
    let found = async |search: &str| -> Vec<String> {
        let page = attendees(&house, &mia, &format!("search={search}")).await;
        assert_eq!(page.assigned, 2, "of everybody, whatever was searched for");
        page.attendees.into_iter().map(|row| row.family_name).collect()
    };
    for search in ["%C3%A4gnes", "o'neill%20%C3%A4g", "O%27NEILL@"] {
        assert_eq!(found(search).await, ["O'Neill"], "{search}");
    }
    let code = house.order(&browser).await.access_code;
    for search in [code.to_string(), code.as_str().to_lowercase()] {
        assert_eq!(found(&search).await, ["Jaffe", "O'Neill"], "{search}");
    }
    for search in ["%25", "nobody", "lovelace"] {
        assert!(found(search).await.is_empty(), "{search}");
    }
}

async fn a_table_has_every_attendee_and_computes_nothing(house: TestHouse) {
    let (mut mia, view) = desk(&house).await;
    let formula = "=HYPERLINK(\"https://evil.example\",\"x\")";
    let evil = Attendee { given_name: formula.into(), ..attendee("", "@SUM(A1)") };
    let evil = Attendee { email: "+1@example.org".into(), ..evil };
    let browser = seated(&house, &view, &[evil]).await;
    for order in 0..26 {
        let people: Vec<Attendee> =
            (0..20).map(|seat| attendee("Grace", &format!("Hopper{order}-{seat}"))).collect();
        seated(&house, &view, &people).await;
    }
    admit_first(&house, &mut mia, &browser).await;

    let rows = table(&house, &mia, "attendees.csv").await;
    assert_eq!(rows.len(), 1 + 1 + 26 * 20, "over more than one page");
    assert_eq!(
        rows[0],
        ["Seat type", "Given name", "Family name", "Email", "Order", "Seat", "Admitted (UTC)"]
    );
    let code = house.order(&browser).await.access_code.to_string();
    let row = rows.iter().find(|row| row[4] == code).expect("its row");
    assert_eq!(row[..3], ["General", &format!("'{formula}"), "'@SUM(A1)"]);
    assert_eq!(row[3..], ["'+1@example.org", &code, "1", "2027-01-15 12:00:00"]);
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
}
