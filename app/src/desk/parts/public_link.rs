//! The address that the public gets, and a button that copies it.

use super::copy_link::CopyLink;
use crate::browser;
use crate::desk::session::use_session;
use crate::erased::text;
use leptos::prelude::*;

/// The link.
#[component]
pub fn PublicLink() -> impl IntoView {
    let session = use_session();
    let address = text(move || format!("{}/{}", browser::origin(), session.slug()));
    view! {
        <div class="public-link">
            <a class="public-link-address" href=text(move || format!("/{}", session.slug())) rel="external">
                {address}
            </a>
            <CopyLink label="Copy link" address=address />
        </div>
    }
}
