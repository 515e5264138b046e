//! The five failures that the reference's V3 plan wants its process manager to recover from, by name.
//!
//! There, an event is received, a state saved, commands sent, and each step can be the last. Here all of
//! it is one commit; so each story breaks at the place that corresponds, and ends at rest.

use crate::checks;
use crate::owner::Owner;
use crate::plan::Plan;
use crate::provider::{Bill, Visit};
use crate::registrant::Registrant;
use crate::run::{play, rest, watch_panics};
use crate::world::{Fate, World, lock};
use server::ledger::stage::{Command, Request};
use shared::Money;
use shared::commands::SeatQuantity;
use shared::views::{OrderStatus, OrderView};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Longer than the hold, its grace, and the provider's bound together.
const LONG: Duration = Duration::from_secs(60 * 60);

/// A calm house with one conference: ten seats at 199 €, five free ones.
struct Scene {
    world: Arc<World>,
    owner: Owner,
}

/// Plays a story, waits until nothing more happens, and checks every promise.
fn story<F: Future<Output = Scene>>(told: impl FnOnce(Scene) -> F) {
    watch_panics();
    let outcome = play(Plan::calm(), true, |world| async move {
        let mut owner = Owner::new(&world);
        owner.open().await.expect("a conference");
        let scene = told(Scene { world, owner }).await;
        rest(&scene.world).await;
        checks::at_rest(&scene.world).await;
    });
    let story = outcome.story.join("\n");
    assert!(outcome.found.is_empty(), "{story}\n{:#?}", outcome.found);
}

impl Scene {
    fn somebody(&self) -> Registrant {
        Registrant::new(&self.world, self.owner.ledger, &self.owner.seat_types)
    }

    /// Seats of the kind that costs.
    fn seats(&self, quantity: u32) -> Vec<SeatQuantity> {
        vec![SeatQuantity { seat_type: self.owner.seat_types[0], quantity }]
    }

    async fn holder(&self, quantity: u32) -> Registrant {
        let mut somebody = self.somebody();
        somebody.register_for(self.seats(quantity)).await.expect("seats");
        somebody.give_details().await.expect("details");
        somebody
    }

    /// Somebody with a confirmed order.
    async fn buyer(&self, quantity: u32) -> Registrant {
        let mut somebody = self.holder(quantity).await;
        let bill = bill(&mut somebody).await;
        self.pay(&somebody, bill).await;
        somebody
    }

