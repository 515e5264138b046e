//! What people take away. Pure functions of views.
//!
//! Not here: who may have them (`http`).

pub mod csv;
