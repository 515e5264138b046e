//! One command, run to rest in memory: decide, record, ask the process what is next, do that, until
//! nothing is left. The whole chain lands in one transaction or nowhere.
//!
//! Pure: no IO, no clock, no log. Not here: batches, commits and answers (`ledger.rs`).

mod command;
mod manage;

pub use command::Command;

use super::memory::{Cause, Memory, OrderFile};
use crate::domain::order::{Registration, TokenHash};
use crate::domain::registration_process::{self as process, Effect, Next, Todo};
use crate::domain::{Decider, Refusal, order, payment, seat_assignments, seats_availability};
use crate::events::{Event, Stream};
use crate::store::Position;
use serde::{Deserialize, Serialize};
use shared::commands::SeatQuantity;
use shared::dashboard::{DashboardView, HAPPENINGS_MAX};
use shared::management::Admission;
use shared::views::{ConferenceView, OrderView};
use shared::{AccessCode, CommandId, Money, OrderId, PaymentId, RefusalCode, Timestamp};
use uuid::Uuid;

/// Steps of one process in one batch. The longest honest chain has six.
const STEPS_MAX: u32 = 16;
/// A process that could not go on is looked at again after this long, in seconds.
pub const STUCK_RETRY_SECONDS: i64 = 60;
/// Payments of one order; more is not a person.
const PAYMENTS_PER_ORDER_MAX: usize = 20;
/// Changes of seats of one order; more is not a person.
const REVISIONS_PER_ORDER_MAX: u32 = 200;

/// What somebody wants from a ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The intent; `None` for what the house does by itself.
    pub command_id: Option<CommandId>,
    pub authority: Authority,
    /// The effect this is the answer of; it is done when this commits.
    pub effect_done: Option<Uuid>,
    pub command: Command,
}

impl Request {
    /// Something the house does by itself.
    #[must_use]
    pub const fn of_the_house(command: Command) -> Self {
        Self { command_id: None, authority: Authority::House, effect_done: None, command }
    }
}

/// As whom somebody asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authority {
    /// Our own workers, the provider's verified callbacks, the operator.
    House,
    /// Somebody with a token; whether it is this order's is seen when the order is known.
    Token(TokenHash),
    /// Somebody whose right to this one order was verified outside.
    Granted(OrderId),
}

/// What a yes says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The position of the command's last event; of the ledger's head when nothing had to change.
    pub position: Position,
    pub pay_at: Option<String>,
    /// Only for `ReadOrder`.
    pub view: Option<Box<OrderView>>,
    /// Only for `ReadDashboard`.
    pub dashboard: Option<Box<DashboardView>>,
    /// Only for `ReadConference`.
    #[serde(default)]
    pub conference: Option<Box<ConferenceView>>,
    /// Only for `AdmitAttendee`.
    pub admission: Option<Box<Admission>>,
    /// Something has happened because of it.
    #[serde(default)]
    pub has_acted: bool,
    /// A process that could not go on; for the log.
    pub stuck: Option<Stuck>,
}

/// A thing to do that an aggregate refused, or that changed nothing. Never expected; the process is
/// looked at again later, and somebody should read the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stuck {
    pub order_id: OrderId,
    pub todo: String,
}

/// Performs one request. Its order, if any, was loaded before.
///
/// # Errors
/// A refusal; then nothing was recorded.
pub fn perform(memory: &mut Memory, request: Request, now: Timestamp) -> Result<Answer, Refusal> {
    let cause = Cause { command_id: request.command_id, position: 0, now };
    let effect_done = request.effect_done;
    let answer = answer(memory, request, cause)?;
    // Not when it was refused: then the worker keeps the effect for the operator.
    if let Some(effect) = effect_done {
        memory.effect_done(effect);
    }
    Ok(answer)
}

