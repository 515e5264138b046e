//! All conferences of this owner, newest first.

use crate::components::availability::{CapacityBar, percent};
use crate::dates;
use crate::desk::arrival::arrive;
use crate::desk::session::{HOME, Who, use_session};
use crate::erased::{block, each, either, flag, follow, memo, show, text};
use leptos::prelude::*;
use shared::Timestamp;
use shared::management::OwnedConference;
use shared::sale::hue_class;

/// The page.
#[component]
pub fn ConferencesPage() -> impl IntoView {
    let session = use_session();
    // What was sold since the desk was opened.
    session.ask();
    arrive(|| "Your conferences".to_owned(), || false);
    let owner = memo(move || {
        session.who.with(|who| match who {
            Who::Owner(owner) => owner.clone(),
            Who::Asking | Who::Nobody | Who::Unheard(_) => Default::default(),
        })
    });
    let is_guest = move || owner.with(|owner| owner.email.is_none());
    view! {
        <div class="main desk-page">
            <div class="desk-head">
                <h1 tabindex="-1">"Your conferences"</h1>
                <a class="button button-primary" href="/manage/new">"Create a conference"</a>
            </div>
            {show(is_guest, || view! {
                <p class="note">
                    "You see what this browser created. To see all your conferences, sign out and sign in with the code we mailed you."
                </p>
            }.into_any())}
            {either(move || owner.with(|owner| owner.conferences.is_empty()), || view! {
                <p>"You have no conference yet."</p>
            }.into_any(), move || view! {
                <ul class="owned-list">
                    {block(move || {
                        each(owner.get().conferences, |conference| card(conference, session.live.now))
                    })}
                </ul>
            }.into_any())}
        </div>
    }
}

fn card(conference: OwnedConference, now: RwSignal<Timestamp>) -> AnyView {
    let OwnedConference { sold, held, quota, .. } = conference;
    let facts = conference.clone();
    let state = memo(move || state_words(&facts, now.get()));
    let days = dates::days(conference.starts_at, conference.ends_at, &conference.time_zone);
    let left = quota.saturating_sub(sold).saturating_sub(held);
    view! {
        <li class=format!("owned-card {}", hue_class(&conference.slug))>
            <div class="owned-card-head">
                <h2 class="owned-card-name">
                    <a href=format!("{HOME}/{}", conference.slug)>{conference.name}</a>
                </h2>
                <p class="desk-state" class:desk-state-public=flag(move || state.get() == "Published")>
                    {text(move || state.get())}
                </p>
            </div>
            <p class="owned-card-when">{days} " · " {conference.location}</p>
            <dl class="owned-card-numbers">
                <div><dt>"Sold"</dt><dd>{sold.to_string()}</dd></div>
                <div><dt>"Held"</dt><dd>{held.to_string()}</dd></div>
                <div><dt>"Left"</dt><dd>{left.to_string()}</dd></div>
                <div><dt>"Seats"</dt><dd>{quota.to_string()}</dd></div>
            </dl>
            <CapacityBar sold=follow(move || percent(sold, quota)) held=follow(move || percent(held, quota)) />
        </li>
    }
    .into_any()
}

fn state_words(conference: &OwnedConference, now: Timestamp) -> &'static str {
    if conference.ends_at < now {
        "Over"
    } else if conference.is_published {
        "Published"
    } else {
        "Hidden"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conference_is_hidden_published_or_over() {
        let conference = |is_published| OwnedConference {
            slug: "rustconf".into(),
            name: "RustConf".into(),
            location: "Berlin".into(),
            starts_at: Timestamp(10),
            ends_at: Timestamp(20),
            time_zone: "UTC".into(),
            is_published,
            sold: 0,
            held: 0,
            quota: 0,
        };
        assert_eq!(state_words(&conference(true), Timestamp(20)), "Published");
        assert_eq!(state_words(&conference(false), Timestamp(15)), "Hidden");
        assert_eq!(state_words(&conference(true), Timestamp(21)), "Over");
    }
}
