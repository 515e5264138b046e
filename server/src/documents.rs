//! What people take away: a calendar entry, tickets and tables. Pure functions of views.
//!
//! Not here: who may have them (`http/documents.rs`), and the mails they travel in (`mailer/`).

pub mod calendar;
pub mod csv;
pub mod qr;
pub mod ticket;

#[cfg(test)]
pub(crate) mod kit {
    use proptest::test_runner::Config;

    /// This many cases of a property, or as many as `PROPTEST_CASES` says.
    pub(crate) fn cases(few: u32) -> Config {
        match std::env::var_os("PROPTEST_CASES") {
            Some(_) => Config::default(),
            None => Config::with_cases(few),
        }
    }
}
