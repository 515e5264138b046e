//! What a test may do from outside: set the clock and make conferences. These addresses exist only
//! where the configuration opens them, and that only on a loopback address.

use super::body::Body;
use super::problem::Rejection;
use super::{Door, fresh_id, queries};
use crate::domain::conference::{Command, Details, Owner, OwnerCode, SeatType};
use crate::owner_codes::Crowded;
use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use serde::{Deserialize, Serialize};
use shared::views::ConferenceView;
use shared::{
    AccessCode, CommandId, ConferenceId, Currency, Money, RefusalCode, SeatTypeId, Timestamp,
};
use std::sync::Arc;

const DAY_SECONDS: i64 = 24 * 60 * 60;

pub(super) fn routes() -> Router<Arc<Door>> {
    Router::new()
        .route("/test/clock", post(set_clock))
        .route("/test/conferences", post(create_conference))
        .route("/test/conferences/{slug}/quota", post(change_quota))
        .route("/test/conferences/{slug}/publication", post(publish))
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum SetClock {
    To { now_ms: Timestamp },
    By { advance_ms: i64 },
}

#[derive(Serialize)]
struct ClockReading {
    now_ms: Timestamp,
}

/// A conference with everything that a test does not care about filled in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewConference {
    slug: String,
    name: String,
    #[serde(default)]
    tagline: String,
    #[serde(default)]
    description: String,
    location: Option<String>,
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
    time_zone: Option<String>,
    currency: Option<Currency>,
    contact_email: Option<String>,
    hold_seconds: Option<u32>,
    grace_seconds: Option<u32>,
    cancel_until: Option<Timestamp>,
    assign_until: Option<Timestamp>,
    published: Option<bool>,
    /// Without one the conference is the house's own.
    owner: Option<NewOwner>,
    seat_types: Vec<NewSeatType>,
}

/// An owner whose code the test chooses; the mail says another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOwner {
    email: String,
    access_code: AccessCode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSeatType {
    name: String,
    #[serde(default)]
    description: String,
    price_minor: i64,
    quota: u32,
    per_order_max: Option<u32>,
    sale_starts_at: Option<Timestamp>,
    sale_ends_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewQuota {
    seat_type: SeatTypeId,
    quota: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publication {
    published: bool,
}

async fn set_clock(
    State(door): State<Arc<Door>>,
    Body(wanted): Body<SetClock>,
) -> Result<Json<ClockReading>, Rejection> {
    let clock = &door.house.clock;
    let now_ms = match wanted {
        SetClock::To { now_ms } => now_ms,
        SetClock::By { advance_ms } => clock.now() + advance_ms,
    };
    if !clock.set(now_ms) {
        let detail = "This server runs by the machine's clock.";
        return Err(Rejection::because(RefusalCode::Malformed, detail));
    }
    Ok(Json(ClockReading { now_ms }))
}

async fn create_conference(
    State(door): State<Arc<Door>>,
    Body(mut wanted): Body<NewConference>,
) -> Result<Json<ConferenceView>, Rejection> {
    let ledger = ConferenceId(fresh_id());
    let is_published = wanted.published.unwrap_or(true);
    let owner = wanted.owner.take();
    let (mut details, seat_types) = wanted.filled_in(door.house.clock.now());
    if let Some(NewOwner { email, access_code }) = owner {
        let hash = door.house.owner_codes.hash(&email, access_code).await;
        let hash = hash.map_err(|Crowded| RefusalCode::Busy)?;
        let code = OwnerCode { id: CommandId(fresh_id()), hash };
        details.owner = Some(Box::new(Owner { name: "Test Owner".to_owned(), email, code }));
    }
    let mut commands = vec![Command::CreateConference(details)];
    commands.extend(seat_types.into_iter().map(Command::CreateSeatType));
    if is_published {
        commands.push(Command::PublishConference);
    }
    manage(&door, ledger, commands).await
}

async fn change_quota(
    State(door): State<Arc<Door>>,
    Path(slug): Path<String>,
    Body(NewQuota { seat_type, quota }): Body<NewQuota>,
) -> Result<Json<ConferenceView>, Rejection> {
    let ledger = door.find(&slug).await?;
    manage(&door, ledger, vec![Command::ChangeQuota { seat_type, quota }]).await
}

async fn publish(
    State(door): State<Arc<Door>>,
    Path(slug): Path<String>,
    Body(Publication { published }): Body<Publication>,
) -> Result<Json<ConferenceView>, Rejection> {
    let ledger = door.find(&slug).await?;
    let command = if published { Command::PublishConference } else { Command::UnpublishConference };
    manage(&door, ledger, vec![command]).await
}

/// Performs the owner's commands and shows what became of the conference.
async fn manage(
    door: &Door,
    ledger: ConferenceId,
    commands: Vec<Command>,
) -> Result<Json<ConferenceView>, Rejection> {
    for command in commands {
        door.house.ledgers.manage(ledger, command).await?;
    }
    let view = queries::any_conference(door, ledger).await?;
    let (_, view) = view.ok_or(RefusalCode::ConferenceNotFound)?;
    Ok(Json(view))
}

impl NewConference {
    fn filled_in(self, now: Timestamp) -> (Details, Vec<SeatType>) {
        let currency = self.currency.unwrap_or(Currency::EUR);
        let starts_at = self.starts_at.unwrap_or(now.plus_seconds(90 * DAY_SECONDS));
        let details = Details {
            slug: self.slug,
            name: self.name,
            tagline: self.tagline,
            description: self.description,
            location: self.location.unwrap_or_else(|| "Berlin".to_owned()),
            starts_at,
            ends_at: self.ends_at.unwrap_or(starts_at.plus_seconds(2 * DAY_SECONDS)),
            time_zone: self.time_zone.unwrap_or_else(|| "Europe/Berlin".to_owned()),
            currency,
            contact_email: self.contact_email.unwrap_or_else(|| "help@example.org".to_owned()),
            hold_seconds: self.hold_seconds.unwrap_or(900),
            grace_seconds: self.grace_seconds.unwrap_or(60),
            cancel_until: self.cancel_until,
            assign_until: self.assign_until,
            owner: None,
        };
        let seat_types = self.seat_types.into_iter().map(|wanted| SeatType {
            id: SeatTypeId(fresh_id()),
            name: wanted.name,
            description: wanted.description,
            price: Money::new(wanted.price_minor, currency),
            quota: wanted.quota,
            per_order_max: wanted.per_order_max.unwrap_or(20),
            sale_starts_at: wanted.sale_starts_at,
            sale_ends_at: wanted.sale_ends_at,
        });
        (details, seat_types.collect())
    }
}
