//! `GET /api/views/<topic>`: a view as it is now; and finding an order by e-mail and access code.
//!
//! The socket shows the same views: `http/live.rs` asks here, too.

use super::body::Body;
use super::limits::Paced;
use super::owner_session::OwnerCookie;
use super::problem::Rejection;
use super::session::{Caller, Grant};
use super::{Door, Route, openapi};
use crate::clock::Clock;
use crate::ledger::Failure;
use crate::ledger::stage::Authority;
use crate::store::{Kept, LedgerId, Whose};
use crate::views::conference as conference_view;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::{get, post};
use futures_util::StreamExt;
use futures_util::stream::iter;
use shared::commands::{FindOrder, FoundOrder};
use shared::live::{Snapshot, Topic, View};
use shared::views::{ConferenceView, DirectoryView};
use shared::{AccessCode, ConferenceId, OrderId, RefusalCode, Timestamp};
use std::sync::Arc;
use tokio::sync::Mutex;
use tracing::warn;
use utoipa::openapi::HttpMethod;
use uuid::Uuid;

/// The most conferences in the directory.
const DIRECTORY_MAX: u32 = 1_000;
/// Ledgers of a list that are asked at once, because their documents are not to be believed.
const ASKED_AT_ONCE: usize = 16;
/// The directory may be this old, in milliseconds.
const DIRECTORY_AGE_MAX_MS: i64 = 1_000;
/// Where the views are, below the server's root.
const VIEWS: &str = "/api/views/";

/// The directory as it was a moment ago. The lock is held while it is read, so that many who ask at
/// once cause one reading.
#[derive(Default)]
pub(super) struct DirectoryCache {
    latest: Mutex<Option<(Timestamp, Arc<DirectoryView>)>>,
}

pub(super) fn routes() -> Vec<Route> {
    let topics = [
        ("directory", openapi::view("The published conferences", &[], &[])),
        (
            "conference/{slug}",
            openapi::view("One conference", &["slug"], &[RefusalCode::ConferenceNotFound]),
        ),
        (
            "order/{slug}/{order_id}",
            openapi::view(
                "One order, for those who have its token",
                &["slug", "order_id"],
                &[
                    RefusalCode::TokenMissing,
                    RefusalCode::ConferenceNotFound,
                    RefusalCode::OrderNotFound,
                ],
            ),
        ),
        (
            "dashboard/{slug}",
            openapi::view(
                "How one conference sells, for its owner",
                &["slug"],
                &[RefusalCode::SignInRequired, RefusalCode::ConferenceNotFound],
            ),
        ),
    ];
    let views = topics.into_iter().map(|(topic, operation)| Route {
        path: format!("{VIEWS}{topic}"),
        handlers: get(view),
        method: HttpMethod::Get,
        operation,
    });
    let find = Route {
        path: "/api/find-order".to_owned(),
        handlers: post(find_order),
        method: HttpMethod::Post,
        operation: openapi::find_order(),
    };
    views.chain([find]).collect()
}

async fn view(
    State(door): State<Arc<Door>>,
    uri: Uri,
    Ok(caller): Result<Caller, std::convert::Infallible>,
    Ok(owner): Result<OwnerCookie, std::convert::Infallible>,
) -> Result<Json<Snapshot>, Rejection> {
    let topic = uri.path().strip_prefix(VIEWS).and_then(|topic| topic.parse().ok());
    let topic = topic.ok_or(RefusalCode::ViewUnknown)?;
    Ok(Json(snapshot(&door, topic, (&caller, &owner)).await?))
}

/// The view at this address as it is now, for somebody who may see it.
pub(super) async fn snapshot(
    door: &Door,
    topic: Topic,
    (caller, owner): (&Caller, &OwnerCookie),
) -> Result<Snapshot, Rejection> {
    let (position, view) = match &topic {
        Topic::Directory => {
            let directory = directory(door).await?;
            (0, View::Directory((*directory).clone()))
        }
        Topic::Conference { slug } => {
            let (position, view) = conference(door, slug).await?;
            (position, View::Conference(view))
        }
        Topic::Dashboard { slug } => {
            let ledger = door.owned(owner, slug).await?;
            let (position, view) = door.house.ledgers.dashboard(ledger).await?;
            (position, View::Dashboard(Box::new(view)))
        }
        Topic::Order { slug, order_id } => {
            let house = &door.house;
            if *caller == Caller::Nobody {
                return Err(RefusalCode::TokenMissing.into());
            }
            let ledger = door.find(slug).await?;
            let authority = caller.authority(ledger, house.clock.now(), &house.config.secrets)?;
            let (position, view) = house.ledgers.order(ledger, *order_id, authority).await?;
            (position, View::Order(view))
        }
    };
    Ok(Snapshot { topic, position, server_now: door.house.clock.now(), view })
}

