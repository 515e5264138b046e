//! One registrant with a browser: buys one order after the other and notes how long each step took.

use crate::connection::{Http, Socket};
use crate::intents::Intents;
use crate::target::Target;
use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use server::payment_gateway::{Callback, Outcome, PaymentGateway};
use shared::commands::BrowserCommand;
use shared::live::{ClientFrame, Topic};
use shared::views::{ConferenceView, OrderStatus};
use shared::{Money, OrderId, PaymentId, SeatTypeId, Timestamp};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// The steps of one order, in the order of the report's columns.
pub(crate) const STEPS: [&str; 6] = ["register", "held", "details", "pay", "callback", "confirmed"];

/// One confirmed order, and the microseconds of its steps and of the whole.
pub(crate) struct Bought {
    pub(crate) order_id: OrderId,
    pub(crate) token: String,
    pub(crate) step_us: [u64; STEPS.len()],
    pub(crate) whole_us: u64,
    /// When the provider's word was taken, which sells the seats.
    pub(crate) sold_at: Instant,
}

/// As much of a server's frame as a registrant needs.
#[derive(Deserialize)]
struct Pushed {
    #[serde(default)]
    topic: Option<Topic>,
    #[serde(default)]
    view: Option<PushedOrder>,
}

#[derive(Deserialize)]
struct PushedOrder {
    status: OrderStatus,
    lines: Vec<PushedLine>,
}

#[derive(Deserialize)]
struct PushedLine {
    held: u32,
}

/// An order on its way.
struct Begun {
    order_id: OrderId,
    token: String,
    topic: Topic,
    started: Instant,
    step_us: [u64; STEPS.len()],
    /// Seats that are held for it.
    held: u32,
}

/// What became of somebody who wanted some of the last seats.
pub(crate) struct Tried {
    /// From asking to knowing how many seats are held, in microseconds.
    pub(crate) known_us: u64,
    pub(crate) held: u32,
    /// `None` when fewer seats were held than wanted: then nothing is bought.
    pub(crate) bought: Option<Bought>,
}

/// Seats of every order.
pub(crate) const WANTED: u32 = 2;

pub(crate) struct Registrant {
    http: Http,
    socket: Socket,
    gateway: PaymentGateway,
    slug: String,
    seat_type: SeatTypeId,
    total: Money,
}

impl Registrant {
    pub(crate) async fn arrive(target: &Target, view: &ConferenceView) -> anyhow::Result<Self> {
        let seat_type = &view.seat_types[0];
        Ok(Self {
            http: Http::connect(target.addr).await?,
            socket: Socket::connect(target.addr, "").await?,
            gateway: target.gateway.clone(),
            slug: view.slug.clone(),
            seat_type: seat_type.id,
            total: seat_type.price.times(WANTED),
        })
    }

    pub(crate) async fn buy_until(mut self, until: Instant) -> anyhow::Result<Vec<Bought>> {
        let mut bought = Vec::new();
        while Instant::now() < until {
            bought.push(self.buy().await?);
        }
        Ok(bought)
    }

    pub(crate) async fn buy(&mut self) -> anyhow::Result<Bought> {
        let begun = self.reserve().await?;
        ensure!(begun.held == WANTED, "{} seats are held", begun.held);
        self.complete(begun).await
    }

    /// Buys if all seats that are wanted can still be had.
    pub(crate) async fn try_for_the_last(&mut self) -> anyhow::Result<Tried> {
        let begun = self.reserve().await?;
        let (known_us, held) = (begun.step_us[1], begun.held);
        let bought = if held == WANTED { Some(self.complete(begun).await?) } else { None };
        Ok(Tried { known_us, held, bought })
    }

    /// Asks for seats and waits until it is known how many are held.
    async fn reserve(&mut self) -> anyhow::Result<Begun> {
        let (order_id, token) = (OrderId(Uuid::now_v7()), token());
        let topic = Topic::Order { slug: self.slug.clone(), order_id };
        let mut step_us = [0; STEPS.len()];
        let started = Instant::now();
        let command = self.intents(order_id).register(&[(self.seat_type, WANTED)]);
        send(&mut self.http, &command, &token).await?;
        step_us[0] = since(started);
        self.socket.watch(&topic, Some(&token)).await?;
        let order = self.until(&topic, &[OrderStatus::Held, OrderStatus::PartlyHeld]).await?;
        step_us[1] = since(started);
        let held = order.lines.iter().map(|line| line.held).sum();
        Ok(Begun { order_id, token, topic, started, step_us, held })
    }

    /// Says who registers, pays, and waits until the seats are sold.
    async fn complete(&mut self, begun: Begun) -> anyhow::Result<Bought> {
        let Begun { order_id, token, topic, started, mut step_us, .. } = begun;
        let step = Instant::now();
        let command = self.intents(order_id).details();
        send(&mut self.http, &command, &token).await?;
        step_us[2] = since(step);

        let step = Instant::now();
        let payment_id = PaymentId(Uuid::now_v7());
        let command = self.intents(order_id).pay(payment_id, self.total);
        send(&mut self.http, &command, &token).await?;
        step_us[3] = since(step);

        let step = Instant::now();
        self.pay(order_id, payment_id).await?;
        let sold_at = Instant::now();
        step_us[4] = since(step);
        self.until(&topic, &[OrderStatus::Confirmed]).await?;
        step_us[5] = since(step);
        let whole_us = since(started);
        self.socket.say(&ClientFrame::Unwatch { topic }).await?;
        Ok(Bought { order_id, token, step_us, whole_us, sold_at })
    }

    /// Waits until the order is pushed with one of these statuses.
    async fn until(
        &mut self,
        topic: &Topic,
        statuses: &[OrderStatus],
    ) -> anyhow::Result<PushedOrder> {
        loop {
            let text = self.socket.next().await?;
            let pushed: Pushed = serde_json::from_str(&text).context(text.to_string())?;
            match (pushed.topic, pushed.view) {
                (Some(about), Some(order))
                    if about == *topic && statuses.contains(&order.status) =>
                {
                    return Ok(order);
                }
                (Some(about), None) if about == *topic => bail!("refused: {text}"),
                _ => {}
            }
        }
    }

    /// The provider says that the money arrived.
    async fn pay(&mut self, order_id: OrderId, payment_id: PaymentId) -> anyhow::Result<()> {
        let outcome = Outcome::Completed { amount: self.total, reference: "rush".into() };
        let callback = Callback { conference: self.slug.clone(), order_id, payment_id, outcome };
        let body = serde_json::to_string(&callback)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let signature = self.gateway.sign(body.as_bytes(), Timestamp(i64::try_from(now)?));
        let header = Some(("payment-signature", signature));
        self.http.post("/api/payment-callbacks", header, body).await?;
        Ok(())
    }

    fn intents(&self, order_id: OrderId) -> Intents<'_> {
        Intents { slug: &self.slug, order_id }
    }
}

/// Sends a command and waits for its answer.
pub(crate) async fn send<C: BrowserCommand>(
    http: &mut Http,
    command: &C,
    token: &str,
) -> anyhow::Result<()> {
    let path = format!("/api/commands/{}", C::ROUTE);
    let bearer = Some(("authorization", format!("Bearer {token}")));
    http.post(&path, bearer, serde_json::to_string(command)?).await?;
    Ok(())
}

/// The secret of a new order.
pub(crate) fn token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Microseconds.
pub(crate) fn since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX)
}
