//! An owner's browser: it keeps the cookie that the server sets and sends it along.

use crate::house::{NOON, TestHouse, fresh};
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, ORIGIN, SET_COOKIE};
use serde::Serialize;
use serde_json::{Value, json};
use shared::management::{
    ConferenceFacts, CreateConference, CreateSeatType, OwnerCommand, OwnerView, PublishConference,
    SeatTypeFacts, SignIn,
};
use shared::{AccessCode, CommandId, Currency, Money, SeatTypeId};

/// What the browser of one owner remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    /// `name=value`, as it is sent.
    pub(crate) cookie: Option<String>,
    /// The last `Set-Cookie`, whole.
    pub(crate) set_cookie: String,
    /// Sent along with everything.
    pub(crate) headers: HeaderMap,
}

/// A form that is right, for an owner with this address.
pub(crate) fn form(slug: &str, owner_email: &str) -> CreateConference {
    CreateConference {
        command_id: CommandId(fresh()),
        owner_name: "Mia".into(),
        owner_email: owner_email.into(),
        slug: slug.into(),
        currency: Currency::EUR,
        facts: facts(),
    }
}

pub(crate) fn facts() -> ConferenceFacts {
    ConferenceFacts {
        name: "RustConf".into(),
        tagline: "Fearless".into(),
        description: "Two days of Rust.".into(),
        location: "Berlin".into(),
        starts_at: NOON.plus_seconds(90 * 86_400),
        ends_at: NOON.plus_seconds(91 * 86_400),
        time_zone: "Europe/Berlin".into(),
        contact_email: "team@example.org".into(),
        hold_minutes: 15,
        cancel_until: None,
        assign_until: None,
    }
}

pub(crate) fn seat_type_facts(name: &str, price_minor: i64) -> SeatTypeFacts {
    SeatTypeFacts {
        name: name.into(),
        description: String::new(),
        price: Money::new(price_minor, Currency::EUR),
        per_order_max: 20,
        sale_starts_at: None,
        sale_ends_at: None,
    }
}

pub(crate) fn new_seat_type(
    slug: &str,
    name: &str,
    price_minor: i64,
    quota: u32,
) -> CreateSeatType {
    CreateSeatType {
        command_id: CommandId(fresh()),
        conference: slug.into(),
        seat_type: SeatTypeId(fresh()),
        facts: seat_type_facts(name, price_minor),
        quota,
    }
}

impl Desk {
    /// The browser of an owner who has just created and published a conference with these seat types:
    /// name, price in cents, quota.
    pub(crate) async fn of_a_conference(
        house: &TestHouse,
        slug: &str,
        seat_types: &[(&str, i64, u32)],
    ) -> Self {
        let mut desk = Self::default();
        desk.accepted(house, &form(slug, &format!("{slug}@example.org"))).await;
        for (name, price_minor, quota) in seat_types {
            desk.accepted(house, &new_seat_type(slug, name, *price_minor, *quota)).await;
        }
        let (command_id, conference) = (CommandId(fresh()), slug.to_owned());
        desk.accepted(house, &PublishConference { command_id, conference }).await;
        desk
    }

    /// Posts anything; remembers what it is told to.
    pub(crate) async fn post(
        &mut self,
        house: &TestHouse,
        path: &str,
        body: &impl Serialize,
    ) -> (u16, Value) {
        let body = serde_json::to_string(body).unwrap();
        let request = house.client.post(house.url(path)).header(CONTENT_TYPE, "application/json");
        let answer = self.dress(request).body(body).send().await.unwrap();
        if let Some(cookie) = answer.headers().get(SET_COOKIE) {
            self.set_cookie = cookie.to_str().unwrap().to_owned();
            let pair = self.set_cookie.split(';').next().unwrap_or_default();
            self.cookie = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
        }
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn get(&self, house: &TestHouse, path: &str) -> (u16, Value) {
        let answer = self.dress(house.client.get(house.url(path))).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn send<C: OwnerCommand>(
        &mut self,
        house: &TestHouse,
        command: &C,
    ) -> (u16, Value) {
        self.post(house, &format!("/api/commands/{}", C::ROUTE), command).await
    }

    pub(crate) async fn accepted<C: OwnerCommand>(
        &mut self,
        house: &TestHouse,
        command: &C,
    ) -> u64 {
        let (status, body) = self.send(house, command).await;
        assert_eq!(status, 200, "{} was refused: {body}", C::ROUTE);
        body["position"].as_u64().unwrap()
    }

    /// The code of the refusal, and its detail.
    pub(crate) async fn refused<C: OwnerCommand>(
        &mut self,
        house: &TestHouse,
        command: &C,
    ) -> (String, String) {
        let (status, body) = self.send(house, command).await;
        assert!(400 <= status, "{} was accepted: {body}", C::ROUTE);
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        (text("code"), text("detail"))
    }

    pub(crate) async fn sign_in(
        &mut self,
        house: &TestHouse,
        email: &str,
        code: &str,
    ) -> (u16, Value) {
        let body = SignIn { email: email.into(), access_code: code.into() };
        self.post(house, "/api/sign-in", &body).await
    }

    pub(crate) async fn sign_out(&mut self, house: &TestHouse) {
        let (status, _) = self.post(house, "/api/sign-out", &json!({})).await;
        assert_eq!(status, 204);
    }

    /// Whose session this is; `None` without one.
    pub(crate) async fn owner(&self, house: &TestHouse) -> Option<OwnerView> {
        let (status, body) = self.get(house, "/api/owner").await;
        if status == 204 { None } else { Some(serde_json::from_value(body).unwrap()) }
    }

    pub(crate) fn on_a_page_of(mut self, origin: &str) -> Self {
        self.headers.insert(ORIGIN, origin.parse().unwrap());
        self
    }

    fn dress(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.headers(self.headers.clone());
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }
}

/// The code that a command made, as the owner reads it in the mail.
pub(crate) async fn code_of(house: &TestHouse, slug: &str, command: CommandId) -> AccessCode {
    let conference = house.ledgers.find(slug).await.unwrap();
    house.owner_codes.code(conference, command)
}