fn answer(memory: &mut Memory, request: Request, cause: Cause) -> Result<Answer, Refusal> {
    match request.command {
        Command::Conference(command) => manage::answer(memory, command, cause),
        Command::EffectPerformed | Command::CatchUp => Ok(at(memory.position())),
        Command::KeepDocuments => {
            memory.ask_documents();
            Ok(at(memory.position()))
        }
        Command::ReadConference => {
            let view = memory.view().ok_or(RefusalCode::ConferenceNotFound)?;
            let conference = Some(Box::new(view.clone()));
            Ok(Answer { conference, ..at(memory.position()) })
        }
        Command::ReadDashboard => {
            let conference = memory.view().ok_or(RefusalCode::ConferenceNotFound)?;
            let view = memory.dashboard().view(conference, HAPPENINGS_MAX);
            Ok(Answer { dashboard: Some(Box::new(view)), ..at(memory.position()) })
        }
        Command::RequestOrderLinks { effect_id, email, expires_at } => {
            let effect = Effect::MailOrderLinks { email, expires_at };
            memory.ask_effect(effect_id, &effect, cause.now);
            Ok(at(memory.position()))
        }
        Command::SendOwnerCodeAgain { effect_id } => {
            let effect = process::owner_code_mail(memory.conference());
            memory.ask_effect(
                effect_id,
                &effect.ok_or(RefusalCode::ConferenceNotFound)?,
                cause.now,
            );
            Ok(at(memory.position()))
        }
        command => {
            let order_id = command.order_id().unwrap_or(OrderId(Uuid::nil()));
            let file = memory.order(order_id).ok_or(RefusalCode::OrderNotFound)?;
            check_authority(file, order_id, &request.authority, &command)?;
            let repeated = request.command_id.and_then(|id| file.handled(id));
            let asked = Asked { order_id, authority: &request.authority, cause };
            register(memory, asked, command, repeated)
        }
    }
}

/// About which order something is asked, as whom, and on whose account.
#[derive(Clone, Copy)]
struct Asked<'a> {
    order_id: OrderId,
    authority: &'a Authority,
    cause: Cause,
}

fn at(position: Position) -> Answer {
    Answer { position, ..Answer::default() }
}

/// Somebody else's order is answered like one that does not exist.
fn check_authority(
    file: &OrderFile,
    order_id: OrderId,
    authority: &Authority,
    command: &Command,
) -> Result<(), Refusal> {
    let is_new = file.order.status == order::Status::Unknown;
    let may = match authority {
        Authority::House => true,
        Authority::Granted(id) => *id == order_id,
        Authority::Token(_) if is_new => matches!(command, Command::RegisterToConference { .. }),
        Authority::Token(hash) => *hash == file.order.token_hash,
    };
    if may { Ok(()) } else { Err(RefusalCode::OrderNotFound.into()) }
}

/// An order's commands, followed by its process.
fn register(
    memory: &mut Memory,
    asked: Asked<'_>,
    command: Command,
    repeated: Option<Position>,
) -> Result<Answer, Refusal> {
    let Asked { order_id, cause, .. } = asked;
    if let Command::ReadOrder { .. } = command {
        let view = memory.order(order_id).and_then(|file| file.view.clone());
        let view = view.ok_or(RefusalCode::OrderNotFound)?;
        // What others have done in this batch, it does not show.
        let is_touched = memory.is_touched(order_id);
        let position = if is_touched { memory.position() } else { memory.head() };
        return Ok(Answer { view: Some(Box::new(view)), ..at(position) });
    }
    let paying = match &command {
        Command::InitiatePayment { payment_id, .. } => Some(*payment_id),
        _ => None,
    };
    let admitting = match &command {
        Command::AdmitAttendee { position, .. } => Some(*position),
        _ => None,
    };
    if let Command::LookAgain { .. } = command {
        memory.doubt_deadline(order_id);
    }
    let before = memory.position();
    if repeated.is_none() {
        act(memory, asked, command)?;
    }
    // A command that comes again gets the answer that it got.
    let is_first = repeated.is_some() || before < memory.position();
    let admission = admitting.and_then(|position| admission(memory, order_id, position, is_first));
    let stuck = follow(memory, order_id, Cause { position: memory.position(), ..cause });
    let pay_at = paying.and_then(|id| {
        memory.order(order_id)?.payments.get(&id).map(|payment| payment.pay_at.clone())
    });
    let position = match repeated {
        Some(position) if memory.position() == before => position,
        _ => memory.position(),
    };
    let has_acted = before < memory.position();
    Ok(Answer { pay_at, stuck, has_acted, admission: admission.map(Box::new), ..at(position) })
}

