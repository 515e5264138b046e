//! Whoever owns the conference, and does not wait for a quiet moment.

use crate::plan::Plan;
use crate::world::{NOON, World};
use fastrand::Rng;
use server::domain::Refusal;
use server::domain::conference::{Command as Manage, Details, SeatType};
use server::ledger::stage::{Authority, Command, Request};
use shared::{CommandId, ConferenceId, Currency, Money, SeatTypeId, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// One day, in seconds.
const DAY: i64 = 24 * 60 * 60;

pub(crate) struct Owner {
    world: Arc<World>,
    rng: Rng,
    pub(crate) ledger: ConferenceId,
    pub(crate) seat_types: Vec<SeatTypeId>,
}

impl Owner {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        let mut rng = world.rng();
        let ledger = ConferenceId(World::id(&mut rng));
        let seat_types =
            world.plan.seat_types.iter().map(|_| SeatTypeId(World::id(&mut rng))).collect();
        Self { world: world.clone(), rng, ledger, seat_types }
    }

    /// Creates the conference and publishes it.
    pub(crate) async fn open(&mut self) -> Result<(), Refusal> {
        let plan = self.world.plan.clone();
        self.manage(Manage::CreateConference(details(&plan, self.ledger))).await?;
        for (id, (quota, price)) in self.seat_types.clone().into_iter().zip(plan.seat_types) {
            self.manage(Manage::CreateSeatType(seat_type(id, quota, price))).await?;
        }
        self.world.watch_everywhere(self.ledger);
        self.manage(Manage::PublishConference).await
    }

    /// Moves quotas, hides and shows, while people register.
    pub(crate) async fn live(mut self) {
        for _ in 0..self.world.plan.faults.owner_moves {
            sleep(Duration::from_millis(self.rng.u64(0..120_000))).await;
            let seat_type = self.seat_types[self.rng.usize(..self.seat_types.len())];
            let quota = self.rng.u32(0..15);
            let command = match self.rng.u8(..8) {
                0..=4 => Manage::ChangeQuota { seat_type, quota },
                5 => Manage::UnpublishConference,
                _ => Manage::PublishConference,
            };
            drop(self.manage(command).await);
        }
        drop(self.manage(Manage::PublishConference).await);
    }

    pub(crate) async fn manage(&mut self, command: Manage) -> Result<(), Refusal> {
        let command_id = Some(CommandId(World::id(&mut self.rng)));
        let command = Command::Conference(command);
        let request =
            Request { command_id, authority: Authority::House, effect_done: None, command };
        self.world.ask(&mut self.rng, self.ledger, &request).await.map(drop)
    }
}

pub(crate) fn slug_of(ledger: ConferenceId) -> String {
    format!("conference-{}", &ledger.to_string()[..8])
}

fn details(plan: &Plan, ledger: ConferenceId) -> Details {
    let until = |days: i64| -> Timestamp { NOON.plus_seconds(days * DAY) };
    Details {
        slug: slug_of(ledger),
        name: "RustConf".into(),
        tagline: "Fearless".into(),
        description: "Two days of Rust.".into(),
        location: "Berlin".into(),
        starts_at: until(90),
        ends_at: until(92),
        time_zone: "Europe/Berlin".into(),
        currency: Currency::EUR,
        contact_email: "team@example.org".into(),
        hold_seconds: plan.hold_seconds,
        grace_seconds: plan.grace_seconds,
        cancel_until: plan.may_cancel.then(|| until(80)),
        assign_until: None,
        owner: None,
    }
}

fn seat_type(id: SeatTypeId, quota: u32, price_minor: i64) -> SeatType {
    SeatType {
        id,
        name: format!("Seats {}", &id.to_string()[..4]),
        description: String::new(),
        price: Money::new(price_minor, Currency::EUR),
        quota,
        per_order_max: 20,
        sale_starts_at: None,
        sale_ends_at: None,
    }
}
