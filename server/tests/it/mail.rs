//! Mails by SMTP: they arrive, once, whatever the mail server is doing meanwhile.

use crate::effects::{effects_are_laid_aside, is_under_way, next_attempt};
use crate::house::{Browser, Db, TestHouse, start_with};
use crate::payment::{all_effects_are_done, closed_address, eventually};
use crate::smtp_server::SmtpServer;
use mail_parser::{MessageParser, MimeHeaders};
use shared::views::OrderStatus;

async fn house_with(smtp_url: &str) -> TestHouse {
    start_with(Db::Sqlite, |config| {
        config.mail.smtp_url = smtp_url.to_owned();
        config.mail.from = "tickets@contoso.example".to_owned();
    })
    .await
}

/// Somebody registers and pays, which asks for one mail.
pub(crate) async fn registered(house: &TestHouse, slug: &str) -> Browser {
    let conference = house.conference(slug, &[("General", 500, 10)]).await;
    let (browser, payment_id, total) = house.up_to_payment(&conference, 2).await;
    house.paid(&browser, payment_id, total).await;
    assert_eq!(house.order(&browser).await.status, OrderStatus::Confirmed);
    browser
}

/// The mail server has answered, and the house has written down what follows.
async fn first_attempt_is_over(house: &TestHouse, server: &SmtpServer) {
    eventually("the first attempt is over", async || {
        server.attempts() == 1 && !is_under_way(house).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_gets_the_mail_as_it_was_written() {
    let (server, url) = SmtpServer::start().await;
    let house = house_with(&url).await;
    let browser = registered(&house, "smtp").await;
    all_effects_are_done(&house).await;
    let delivered = server.delivered();
    let [mail] = delivered.as_slice() else { panic!("one mail: {delivered:?}") };
    assert_eq!(mail.from, "tickets@contoso.example");
    assert_eq!(mail.to, ["ada@example.org"]);
    let message = MessageParser::default().parse(&mail.message).unwrap();
    assert_eq!(message.subject(), Some("You're registered: The smtp conference"));
    let code = house.order(&browser).await.access_code.to_string();
    assert!(message.body_text(0).unwrap().contains(&code));
    assert!(message.body_html(0).unwrap().contains(&code));
    let calendar = message.attachments().next().unwrap();
    assert_eq!(calendar.attachment_name(), Some("conference.ics"));
    assert!(!house.config.mail.dir.exists(), "no file besides");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_share_a_connection() {
    let (server, url) = SmtpServer::start().await;
    let house = house_with(&url).await;
    for slug in ["one", "two", "three"] {
        registered(&house, slug).await;
        all_effects_are_done(&house).await;
    }
    assert_eq!((server.delivered().len(), server.connections()), (3, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_was_down_gets_the_mail_once() {
    let address = closed_address().await;
    let address = address.strip_prefix("http://").unwrap();
    let house = house_with(&format!("smtp://{address}")).await;
    registered(&house, "down").await;
    for _ in 0..3 {
        assert!(next_attempt(&house).await, "it is not forgotten");
    }
    let server = SmtpServer::at(address).await;
    house.pass_seconds(900);
    all_effects_are_done(&house).await;
    house.pass_seconds(900);
    all_effects_are_done(&house).await;
    assert_eq!(server.delivered().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_refused_for_now_is_sent_later_and_once() {
    let (server, url) = SmtpServer::start().await;
    server.refuse_next("451 4.7.1 greylisted, try again");
    let house = house_with(&url).await;
    registered(&house, "later").await;
    first_attempt_is_over(&house, &server).await;
    assert!(next_attempt(&house).await, "it is not forgotten");
    all_effects_are_done(&house).await;
    assert_eq!((server.attempts(), server.delivered().len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_refused_for_good_is_laid_aside_without_naming_anybody() {
    let (server, url) = SmtpServer::start().await;
    server.refuse_next("550 5.1.1 <ada@example.org>: no such person");
    let house = house_with(&url).await;
    registered(&house, "never").await;
    let dead = effects_are_laid_aside(&house, 1).await;
    let [effect] = dead.as_slice() else { panic!("one effect is laid aside: {dead:?}") };
    assert_eq!((effect.kind.as_str(), effect.attempts), ("MailConfirmation", 1));
    assert!(effect.last_error.contains("550") && !effect.last_error.contains("ada"), "{effect:?}");
    assert_eq!((server.attempts(), server.delivered().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_not_taken_delays_a_mail_but_loses_none() {
    let (server, url) = SmtpServer::start().await;
    server.refuse_next("530 5.7.0 who are you?");
    let house = house_with(&url.replace("smtp://", "smtp://user:pass@")).await;
    registered(&house, "who").await;
    first_attempt_is_over(&house, &server).await;
    assert!(next_attempt(&house).await, "it is not forgotten");
    all_effects_are_done(&house).await;
    assert_eq!(server.delivered().len(), 1);
    // NUL user NUL pass, in base64.
    assert_eq!(server.credentials()[0], "AUTH PLAIN AHVzZXIAcGFzcw==");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_and_no_password_leaves_in_clear_when_tls_is_required() {
    let (server, url) = SmtpServer::start().await;
    let url = url.replace("smtp://", "smtp://user:pass@");
    let house = house_with(&format!("{url}?tls=required")).await;
    registered(&house, "clear").await;
    assert!(next_attempt(&house).await, "it is not forgotten");
    assert!(0 < server.connections());
    assert_eq!((server.credentials().len(), server.attempts()), (0, 0));
}
