//! One registrant after the other at the same browser: some buy, some leave halfway, some pay late,
//! twice or not at all, some give their order back.

use crate::client::{Asked, Client, Command};
use crate::intents::Intents;
use crate::journal::{Journal, Pressed, Said, SeenOrder};
use crate::report::Breach;
use anyhow::bail;
use hyper::{Method, StatusCode};
use shared::commands::{
    AssignSeat, Attendee, BrowserCommand, CancelRegistration, CompleteRegistration,
    ExtendSeatReservation, ReleaseHold,
};
use shared::live::View;
use shared::views::{ConferenceView, OrderStatus, OrderView, SeatTypeView};
use shared::{CommandId, OrderId, PaymentId, SeatTypeId};
use uuid::Uuid;

/// How often a registrant looks whether the payment has arrived before they do something else.
const LOOKS_MAX: u32 = 40;
/// The longest pause between two steps, in milliseconds.
const PAUSE_MS: u32 = 60;

/// What a registrant has in mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Buy,
    PayTwice,
    DeclineThenPay,
    PayLate,
    LeaveWithSeats,
    LeaveWithDetails,
    LeaveAtProvider,
    Release,
}

pub(crate) struct Registrant {
    client: Client,
    /// Payments that somebody will still make.
    late: Vec<(Order, PaymentId, String)>,
}

#[derive(Clone, Debug)]
struct Order {
    slug: String,
    id: OrderId,
    token: String,
}

impl Order {
    fn topic(&self) -> String {
        format!("order/{}/{}", self.slug, self.id)
    }

    fn intents(&self) -> Intents<'_> {
        Intents { slug: &self.slug, order_id: self.id }
    }
}

impl Plan {
    const fn of(number: u32) -> Self {
        match number {
            0..46 => Self::Buy,
            46..56 => Self::PayTwice,
            56..66 => Self::DeclineThenPay,
            66..76 => Self::PayLate,
            76..84 => Self::LeaveWithSeats,
            84..89 => Self::LeaveWithDetails,
            89..94 => Self::LeaveAtProvider,
            _ => Self::Release,
        }
    }
}

