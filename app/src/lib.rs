//! The browser's side of the Contoso conferences: choosing seats, saying who comes, paying.
//!
//! Views come in by `live`, commands go out by `api`; `order_state` says what may be said about an
//! order. Not here: rules (they are the server's, and `shared::rules`), owner pages (a later issue).

pub mod api;
pub mod app;
pub mod arrival;
pub mod browser;
pub mod components;
pub mod countdown;
pub mod dates;
pub mod early;
pub mod erased;
pub mod flow;
pub mod format;
pub mod live;
pub mod navigation;
pub mod order_state;
pub mod pages;
pub mod place;
pub mod registration;
pub mod saved;
