//! Arbitrary input at every door that faces the network, over real sockets. Whatever comes in, there is
//! never a panic and never a fault, a no is a problem with a code and records nothing, and whoever
//! asks next is served as always.
//!
//! Few cases run with the other tests; `make fuzz` runs as many as one has patience for. What fails is
//! made as small as possible, printed, and tried first from then on (`proptest-regressions/`).
//! Not here: what mails, tables, calendars and codes become (beside their writers, in `src/`).

mod callbacks;
mod commands;
mod frames;
mod odd;
mod provider;
mod queries;
mod raw;

use crate::attacks::{Attacked, routes};
use crate::desk::Desk;
use crate::house::{Browser, Db, TestHouse, start_with};
use crate::payment::{all_effects_are_done, mails};
use crate::seating::{SLUG, bought, owner, seat};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use raw::{Answer, RawRequest};
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use server::domain::registration_process::Effect;
use shared::{Problem, RefusalCode};
use tokio::runtime::Runtime;

/// Where nobody changes anything, so that it can always be asked for.
const CALM: &str = "evilconf";

/// A house with a conference, an order on it and its owner's browser, and whoever fuzzes it.
pub(crate) struct World {
    runtime: Runtime,
    house: TestHouse,
    mia: Desk,
    ada: Browser,
    routes: Vec<Attacked>,
    /// Something was done to it after which most can only be refused.
    is_spoilt: bool,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
        let (house, mia, ada, routes) = runtime.block_on(async {
            // Every case comes from an address of its own, or the limits would be all that is met.
            let believe = |config: &mut server::config::Config| {
                config.http.proxies.networks = "127.0.0.1".parse().unwrap();
            };
            let house = start_with(Db::Sqlite, believe).await;
            let mia = owner(&house, 100_000).await;
            Desk::of_a_conference(&house, CALM, &[("General", 500, 10)]).await;
            let ada = bought(&house, 2).await;
            seat(&house, &ada, 0, "Jon").await;
            let routes = routes(&house, &ada).await;
            all_effects_are_done(&house).await;
            (house, mia, ada, routes)
        });
        Self { runtime, house, mia, ada, routes, is_spoilt: false }
    }

    /// Everything that Mia's conference has been through.
    async fn head(&self) -> u64 {
        let id = self.house.ledgers.find(SLUG).await.unwrap();
        self.house.store.head(id.0).await.unwrap().unwrap().head
    }

    /// Sends it and looks at what comes back, and at what has become of the server. An answer is
    /// missing only where the request was broken.
    async fn ask(&self, request: &RawRequest) -> Option<Answer> {
        // Where something is still to be done, the house itself goes on recording.
        let is_quiet = self.house.store.next_effect(Effect::KINDS).await.unwrap().is_none();
        let before = self.head().await;
        let answer = raw::ask(self.house.addr(), request).await;
        if let Some(answer) = &answer {
            assert_is_well_formed(request, answer);
        } else {
            assert!(request.is_broken(), "no answer to {request:?}");
        }
        let is_refused = answer.as_ref().is_none_or(|answer| 400 <= answer.status);
        if is_quiet && is_refused {
            assert_eq!(self.head().await, before, "a no records nothing: {request:?}");
        }
        self.assert_serves().await;
        answer
    }

    /// An ordinary request gets its ordinary answer.
    async fn assert_serves(&self) {
        let url = self.house.url(&format!("/api/views/conference/{CALM}"));
        let answer = self.house.client.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 200, "the next one is served");
    }
}

/// No fault, and a no that programs understand.
fn assert_is_well_formed(request: &RawRequest, answer: &Answer) {
    let Answer { status, body, .. } = answer;
    let shown = || format!("{request:?} was answered {answer:?}");
    assert!((200..500).contains(status), "{}", shown());
    let kind = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    // What HEAD would have got is said in headers only.
    if request.method == "HEAD" {
        return;
    }
    if kind.ends_with("json") {
        assert!(serde_json::from_slice::<Value>(body).is_ok(), "{}", shown());
    }
    // What is not even HTTP is answered by the library, before anybody knows which door it wants.
    let is_read = answer.header("x-request-id").is_some();
    assert!(is_read || matches!(status, 400 | 414 | 431), "{}", shown());
    if !is_read || *status < 400 || !request.is_for_the_api() {
        return;
    }
    assert_eq!(kind, "application/problem+json", "{}", shown());
    let problem: Problem = serde_json::from_slice(body).unwrap_or_else(|_| panic!("{}", shown()));
    assert_eq!(problem.status, *status, "{}", shown());
    assert!(!matches!(problem.code, RefusalCode::Unknown | RefusalCode::Fault), "{}", shown());
    assert!(problem.detail.is_none_or(|detail| detail.chars().count() <= 201), "{}", shown());
}

/// Tries this many cases, or as many as `PROPTEST_CASES` says.
fn check<S: Strategy>(few: u32, source: &'static str, cases: S, test: impl Fn(S::Value)) {
    let default = Config::default();
    let is_told = std::env::var_os("PROPTEST_CASES").is_some();
    let config = Config {
        cases: if is_told { default.cases } else { few },
        source_file: Some(source),
        max_shrink_iters: 2_000,
        ..default
    };
    let tried = TestRunner::new(config).run(&cases, |case| {
        test(case);
        Ok::<_, TestCaseError>(())
    });
    if let Err(failure) = tried {
        panic!("{failure}");
    }
}

/// Nothing that was sent may have come out in somebody's mail as a header of its own.
fn assert_mails_are_whole(world: &World) {
    for mail in ["confirmation", "ticket", "owner-code", "order-links"] {
        for text in mails(&world.house, mail) {
            let (head, _) = text.split_once("\r\n\r\n").expect("a head and a body");
            assert!(!head.to_lowercase().contains("\nx-injected"), "{head}");
        }
    }
}
