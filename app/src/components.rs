//! The parts that pages are made of. A component takes signals and callbacks and never fetches.

pub mod announcer;
pub mod availability;
pub mod banner;
pub mod countdown_clock;
pub mod dialog;
pub mod field;
pub mod order_panel;
pub mod order_summary;
pub mod quantity;
pub mod seat_row;
pub mod steps;
pub mod theme_switch;
