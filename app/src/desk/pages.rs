//! One file per page of the desk. Pages never import pages.

pub mod assign;
pub mod attendees;
pub mod check_in;
pub mod conferences;
pub mod dashboard;
pub mod find_order;
pub mod new_conference;
pub mod not_found;
pub mod order_history;
pub mod orders;
pub mod seat_types;
pub mod settings;
pub mod sign_in;
pub mod tickets;
