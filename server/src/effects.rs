//! Performs what left a ledger: questions to the payment provider, refunds, mails. The answer of each
//! comes back as a request, in whose commit the effect is done.
//!
//! An effect may be performed twice (a crash between acting and answering), never zero times: the
//! provider knows the payment's id, and a mail writes over itself. What fails is tried again with
//! growing pauses, and after its bound laid aside for the operator.
//! Not here: which effects there are (`domain/registration_process.rs`), and which letter each mail is
//! (`effects/mails.rs`).

mod mails;

use crate::clock::Clock;
use crate::domain::registration_process::Effect;
use crate::ledger::Failure;
use crate::ledger::stage::{Authority, Command, Request};
use crate::ledgers::{Bells, Ledgers};
use crate::mailer::letters::About;
use crate::mailer::{MailError, Mailer};
use crate::order_links::OrderLinks;
use crate::owner_codes::OwnerCodes;
use crate::payment_gateway::{PaymentGateway, PaymentRef, ProviderStatus};
use crate::store::{LeasedEffect, LedgerId, Store, StoreFault};
use shared::views::{ConferenceView, OrderView};
use shared::{ConferenceId, OrderId, PaymentId, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

/// Effects under way at the same time.
const UNDER_WAY_MAX: usize = 32;
/// For this long nobody else takes a leased effect, in seconds. Longer than any attempt takes.
const LEASE_SECONDS: i64 = 60;
/// Without a sign the table is read again after this long, in seconds: another node may have written
/// to it.
pub const PATIENCE_SECONDS: i64 = 5;
/// Pause after the store failed, in seconds.
const FAULT_PAUSE_SECONDS: i64 = 1;
/// An effect of a conference that a newer release has written is left to its servers for so long, in
/// seconds.
const LEFT_SECONDS: i64 = 30;
/// How often it is tried, with pauses of [`FAULT_PAUSE_SECONDS`], to record that something was done.
const RECORD_ATTEMPTS_MAX: u32 = 5;
/// Taking effects is a transaction, and where there is one writer each stands before somebody's order.
/// Nobody notices when a mail leaves this much later.
const LEASE_PACE: Duration = Duration::from_millis(50);
/// The first pause between two attempts, in milliseconds; it doubles.
const BACKOFF_MS: i64 = 5_000;
/// No pause is longer, in milliseconds.
const BACKOFF_MS_MAX: i64 = 15 * 60 * 1_000;
/// Attempts to write a mail: about three hours.
const MAIL_ATTEMPTS_MAX: u32 = 20;
/// Attempts to reach the payment provider: about thirteen hours.
const PAYMENT_ATTEMPTS_MAX: u32 = 60;

/// The worker.
#[derive(Clone)]
pub struct Effects {
    pub store: Store,
    pub ledgers: Ledgers,
    pub gateway: PaymentGateway,
    pub mailer: Mailer,
    pub owner_codes: OwnerCodes,
    pub order_links: OrderLinks,
    pub clock: Clock,
    pub bells: Bells,
    /// See [`PATIENCE_SECONDS`].
    pub patience_seconds: i64,
}

/// A conference and the position of its last change, read once for all effects that were taken together.
type Seen = OnceCell<(u64, ConferenceView)>;

/// Why an effect was not performed.
enum Trouble {
    /// It will not work next time either.
    Hopeless(String),
    Later(anyhow::Error),
    /// A newer server can.
    Elsewhere,
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        Self::Later(error)
    }
}

impl From<StoreFault> for Trouble {
    fn from(fault: StoreFault) -> Self {
        Self::Later(fault.into())
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => {
                Self::Hopeless(format!("the ledger refused: {:?}", refusal.code))
            }
            Failure::Busy => Self::Later(anyhow::anyhow!("the ledger is busy")),
            Failure::Unavailable => Self::Later(anyhow::anyhow!("the ledger is unavailable")),
            Failure::Newer => Self::Elsewhere,
        }
    }
}

impl From<MailError> for Trouble {
    fn from(error: MailError) -> Self {
        match error {
            MailError::NoAddress(_) | MailError::Refused(_) => Self::Hopeless(error.to_string()),
            MailError::Fault(fault) => Self::Later(fault),
        }
    }
}