/// Who was let in on this seat, now or earlier.
fn admission(
    memory: &Memory,
    order_id: OrderId,
    position: u32,
    is_first: bool,
) -> Option<Admission> {
    let view = memory.order(order_id)?.view.as_ref()?;
    let seat = view.seats.get(position as usize)?;
    let attendee = seat.attendee.as_ref()?;
    let line = view.lines.iter().find(|line| line.seat_type == seat.seat_type);
    Some(Admission {
        is_first,
        admitted_at: seat.admitted_at?,
        given_name: attendee.given_name.clone(),
        family_name: attendee.family_name.clone(),
        seat_type: line.map_or_else(String::new, |line| line.name.clone()),
    })
}

/// Decides the command itself.
fn act(memory: &mut Memory, asked: Asked<'_>, command: Command) -> Result<(), Refusal> {
    use order::Command as OrderCommand;
    use payment::Command as PaymentCommand;
    let Asked { order_id, cause, .. } = asked;
    let order_command = match command {
        Command::RegisterToConference { seats, access_code, .. } => {
            registration(memory, asked, &seats, access_code)?
        }
        Command::AssignRegistrantDetails { registrant, .. } => {
            let file = memory.order(order_id).ok_or(RefusalCode::OrderNotFound)?;
            let known = file.order.registrant.as_ref();
            let is_anybody_else_named = file.assignments.is_anybody_else_named(known);
            OrderCommand::AssignRegistrantDetails { registrant, is_anybody_else_named }
        }
        Command::ExtendSeatReservation { .. } => {
            OrderCommand::ExtendSeatReservation { high_demand: memory.seats().is_high_demand() }
        }
        Command::ReleaseHold { .. } => OrderCommand::ReleaseHold,
        Command::CompleteRegistration { .. } => OrderCommand::CompleteRegistration,
        Command::InitiatePayment { payment_id, total, pay_at, .. } => {
            return initiate(memory, order_id, payment_id, (total, pay_at), cause);
        }
        Command::CheckPayment { payment_id, .. } => {
            return decide_payment(
                memory,
                (order_id, payment_id),
                PaymentCommand::QueryPayment,
                cause,
            );
        }
        Command::CompletePayment { payment_id, amount, reference, .. } => {
            let command = PaymentCommand::CompletePayment { amount, reference };
            return decide_payment(memory, (order_id, payment_id), command, cause);
        }
        Command::RejectPayment { payment_id, reason, .. } => {
            let command = PaymentCommand::RejectPayment { reason };
            return decide_payment(memory, (order_id, payment_id), command, cause);
        }
        Command::RecordRefund { payment_id, reference, .. } => {
            let command = PaymentCommand::RecordRefund { reference };
            return decide_payment(memory, (order_id, payment_id), command, cause);
        }
        command @ (Command::AssignSeat { .. }
        | Command::UnassignSeat { .. }
        | Command::AdmitAttendee { .. }) => return seat_people(memory, order_id, command, cause),
        Command::CancelRegistration { .. } => {
            let file = memory.order(order_id).ok_or(RefusalCode::OrderNotFound)?;
            OrderCommand::CancelRegistration {
                cancel_until: memory.conference().details.as_ref().and_then(|d| d.cancel_until),
                is_anybody_admitted: file.assignments.is_anybody_admitted(),
            }
        }
        Command::SendConfirmationAgain { .. } => OrderCommand::SendConfirmationAgain,
        Command::LookAgain { .. }
        | Command::ReadOrder { .. }
        | Command::ReadDashboard
        | Command::RequestOrderLinks { .. }
        | Command::SendOwnerCodeAgain { .. }
        | Command::EffectPerformed
        | Command::CatchUp
        | Command::KeepDocuments
        | Command::ReadConference
        | Command::Conference(_) => return Ok(()),
    };
    decide_order(memory, order_id, order_command, cause)
}

