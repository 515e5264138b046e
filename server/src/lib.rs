//! Conference registration as event-sourced ledgers behind HTTP and a socket.

pub mod clock;
pub mod config;
pub mod deadlines;
pub mod domain;
pub mod events;
pub mod ledger;
pub mod ledgers;
pub mod live;
pub mod store;
pub mod views;
