//! Read models: how an event changes what somebody sees. One view is one pure file.
//!
//! The structs are in `shared::views`; they are what the documents table holds, what `GET` returns and
//! what the socket pushes. Not here: when a view is pushed (`live.rs`).

pub mod conference;
pub mod dashboard;
pub mod history;
pub mod order;