/// Says who sits where, and who came.
fn seat_people(
    memory: &mut Memory,
    order_id: OrderId,
    command: Command,
    cause: Cause,
) -> Result<(), Refusal> {
    use seat_assignments::Command as Seats;
    let file = memory.order(order_id).ok_or(RefusalCode::OrderNotFound)?;
    if file.order.status == order::Status::Unknown {
        return Err(RefusalCode::OrderNotFound.into());
    }
    let details = memory.conference().details.as_ref();
    let closes_at = details.map_or(cause.now, |d| d.assign_until.unwrap_or(d.ends_at));
    let command = match command {
        Command::AssignSeat { position, attendee, ticket, .. } => {
            Seats::AssignSeat { position, attendee, ticket, closes_at }
        }
        Command::UnassignSeat { position, .. } => Seats::UnassignSeat { position, closes_at },
        Command::AdmitAttendee { position, ticket, .. } => {
            Seats::AdmitAttendee { position, ticket }
        }
        _ => return Ok(()),
    };
    decide_assignments(memory, order_id, command, cause)
}

/// Prices what is asked for, from the one place that knows today's prices (W11).
fn registration(
    memory: &Memory,
    asked: Asked<'_>,
    seats: &[SeatQuantity],
    access_code: AccessCode,
) -> Result<order::Command, Refusal> {
    let conference = memory.conference();
    let details = conference.details.as_ref().ok_or(RefusalCode::ConferenceNotFound)?;
    let file = memory.order(asked.order_id).ok_or(RefusalCode::OrderNotFound)?;
    // Hidden conferences take no new orders; those that run may finish (W28).
    if file.order.status == order::Status::Unknown && !conference.is_published {
        return Err(RefusalCode::ConferenceNotFound.into());
    }
    if file.order.revision >= REVISIONS_PER_ORDER_MAX {
        return Err(RefusalCode::TooManyRequests.into());
    }
    let offer = conference.offer(seats, &file.order.granted, asked.cause.now)?;
    Ok(order::Command::RegisterToConference(Registration {
        offer,
        currency: details.currency,
        payment_in_flight: in_flight(file).is_some(),
        token_hash: match asked.authority {
            Authority::Token(hash) => hash.clone(),
            Authority::House | Authority::Granted(_) => TokenHash::default(),
        },
        access_code,
        hold_seconds: details.hold_seconds,
        grace_seconds: details.grace_seconds,
    }))
}

fn in_flight(file: &OrderFile) -> Option<PaymentId> {
    let is_flying = |p: &payment::Payment| p.status == payment::Status::InFlight;
    file.payments.iter().find(|(_, payment)| is_flying(payment)).map(|(id, _)| *id)
}

/// Starts a payment, unless this very payment was started before or another one is under way.
fn initiate(
    memory: &mut Memory,
    order_id: OrderId,
    payment_id: PaymentId,
    (shown, pay_at): (Money, String),
    cause: Cause,
) -> Result<(), Refusal> {
    let file = memory.order(order_id).ok_or(RefusalCode::OrderNotFound)?;
    if file.payments.contains_key(&payment_id) {
        return Ok(());
    }
    if in_flight(file).is_some() {
        return Err(RefusalCode::PaymentInProgress.into());
    }
    if file.payments.len() >= PAYMENTS_PER_ORDER_MAX {
        return Err(RefusalCode::TooManyRequests.into());
    }
    let amount = file.order.check_payable(shown, cause.now)?;
    let name = memory.view().map_or("", |view| &view.name);
    let description = format!("Registration for {name}");
    let command = payment::Command::InitiatePayment { amount, description, pay_at };
    decide_payment(memory, (order_id, payment_id), command, cause)
}

/// Does what is next for an order until nothing is left.
fn follow(memory: &mut Memory, order_id: OrderId, cause: Cause) -> Option<Stuck> {
    for _ in 0..STEPS_MAX {
        let next = process::next(memory.process(order_id)?, cause.now);
        let todo = match next {
            Next::Do(todo) => todo,
            Next::LookAgainAt(at) => {
                memory.look_again(order_id, Some(at));
                return None;
            }
            Next::Rest => {
                memory.look_again(order_id, None);
                return None;
            }
        };
        let before = memory.position();
        let cause = Cause { position: before, ..cause };
        let refused = perform_todo(memory, order_id, todo.clone(), cause).err();
        if refused.is_some() || memory.position() == before {
            return Some(give_up(memory, order_id, format!("{todo:?}: {refused:?}"), cause.now));
        }
    }
    Some(give_up(memory, order_id, "does not come to rest".to_owned(), cause.now))
}

