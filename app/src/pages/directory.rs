//! The published conferences, soonest first.

use crate::arrival::arrive;
use crate::components::order_summary::total_words;
use crate::dates;
use crate::erased::{block, each, either, memo, show, text};
use crate::fact::Fact;
use crate::registration::use_registration;
use leptos::prelude::*;
use shared::live::Topic;
use shared::sale::hue_class;
use shared::views::ConferenceSummary;

/// The page.
#[component]
pub fn DirectoryPage() -> impl IntoView {
    let registration = use_registration();
    registration.leave();
    let live = registration.live;
    live.watch(Topic::Directory, None);
    on_cleanup(move || live.unwatch(&Topic::Directory));
    arrive(|| "Contoso Conferences".to_owned(), || false);
    let slugs = memo(move || {
        live.directory.with(|seen| {
            let all = |seen: &crate::live::Seen<shared::views::DirectoryView>| {
                seen.view.conferences.iter().map(|c| c.slug.clone()).collect::<Vec<_>>()
            };
            seen.as_ref().map(all)
        })
    });
    view! {
        <div class="main directory">
            <h1 class="directory-title" tabindex="-1">"Conferences worth the journey"</h1>
            <p class="directory-lead">"Choose a conference, choose your seats. No account needed."</p>
            {either(move || slugs.with(Option::is_some), move || view! {
                {show(move || slugs.with(|s| s.as_ref().is_some_and(Vec::is_empty)), move || view! {
                    <p class="note">"No conferences are open for registration yet."</p>
                }.into_any())}
                <ul class="directory-list">
                    {block(move || each(slugs.get().unwrap_or_default(), |slug| view! { <DirectoryCard slug=slug /> }.into_any()))}
                </ul>
            }.into_any(), move || view! { <p class="loading">"Loading the conferences…"</p> }.into_any())}
        </div>
    }
}

#[component]
fn DirectoryCard(slug: String) -> impl IntoView {
    let live = use_registration().live;
    let hue = format!("directory-card {}", hue_class(&slug));
    let href = format!("/{slug}");
    let summary = memo(move || {
        live.directory.with(|seen| {
            let all = &seen.as_ref()?.view.conferences;
            all.iter().find(|conference| conference.slug == slug).cloned()
        })
    });
    view! {
        <li class=hue>
            <h2 class="directory-card-name">
                <a href=href>{text(move || fact(summary, |c| c.name.clone()))}</a>
            </h2>
            <p class="directory-card-when">
                {text(move || fact(summary, |c| dates::days(c.starts_at, c.ends_at, &c.time_zone)))}
                " · " {text(move || fact(summary, |c| c.location.clone()))}
            </p>
            <p class="directory-card-tagline">{text(move || fact(summary, |c| c.tagline.clone()))}</p>
            <p class="directory-card-price">{text(move || fact(summary, price))}</p>
        </li>
    }
}

fn fact(
    summary: Fact<Option<ConferenceSummary>>,
    read: fn(&ConferenceSummary) -> String,
) -> String {
    summary.with(|summary| summary.as_ref().map(read)).unwrap_or_default()
}

fn price(summary: &ConferenceSummary) -> String {
    match summary.price_from {
        None => "Not on sale yet".to_owned(),
        Some(_) if summary.remaining == 0 => "No seats left right now".to_owned(),
        Some(price) if price.is_zero() => total_words(price),
        Some(price) => format!("From {price}"),
    }
}
