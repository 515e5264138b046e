//! Starts a whole server on a free port with a settable clock, and speaks to it as a browser would.

use crate::postgres;
use reqwest::StatusCode;
use serde_json::Value;
use server::clock::Clock;
use server::config::Config;
use server::domain::conference::{Command as Manage, Details, SeatType};
use server::house::House;
use server::nodes::Program;
use server::payment_gateway::{Callback, Outcome};
use server::store::sqlite_url;
use server::trust;
use shared::commands::{
    Accepted, AssignRegistrantDetails, BrowserCommand, InitiatePayment, RegisterToConference,
    Registrant, SeatQuantity,
};
use shared::live::{Snapshot, Topic, View};
use shared::views::{ConferenceView, OrderView};
use shared::{
    CommandId, ConferenceId, Currency, Money, OrderId, PaymentId, RefusalCode, SeatTypeId,
    Timestamp,
};
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Noon of the day on which every test begins.
pub(crate) const NOON: Timestamp = Timestamp(1_800_014_400_000);

/// What an answer may take before a test calls the server broken.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Db {
    Sqlite,
    Postgres,
}

/// A running server. Its parts are reachable for what no browser may see.
pub(crate) struct TestHouse {
    house: House,
    config: Config,
    addr: SocketAddr,
    serving: JoinHandle<()>,
    folder: TempDir,
    /// Stops the server when the test ends, however it ends.
    _stop: tokio_util::sync::DropGuard,
    pub(crate) client: reqwest::Client,
}

impl Deref for TestHouse {
    type Target = House;
    fn deref(&self) -> &House {
        &self.house
    }
}

/// One registrant with a browser: an order id, its token, and what was chosen.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) conference: String,
    pub(crate) order_id: OrderId,
    pub(crate) token: String,
}

pub(crate) async fn start(db: Db) -> TestHouse {
    start_with(db, |_| {}).await
}

pub(crate) async fn start_with(db: Db, change: impl FnOnce(&mut Config)) -> TestHouse {
    let folder = tempfile::tempdir().unwrap();
    let url = match db {
        Db::Sqlite => sqlite_url(&folder.path().join("contoso.db")),
        Db::Postgres => postgres::database().await,
    };
    let mut config = Config::for_testing(folder.path(), &url);
    change(&mut config);
    open(config, Clock::settable(NOON), folder).await
}

async fn open(mut config: Config, clock: Clock, folder: TempDir) -> TestHouse {
    let listener = TcpListener::bind(config.http.listen_addr).await.unwrap();
    let addr = listener.local_addr().unwrap();
    if !config.http.node_url.is_empty() {
        config.http.node_url = format!("http://{addr}");
    }
    let house = House::open(config.clone(), clock, addr).await.unwrap();
    let serving = tokio::spawn(house.clone().serve(listener));
    let client = trust::http(trust::nobody(), PATIENCE);
    let _stop = house.stop.clone().drop_guard();
    TestHouse { house, config, addr, serving, folder, _stop, client }
}

pub(crate) fn fresh() -> Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    Uuid::from_bytes(bytes)
}

pub(crate) fn ada() -> Registrant {
    Registrant {
        given_name: "Ada".into(),
        family_name: "Lovelace".into(),
        email: "ada@example.org".into(),
    }
}

impl Browser {
    pub(crate) fn new(conference: &str) -> Self {
        Self {
            conference: conference.into(),
            order_id: OrderId(fresh()),
            token: format!("{}{}", fresh().simple(), fresh().simple()),
        }
    }

    pub(crate) fn topic(&self) -> Topic {
        Topic::Order { slug: self.conference.clone(), order_id: self.order_id }
    }

    pub(crate) fn register(&self, seats: &[(SeatTypeId, u32)]) -> RegisterToConference {
        RegisterToConference {
            command_id: CommandId(fresh()),
            conference: self.conference.clone(),
            order_id: self.order_id,
            seats: seats
                .iter()
                .map(|(seat_type, quantity)| SeatQuantity {
                    seat_type: *seat_type,
                    quantity: *quantity,
                })
                .collect(),
        }
    }

    pub(crate) fn details(&self) -> AssignRegistrantDetails {
        AssignRegistrantDetails {
            command_id: CommandId(fresh()),
            conference: self.conference.clone(),
            order_id: self.order_id,
            registrant: ada(),
        }
    }

