//! One file per page. Pages never import pages.

pub mod conference_home;
pub mod confirmation;
pub mod directory;
pub mod not_found;
pub mod payment;
pub mod registrant_details;
pub mod select_seats;