fn give_up(memory: &mut Memory, order_id: OrderId, todo: String, now: Timestamp) -> Stuck {
    memory.look_again(order_id, Some(now.plus_seconds(STUCK_RETRY_SECONDS)));
    Stuck { order_id, todo }
}

fn perform_todo(
    memory: &mut Memory,
    order_id: OrderId,
    todo: Todo,
    cause: Cause,
) -> Result<(), Refusal> {
    use seats_availability::Command as Seats;
    let reservation_id = order_id;
    let pay = |id| (order_id, id);
    match todo {
        Todo::MakeSeatReservation { revision, seats } => {
            let command = Seats::MakeSeatReservation { reservation_id, revision, seats };
            decide_seats(memory, command, cause)
        }
        Todo::CommitSeatReservation => {
            decide_seats(memory, Seats::CommitSeatReservation { reservation_id }, cause)
        }
        Todo::CancelSeatReservation => {
            decide_seats(memory, Seats::CancelSeatReservation { reservation_id }, cause)
        }
        Todo::MarkSeatsAsReserved { seats } => {
            decide_order(memory, order_id, order::Command::MarkSeatsAsReserved { seats }, cause)
        }
        Todo::ConfirmOrder { reserved, paid } => {
            decide_order(memory, order_id, order::Command::ConfirmOrder { reserved, paid }, cause)
        }
        Todo::ExpireOrder => decide_order(memory, order_id, order::Command::ExpireOrder, cause),
        Todo::CreateSeatAssignments { seats } => {
            let command = seat_assignments::Command::CreateSeatAssignments { seats };
            decide_assignments(memory, order_id, command, cause)
        }
        Todo::ReturnSeats => decide_seats(memory, Seats::ReturnSeats { reservation_id }, cause),
        Todo::CloseSeatAssignments => {
            let command = seat_assignments::Command::CloseSeatAssignments;
            decide_assignments(memory, order_id, command, cause)
        }
        Todo::QueryPayment(id) => {
            decide_payment(memory, pay(id), payment::Command::QueryPayment, cause)
        }
        Todo::CancelPayment(id) => {
            decide_payment(memory, pay(id), payment::Command::CancelPayment, cause)
        }
        Todo::RefundPayment(id) => {
            decide_payment(memory, pay(id), payment::Command::RefundPayment, cause)
        }
    }
}

fn decide_order(
    memory: &mut Memory,
    order_id: OrderId,
    command: order::Command,
    cause: Cause,
) -> Result<(), Refusal> {
    let file = memory.order(order_id).ok_or(RefusalCode::OrderNotFound)?;
    for event in file.order.decide(command, cause.now)? {
        memory.record(Stream::Order(order_id), Event::Order(event), cause);
    }
    Ok(())
}

fn decide_seats(
    memory: &mut Memory,
    command: seats_availability::Command,
    cause: Cause,
) -> Result<(), Refusal> {
    for event in memory.seats().decide(command, cause.now)? {
        memory.record(Stream::Seats, Event::Seats(event), cause);
    }
    Ok(())
}

fn decide_assignments(
    memory: &mut Memory,
    order_id: OrderId,
    command: seat_assignments::Command,
    cause: Cause,
) -> Result<(), Refusal> {
    let file = memory.order(order_id).ok_or(RefusalCode::OrderNotFound)?;
    for event in file.assignments.decide(command, cause.now)? {
        memory.record(Stream::SeatAssignments(order_id), Event::SeatAssignments(event), cause);
    }
    Ok(())
}

fn decide_payment(
    memory: &mut Memory,
    (order_id, payment_id): (OrderId, PaymentId),
    command: payment::Command,
    cause: Cause,
) -> Result<(), Refusal> {
    let file = memory.order(order_id).ok_or(RefusalCode::OrderNotFound)?;
    let unknown = payment::Payment::default();
    let payment = file.payments.get(&payment_id).unwrap_or(&unknown);
    for event in payment.decide(command, cause.now)? {
        memory.record(Stream::Payment(order_id, payment_id), Event::Payment(event), cause);
    }
    Ok(())
}

#[cfg(test)]
#[path = "stage/tests.rs"]
mod tests;