    pub(crate) fn pay(&self, payment_id: PaymentId, total: Money) -> InitiatePayment {
        InitiatePayment {
            command_id: CommandId(fresh()),
            conference: self.conference.clone(),
            order_id: self.order_id,
            payment_id,
            total,
        }
    }
}

impl TestHouse {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn ws_url(&self) -> String {
        format!("ws://{}/api/live", self.addr)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database_url(&self) -> &str {
        &self.config.storage.database_url
    }

    /// Ends the server as a crash would, without a word to anybody.
    pub(crate) fn crash(&self) {
        self.serving.abort();
    }

    /// Another server on the same database, with the same clock and the same secrets.
    pub(crate) async fn another_node(&self) -> Self {
        self.another_node_with(|_, _| {}).await
    }

    /// The same of another release.
    pub(crate) async fn another_node_as(&self, program: Program) -> Self {
        self.another_node_with(|config, _| config.program = program).await
    }

    /// The same, with other settings; the folder is its own.
    pub(crate) async fn another_node_with(&self, change: impl FnOnce(&mut Config, &Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = self.config.clone();
        config.storage.data_dir = folder.path().to_owned();
        config.mail.dir = folder.path().join("mail");
        change(&mut config, folder.path());
        open(config, self.house.clock.clone(), folder).await
    }

    /// Moves the server's clock forward.
    pub(crate) fn pass_seconds(&self, seconds: i64) {
        assert!(self.clock.set(self.clock.now().plus_seconds(seconds)));
    }

    /// Stops the server in an orderly way and starts another on the same data and at the same time.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(async {}).await
    }

    /// The same as another release.
    pub(crate) async fn restart_as(mut self, program: Program) -> Self {
        self.config.program = program;
        self.restart().await
    }

    /// The same, and something happens meanwhile.
    pub(crate) async fn restart_after(self, meanwhile: impl Future<Output = ()>) -> Self {
        let Self { house, config, serving, folder, .. } = self;
        house.stop.cancel();
        serving.await.unwrap();
        meanwhile.await;
        open(config, house.clock.clone(), folder).await
    }

    /// The same, on another database.
    pub(crate) async fn restart_on(mut self, url: &str) -> Self {
        self.config.storage.database_url = url.to_owned();
        self.restart().await
    }

    /// Stops the server in an orderly way.
    pub(crate) async fn stopped(self) {
        let Self { house, serving, .. } = self;
        house.stop.cancel();
        serving.await.unwrap();
    }

    /// A published conference with these seat types: name, price in cents, quota.
    pub(crate) async fn conference(
        &self,
        slug: &str,
        seat_types: &[(&str, i64, u32)],
    ) -> ConferenceView {
        self.hidden_conference(slug, seat_types).await;
        let id = self.ledgers.find(slug).await.unwrap();
        self.ledgers.manage(id, Manage::PublishConference).await.unwrap();
        self.conference_view(slug).await
    }

    /// The same, not published.
    pub(crate) async fn hidden_conference(&self, slug: &str, seat_types: &[(&str, i64, u32)]) {
        let id = ConferenceId(fresh());
        self.ledgers.manage(id, Manage::CreateConference(details(slug))).await.unwrap();
        for (name, price_minor, quota) in seat_types {
            let seat_type = seat_type(name, *price_minor, *quota);
            self.ledgers.manage(id, Manage::CreateSeatType(seat_type)).await.unwrap();
        }
    }

