//! The page that comes before any wasm: the `index.html` of the program that the address belongs to,
//! filled with what can be read without script and with the first view, so that nothing is asked twice.
//!
//! Every text of an owner is escaped. Never anything of an order: its page is filled by the browser
//! that has its token. Not here: the sentences and the markup (`http/shell/pages.rs`).

mod dates;
mod pages;
mod pieces;
mod seats;

use super::assets::{self, Assets};
use super::owner_session::OwnerCookie;
use super::problem::Rejection;
use super::session::Caller;
use super::{Door, queries, unknown_address};
use crate::html::Escaped;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pages::Page;
use pieces::{Kept, Pieces};
use sha2::{Digest, Sha256};
use shared::RefusalCode;
use shared::live::{Snapshot, Topic};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use tracing::warn;

/// What stands in `index.html` where something is filled in.
const SLOTS: [(&str, Slot); 5] = [
    ("<title>Contoso Conferences</title>", Slot::Title),
    ("<!--head-->", Slot::Head),
    ("<!--header-->", Slot::Header),
    ("<!--static-->", Slot::Body),
    ("<!--boot-->", Slot::Boot),
];

/// Without a built app the pages can still be read.
const PLAIN: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\" />\
    <title>Contoso Conferences</title><meta name=\"viewport\" content=\"width=device-width\" />\
    <!--head--></head><body><p><a href=\"/\">Contoso Conferences</a> <!--header--></p>\
    <div id=\"static\"><!--static--></div>\
    <p>The app is not built yet. Build it by <code>make web</code>, or build and start everything \
    by <code>make run</code>.</p>\
    <script type=\"application/json\" id=\"boot\"><!--boot--></script></body></html>\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Title,
    Head,
    Header,
    Body,
    Boot,
}

/// The built programs, ready to be filled.
pub(super) struct Shell {
    assets: Assets,
    registering: Frame,
    desk: Frame,
}

/// The `index.html` of one program.
struct Frame {
    /// The text before each slot, and the rest.
    parts: Vec<(Kept, Option<Slot>)>,
    /// What its pages may load and run: our own, and its inline scripts and styles word for word.
    content_policy: HeaderValue,
}

impl Shell {
    /// Reads the built programs, or does without.
    pub(super) fn load(dir: &Path) -> Self {
        let assets = Assets::load(dir).unwrap_or_else(|error| {
            warn!(error = format!("{error:#}"), "There is no built app to serve: run `make web`");
            Assets::default()
        });
        let frame = |index: &Option<String>| Frame::of(index.as_deref().unwrap_or(PLAIN));
        let (registering, desk) = (frame(&assets.index), frame(&assets.desk));
        Self { assets, registering, desk }
    }

    /// The policy of every answer that brings none of its own.
    pub(super) const fn content_policy(&self) -> &HeaderValue {
        &self.registering.content_policy
    }

    const fn frame(&self, address: &Address) -> &Frame {
        if address.is_of_desk() { &self.desk } else { &self.registering }
    }
}

impl Frame {
    fn of(index: &str) -> Self {
        let parts = split(index).into_iter().map(|(text, slot)| (Kept::new(text), slot)).collect();
        Self { parts, content_policy: content_policy(index) }
    }

    fn fill(&self, page: &Page, boot: Option<&Snapshot>) -> Pieces<'_> {
        let mut html = Pieces::default();
        for (text, slot) in &self.parts {
            html.push_kept(text);
            match slot {
                Some(Slot::Title) => {
                    let _ = write!(html.fresh(), "<title>{}</title>", Escaped(&page.title));
                }
                Some(Slot::Head) => html.fresh().push_str(&page.head),
                Some(Slot::Header) => html.fresh().push_str(&page.header),
                Some(Slot::Body) => html.fresh().push_str(&page.body),
                Some(Slot::Boot) => html.fresh().push_str(&boot.map(boot_json).unwrap_or_default()),
                None => {}
            }
        }
        html
    }
}

/// Whatever no other route answers: a file of the app, or a page.
pub(super) async fn page(State(door): State<Arc<Door>>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return unknown_address(request.method().clone()).await.into_response();
    }
    let address = Address::of(path);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        if address == Address::Nowhere {
            return Rejection::from(RefusalCode::CommandUnknown).into_response();
        }
        let allow = [(header::ALLOW, "GET,HEAD")];
        return (allow, Rejection::wrong_method(request.method())).into_response();
    }
    if let Some(file) = door.shell.assets.serve(path, request.headers()) {
        return file;
    }
    let others = || door.house.ledgers.peers().map(|peers| peers.others()).unwrap_or_default();
    if let Some(file) = door.borrowed.serve(others, path, request.headers()).await {
        return file;
    }
    if address == Address::Nowhere && path.rsplit('/').next().is_some_and(|it| it.contains('.')) {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    }
    let (status, page, boot) = write_page(&door, &address).await;
    let frame = door.shell.frame(&address);
    let mut response = send(status, &frame.fill(&page, boot.as_ref()), request.headers());
    let policy = frame.content_policy.clone();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// The pages of both programs. `app/src/place.rs` and `app/src/desk/place.rs` have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Directory,
    Home {
        slug: String,
    },
    Seats {
        slug: String,
    },
    Inside {
        slug: String,
        title: &'static str,
    },
    /// What a registrant does after the purchase, or to come back to it.
    Afterwards {
        slug: String,
        title: &'static str,
    },
    /// A page of an owner. Who that is, only the program finds out.
    Desk {
        title: &'static str,
    },
    Nowhere,
}

