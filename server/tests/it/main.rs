//! One test binary: a whole server per test, on both databases. Stories in the customer's words.

mod architecture;
mod expiry;
mod house;
mod partial_reservation;
mod postgres;
mod race;
mod registration;
mod store_contract;
