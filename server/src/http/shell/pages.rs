//! What can be read before the app takes over: the markup of `app/src/pages/`, written once more as
//! text. The same classes and the same words, so that nothing moves. Change both together.

use super::dates;
use crate::html::Escaped;
use shared::Timestamp;
use shared::sale::{Sale, availability_words, hue_class};
use shared::views::{ConferenceSummary, ConferenceView, DirectoryView, SeatTypeView};
use std::fmt::Write;

/// The product's name, and the title of the directory.
const BRAND: &str = "Contoso Conferences";
/// Characters of a description for search engines.
const DESCRIPTION_MAX: usize = 160;
const NOT_INDEXED: &str = "<meta name=\"robots\" content=\"noindex\" />";

/// What goes into the slots of `index.html`. Only `title` is not yet escaped.
pub(super) struct Page {
    pub(super) title: String,
    pub(super) head: String,
    /// Beside the brand.
    pub(super) header: String,
    pub(super) body: String,
}

impl Page {
    /// `/`
    pub(super) fn directory(view: &DirectoryView, public_url: &str) -> Self {
        let lead = "Choose a conference, choose your seats. No account needed.";
        let cards: String = view.conferences.iter().map(directory_card).collect();
        let note = if view.conferences.is_empty() {
            "<p class=\"note\">No conferences are open for registration yet.</p>"
        } else {
            ""
        };
        let body = format!(
            "<main id=\"main\"><div class=\"main directory\">\
             <h1 class=\"directory-title\">Conferences worth the journey</h1>\
             <p class=\"directory-lead\">{lead}</p>{note}\
             <ul class=\"directory-list\">{cards}</ul></div></main>"
        );
        let head = described(BRAND, lead, &format!("{public_url}/"));
        Self { title: BRAND.to_owned(), head, header: String::new(), body }
    }

    /// `/{slug}`
    pub(super) fn home(view: &ConferenceView, now: Timestamp, public_url: &str) -> Self {
        let zone = &view.time_zone;
        let cards: String = view.seat_types.iter().map(|it| seat_card(it, now, zone)).collect();
        let contact = Escaped(&view.contact_email);
        let body = format!(
            "<main id=\"main\"><article class=\"conference-home\">{hero}\
             <div class=\"main home-body\">\
             <section class=\"home-seats\" aria-labelledby=\"seat-types\">\
             <h2 id=\"seat-types\">Seats</h2><ul class=\"seat-list\">{cards}</ul></section>\
             <section class=\"home-about\" aria-labelledby=\"about\"><h2 id=\"about\">About</h2>\
             {about}<p class=\"home-contact\">Questions? Write to \
             <a href=\"mailto:{contact}\">{contact}</a></p></section></div></article></main>",
            hero = hero(view, now),
            about = paragraphs(&view.description),
        );
        let what = if view.tagline.is_empty() { &view.description } else { &view.tagline };
        let head = described(&view.name, what, &format!("{public_url}/{}", view.slug));
        Self { title: view.name.clone(), head, header: header(view), body }
    }

    /// `/{slug}/seats`
    pub(super) fn seats(view: &ConferenceView, now: Timestamp) -> Self {
        let title = "Choose your seats";
        let body = super::seats::body(view, title, now);
        let tagline = Escaped(&view.tagline);
        let head = format!("<meta name=\"description\" content=\"{tagline}\" />");
        Self { head, body, ..Self::inside(view, title) }
    }

    /// The other pages of somebody who registers. The app has all the rest to say.
    pub(super) fn inside(view: &ConferenceView, title: &str) -> Self {
        let name = &view.name;
        let body = format!(
            "<main id=\"main\"><div class=\"main flow\"><h1>{}</h1>\
             <p class=\"loading\">Loading…</p></div></main>",
            Escaped(title)
        );
        Self {
            title: format!("{title} – {name}"),
            head: NOT_INDEXED.to_owned(),
            header: header(view),
            body,
        }
    }

    /// A page of an owner, before anybody knows who asks.
    pub(super) fn desk(title: &str) -> Self {
        let body = format!(
            "<main id=\"main\"><div class=\"main desk-page\"><h1>{title}</h1>\
             <p class=\"loading\">Opening your desk…</p></div></main>",
            title = Escaped(title),
        );
        let header = "<a class=\"site-place\" href=\"/manage\">\
            <span class=\"desk-wide\">Your conferences</span>\
            <span class=\"desk-narrow\">Conferences</span></a>"
            .to_owned();
        Self { title: format!("{title} – Contoso desk"), head: String::new(), header, body }
    }

    /// Also the answer for a conference that is not published: nothing is told about it.
    pub(super) fn not_found() -> Self {
        let title = "We can't find that page";
        Self::sentence(title, "The address may be mistyped, or the page may have moved.")
    }

    /// The store does not answer; the app tries on.
    pub(super) fn unwell() -> Self {
        Self::sentence("Sorry, there is a problem", "Try again in a moment.")
    }

    fn sentence(title: &str, sentence: &str) -> Self {
        let body = format!(
            "<main id=\"main\"><div class=\"main prose\"><h1>{title}</h1><p>{sentence}</p>\
             <p class=\"acts\"><a class=\"button button-primary\" href=\"/\">See all conferences</a>\
             </p></div></main>",
            title = Escaped(title),
        );
        let head = NOT_INDEXED.to_owned();
        Self { title: title.to_owned(), head, header: String::new(), body }
    }
}

