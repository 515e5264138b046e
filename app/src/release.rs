//! A newer release is serving than the one this page came from: the page may offer to load itself anew,
//! and does so by itself where nobody would notice.
//!
//! While servers are replaced, a page meets both releases in turn; an older one is no reason for anything.
//! Not here: what is at stake on a page (`app.rs`, `desk/frame.rs`).

use crate::browser;
use crate::erased::react;
use crate::fact::Fact;
use crate::live::Live;
use leptos::prelude::*;
use shared::Release;

/// Nobody has looked at the page for so long that it may be loaded anew: half of this, or up to all of
/// it, so that not all pages do it at once.
const UNSEEN_MS: i64 = 60_000;
/// … and not again in the same stretch of time, because it may have come from an older server again.
const AGAIN_MS: i64 = 600_000;

/// True when this is the name of a newer release than ours.
#[must_use]
pub fn is_newer(release: &str) -> bool {
    release.parse().is_ok_and(|theirs| Release::of_this_build() < theirs)
}

/// Loads the page anew once nobody has looked at it for a while, if nothing is at stake all the time.
pub fn reload_unseen(live: Live, may_reload: Fact<bool>) {
    let seen_ms = StoredValue::new(browser::steady_ms());
    let patience_ms = browser::spread(UNSEEN_MS);
    react(move || {
        let now_ms = live.steady_ms.get();
        if !browser::is_hidden() || !may_reload.get() {
            seen_ms.set_value(now_ms);
        } else if patience_ms < now_ms - seen_ms.get_value() {
            seen_ms.set_value(now_ms);
            browser::reload_once_in(AGAIN_MS);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_release_is_newer() {
        let Release(major, minor, patch) = Release::of_this_build();
        assert!(is_newer(&format!("{major}.{minor}.{}", patch + 1)));
        assert!(is_newer(&format!("{}.0.0", major + 1)));
        for other in [env!("CARGO_PKG_VERSION"), "0.0.0", "", "newest"] {
            assert!(!is_newer(other), "{other}");
        }
    }
}
