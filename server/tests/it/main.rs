//! One test binary: a whole server per test, on both databases. Stories in the customer's words.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod admission;
mod architecture;
mod assignments;
mod attacks;
mod backup;
mod cancelling;
mod chaos;
mod dashboard;
mod desk;
mod documents;
mod effects;
mod expiry;
mod faults;
mod fuzz;
mod house;
mod http;
mod inbox;
mod leaving;
mod limits;
mod lists;
mod live;
mod mail;
mod nodes;
mod operator;
mod order_links;
mod owners;
mod partial_reservation;
mod payment;
mod postgres;
mod program;
mod race;
mod registration;
mod restore;
mod seating;
mod shell;
mod skew;
mod smtp_server;
mod stopping;
mod store_contract;
mod tls;
mod upgrade;
mod verify;