impl Address {
    fn of(path: &str) -> Self {
        let mut parts: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        parts.pop_if(|last| last.is_empty());
        let inside = |slug: &str, title| Self::Inside { slug: slug.to_owned(), title };
        let afterwards = |slug: &str, title| Self::Afterwards { slug: slug.to_owned(), title };
        match parts.as_slice() {
            [] => Self::Directory,
            ["manage", inside @ ..] => {
                desk_title(inside).map_or(Self::Nowhere, |title| Self::Desk { title })
            }
            [slug] if !slug.is_empty() && !slug.contains('.') => {
                Self::Home { slug: (*slug).to_owned() }
            }
            [slug, "seats"] => Self::Seats { slug: (*slug).to_owned() },
            [slug, "find"] => afterwards(slug, "Find your order"),
            [slug, "order", id, step] if id.parse::<shared::OrderId>().is_ok() => match *step {
                "details" => inside(slug, "Your details"),
                "payment" => inside(slug, "Check and pay"),
                "confirmed" => inside(slug, "You're registered"),
                "assign" => afterwards(slug, "Your seats"),
                "tickets" => afterwards(slug, "Tickets"),
                _ => Self::Nowhere,
            },
            _ => Self::Nowhere,
        }
    }

    /// True when the second program shows it.
    const fn is_of_desk(&self) -> bool {
        matches!(self, Self::Desk { .. } | Self::Afterwards { .. })
    }
}

/// The heading of an owner's page, by its address below `/manage`.
fn desk_title(inside: &[&str]) -> Option<&'static str> {
    Some(match inside {
        [] => "Your conferences",
        ["new"] => "Create a conference",
        [_] => "Dashboard",
        [_, "settings"] => "Settings",
        [_, "seats"] => "Seats",
        [_, "orders"] => "Orders",
        [_, "attendees"] => "Attendees",
        [_, "check-in"] => "Check-in",
        [_, "orders", id] if id.parse::<shared::OrderId>().is_ok() => "Order",
        _ => return None,
    })
}

async fn write_page(door: &Door, address: &Address) -> (StatusCode, Page, Option<Snapshot>) {
    let topic = match address {
        Address::Nowhere => return (StatusCode::NOT_FOUND, Page::not_found(), None),
        Address::Desk { title } => return (StatusCode::OK, Page::desk(title), None),
        Address::Directory => Topic::Directory,
        Address::Home { slug }
        | Address::Seats { slug }
        | Address::Inside { slug, .. }
        | Address::Afterwards { slug, .. } => Topic::Conference { slug: slug.clone() },
    };
    let snapshot =
        match queries::snapshot(door, topic, (&Caller::Nobody, &OwnerCookie::default())).await {
            Ok(snapshot) => snapshot,
            Err(rejection) if rejection.code == RefusalCode::ConferenceNotFound => {
                return (StatusCode::NOT_FOUND, Page::not_found(), None);
            }
            Err(_) => return (StatusCode::SERVICE_UNAVAILABLE, Page::unwell(), None),
        };
    let public_url = &door.house.public_url;
    let page = match (address, &snapshot.view) {
        (Address::Home { .. }, shared::live::View::Conference(view)) => {
            Page::home(view, snapshot.server_now, public_url)
        }
        (Address::Seats { .. }, shared::live::View::Conference(view)) => {
            Page::seats(view, snapshot.server_now)
        }
        (
            Address::Inside { title, .. } | Address::Afterwards { title, .. },
            shared::live::View::Conference(view),
        ) => Page::inside(view, title),
        (_, shared::live::View::Directory(view)) => Page::directory(view, public_url),
        _ => Page::not_found(),
    };
    (StatusCode::OK, page, Some(snapshot))
}

