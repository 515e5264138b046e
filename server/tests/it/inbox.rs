//! The development inbox: mails as a mail program shows them, and nothing that runs.

use crate::house::{Browser, Db, TestHouse, fresh, start, start_with};
use crate::payment::{all_effects_are_done, mails};
use reqwest::{Response, StatusCode};
use shared::CommandId;
use shared::commands::{AssignRegistrantDetails, CompleteRegistration, Registrant};

/// A house in which somebody with this given name has registered, and the address of the mail.
async fn house_with_mail(given_name: &str) -> (TestHouse, String) {
    let house = start(Db::Sqlite).await;
    let conference = house.conference("letters", &[("General", 0, 10)]).await;
    let browser = Browser::new("letters");
    let seats = [(conference.seat_types[0].id, 1)];
    house.accepted(&browser.register(&seats), &browser.token).await;
    let details = browser.details();
    let registrant = Registrant { given_name: given_name.into(), ..details.registrant };
    let details = AssignRegistrantDetails { registrant, ..details };
    house.accepted(&details, &browser.token).await;
    let Browser { conference, order_id, .. } = browser.clone();
    let complete = CompleteRegistration { command_id: CommandId(fresh()), conference, order_id };
    house.accepted(&complete, &browser.token).await;
    all_effects_are_done(&house).await;
    let list = get(&house, "/inbox").await.text().await.unwrap();
    let (_, rest) = list.split_once("href=\"/inbox/confirmation-").expect("a mail");
    let name = rest.split('"').next().unwrap();
    (house, format!("/inbox/confirmation-{name}"))
}

async fn get(house: &TestHouse, path: &str) -> Response {
    house.client.get(house.url(path)).send().await.unwrap()
}

fn policy(answer: &Response) -> String {
    answer.headers()["content-security-policy"].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_is_listed_and_opens_with_all_its_parts() {
    let (house, address) = house_with_mail("Ada").await;
    let list = get(&house, "/inbox").await.text().await.unwrap();
    assert!(list.contains("You&#39;re registered: The letters conference"), "{list}");
    assert!(list.contains("to ada@example.org"), "{list}");
    let page = get(&house, &address).await;
    assert_eq!(page.status(), StatusCode::OK);
    let policy = policy(&page);
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().await.unwrap();
    for text in ["Ada Lovelace &lt;ada@example.org&gt;", "Your access code:", "conference.ics"] {
        assert!(page.contains(text), "{text} in {page}");
    }
    assert!(page.contains("<iframe") && page.contains("sandbox="), "{page}");
    let file = get(&house, &format!("{address}/files/0")).await;
    assert_eq!(file.headers()["content-type"], "application/octet-stream");
    assert!(file.text().await.unwrap().starts_with("BEGIN:VCALENDAR"));
    assert_eq!(get(&house, &format!("{address}/files/9")).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_frame_allows_the_mails_own_style_and_nothing_that_runs() {
    let (house, address) = house_with_mail("Ada").await;
    let part = get(&house, &format!("{address}/html")).await;
    let policy = policy(&part);
    assert!(policy.contains("sandbox") && policy.contains("style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("allow-scripts") && !policy.contains("unsafe"), "{policy}");
    let html = part.text().await.unwrap();
    assert!(html.contains("<h1>You&#39;re registered</h1>"), "{html}");
    let style = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    assert_eq!(style, server::mailer::STYLE, "the sheet that the policy allows, to the letter");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn markup_in_a_name_is_shown_as_text() {
    let (house, address) = house_with_mail("<script>alert(1)</script>").await;
    for path in ["/inbox".to_owned(), address.clone(), format!("{address}/html")] {
        let page = get(&house, &path).await.text().await.unwrap();
        assert!(!page.contains("<script"), "{path}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_name_leads_out_of_the_folder() {
    let (house, _) = house_with_mail("Ada").await;
    std::fs::write(house.folder().join("secret.eml"), "Subject: secret\r\n\r\nsecret").unwrap();
    for path in ["/inbox/..%2Fsecret.eml", "/inbox/%2E%2E%2Fsecret.eml", "/inbox/secret.eml"] {
        let answer = get(&house, path).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.text().await.unwrap().contains("Subject"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_no_inbox_when_a_mail_server_has_the_mails() {
    let house = start_with(Db::Sqlite, |config| {
        config.mail.smtp_url = "smtp://127.0.0.1:9".to_owned();
    })
    .await;
    assert_eq!(get(&house, "/inbox").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(mails(&house, ""), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_world_sees_an_inbox_only_when_the_operator_says_so() {
    for shows_inbox in [false, true] {
        let house = start_with(Db::Sqlite, |config| {
            config.http.listen_addr = "0.0.0.0:0".parse().unwrap();
            config.mail.shows_inbox = shows_inbox;
        })
        .await;
        let status = if shows_inbox { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(get(&house, "/inbox").await.status(), status);
    }
}
