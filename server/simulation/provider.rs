//! A payment provider that may be silent, late, of two minds, or certain of what nobody heard.

use crate::plan::chance;
use crate::world::{World, lock};
use async_trait::async_trait;
use fastrand::Rng;
use server::ledger::stage::{Command, Request};
use server::payment_gateway::{ApiRequest, Operation, ProviderStatus, Wire};
use shared::{ConferenceId, Money, OrderId, PaymentId, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// What the provider knows, by payment.
pub(crate) type Books = BTreeMap<PaymentId, Book>;

/// One payment in the provider's books.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Book {
    /// Money that was taken from somebody.
    pub(crate) charged: Option<Money>,
    pub(crate) is_refunded: bool,
    is_known: bool,
    is_declined: bool,
    is_cancelled: bool,
}

impl Book {
    fn status(&self) -> ProviderStatus {
        let reference = || "R".to_owned();
        match self.charged {
            Some(amount) if self.is_refunded => {
                ProviderStatus::Refunded { amount, reference: reference() }
            }
            Some(amount) => ProviderStatus::Completed { amount, reference: reference() },
            None if self.is_declined => ProviderStatus::Declined { reason: "no funds".to_owned() },
            None if self.is_cancelled => ProviderStatus::Cancelled {},
            None if self.is_known => ProviderStatus::Pending {},
            None => ProviderStatus::Unknown {},
        }
    }
}

/// What somebody does on the provider's page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Visit {
    Accept,
    Decline,
    /// "Declined" is said first, and then the money comes all the same.
    DeclineAndAccept,
    /// Leaves the page open.
    Never,
    /// The money comes even if we said that we want it no more.
    AcceptWhatever,
    /// Another amount comes than was asked for.
    AnotherAmount,
}

/// Which payment of whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bill {
    pub(crate) ledger: ConferenceId,
    pub(crate) order_id: OrderId,
    pub(crate) payment_id: PaymentId,
    pub(crate) amount: Money,
}

/// One server's wire to the provider.
struct SimulatedWire {
    world: Arc<World>,
    node: usize,
    died: CancellationToken,
}

impl fmt::Debug for SimulatedWire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedWire({})", self.node)
    }
}

#[async_trait]
impl Wire for SimulatedWire {
    async fn ask(
        &self,
        operation: Operation,
        request: &ApiRequest,
        _: Timestamp,
    ) -> anyhow::Result<ProviderStatus> {
        let mut rng = self.world.rng();
        let fails = chance(&mut rng, self.world.faults().provider);
        let acts = rng.bool();
        self.on_the_way(&mut rng).await;
        let payment = request.payment_id;
        if fails && !acts {
            self.world.count("questions that never reached the provider");
            anyhow::bail!("the provider does not answer");
        }
        let status = act(&mut lock(&self.world.books), operation, payment, request.amount);
        self.world.tell(|| format!("the provider: {} {payment} → {status:?}", operation.name()));
        self.on_the_way(&mut rng).await;
        if fails {
            self.world.count("answers of the provider lost");
            anyhow::bail!("the provider's answer is lost");
        }
        Ok(status)
    }
}

impl SimulatedWire {
    async fn on_the_way(&self, rng: &mut Rng) {
        if chance(rng, self.world.faults().slow) {
            sleep(Duration::from_millis(rng.u64(1..4_000))).await;
        }
        self.world.thawed(self.node).await;
        if self.died.is_cancelled() {
            std::future::pending::<()>().await;
        }
    }
}

fn act(
    books: &mut Books,
    operation: Operation,
    payment: PaymentId,
    amount: Option<Money>,
) -> ProviderStatus {
    let book = books.entry(payment).or_default();
    match operation {
        Operation::Query => {}
        Operation::Cancel => book.is_cancelled |= book.charged.is_none() && !book.is_declined,
        Operation::Refund => book.is_refunded |= book.charged.is_some() && book.charged == amount,
    }
    book.status()
}

impl World {
    pub(crate) fn wire(self: &Arc<Self>, node: usize, died: CancellationToken) -> Arc<dyn Wire> {
        Arc::new(SimulatedWire { world: self.clone(), node, died })
    }

    /// Somebody comes to the provider's page.
    pub(crate) fn visit(self: &Arc<Self>, rng: &mut Rng, bill: Bill, visit: Visit) {
        let (world, mut rng) = (self.clone(), rng.fork());
        self.errands.spawn(async move { world.pay(&mut rng, bill, visit).await });
    }

    async fn pay(self: &Arc<Self>, rng: &mut Rng, bill: Bill, visit: Visit) {
        lock(&self.books).entry(bill.payment_id).or_default().is_known = true;
        let longest = [2_000, 60_000, 2_000_000][rng.usize(..3)];
        sleep(Duration::from_millis(rng.u64(100..longest))).await;
        let double = Money::new(bill.amount.minor * 2, bill.amount.currency);
        match visit {
            Visit::Never => {}
            Visit::Decline => self.decline(rng, bill).await,
            Visit::Accept => self.charge(rng, bill, bill.amount, false).await,
            Visit::AcceptWhatever => self.charge(rng, bill, bill.amount, true).await,
            Visit::AnotherAmount => self.charge(rng, bill, double, true).await,
            Visit::DeclineAndAccept => {
                self.tell(|| format!("the provider says declined to {}", bill.payment_id));
                self.call_back(rng, bill, rejected(bill)).await;
                sleep(Duration::from_millis(rng.u64(0..60_000))).await;
                self.charge(rng, bill, bill.amount, true).await;
            }
        }
    }

    async fn decline(self: &Arc<Self>, rng: &mut Rng, bill: Bill) {
        if let Some(book) = lock(&self.books).get_mut(&bill.payment_id) {
            if book.is_cancelled {
                return;
            }
            book.is_declined = true;
        }
        self.call_back(rng, bill, rejected(bill)).await;
    }

    async fn charge(self: &Arc<Self>, rng: &mut Rng, bill: Bill, amount: Money, whatever: bool) {
        {
            let mut books = lock(&self.books);
            let book = books.entry(bill.payment_id).or_default();
            if book.is_cancelled && !whatever {
                return;
            }
            book.charged = Some(amount);
        }
        self.count("payments charged");
        self.tell(|| format!("the provider takes {amount} for {}", bill.payment_id));
        let Bill { order_id, payment_id, .. } = bill;
        let reference = "R".to_owned();
        let command = Command::CompletePayment { order_id, payment_id, amount, reference };
        self.call_back(rng, bill, command).await;
    }

    /// Until somebody says that it was heard; sometimes once more.
    async fn call_back(self: &Arc<Self>, rng: &mut Rng, bill: Bill, command: Command) {
        let times = if rng.u8(..4) == 0 { 2 } else { 1 };
        for _ in 0..times {
            let request = Request::of_the_house(command.clone());
            // A refusal is an answer, too: nobody knows the payment that was declined.
            let _ = self.ask(rng, bill.ledger, &request).await;
            sleep(Duration::from_millis(rng.u64(0..30_000))).await;
        }
    }
}

fn rejected(bill: Bill) -> Command {
    let Bill { order_id, payment_id, .. } = bill;
    Command::RejectPayment { order_id, payment_id, reason: "no funds".to_owned() }
}
