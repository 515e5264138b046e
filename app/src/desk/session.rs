//! Who sits at this desk, which conference lies on it, and signing out. Pages take it from the context.
//!
//! Without a session the sign-in page shows at the very address that was asked for, and signing in
//! loads that address again: there is no address to return to that anybody could forge.

use super::api;
use super::place::Address;
use crate::api::Failure;
use crate::browser;
use crate::components::announcer::Announcer;
use crate::erased::{memo, react};
use crate::fact::Fact;
use crate::live::Live;
use crate::navigation::Go;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::RefusalCode;
use shared::dashboard::DashboardView;
use shared::live::Topic;
use shared::management::OwnerView;
use shared::views::ConferenceView;

/// The desk's first page.
pub const HOME: &str = "/manage";

/// What is known about who this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Asked, not answered.
    Asking,
    Owner(OwnerView),
    /// There is no session, or it has ended.
    Nobody,
    /// The server did not say.
    Unheard(Failure),
}

/// The state of the desk. `Copy`: every page takes it from the context.
#[derive(Clone, Copy)]
pub struct Session {
    pub live: Live,
    pub announcer: Announcer,
    pub who: RwSignal<Who>,
    /// The address, taken apart.
    pub address: Fact<Address>,
}

/// The session of this page, from the context.
#[must_use]
pub fn use_session() -> Session {
    expect_context::<Session>()
}

impl Session {
    /// Finds out who this is when the address needs it, and watches the conference of the address.
    #[must_use]
    pub fn start(live: Live, announcer: Announcer, go: Go) -> Self {
        let address = memo(move || go.path.with(|path| Address::of(path)));
        let session = Self { live, announcer, who: RwSignal::new(Who::Asking), address };
        session.watch_the_conference();
        session.notice_the_end();
        session
    }

    /// Asks the server who this is.
    pub fn ask(self) {
        spawn_local(async move {
            let who = match api::owner().await {
                Ok(Some(owner)) => Who::Owner(owner),
                Ok(None) => Who::Nobody,
                Err(failure) => Who::Unheard(failure),
            };
            self.who.set(who);
        });
    }

    /// Ends the session. The page is loaded again, so that nothing of it stays in memory.
    pub fn sign_out(self) {
        spawn_local(async move {
            match api::sign_out().await {
                Ok(()) => browser::leave_for(HOME),
                Err(failure) => self.announcer.say(failure.sentence(), true),
            }
        });
    }

    /// The conference's slug; empty outside conferences.
    #[must_use]
    pub fn slug(self) -> String {
        self.address.with(|address| address.slug.clone())
    }

    /// An address inside the conference: `""`, `"seats"`, `"settings"` ….
    #[must_use]
    pub fn path(self, section: &str) -> String {
        let slug = self.slug();
        if section.is_empty() {
            format!("{HOME}/{slug}")
        } else {
            format!("{HOME}/{slug}/{section}")
        }
    }

    /// Reads something of the dashboard; `None` until it is known.
    pub fn dashboard<T>(self, read: impl FnOnce(&DashboardView) -> T) -> Option<T> {
        let is_here = |view: &DashboardView| {
            self.address.with(|address| address.slug == view.conference.slug)
        };
        self.live.dashboard.with(|seen| {
            seen.as_ref().filter(|seen| is_here(&seen.view)).map(|seen| read(&seen.view))
        })
    }

    /// Reads something of the conference, as its owner sees it; `None` until it is known.
    pub fn conference<T>(self, read: impl FnOnce(&ConferenceView) -> T) -> Option<T> {
        self.dashboard(|view| read(&view.conference))
    }

    /// The conference's time zone; empty until it is known.
    #[must_use]
    pub fn zone(self) -> String {
        self.conference(|view| view.time_zone.clone()).unwrap_or_default()
    }

    /// Where the conference's dashboard stands in the ledger.
    #[must_use]
    pub fn position(self) -> u64 {
        self.live.dashboard.with(|seen| seen.as_ref().map_or(0, |seen| seen.position))
    }

    /// Why the conference's dashboard cannot be seen, if the server said so.
    #[must_use]
    pub fn refusal(self) -> Option<RefusalCode> {
        let topic = Topic::Dashboard { slug: self.slug() };
        self.live.refused.with(|refused| {
            refused.iter().find(|(known, _)| *known == topic).map(|(_, code)| *code)
        })
    }

    /// What to do about a failure that every page treats alike: true when it was the session's end.
    pub fn has_ended(self, failure: &Failure) -> bool {
        let has_ended = matches!(
            failure,
            Failure::Refused(problem) if problem.code == RefusalCode::SignInRequired
        );
        if has_ended {
            self.who.set(Who::Nobody);
        }
        has_ended
    }

    fn watch_the_conference(self) {
        let wanted = memo(move || {
            let address = self.address.get();
            let is_known = self.who.with(|who| matches!(who, Who::Owner(_)));
            let is_inside = address.place.needs_session() && !address.slug.is_empty();
            (is_known && is_inside).then_some(address.slug)
        });
        let before = StoredValue::new(None::<String>);
        react(move || {
            let slug = wanted.get();
            let left = before.get_value().filter(|left| Some(left) != slug.as_ref());
            if let Some(left) = left {
                self.live.unwatch(&Topic::Dashboard { slug: left });
            }
            if let Some(slug) = slug.clone() {
                self.live.watch(Topic::Dashboard { slug }, None);
            }
            before.set_value(slug);
        });
        let needs = memo(move || self.address.with(|address| address.place.needs_session()));
        react(move || {
            if needs.get() {
                self.ask();
            }
        });
    }

    /// A session may end while its page is open: elsewhere, or by time.
    fn notice_the_end(self) {
        react(move || {
            if self.refusal() == Some(RefusalCode::SignInRequired) {
                self.who.set(Who::Nobody);
            }
        });
    }

    /// True on a page that is the registrant's, not the owner's.
    #[must_use]
    pub fn is_registrants(self) -> bool {
        self.address.with(|address| address.place.is_registrants())
    }
}