impl Registrant {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, late: Vec::new() }
    }

    /// Orders until it is over.
    pub(crate) async fn run(mut self) -> anyhow::Result<Self> {
        while !self.client.world.is_over() {
            if self.client.world.pace.is_some() {
                self.client.world.clone().turn().await;
                self.client.hang_up();
            }
            self.order().await?;
            if !self.late.is_empty() && self.client.dice.percent(15) {
                let number = self.client.dice.below(u32::try_from(self.late.len())?);
                let (order, payment, pay_at) = self.late.swap_remove(number as usize);
                self.press(&order, payment, (&pay_at, "accept")).await?;
                self.look(&order).await?;
            }
        }
        Ok(self)
    }

    /// After the end of all holds: those who wanted to pay late do, some of them although the provider
    /// was told not to collect any more.
    pub(crate) async fn pay_late(mut self) -> anyhow::Result<Journal> {
        for (order, payment, pay_at) in std::mem::take(&mut self.late) {
            self.press(&order, payment, (&pay_at, "accept")).await?;
            if self.client.dice.percent(50) {
                let decision = "accept_although_cancelled";
                self.press(&order, payment, (&pay_at, decision)).await?;
            }
        }
        Ok(self.client.journal)
    }

    async fn order(&mut self) -> anyhow::Result<()> {
        let world = self.client.world.clone();
        let conferences = u32::try_from(world.conferences.len())?;
        let conference = &world.conferences[self.client.dice.below(conferences) as usize];
        let order = Order {
            slug: conference.slug.clone(),
            id: OrderId(Uuid::now_v7()),
            token: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        };
        let plan = Plan::of(self.client.dice.below(100));
        let mut seats = self.choose(conference);
        let register = order.intents().register(&seats);
        if let Said::No(_) = self.command(&order, &register).await? {
            return Ok(());
        }
        if self.client.dice.percent(12) {
            seats[0].1 = seats[0].1 % 4 + 1;
            self.command(&order, &order.intents().register(&seats)).await?;
        }
        let view = self.look(&order).await?;
        match plan {
            Plan::LeaveWithSeats => Ok(()),
            Plan::Release => self.release(&order).await,
            _ if view.seats() == 0 => self.release(&order).await,
            _ => self.go_on(&order, plan).await,
        }
    }

    /// With seats that are held.
    async fn go_on(&mut self, order: &Order, plan: Plan) -> anyhow::Result<()> {
        if self.client.dice.percent(5) {
            let (command_id, conference) = (fresh(), order.slug.clone());
            let extend = ExtendSeatReservation { command_id, conference, order_id: order.id };
            self.command(order, &extend).await?;
        }
        let details = self.command(order, &order.intents().details()).await?;
        if plan == Plan::LeaveWithDetails || matches!(details, Said::No(_)) {
            return Ok(());
        }
        let view = self.look(order).await?;
        if view.total.minor == 0 {
            let (command_id, conference) = (fresh(), order.slug.clone());
            let complete = CompleteRegistration { command_id, conference, order_id: order.id };
            self.command(order, &complete).await?;
        } else if !self.pay(order, plan, &view).await? {
            return Ok(());
        }
        self.when_confirmed(order).await
    }

    /// True when money is on its way.
    async fn pay(&mut self, order: &Order, plan: Plan, view: &OrderView) -> anyhow::Result<bool> {
        let Some((payment, pay_at)) = self.initiate(order, view).await? else { return Ok(false) };
        match plan {
            Plan::LeaveAtProvider => return Ok(false),
            Plan::PayLate => {
                self.late.push((order.clone(), payment, pay_at));
                return Ok(false);
            }
            Plan::PayTwice => self.press(order, payment, (&pay_at, "answer_twice")).await?,
            Plan::DeclineThenPay => {
                self.press(order, payment, (&pay_at, "decline")).await?;
                for _ in 0..LOOKS_MAX {
                    let view = self.look(order).await?;
                    if let Some((payment, pay_at)) = self.initiate(order, &view).await? {
                        self.press(order, payment, (&pay_at, "accept")).await?;
                        return Ok(true);
                    }
                    if self.client.world.is_over() {
                        break;
                    }
                }
                return Ok(false);
            }
            _ => self.press(order, payment, (&pay_at, "accept")).await?,
        }
        Ok(true)
    }

    async fn initiate(
        &mut self,
        order: &Order,
        view: &OrderView,
    ) -> anyhow::Result<Option<(PaymentId, String)>> {
        let payment = PaymentId(Uuid::now_v7());
        let said = self.command(order, &order.intents().pay(payment, view.total)).await?;
        let Said::Yes(accepted) = said else { return Ok(None) };
        let Some(pay_at) = accepted.pay_at else {
            let what = "a payment was accepted without saying where to pay".to_owned();
            self.client.world.breach(Breach::of(order.id, what));
            return Ok(None);
        };
        Ok(Some((payment, pay_at)))
    }

    /// Waits for the money to be noticed; then some name who sits there, and many give the order back,
    /// so that there are always seats.
    async fn when_confirmed(&mut self, order: &Order) -> anyhow::Result<()> {
        for _ in 0..LOOKS_MAX {
            let view = self.look(order).await?;
            match view.status {
                OrderStatus::Confirmed => break,
                OrderStatus::Expired | OrderStatus::Cancelled => return Ok(()),
                _ if self.client.world.is_over() => return Ok(()),
                _ => {}
            }
        }
        let (conference, order_id) = (order.slug.clone(), order.id);
        if self.client.dice.percent(35) {
            let attendee = Attendee {
                given_name: "Grace".into(),
                family_name: "Hopper".into(),
                email: "grace@example.org".into(),
            };
            let conference = conference.clone();
            let command_id = fresh();
            let assign = AssignSeat { command_id, conference, order_id, position: 0, attendee };
            self.command(order, &assign).await?;
        }
        if self.client.dice.percent(70) {
            let cancel = CancelRegistration { command_id: fresh(), conference, order_id };
            self.command(order, &cancel).await?;
        }
        self.look(order).await?;
        Ok(())
    }

    async fn release(&mut self, order: &Order) -> anyhow::Result<()> {
        let (command_id, conference) = (fresh(), order.slug.clone());
        self.command(order, &ReleaseHold { command_id, conference, order_id: order.id }).await?;
        Ok(())
    }

    /// One or two seat types, a few seats each.
    fn choose(&mut self, conference: &ConferenceView) -> Vec<(SeatTypeId, u32)> {
        let dice = &mut self.client.dice;
        let types: Vec<&SeatTypeView> = conference.seat_types.iter().collect();
        let first = dice.below(u32::try_from(types.len()).unwrap_or(1)) as usize;
        let mut seats = vec![(types[first].id, 1 + dice.below(4))];
        if dice.percent(25) {
            seats.push((types[(first + 1) % types.len()].id, 1 + dice.below(2)));
        }
        seats
    }

    async fn command<C: BrowserCommand>(
        &mut self,
        order: &Order,
        command: &C,
    ) -> anyhow::Result<Said> {
        self.pause().await;
        let header = ("authorization", format!("Bearer {}", order.token));
        let body = serde_json::to_value(command)?;
        let (slug, id) = (order.slug.as_str(), Some(order.id));
        self.client.command(Command { route: C::ROUTE, slug, order: id, header, body }).await
    }

    async fn look(&mut self, order: &Order) -> anyhow::Result<OrderView> {
        self.pause().await;
        let snapshot = self.client.view(&order.topic(), Some(&order.token)).await?;
        let View::Order(view) = snapshot.view else { bail!("not an order") };
        let position = snapshot.position;
        self.client.journal.orders.push(SeenOrder { position, view: view.clone() });
        Ok(view)
    }

    /// Presses a button on the provider's page, until the provider has taken it.
    async fn press(
        &mut self,
        order: &Order,
        payment_id: PaymentId,
        (pay_at, decision): (&str, &str),
    ) -> anyhow::Result<()> {
        self.pause().await;
        let (_, fields) = pay_at.split_once('?').unwrap_or_default();
        let form = "application/x-www-form-urlencoded".to_owned();
        let asked = Asked {
            at: self.client.world.provider,
            method: Method::POST,
            path: "/simulated-provider/decide".to_owned(),
            header: Some(("content-type", form)),
            body: format!("{fields}&decision={decision}"),
        };
        let reply = self.client.until_answered(&asked).await?;
        if reply.status != StatusCode::SEE_OTHER {
            let what = format!("the provider answered {} to {decision}", reply.status);
            self.client.world.breach(Breach::of(order.id, what));
        }
        self.client.journal.pressed.push(Pressed { order_id: order.id, payment_id });
        Ok(())
    }

    async fn pause(&mut self) {
        let pause = self.client.dice.ms(0, PAUSE_MS);
        tokio::time::sleep(pause).await;
    }
}

fn fresh() -> CommandId {
    CommandId(Uuid::new_v4())
}
