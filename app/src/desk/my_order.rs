//! A registrant's order on the desk, opened with the secret that this device keeps: reading it, and the
//! commands that can still be sent after the purchase.
//!
//! Not here: the purchase itself (`crate::registration`, in the first program).

use super::session::{Session, use_session};
use crate::api::{self, Failure};
use crate::arrival::settle_under;
use crate::erased::react;
use crate::saved::{Saved, SavedOrder};
use leptos::prelude::*;
use shared::commands::{Accepted, BrowserCommand};
use shared::live::Topic;
use shared::views::{ConferenceView, OrderView};
use shared::{CommandId, OrderId};

/// The order of this page. `Copy`: parts pass it around.
#[derive(Clone, Copy)]
pub struct MyOrder {
    pub session: Session,
    slug: StoredValue<String>,
    pub id: OrderId,
    /// The secret; `None` when this device does not have it.
    token: StoredValue<Option<String>>,
}

/// What a command of this order starts with.
pub struct Envelope {
    pub command_id: CommandId,
    pub conference: String,
    pub order_id: OrderId,
    token: String,
}

impl MyOrder {
    /// The order of the address; its conference and itself are watched while the page is open.
    #[must_use]
    pub fn of_this_page() -> Option<Self> {
        let session = use_session();
        let address = session.address.get_untracked();
        let id = address.order?;
        let slug = address.slug;
        let order = Saved::load(&slug).order(id).filter(|order| order.is_placed).cloned();
        let token = order.map(|order| order.token);
        session.live.watch(Topic::Conference { slug: slug.clone() }, None);
        let topic = Topic::Order { slug: slug.clone(), order_id: id };
        if token.is_some() {
            session.live.watch(topic.clone(), token.clone());
        }
        on_cleanup(move || session.live.unwatch(&topic));
        Some(Self { session, slug: StoredValue::new(slug), id, token: StoredValue::new(token) })
    }

    /// The conference's slug.
    #[must_use]
    pub fn slug(self) -> String {
        self.slug.get_value()
    }

    /// An address of the order: `assign`, `tickets`, `confirmed` ….
    #[must_use]
    pub fn path(self, step: &str) -> String {
        format!("/{}/order/{}/{step}", self.slug(), self.id)
    }

    /// Reads something of the order; `None` until it is known.
    pub fn view<T>(self, read: impl FnOnce(&OrderView) -> T) -> Option<T> {
        self.session.live.order.with(|seen| {
            seen.as_ref().filter(|seen| seen.view.id == self.id).map(|seen| read(&seen.view))
        })
    }

    /// The registrant's address; empty until it is known.
    #[must_use]
    pub fn email(self) -> String {
        let email = self.view(|view| view.registrant.as_ref().map(|it| it.email.clone()));
        email.flatten().unwrap_or_default()
    }

    /// Where the order's view stands in the ledger.
    #[must_use]
    pub fn position(self) -> u64 {
        self.session.live.order.with(|seen| seen.as_ref().map_or(0, |seen| seen.position))
    }

    /// Reads something of the conference; `None` until it is known.
    pub fn conference<T>(self, read: impl FnOnce(&ConferenceView) -> T) -> Option<T> {
        self.session.live.conference.with(|seen| seen.as_ref().map(|seen| read(&seen.view)))
    }

    /// The conference's time zone; empty until it is known.
    #[must_use]
    pub fn zone(self) -> String {
        self.conference(|view| view.time_zone.clone()).unwrap_or_default()
    }

    /// True when this device may not, or can no longer, open the order.
    #[must_use]
    pub fn is_closed_here(self) -> bool {
        let topic = Topic::Order { slug: self.slug(), order_id: self.id };
        let is_refused =
            self.session.live.refused.with(|all| all.iter().any(|(known, _)| *known == topic));
        self.view(|_| ()).is_none() && (self.token.with_value(Option::is_none) || is_refused)
    }

    /// Names the page after the conference, and moves the focus as on arriving anywhere.
    pub fn arrive(self, name: &'static str) {
        settle_under(Box::new(move || {
            let place = self.conference(|view| view.name.clone());
            format!("{name} – {}", place.unwrap_or_else(|| "Contoso Conferences".to_owned()))
        }));
    }

    /// The envelope of a command that says `says`; the same id until it was answered.
    #[must_use]
    pub fn envelope(self, says: &str) -> Option<Envelope> {
        let token = self.token.get_value()?;
        let command_id = change_saved(&self.slug(), self.id, |order| order.intent(says))?;
        Some(Envelope { command_id, conference: self.slug(), order_id: self.id, token })
    }

    /// Sends a command, and forgets its id once it was answered one way or the other.
    ///
    /// # Errors
    /// Refused, unreachable or faulty.
    pub async fn send<C: BrowserCommand>(
        self,
        command: C,
        envelope: Envelope,
    ) -> Result<Accepted, Failure> {
        let answer = api::send(&command, &envelope.token).await;
        // By now the page may have been left: nothing of it is touched.
        let Envelope { command_id, conference, order_id, .. } = envelope;
        if api::is_answered(&answer) {
            change_saved(&conference, order_id, |order| order.answered(command_id));
        }
        answer
    }

    /// Gets a document of the order.
    ///
    /// # Errors
    /// Refused, unreachable or faulty.
    pub async fn get<T: serde::de::DeserializeOwned>(self, path: &str) -> Result<T, Failure> {
        let token = self.token.get_value();
        api::read(&api::request(path, None, token.as_deref()).await?)
    }

    /// Does something with every view of the order that comes.
    pub fn on_view(self, mut act: impl FnMut(&OrderView, u64) + 'static) {
        react(move || {
            let position = self.position();
            self.view(|view| untrack(|| act(view, position)));
        });
    }
}

/// Changes what the device keeps about an order. Read anew each time: the first program may be open in
/// another tab.
fn change_saved<T>(
    slug: &str,
    id: OrderId,
    change: impl FnOnce(&mut SavedOrder) -> T,
) -> Option<T> {
    let mut saved = Saved::load(slug);
    let changed = change(saved.order_mut(id)?);
    saved.store(slug);
    Some(changed)
}