    /// Pays and waits until the provider has told us.
    async fn pay(&self, somebody: &Registrant, bill: Bill) {
        self.world.visit(&mut self.world.rng(), bill, Visit::AcceptWhatever);
        while !self.has_been_told(somebody, bill) {
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn has_been_told(&self, somebody: &Registrant, bill: Bill) -> bool {
        let (disk, payment) = (self.world.disk(), bill.payment_id.to_string());
        disk.ledgers[&self.owner.ledger.0].of_process(somebody.order_id.0).any(|event| {
            event.kind == "Payment.PaymentCompleted.v1" && event.stream.ends_with(&payment)
        })
    }

    async fn ask(&self, command: Command) {
        let mut rng = self.world.rng();
        let request = Request::of_the_house(command);
        // A refusal is an answer that a stranger may get.
        let _ = self.world.ask(&mut rng, self.owner.ledger, &request).await;
    }

    fn count(&self, kind: &str) -> usize {
        let disk = self.world.disk();
        disk.ledgers[&self.owner.ledger.0].events.iter().filter(|e| e.kind == kind).count()
    }

    /// How often each mail of this kind came.
    fn mails(&self, kind: &str) -> Vec<u32> {
        let sacks = lock(&self.world.sacks);
        let of_kind = sacks.arrived.iter().filter(|(name, _)| name.starts_with(kind));
        of_kind.map(|(_, times)| *times).collect()
    }
}

async fn bill(somebody: &mut Registrant) -> Bill {
    let order = somebody.look().await.expect("an order");
    somebody.start_payment(&order).await.expect("a payment")
}

async fn status(somebody: &mut Registrant) -> OrderStatus {
    let OrderView { status, .. } = somebody.look().await.expect("an order");
    status
}

#[test]
fn it_loses_storage_after_receiving_an_event_and_before_sending_commands() {
    for fate in [Fate::Refused, Fate::CrashBefore] {
        story(|scene| async move {
            scene.world.script([fate]);
            let mut ada = scene.somebody();
            ada.register_for(scene.seats(2)).await.expect("seats, at the second try");
            assert_eq!(status(&mut ada).await, OrderStatus::Held);
            assert_eq!(scene.count("Order.OrderPlaced.v1"), 1, "nothing had happened before");
            assert_eq!(scene.count("Seats.SeatsReserved.v1"), 1);
            scene
        });
    }
}

#[test]
fn it_loses_storage_after_saving_its_state_and_before_sending_commands() {
    story(|scene| async move {
        // The hold is written; the server dies before anybody hears of it.
        scene.world.script([Fate::CrashAfter]);
        let mut ada = scene.somebody();
        ada.register_for(scene.seats(2)).await.expect("the same answer to the same command");
        assert_eq!(scene.count("Seats.SeatsReserved.v1"), 1, "held once");
        ada.give_details().await.expect("details");
        let bill = bill(&mut ada).await;
        // The sale is written, and with it that a mail is due; the server dies before it sends it.
        scene.world.script([Fate::CrashAfter]);
        scene.pay(&ada, bill).await;
        assert_eq!(status(&mut ada).await, OrderStatus::Confirmed);
        sleep(LONG).await;
        assert_eq!(scene.mails("confirmation"), [1], "found in its table after the restart");
        scene
    });
}

#[test]
fn it_has_done_its_work_and_is_not_marked_as_done() {
    // Said once more it is heard; when nobody hears it for long, or the server dies, it is done again.
    let away = [Fate::Refused; 5];
    for (fates, mails) in [(&away[..1], 1), (&away, 2), (&[Fate::CrashBefore], 2)] {
        story(|scene| async move {
            let mut ada = scene.holder(1).await;
            let bill = bill(&mut ada).await;
            // The sale is written; that its mail was sent is not.
            scene.world.script([Fate::Well]);
            scene.world.script(fates.iter().copied());
            scene.pay(&ada, bill).await;
            sleep(LONG).await;
            assert_eq!(scene.mails("confirmation"), [mails], "the same mail, under the same name");
            assert_eq!(scene.count("Order.OrderConfirmed.v1"), 1);
            assert_eq!(scene.count("Seats.SeatsReservationCommitted.v1"), 1);
            scene
        });
    }
}

#[test]
fn it_has_returned_the_money_and_is_not_marked_as_done() {
    story(|scene| async move {
        let mut ada = scene.holder(1).await;
        let bill = bill(&mut ada).await;
        ada.release().await.expect("the seats go");
        let rest = scene.buyer(10).await;
        // That the money is to go back is written; that it went is not, at first.
        scene.world.script([Fate::Well, Fate::Unanswered]);
        scene.pay(&ada, bill).await;
        sleep(LONG).await;
        assert_eq!(scene.count("Payment.PaymentRefundRequested.v1"), 1);
        assert_eq!(scene.count("Payment.PaymentRefunded.v1"), 1);
        drop(rest);
        scene
    });
}

#[test]
fn an_expected_answer_never_comes() {
    story(|scene| async move {
        let mut ada = scene.holder(10).await;
        let bill = bill(&mut ada).await;
        scene.world.visit(&mut scene.world.rng(), bill, Visit::Never);
        // The hold lasts as long as somebody may be paying …
        sleep(Duration::from_secs(17 * 60)).await;
        assert_eq!(status(&mut ada).await, OrderStatus::Held);
        assert!(1 <= scene.count("Payment.PaymentQueried.v1"), "the provider is asked");
        // … within a bound.
        sleep(Duration::from_secs(10 * 60)).await;
        assert_eq!(status(&mut ada).await, OrderStatus::Expired);
        assert_eq!(scene.count("Payment.PaymentCancelled.v1"), 1);
        let mut bob = scene.somebody();
        bob.register_for(scene.seats(10)).await.expect("all the seats");
        assert_eq!(status(&mut bob).await, OrderStatus::Held);
        scene
    });
}

#[test]
fn an_unexpected_event_payment_completed_after_the_order_expired() {
    story(|scene| async move {
        // The seats are free: they are bought back.
        let mut ada = scene.holder(2).await;
        let bill_of_ada = bill(&mut ada).await;
        let mut bob = scene.holder(8).await;
        let bill_of_bob = bill(&mut bob).await;
        sleep(LONG).await;
        assert_eq!(status(&mut ada).await, OrderStatus::Expired);
        scene.pay(&ada, bill_of_ada).await;
        assert_eq!(status(&mut ada).await, OrderStatus::Confirmed);
        // The seats are gone: the money goes back, and somebody is told.
        let _carol = scene.buyer(8).await;
        scene.pay(&bob, bill_of_bob).await;
        sleep(LONG).await;
        assert_eq!(status(&mut bob).await, OrderStatus::Expired);
        assert_eq!(scene.count("Payment.PaymentRefunded.v1"), 1);
        assert_eq!(scene.mails("refund"), [1]);
        scene
    });
}

/// A state that an order can be in.
#[derive(Clone, Copy, Debug)]
enum State {
    Nobody,
    Held,
    Paying,
    Declined,
    Confirmed,
    Expired,
    Released,
    GivenBack,
}

/// Something that arrives when nobody expects it.
#[derive(Clone, Copy, Debug)]
enum Surprise {
    Money,
    OtherMoney,
    Decline,
    Refund,
    TimeIsUp,
}

#[test]
fn an_unexpected_event_in_any_state() {
    use OrderStatus as Is;
    use State::{Confirmed, Declined, Expired, GivenBack, Held, Nobody, Paying, Released};
    use Surprise::{Decline, Money, OtherMoney, Refund, TimeIsUp};
    // What the order is an hour later, after each surprise.
    for (state, money, other_money, decline, refund, time) in [
        (Nobody, None, None, None, None, None),
        (
            Held,
            Some(Is::Confirmed),
            Some(Is::Expired),
            Some(Is::Expired),
            Some(Is::Expired),
            Some(Is::Expired),
        ),
        (
            Paying,
            Some(Is::Confirmed),
            Some(Is::Expired),
            Some(Is::Expired),
            Some(Is::Expired),
            Some(Is::Expired),
        ),
        (
            Declined,
            Some(Is::Confirmed),
            Some(Is::Expired),
            Some(Is::Expired),
            Some(Is::Expired),
            Some(Is::Expired),
        ),
        (
            Confirmed,
            Some(Is::Confirmed),
            Some(Is::Confirmed),
            Some(Is::Confirmed),
            Some(Is::Confirmed),
            Some(Is::Confirmed),
        ),
        (
            Expired,
            Some(Is::Confirmed),
            Some(Is::Expired),
            Some(Is::Expired),
            Some(Is::Expired),
            Some(Is::Expired),
        ),
        (
            Released,
            Some(Is::Confirmed),
            Some(Is::Cancelled),
            Some(Is::Cancelled),
            Some(Is::Cancelled),
            Some(Is::Cancelled),
        ),
        (
            GivenBack,
            Some(Is::Cancelled),
            Some(Is::Cancelled),
            Some(Is::Cancelled),
            Some(Is::Cancelled),
            Some(Is::Cancelled),
        ),
    ] {
        let row = [money, other_money, decline, refund, time];
        for (surprise, expected) in
            [Money, OtherMoney, Decline, Refund, TimeIsUp].into_iter().zip(row)
        {
            story(|scene| surprised(scene, state, surprise, expected));
        }
    }
}

async fn surprised(
    scene: Scene,
    state: State,
    surprise: Surprise,
    expected: Option<OrderStatus>,
) -> Scene {
    let (mut ada, payment) = brought_to(&scene, state).await;
    let order_id = ada.order_id;
    let price = Money::new(19_900, shared::Currency::EUR);
    let reference = || "R".to_owned();
    let charge = |amount| {
        let mut books = lock(&scene.world.books);
        let book = books.entry(payment).or_default();
        // The provider has the money of a confirmed order already.
        book.charged = book.charged.or(Some(amount));
        book.charged.expect("filled above")
    };
    let command = match surprise {
        Surprise::Money => {
            let amount = charge(price);
            Command::CompletePayment {
                order_id,
                payment_id: payment,
                amount,
                reference: reference(),
            }
        }
        Surprise::OtherMoney => {
            let amount = charge(Money::new(1, price.currency));
            Command::CompletePayment {
                order_id,
                payment_id: payment,
                amount,
                reference: reference(),
            }
        }
        Surprise::Decline => {
            Command::RejectPayment { order_id, payment_id: payment, reason: "no".to_owned() }
        }
        Surprise::Refund => {
            Command::RecordRefund { order_id, payment_id: payment, reference: reference() }
        }
        Surprise::TimeIsUp => Command::LookAgain { order_id },
    };
    // Everything comes twice.
    scene.ask(command.clone()).await;
    scene.ask(command).await;
    sleep(LONG).await;
    let is = ada.look().await.ok().map(|order| order.status);
    assert_eq!(is, expected, "{state:?} and then {surprise:?}");
    scene
}

/// Somebody whose order is in this state, and the payment that surprises are about.
async fn brought_to(scene: &Scene, state: State) -> (Registrant, shared::PaymentId) {
    let unknown = shared::PaymentId(World::id(&mut scene.world.rng()));
    let mut ada = scene.somebody();
    if matches!(state, State::Nobody) {
        return (ada, unknown);
    }
    ada.register_for(scene.seats(1)).await.expect("a seat");
    ada.give_details().await.expect("details");
    if matches!(state, State::Held) {
        return (ada, unknown);
    }
    let bill = bill(&mut ada).await;
    match state {
        State::Nobody | State::Held | State::Paying => {}
        State::Declined => {
            let (order_id, payment_id) = (ada.order_id, bill.payment_id);
            let reason = "no funds".to_owned();
            scene.ask(Command::RejectPayment { order_id, payment_id, reason }).await;
        }
        State::Confirmed | State::GivenBack => scene.pay(&ada, bill).await,
        State::Expired => sleep(LONG).await,
        State::Released => drop(ada.release().await.expect("the seats go")),
    }
    if matches!(state, State::GivenBack) {
        let order_id = ada.order_id;
        ada.command(Command::CancelRegistration { order_id }).await.expect("it goes back");
    }
    (ada, bill.payment_id)
}
