//! What people take away: a calendar entry and tickets. Pure functions of views.
//!
//! Not here: who may have them (`http/documents.rs`), and the mails they travel in (`mailer/`).

pub mod calendar;
pub mod qr;
pub mod ticket;
