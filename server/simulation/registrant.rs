//! Somebody who wants seats and changes their mind; believes what was answered and says so when it
//! turns out otherwise.

use crate::provider::{Bill, Visit};
use crate::world::{World, short};
use fastrand::Rng;
use server::domain::Refusal;
use server::domain::order::TokenHash;
use server::ledger::stage::{Answer, Authority, Command, Request};
use server::store::Position;
use shared::commands::{Attendee, Registrant as Details, SeatQuantity};
use shared::views::{OrderStatus, OrderView};
use shared::{
    AccessCode, CommandId, ConferenceId, OrderId, PaymentId, RefusalCode, SeatTypeId, Ticket,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

pub(crate) struct Registrant {
    world: Arc<World>,
    rng: Rng,
    ledger: ConferenceId,
    seat_types: Vec<SeatTypeId>,
    pub(crate) order_id: OrderId,
    authority: Authority,
    /// The newest position that somebody told.
    seen: Position,
    /// Every name is a new one.
    names: u32,
}

impl Registrant {
    pub(crate) fn new(world: &Arc<World>, ledger: ConferenceId, seat_types: &[SeatTypeId]) -> Self {
        let mut rng = world.rng();
        let order_id = OrderId(World::id(&mut rng));
        let authority = Authority::Token(TokenHash(format!("token of {order_id}")));
        let (world, seat_types) = (world.clone(), seat_types.to_vec());
        Self { world, rng, ledger, seat_types, order_id, authority, seen: 0, names: 0 }
    }

    /// A whole visit, with changes of mind.
    pub(crate) async fn live(mut self) {
        self.think(90_000).await;
        if self.register().await.is_err() {
            return;
        }
        for _ in 0..self.rng.usize(3..14) {
            self.think(30_000).await;
            let Ok(order) = self.look().await else { return };
            match order.status {
                OrderStatus::Confirmed => return self.settle().await,
                OrderStatus::Expired | OrderStatus::Cancelled => return,
                OrderStatus::Reserving => {
                    let what = "an order is answered before its seats are decided";
                    return self.world.broke(format!("{what}: {}", self.order_id));
                }
                OrderStatus::Held | OrderStatus::PartlyHeld => {}
            }
            if !self.act(&order).await {
                return;
            }
        }
    }

    /// One thing that somebody does with seats on hold; false: leaves for good.
    async fn act(&mut self, order: &OrderView) -> bool {
        match self.rng.u8(..20) {
            0 | 1 => drop(self.register().await),
            2..=5 => drop(self.give_details().await),
            6 => drop(self.extend().await),
            7 if self.rng.bool() => drop(self.release().await),
            8..=16 => self.finish(order).await,
            17 => self.think(1_500_000).await,
            18 => return self.rng.bool(),
            _ => {}
        }
        true
    }

    pub(crate) async fn register(&mut self) -> Result<Answer, Refusal> {
        let seats = self.wish();
        self.register_for(seats).await
    }

    pub(crate) async fn register_for(
        &mut self,
        seats: Vec<SeatQuantity>,
    ) -> Result<Answer, Refusal> {
        let access_code = AccessCode::from_random(self.rng.u32(..));
        let order_id = self.order_id;
        let answer =
            self.command(Command::RegisterToConference { order_id, seats, access_code }).await?;
        self.must_show("Order.OrderPlaced.v1", "");
        Ok(answer)
    }

    fn wish(&mut self) -> Vec<SeatQuantity> {
        let mut seats: Vec<SeatQuantity> = Vec::new();
        for _ in 0..self.rng.usize(1..=2) {
            let seat_type = self.seat_types[self.rng.usize(..self.seat_types.len())];
            let quantity = self.rng.u32(1..=4);
            if seats.iter().all(|line| line.seat_type != seat_type) {
                seats.push(SeatQuantity { seat_type, quantity });
            }
        }
        seats
    }

    pub(crate) async fn give_details(&mut self) -> Result<Answer, Refusal> {
        let Attendee { given_name, family_name, email } = self.somebody();
        let registrant = Details { given_name, family_name, email: email.clone() };
        let order_id = self.order_id;
        let answer =
            self.command(Command::AssignRegistrantDetails { order_id, registrant }).await?;
        self.must_show("Order.OrderRegistrantAssigned.v1", &email);
        Ok(answer)
    }

    async fn extend(&mut self) -> Result<Answer, Refusal> {
        let order_id = self.order_id;
        let answer = self.command(Command::ExtendSeatReservation { order_id }).await?;
        self.must_show("Order.SeatsReservationExtended.v1", "");
        Ok(answer)
    }

    pub(crate) async fn release(&mut self) -> Result<Answer, Refusal> {
        let order_id = self.order_id;
        self.command(Command::ReleaseHold { order_id }).await
    }

    /// Goes for the end: completes what is free, pays for the rest.
    async fn finish(&mut self, order: &OrderView) {
        if order.registrant.is_none() && self.rng.u8(..8) != 0 {
            drop(self.give_details().await);
        }
        if order.total.is_zero() {
            let order_id = self.order_id;
            let answer = self.command(Command::CompleteRegistration { order_id }).await;
            if answer.is_ok() {
                self.must_show("Order.RegistrationCompleted.v1", "");
            }
            return;
        }
        let visit = match self.rng.u8(..16) {
            0..=8 => Visit::Accept,
            9 => Visit::Decline,
            10 => Visit::DeclineAndAccept,
            11 | 12 => Visit::Never,
            13 | 14 => Visit::AcceptWhatever,
            _ => Visit::AnotherAmount,
        };
        if let Ok(bill) = self.start_payment(order).await {
            let (world, rng) = (self.world.clone(), &mut self.rng);
            world.visit(rng, bill, visit);
            self.think(60_000).await;
        }
    }

    pub(crate) async fn start_payment(&mut self, order: &OrderView) -> Result<Bill, Refusal> {
        let payment_id = PaymentId(World::id(&mut self.rng));
        let (order_id, total) = (self.order_id, order.total);
        let pay_at = format!("/pay/{payment_id}");
        let command = Command::InitiatePayment { order_id, payment_id, total, pay_at };
        let answer = self.command(command).await?;
        if answer.pay_at.is_none() {
            self.world.broke(format!("payment {payment_id} was accepted and cannot be paid"));
        }
        self.must_show("Payment.PaymentInitiated.v1", &payment_id.to_string());
        Ok(Bill { ledger: self.ledger, order_id, payment_id, amount: total })
    }

    /// What somebody does with seats that are theirs.
    async fn settle(&mut self) {
        for _ in 0..self.rng.usize(0..4) {
            self.think(20_000).await;
            let Ok(order) = self.look().await else { return };
            let places = u32::try_from(order.seats.len()).unwrap_or(0);
            match self.rng.u8(..10) {
                0..=2 if places > 0 => {
                    let position = self.rng.u32(..places);
                    drop(self.name(position).await);
                }
                3 if places > 0 => {
                    let (order_id, position) = (self.order_id, self.rng.u32(..places));
                    drop(self.command(Command::UnassignSeat { order_id, position }).await);
                }
                4 => drop(self.give_details().await),
                5 => {
                    let order_id = self.order_id;
                    drop(self.command(Command::SendConfirmationAgain { order_id }).await);
                }
                6 | 7 => {
                    let order_id = self.order_id;
                    let answer = self.command(Command::CancelRegistration { order_id }).await;
                    if answer.is_ok() {
                        self.must_show("Order.RegistrationCancelled.v1", "");
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    async fn name(&mut self, position: u32) -> Result<Answer, Refusal> {
        let attendee = self.somebody();
        let email = attendee.email.clone();
        let ticket = Ticket::from_random(self.rng.u128(..));
        let order_id = self.order_id;
        let command = Command::AssignSeat { order_id, position, attendee, ticket };
        let answer = self.command(command).await?;
        self.must_show("SeatAssignments.SeatAssigned.v1", &email);
        Ok(answer)
    }

    /// Sends what somebody wants, under a new id.
    pub(crate) async fn command(&mut self, command: Command) -> Result<Answer, Refusal> {
        let command_id = Some(CommandId(World::id(&mut self.rng)));
        let authority = self.authority.clone();
        if self.rng.u8(..6) == 0 {
            let read = self.reading();
            self.world.glance(&mut self.rng, self.ledger, read);
        }
        let request = Request { command_id, authority, effect_done: None, command };
        let answer = self.world.ask(&mut self.rng, self.ledger, &request).await?;
        self.seen = self.seen.max(answer.position);
        Ok(answer)
    }

    fn reading(&self) -> Request {
        let command = Command::ReadOrder { order_id: self.order_id };
        let authority = self.authority.clone();
        Request { command_id: None, authority, effect_done: None, command }
    }

    /// Looks at the order. What was told before must still be so.
    pub(crate) async fn look(&mut self) -> Result<OrderView, Refusal> {
        let request = self.reading();
        let answer = self.world.ask(&mut self.rng, self.ledger, &request).await?;
        if answer.position < self.seen {
            let (seen, position) = (self.seen, answer.position);
            self.world.broke(format!("{} was seen at {seen}, then at {position}", self.order_id));
        }
        self.seen = answer.position;
        answer.view.map(|view| *view).ok_or_else(|| RefusalCode::OrderNotFound.into())
    }

    /// What was answered stands in the history, with these words.
    fn must_show(&self, kind: &str, words: &str) {
        let disk = self.world.disk();
        let is_there = disk.ledgers.get(&self.ledger.0).is_some_and(|rows| {
            rows.of_process(self.order_id.0).any(|event| {
                event.kind == kind
                    && (event.payload.contains(words) || event.stream.contains(words))
            })
        });
        drop(disk);
        if !is_there {
            let order = short(self.order_id);
            self.world.broke(format!("{order} was told yes, and there is no {kind} {words}"));
        }
    }

    fn somebody(&mut self) -> Attendee {
        self.names += 1;
        let (number, order) = (self.names, short(self.order_id));
        Attendee {
            given_name: "Ada".to_owned(),
            family_name: format!("Number {number}"),
            email: format!("a{number}.{order}@example.org"),
        }
    }

    pub(crate) async fn think(&mut self, longest_ms: u64) {
        sleep(Duration::from_millis(self.rng.u64(0..longest_ms))).await;
    }
}
