//! The second program: what owners do with their conferences, and what registrants do after the
//! purchase. Built from the same library and served beside the first one, so that nobody who only
//! registers loads a byte of it.
//!
//! Not here: rules (the server's), and the first program's pages (`crate::pages`).

pub mod api;
pub mod arrival;
pub mod bars;
pub mod conference_form;
pub mod form;
pub mod frame;
pub mod happenings;
pub mod my_order;
pub mod order_words;
pub mod pace;
pub mod pages;
pub mod parts;
pub mod pasted;
pub mod place;
pub mod quota;
pub mod sales_line;
#[cfg(test)]
mod samples;
pub mod scanner;
pub mod seat_draft;
pub mod seat_form;
pub mod seats;
pub mod session;
pub mod slug;
pub mod totals;
pub mod values;
pub mod wall_clock;
pub mod watching;
pub mod zones;
