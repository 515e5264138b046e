//! Arriving on a page of the desk: the title says the page and the conference, then the focus moves.

use super::session::use_session;
use crate::arrival::settle_under;

/// Called once by each page.
pub fn arrive(name: impl Fn() -> String + 'static, has_error: impl Fn() -> bool + 'static) {
    let session = use_session();
    settle_under(Box::new(move || {
        let error = if has_error() { "Error: " } else { "" };
        let place = session.conference(|view| format!(" – {}", view.name)).unwrap_or_default();
        format!("{error}{}{place} – Contoso desk", name())
    }));
}
