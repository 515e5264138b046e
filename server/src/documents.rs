//! What people take away: a calendar entry, tickets and tables. Pure functions of views.
//!
//! Not here: who may have them (`http/documents.rs`), and the mails they travel in (`mailer/`).

pub mod calendar;
pub mod csv;
pub mod qr;
pub mod ticket;
