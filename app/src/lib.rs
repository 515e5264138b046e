//! The browser's side of the Contoso conferences: choosing seats, saying who comes, paying.
//!
//! Views come in by `live`, commands go out by `api`; `order_state` says what may be said about an
//! order. `desk` is the second program, for owners and for registrants after the purchase. Not here:
//! rules (they are the server's, and `shared::rules`).

pub mod api;
pub mod app;
pub mod arrival;
pub mod browser;
pub mod components;
pub mod countdown;
pub mod dates;
pub mod desk;
pub mod early;
pub mod erased;
pub mod fact;
pub mod flow;
pub mod format;
pub mod json;
pub mod live;
pub mod navigation;
pub mod order_state;
pub mod pages;
pub mod place;
pub mod registration;
pub mod release;
pub mod saved;