    /// Sends a command as a browser does.
    pub(crate) async fn command<C: BrowserCommand>(
        &self,
        command: &C,
        token: &str,
    ) -> (StatusCode, Value) {
        let url = self.url(&format!("/api/commands/{}", C::ROUTE));
        let answer = self.client.post(url).bearer_auth(token).json(command).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn accepted<C: BrowserCommand>(&self, command: &C, token: &str) -> Accepted {
        let (status, body) = self.command(command, token).await;
        assert_eq!(status, StatusCode::OK, "{} was refused: {body}", C::ROUTE);
        serde_json::from_value(body).unwrap()
    }

    pub(crate) async fn refused<C: BrowserCommand>(&self, command: &C, token: &str) -> RefusalCode {
        let (status, body) = self.command(command, token).await;
        assert!(!status.is_success(), "{} was accepted: {body}", C::ROUTE);
        serde_json::from_value(body["code"].clone()).unwrap()
    }

    pub(crate) async fn snapshot(&self, topic: &Topic, token: Option<&str>) -> Option<Snapshot> {
        let mut request = self.client.get(self.url(&format!("/api/views/{topic}")));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        if answer.status().is_success() { Some(answer.json().await.unwrap()) } else { None }
    }

    pub(crate) async fn conference_view(&self, slug: &str) -> ConferenceView {
        let topic = Topic::Conference { slug: slug.into() };
        match self.snapshot(&topic, None).await.map(|snapshot| snapshot.view) {
            Some(View::Conference(view)) => view,
            other => panic!("no view of {slug}: {other:?}"),
        }
    }

    pub(crate) async fn order(&self, browser: &Browser) -> OrderView {
        match self.snapshot(&browser.topic(), Some(&browser.token)).await.map(|s| s.view) {
            Some(View::Order(view)) => view,
            other => panic!("no view of the order: {other:?}"),
        }
    }

    /// Asks for the order until it is as wanted. Bounded by requests, not by time.
    pub(crate) async fn order_when(
        &self,
        browser: &Browser,
        wanted: impl Fn(&OrderView) -> bool,
    ) -> OrderView {
        let mut last = None;
        for _ in 0..5_000 {
            let view = self.order(browser).await;
            if wanted(&view) {
                return view;
            }
            last = Some(view);
        }
        panic!("the order never became so: {last:?}");
    }

    /// Says what the provider says, with the provider's signature.
    pub(crate) async fn callback(
        &self,
        browser: &Browser,
        callback: Outcome,
        id: PaymentId,
    ) -> StatusCode {
        let callback = Callback {
            conference: browser.conference.clone(),
            order_id: browser.order_id,
            payment_id: id,
            outcome: callback,
        };
        let body = serde_json::to_vec(&callback).unwrap();
        let signature = self.gateway.sign(&body, self.clock.now());
        let request = self
            .client
            .post(self.url("/api/payment-callbacks"))
            .header("payment-signature", signature)
            .header("content-type", "application/json")
            .body(body);
        request.send().await.unwrap().status()
    }

    /// Registers, gives details and starts a payment; the seats are held.
    pub(crate) async fn up_to_payment(
        &self,
        conference: &ConferenceView,
        quantity: u32,
    ) -> (Browser, PaymentId, Money) {
        let browser = Browser::new(&conference.slug);
        let seats = [(conference.seat_types[0].id, quantity)];
        self.accepted(&browser.register(&seats), &browser.token).await;
        self.accepted(&browser.details(), &browser.token).await;
        let total = self.order(&browser).await.total;
        let payment_id = PaymentId(fresh());
        let answer = self.accepted(&browser.pay(payment_id, total), &browser.token).await;
        assert!(answer.pay_at.is_some(), "the answer says where to pay");
        (browser, payment_id, total)
    }

    pub(crate) async fn paid(&self, browser: &Browser, id: PaymentId, amount: Money) {
        let outcome = Outcome::Completed { amount, reference: "test".into() };
        assert_eq!(self.callback(browser, outcome, id).await, StatusCode::OK);
    }
}

pub(crate) fn seat_type(name: &str, price_minor: i64, quota: u32) -> SeatType {
    SeatType {
        id: SeatTypeId(fresh()),
        name: name.into(),
        description: String::new(),
        price: Money::new(price_minor, Currency::EUR),
        quota,
        per_order_max: 20,
        sale_starts_at: None,
        sale_ends_at: None,
    }
}

pub(crate) fn details(slug: &str) -> Details {
    Details {
        slug: slug.into(),
        name: format!("The {slug} conference"),
        tagline: "Tested".into(),
        description: "For tests.".into(),
        location: "Here".into(),
        starts_at: NOON.plus_seconds(90 * 86_400),
        ends_at: NOON.plus_seconds(91 * 86_400),
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

/// Runs the same story on both databases.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$doc:meta])* $name:ident)*) => {
        mod on_sqlite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::house::start($crate::house::Db::Sqlite).await).await;
            })*
        }
        mod on_postgres {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name($crate::house::start($crate::house::Db::Postgres).await).await;
            })*
        }
    };
}