fn send(status: StatusCode, html: &Pieces<'_>, asked: &HeaderMap) -> Response {
    let compressed = assets::accepts_brotli(asked).then(|| html.brotli()).flatten();
    let mut response = match compressed {
        Some(compressed) => ([(header::CONTENT_ENCODING, "br")], compressed).into_response(),
        None => html.text().into_response(),
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    // Live numbers are inside, so it is asked for each time; going back may still show it.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

fn split(index: &str) -> Vec<(&str, Option<Slot>)> {
    let mut parts = Vec::new();
    let mut rest = index;
    let next = |text: &str| {
        let found = SLOTS.iter().filter_map(|(mark, slot)| Some((text.find(mark)?, *mark, *slot)));
        found.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, mark, slot)) = next(rest) {
        parts.push((&rest[..at], Some(slot)));
        rest = &rest[at + mark.len()..];
    }
    parts.push((rest, None));
    parts
}

fn content_policy(index: &str) -> HeaderValue {
    let hashes = |texts: &mut dyn Iterator<Item = &str>| -> String {
        texts.map(|text| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(text)))).collect()
    };
    let scripts = hashes(&mut inline_scripts(index));
    let styles = hashes(&mut elements(index, "style").map(|(_, style)| style));
    let policy = format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{scripts}; \
         style-src 'self'{styles}; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'; object-src 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 fits into a header")
}

/// The scripts that stand in the page itself. Data blocks need no permission.
fn inline_scripts(index: &str) -> impl Iterator<Item = &str> {
    elements(index, "script").filter_map(|(attributes, script)| {
        let is_code = !attributes.contains("src=") && !attributes.contains("application/json");
        is_code.then_some(script)
    })
}

/// The attributes and the text of every element of this name that holds nothing but text.
fn elements<'a>(index: &'a str, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let (begin, end) = (format!("<{name}"), format!("</{name}"));
    let found = index.split(&begin).skip(1).filter_map(|text| {
        let (attributes, rest) = text.split_once('>')?;
        rest.split_once(&end).map(|(text, _)| (attributes, text))
    });
    found.collect::<Vec<_>>().into_iter()
}

/// A view inside a script element: nothing in it can end the element or start another.
fn boot_json(snapshot: &Snapshot) -> String {
    let json = serde_json::to_string(snapshot).expect("views are plain data");
    let mut safe = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_found_in_their_order_and_only_once() {
        let index = "a<title>Contoso Conferences</title>b<!--static-->c<!--boot-->d";
        let slots = split(index);
        assert_eq!(
            slots,
            [
                ("a", Some(Slot::Title)),
                ("b", Some(Slot::Body)),
                ("c", Some(Slot::Boot)),
                ("d", None),
            ]
        );
    }

    #[test]
    fn code_in_the_page_is_allowed_word_for_word_and_data_needs_nothing() {
        let index = "<script>let a=1</script><script type=\"application/json\" id=\"boot\">{}\
            </script><script type=\"module\">b()</script><script src=\"/x.js\"></script>";
        assert_eq!(inline_scripts(index).collect::<Vec<_>>(), ["let a=1", "b()"]);
    }

    #[test]
    fn styles_in_the_page_are_allowed_word_for_word() {
        let policy = content_policy("<style type=\"text/css\">p{}</style>");
        let hash = STANDARD.encode(Sha256::digest("p{}"));
        let styles = format!("style-src 'self' 'sha256-{hash}';");
        assert!(policy.to_str().unwrap().contains(&styles), "{policy:?}");
    }

    #[test]
    fn owners_pages_are_of_the_desk_and_so_is_what_comes_after_the_purchase() {
        let id = "0190a5e4-0000-7000-8000-000000000001";
        for path in [
            "/manage",
            "/manage/",
            "/manage/new",
            "/manage/rustconf",
            "/manage/rustconf/seats",
            &format!("/manage/rustconf/orders/{id}"),
            &format!("/rustconf/order/{id}/assign"),
            &format!("/rustconf/order/{id}/tickets"),
            "/rustconf/find",
        ] {
            assert!(Address::of(path).is_of_desk(), "{path}");
        }
        for path in ["/", "/rustconf", "/rustconf/seats", &format!("/rustconf/order/{id}/payment")]
        {
            assert!(!Address::of(path).is_of_desk(), "{path}");
        }
    }

    #[test]
    fn pages_have_addresses_and_files_are_none() {
        let id = "0190a5e4-0000-7000-8000-000000000001";
        assert_eq!(Address::of("/"), Address::Directory);
        assert_eq!(Address::of("/rustconf/"), Address::Home { slug: "rustconf".into() });
        let details = Address::of(&format!("/rustconf/order/{id}/details"));
        assert!(matches!(details, Address::Inside { .. }));
        let assign = Address::of(&format!("/rustconf/order/{id}/assign"));
        let title = "Your seats";
        assert_eq!(assign, Address::Afterwards { slug: "rustconf".into(), title });
        for nowhere in [
            "/a/b",
            "/manage/a/b",
            "/manage/a/orders/7",
            "/manage//orders/a/b",
            "/a/order/x/details",
            "/favicon.ico",
            "//",
            "/a/order/x",
        ] {
            assert_eq!(Address::of(nowhere), Address::Nowhere, "{nowhere}");
        }
    }
}
