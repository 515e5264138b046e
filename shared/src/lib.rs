//! The words both sides say: what a browser may ask, what it may see, and the arithmetic on which
//! browser and server must agree.
//!
//! Not here: events (they stay home in the server), IO, the clock, any framework.

pub mod access_code;
pub mod commands;
mod crockford;
pub mod dashboard;
pub mod ids;
pub mod live;
pub mod management;
pub mod money;
pub mod refusal;
pub mod release;
pub mod rules;
pub mod sale;
pub mod ticket;
pub mod tickets;
pub mod time;
pub mod views;

pub use access_code::AccessCode;
pub use ids::{CommandId, ConferenceId, OrderId, PaymentId, SeatTypeId};
pub use money::{Currency, Money};
pub use refusal::{Problem, RefusalCode};
pub use release::Release;
pub use ticket::Ticket;
pub use time::Timestamp;