/// The published conferences, soonest first.
async fn directory(door: &Door) -> Result<Arc<DirectoryView>, Rejection> {
    let now = door.house.clock.now();
    let mut latest = door.directory.latest.lock().await;
    // A clock that a test sets may stand still, and then nothing would ever be old.
    if let (Clock::Real, Some((at, known))) = (&door.house.clock, &*latest)
        && (0..DIRECTORY_AGE_MAX_MS).contains(&now.ms_since(*at))
    {
        return Ok(known.clone());
    }
    let store = &door.house.store;
    let topic = conference_view::TOPIC;
    let kept = store.kept_by(Whose::State("published"), topic, DIRECTORY_MAX).await?;
    let views = conferences(door, kept).await;
    let mut conferences: Vec<_> = views.iter().map(conference_view::summary).collect();
    conferences.sort_by(|a, b| (a.starts_at, &a.slug).cmp(&(b.starts_at, &b.slug)));
    let view = Arc::new(DirectoryView { conferences });
    *latest = Some((now, view.clone()));
    Ok(view)
}

/// A published conference.
pub(super) async fn conference(
    door: &Door,
    slug: &str,
) -> Result<(u64, ConferenceView), Rejection> {
    let ledger = door.find(slug).await?;
    any_conference(door, ledger)
        .await?
        .filter(|(_, view)| view.is_published)
        .ok_or_else(|| RefusalCode::ConferenceNotFound.into())
}

/// A conference, published or not.
pub(super) async fn any_conference(
    door: &Door,
    ledger: ConferenceId,
) -> Result<Option<(u64, ConferenceView)>, Rejection> {
    match door.house.ledgers.conference(ledger).await {
        Ok(found) => Ok(Some(found)),
        Err(Failure::Refused(refusal)) if refusal.code == RefusalCode::ConferenceNotFound => {
            Ok(None)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The conferences of a list, in its order, each as it is now. One whose ledger cannot be asked is shown as
/// its document has it, or left out: it must not take the others with it.
pub(super) async fn conferences(door: &Door, kept: Vec<Kept>) -> Vec<ConferenceView> {
    let ledgers = &door.house.ledgers;
    let views = iter(kept).map(|kept| async move {
        match ledgers.conference_of(&kept).await {
            Ok((_, view)) => Some(view),
            Err(failure) => {
                warn!(ledger = %kept.ledger, ?failure, "A list shows a conference as it was");
                serde_json::from_str(&kept.document?.body).ok()
            }
        }
    });
    let views: Vec<_> = views.buffered(ASKED_AT_ONCE).collect().await;
    views.into_iter().flatten().collect()
}

/// Every mistake (conference, address, code) takes the same look-up and gets the same answer.
async fn find_order(
    State(door): State<Arc<Door>>,
    Paced(client): Paced,
    Body(wanted): Body<FindOrder>,
) -> Result<Json<FoundOrder>, Rejection> {
    let email = wanted.email.trim().to_lowercase();
    door.finds_by_address.check(&(client, &wanted.conference))?;
    door.finds_by_email.check(&(&wanted.conference, &email))?;
    let ledger = match door.find(&wanted.conference).await {
        Ok(ledger) => Some(ledger),
        Err(rejection) if rejection.code == RefusalCode::ConferenceNotFound => None,
        Err(rejection) => return Err(rejection),
    };
    let code = wanted.access_code.parse::<AccessCode>().ok();
    // What no order can have, where something cannot be looked up as it is.
    let is_possible = !email.contains(char::is_control);
    let sought_email = if is_possible { email.as_str() } else { "-" };
    let sought_code = code.as_ref().map_or("-", AccessCode::as_str);
    let sought_in: LedgerId = ledger.map_or(Uuid::nil(), |ledger| ledger.0);
    let store = &door.house.store;
    let found = store.find_processes(sought_in, sought_email, sought_code).await?;
    let (Some(ledger), Some(newest)) = (ledger, found.first()) else {
        return Err(RefusalCode::OrderNotFound.into());
    };
    let order_id = OrderId(*newest);
    let house = &door.house;
    // The look-up is a copy; the ledger has the last word.
    house.ledgers.order(ledger, order_id, Authority::Granted(order_id)).await?;
    let token = Grant::issue(ledger, order_id, house.clock.now(), &house.config.secrets);
    Ok(Json(FoundOrder { order_id, token }))
}