fn header(view: &ConferenceView) -> String {
    let (slug, name) = (Escaped(&view.slug), Escaped(&view.name));
    format!(
        "<a class=\"site-place\" href=\"/{slug}\">{name}</a>\
         <a class=\"site-find\" href=\"/{slug}/find\">\
         <span class=\"site-find-long\">Already registered? </span>Find your order</a>"
    )
}

/// For search engines, and for those who share the address.
fn described(title: &str, text: &str, url: &str) -> String {
    let first = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = first.chars().take(DESCRIPTION_MAX).collect();
    let (title, text, url) = (Escaped(title), Escaped(&short), Escaped(url));
    format!(
        "<meta name=\"description\" content=\"{text}\" />\
         <meta property=\"og:title\" content=\"{title}\" />\
         <meta property=\"og:description\" content=\"{text}\" />\
         <link rel=\"canonical\" href=\"{url}\" />"
    )
}

fn directory_card(summary: &ConferenceSummary) -> String {
    let price = match summary.price_from {
        None => "Not on sale yet".to_owned(),
        Some(_) if summary.remaining == 0 => "No seats left right now".to_owned(),
        Some(price) if price.is_zero() => "Free".to_owned(),
        Some(price) => format!("From {price}"),
    };
    format!(
        "<li class=\"directory-card {hue}\"><h2 class=\"directory-card-name\">\
         <a href=\"/{slug}\">{name}</a></h2>\
         <p class=\"directory-card-when\">{days} · {location}</p>\
         <p class=\"directory-card-tagline\">{tagline}</p>\
         <p class=\"directory-card-price\">{price}</p></li>",
        hue = hue_class(&summary.slug),
        slug = Escaped(&summary.slug),
        name = Escaped(&summary.name),
        days = dates::days(summary.starts_at, summary.ends_at, &summary.time_zone),
        location = Escaped(&summary.location),
        tagline = Escaped(&summary.tagline),
        price = Escaped(&price),
    )
}

fn hero(view: &ConferenceView, now: Timestamp) -> String {
    let sale = Sale::of(view, now);
    let button = if sale.can_register() {
        format!(
            "<a class=\"button button-hero\" href=\"/{}/seats\">Register</a>",
            Escaped(&view.slug)
        )
    } else {
        String::new()
    };
    format!(
        "<header class=\"hero {hue}\"><div class=\"hero-inner\"><p class=\"hero-when\">\
         <time datetime=\"{iso}\">{days}</time> · {location}</p>\
         <h1 class=\"hero-name\">{name}</h1><p class=\"hero-tagline\">{tagline}</p>\
         <p class=\"hero-opens\">Doors open {opens}</p>\
         <p class=\"hero-act\">{button}<span class=\"hero-sale\">{sale}</span></p></div></header>",
        hue = hue_class(&view.slug),
        iso = dates::iso(view.starts_at),
        days = dates::days(view.starts_at, view.ends_at, &view.time_zone),
        location = Escaped(&view.location),
        name = Escaped(&view.name),
        tagline = Escaped(&view.tagline),
        opens = Escaped(&dates::opening(view.starts_at, &view.time_zone)),
        sale = Escaped(&sale.words(&|at| dates::day_and_time(at, &view.time_zone))),
    )
}

fn seat_card(seat_type: &SeatTypeView, now: Timestamp, zone: &str) -> String {
    let (words, kind) = availability_words(seat_type, now, 0, &|at| dates::day_and_time(at, zone));
    format!(
        "<li class=\"seat-card\"><h3 class=\"seat-card-name\">{name}</h3>\
         <p class=\"seat-card-price\">{price}</p><p class=\"seat-card-includes\">{includes}</p>\
         <p class=\"availability availability-{kind}\">{words}</p>{capacity}</li>",
        name = Escaped(&seat_type.name),
        price = Escaped(&price_words(seat_type)),
        includes = Escaped(&seat_type.description),
        words = Escaped(&words),
        capacity = capacity(seat_type),
    )
}

pub(super) fn price_words(seat_type: &SeatTypeView) -> String {
    if seat_type.price.is_zero() { "Free".to_owned() } else { seat_type.price.to_string() }
}

/// The thin bar of what is taken.
pub(super) fn capacity(seat_type: &SeatTypeView) -> String {
    let percent = |part: u32| match seat_type.quota {
        0 => 0,
        quota => part.saturating_mul(100).div_ceil(quota),
    };
    let (sold, held) = (percent(seat_type.sold), percent(seat_type.held));
    format!(
        "<svg class=\"capacity\" aria-hidden=\"true\" focusable=\"false\">\
         <rect class=\"capacity-quota\" width=\"100%\" height=\"100%\" rx=\"2\"></rect>\
         <rect class=\"capacity-held\" width=\"{taken}%\" height=\"100%\" rx=\"2\"></rect>\
         <rect class=\"capacity-sold\" width=\"{sold}%\" height=\"100%\" rx=\"2\"></rect></svg>",
        taken = (sold + held).min(100),
        sold = sold.min(100),
    )
}

fn paragraphs(description: &str) -> String {
    description.split("\n\n").map(str::trim).filter(|it| !it.is_empty()).fold(
        String::new(),
        |mut html, paragraph| {
            let _ = write!(html, "<p>{}</p>", Escaped(paragraph));
            html
        },
    )
}
