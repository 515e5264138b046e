//! Conference registration as event-sourced ledgers behind HTTP and a socket.
//!
//! Read in this order: `domain` (the rules), `ledger` (one conference's writer), `store` (two
//! databases), `http` (the doors). Not here, on purpose: a message bus, a repository, a mock.

pub mod checker;
pub mod clock;
pub mod config;
pub mod deadlines;
pub mod documents;
pub mod domain;
pub mod effects;
pub mod events;
pub mod generations;
pub mod house;
pub mod html;
pub mod http;
pub mod inbox;
pub mod leaving;
pub mod ledger;
pub mod ledgers;
pub mod live;
pub mod mailer;
pub mod maintenance;
mod new_file;
pub mod news;
pub mod nodes;
pub mod open_files;
pub mod operator;
pub mod order_links;
pub mod owner_codes;
pub mod payment_gateway;
pub mod peers;
pub mod seed;
pub mod simulated_provider;
pub mod store;
pub mod telemetry;
pub mod trust;
pub mod views;