impl Effects {
    /// Works until told to stop; then lets finish what is under way, which has bounds of its own.
    pub async fn run(self, stop: CancellationToken) {
        let worker = Arc::new(self);
        let mut under_way = JoinSet::new();
        let mut pace = interval(LEASE_PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            while under_way.try_join_next().is_some() {}
            let next = match worker.start_due(&mut under_way).await {
                Ok(next) => next,
                Err(fault) => {
                    error!(error = format!("{fault:#}"), "Cannot read the effects");
                    worker.clock.now().plus_seconds(FAULT_PAUSE_SECONDS)
                }
            };
            let is_full = UNDER_WAY_MAX <= under_way.len();
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                // More may be due already. Half of them at once costs half the transactions.
                () = half_of_them(&mut under_way), if is_full => {}
                () = worker.bells.effect_added(), if !is_full => {}
                () = worker.clock.sleep_until(next), if !is_full => {}
            }
            pace.tick().await;
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Starts what is due, as far as there is room; says when to look again.
    async fn start_due(
        self: &Arc<Self>,
        under_way: &mut JoinSet<()>,
    ) -> Result<Timestamp, StoreFault> {
        let now = self.clock.now();
        let patience = now.plus_seconds(self.patience_seconds);
        let room = UNDER_WAY_MAX.saturating_sub(under_way.len());
        let lease_until = now.plus_seconds(LEASE_SECONDS);
        let limit = u32::try_from(room).unwrap_or(0);
        let leased = self.store.lease_effects(Effect::KINDS, now.0, lease_until.0, limit).await?;
        let mut conferences: HashMap<LedgerId, Arc<Seen>> = HashMap::new();
        for effect in leased {
            let worker = self.clone();
            let conference = conferences.entry(effect.ledger).or_default().clone();
            under_way.spawn(async move { worker.attempt(effect, &conference).await });
        }
        let next = self.store.next_effect(Effect::KINDS).await?.map_or(patience, Timestamp);
        Ok(next.min(patience))
    }

    /// One attempt, and what follows from its outcome.
    async fn attempt(&self, leased: LeasedEffect, conference: &Seen) {
        let LeasedEffect { ledger, id, kind, attempts, .. } = &leased;
        let attempts = attempts + 1;
        let effect = serde_json::from_str::<Effect>(&leased.payload);
        // So that what was done outside stands in the order's story, too.
        let order = effect.as_ref().ok().and_then(Effect::order_id);
        let done = match effect {
            Ok(effect) => self.perform(&leased, effect, conference).await,
            Err(error) => {
                let why = format!("this release does not know the effect: {error}");
                Err(Trouble::Hopeless(why))
            }
        };
        let (why, may_try_again) = match done {
            Ok(()) => {
                info!(%ledger, order.id = order.map(tracing::field::display), effect.id = %id, attempts, "{kind} performed");
                return;
            }
            Err(Trouble::Elsewhere) => return self.leave(*ledger, *id).await,
            Err(Trouble::Hopeless(why)) => (why, false),
            Err(Trouble::Later(error)) => (format!("{error:#}"), attempts < attempts_max(kind)),
        };
        let recorded = if may_try_again {
            let retry_at = self.clock.now() + backoff_ms(attempts, *id);
            warn!(%ledger, order.id = order.map(tracing::field::display), effect.id = %id, attempts, error = why, "{kind} failed, will be tried again");
            let recorded = self.store.retry_effect(*ledger, *id, retry_at.0, &why).await;
            // The worker waits for what was next before this.
            self.bells.effect();
            recorded
        } else {
            error!(%ledger, order.id = order.map(tracing::field::display), effect.id = %id, attempts, error = why, "{kind} was given up");
            self.store.bury_effect(*ledger, *id, &why).await
        };
        if let Err(fault) = recorded {
            // Its lease ends, and then it is tried again.
            error!(effect.id = %id, error = format!("{fault:#}"), "Cannot record a failed effect");
        }
    }

    /// Nothing was tried, so it is no attempt.
    async fn leave(&self, ledger: LedgerId, id: Uuid) {
        let due_at = self.clock.now().plus_seconds(LEFT_SECONDS);
        if let Err(fault) = self.store.return_effect(ledger, id, due_at.0).await {
            error!(effect.id = %id, error = format!("{fault:#}"), "Cannot give an effect back");
        }
        self.bells.effect();
    }

    async fn perform(
        &self,
        leased: &LeasedEffect,
        effect: Effect,
        conference: &Seen,
    ) -> Result<(), Trouble> {
        let ledger = ConferenceId(leased.ledger);
        let seen = conference.get_or_try_init(|| self.conference(ledger)).await?;
        let (revision, conference) = (seen.0, &seen.1);
        let paid = |order_id, payment_id| PaymentRef {
            conference: conference.slug.clone(),
            order_id,
            payment_id,
        };
        let about = About {
            conference,
            revision,
            public_url: self.mailer.public_url(),
            now: self.clock.now(),
        };
        let command = match effect {
            Effect::QueryPayment { order_id, payment_id } => {
                self.query(&paid(order_id, payment_id)).await?
            }
            Effect::CancelPayment { order_id, payment_id } => {
                self.cancel(&paid(order_id, payment_id)).await?
            }
            Effect::RefundPayment { order_id, payment_id, amount } => {
                let now = self.clock.now();
                let reference =
                    self.gateway.refund(&paid(order_id, payment_id), amount, now).await?;
                Command::RecordRefund { order_id, payment_id, reference }
            }
            letter => {
                self.mail(leased, about, letter).await?;
                Command::EffectPerformed
            }
        };
        let effect_done = Some(leased.id);
        let request = Request { effect_done, ..Request::of_the_house(command) };
        match self.record(ledger, request).await {
            // It was done, so it was an attempt.
            Err(Failure::Newer) => Err(anyhow::anyhow!("no newer server answers").into()),
            recorded => Ok(recorded?),
        }
    }

    /// It was done: says so until it is heard, as long as nobody else takes the effect. Who gives up here
    /// does it once more.
    async fn record(&self, ledger: ConferenceId, request: Request) -> Result<(), Failure> {
        let mut attempts = 1;
        loop {
            let failure = match self.ledgers.perform(ledger, request.clone()).await {
                Ok(_) => return Ok(()),
                Err(failure) => failure,
            };
            if matches!(failure, Failure::Refused(_)) || attempts == RECORD_ATTEMPTS_MAX {
                return Err(failure);
            }
            attempts += 1;
            let pause = self.clock.now().plus_seconds(FAULT_PAUSE_SECONDS);
            self.clock.sleep_until(pause).await;
        }
    }

    async fn query(&self, payment: &PaymentRef) -> anyhow::Result<Command> {
        let PaymentRef { order_id, payment_id, .. } = *payment;
        Ok(match self.gateway.query(payment, self.clock.now()).await? {
            ProviderStatus::Declined { reason } => {
                Command::RejectPayment { order_id, payment_id, reason }
            }
            other => completed_or_nothing(order_id, payment_id, other),
        })
    }

    async fn cancel(&self, payment: &PaymentRef) -> anyhow::Result<Command> {
        let status = self.gateway.cancel(payment, self.clock.now()).await?;
        Ok(completed_or_nothing(payment.order_id, payment.payment_id, status))
    }

    async fn order(&self, ledger: ConferenceId, id: OrderId) -> Result<OrderView, Trouble> {
        Ok(self.ledgers.order(ledger, id, Authority::House).await?.1)
    }

    /// The conference as it is now, and the position of its last change.
    async fn conference(&self, ledger: ConferenceId) -> Result<(u64, ConferenceView), Trouble> {
        Ok(self.ledgers.conference(ledger).await?)
    }
}

async fn half_of_them(under_way: &mut JoinSet<()>) {
    while UNDER_WAY_MAX / 2 < under_way.len() && under_way.join_next().await.is_some() {}
}

fn completed_or_nothing(
    order_id: OrderId,
    payment_id: PaymentId,
    status: ProviderStatus,
) -> Command {
    match status {
        ProviderStatus::Completed { amount, reference } => {
            Command::CompletePayment { order_id, payment_id, amount, reference }
        }
        _ => Command::EffectPerformed,
    }
}

/// How often an effect of this stored kind is tried.
#[must_use]
pub fn attempts_max(kind: &str) -> u32 {
    if kind.starts_with("Mail") { MAIL_ATTEMPTS_MAX } else { PAYMENT_ATTEMPTS_MAX }
}

/// The pause after this many attempts. Up to a fifth of it is taken away, by the effect's id, so that
/// those that failed together do not all come back together.
fn backoff_ms(attempts: u32, id: Uuid) -> i64 {
    let doubled = BACKOFF_MS << attempts.saturating_sub(1).min(16);
    let pause = doubled.min(BACKOFF_MS_MAX);
    // Ids of one ledger differ in their low bits only; multiplying spreads them.
    let (high, low) = id.as_u64_pair();
    let spread = ((high ^ low).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54).cast_signed();
    pause - pause / 5 * spread / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_five_seconds_to_a_quarter_of_an_hour() {
        for salt in 0..200_u128 {
            let id = Uuid::from_u128(0x0190_a5e4 << 96 | salt << 8);
            for (attempts, longest) in [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (60, 900)] {
                let pause = backoff_ms(attempts, id);
                let longest = longest * 1_000;
                assert!(longest * 4 / 5 <= pause && pause <= longest, "{attempts}: {pause}");
            }
        }
    }

    #[test]
    fn effects_that_failed_together_come_back_one_by_one() {
        let pauses: std::collections::HashSet<i64> =
            (0..100_u128).map(|salt| backoff_ms(9, Uuid::from_u128(salt << 8))).collect();
        assert!(50 < pauses.len(), "{}", pauses.len());
    }

    #[test]
    fn mails_are_given_up_before_payments() {
        let order_id = OrderId(Uuid::nil());
        let payment_id = PaymentId(Uuid::nil());
        assert_eq!(attempts_max(Effect::MailConfirmation { order_id }.kind()), 20);
        let amount = shared::Money::zero(shared::Currency::EUR);
        assert_eq!(attempts_max(Effect::MailRefund { order_id, amount }.kind()), 20);
        assert_eq!(attempts_max(Effect::RefundPayment { order_id, payment_id, amount }.kind()), 60);
    }

    #[test]
    fn the_providers_answer_becomes_a_command() {
        let (order_id, payment_id) = (OrderId(Uuid::nil()), PaymentId(Uuid::nil()));
        let command = |status| completed_or_nothing(order_id, payment_id, status).name();
        let amount = shared::Money::zero(shared::Currency::EUR);
        let completed = ProviderStatus::Completed { amount, reference: "R".into() };
        assert_eq!(command(completed), "CompletePayment");
        for status in [
            ProviderStatus::Unknown {},
            ProviderStatus::Pending {},
            ProviderStatus::Cancelled {},
            ProviderStatus::Declined { reason: "no".into() },
        ] {
            assert_eq!(command(status), "EffectPerformed");
        }
    }
}
