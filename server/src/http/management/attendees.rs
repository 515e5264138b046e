//! `GET /api/manage/{slug}/attendees`: who sits where, in the order of seat types and names.
//!
//! Not here: who may come in (`http/admission.rs`), and who is named where
//! (`domain/seat_assignments.rs`).

use super::{Door, OwnerCookie, PAGE_AND_ONE, Rejection, asked, cut, no_such_place, sought};
use crate::http::path::Path;
use crate::http::queries;
use crate::store::people::{AttendeeKey, ListedAttendee};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use shared::management::{AttendeePage, AttendeeRow};
use shared::{AccessCode, ConferenceId, OrderId, RefusalCode, SeatTypeId, Timestamp};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

/// What stands behind the `?` of the list's address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    search: String,
    #[serde(default)]
    after: String,
}

pub(super) async fn attendees(
    State(door): State<Arc<Door>>,
    Path(slug): Path<String>,
    Ok(owner): Result<OwnerCookie, Infallible>,
    query: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<AttendeePage>, Rejection> {
    let ledger = door.owned(&owner, &slug).await?;
    let Asked { search, after } = asked(query)?;
    let after = match after.as_str() {
        "" => AttendeeKey::default(),
        place => read_key(place).ok_or_else(no_such_place)?,
    };
    let store = &door.house.store;
    let mut found = store.attendees(ledger.0, &sought(&search), &after, PAGE_AND_ONE).await?;
    let next = cut(&mut found).map(|last| write_key(&last.attendee.key()));
    let counts = store.attendee_counts(ledger.0).await?;
    let names = SeatNames::of(&door, ledger).await?;
    let attendees =
        found.into_iter().map(|listed| row(listed, &names)).collect::<Result<_, _>>()?;
    let (assigned, admitted) = (counts.assigned, counts.admitted);
    Ok(Json(AttendeePage { attendees, next, assigned, admitted }))
}

/// What the seat types of a conference are called.
pub(super) struct SeatNames(HashMap<SeatTypeId, String>);

impl SeatNames {
    pub(super) async fn of(door: &Door, ledger: ConferenceId) -> Result<Self, Rejection> {
        let found = queries::any_conference(door, ledger).await?;
        let (_, conference) = found.ok_or(RefusalCode::ConferenceNotFound)?;
        let named = conference.seat_types.into_iter().map(|line| (line.id, line.name));
        Ok(Self(named.collect()))
    }
}

pub(super) fn row(listed: ListedAttendee, names: &SeatNames) -> Result<AttendeeRow, Rejection> {
    let ListedAttendee { attendee, code } = listed;
    let Ok(access_code) = code.parse::<AccessCode>() else {
        return Err(super::unreadable());
    };
    // A type can go while the list is read, when the last of its seats has been given back.
    let seat_type = names.0.get(&SeatTypeId(attendee.kind)).cloned().unwrap_or_default();
    Ok(AttendeeRow {
        order_id: OrderId(attendee.process),
        access_code,
        position: attendee.place,
        seat_type,
        given_name: attendee.given_name,
        family_name: attendee.family_name,
        email: attendee.email,
        admitted_at: attendee.admitted_at.map(Timestamp),
    })
}

/// The name is wrapped, so that addresses in histories do not read like a list of people.
fn write_key(key: &AttendeeKey) -> String {
    let AttendeeKey { kind, sought, process, place } = key;
    format!("{kind}.{process}.{place}.{}", URL_SAFE_NO_PAD.encode(sought))
}

/// What no name can have never reaches the store, because a database may have stronger feelings about
/// odd characters.
fn read_key(text: &str) -> Option<AttendeeKey> {
    let mut parts = text.splitn(4, '.');
    let mut next = || parts.next();
    let (kind, process, place) = (next()?, next()?, next()?);
    let sought = String::from_utf8(URL_SAFE_NO_PAD.decode(next()?).ok()?).ok()?;
    let is_possible = sought.chars().all(|c| c == '\n' || !c.is_control());
    is_possible.then_some(())?;
    let (kind, process) = (kind.parse().ok()?, process.parse().ok()?);
    Some(AttendeeKey { kind, sought, process, place: place.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(sought: &str) -> AttendeeKey {
        let (kind, process) = (Uuid::from_u128(1), Uuid::from_u128(2));
        AttendeeKey { kind, sought: sought.to_owned(), process, place: 19 }
    }

    #[test]
    fn a_place_in_the_list_can_be_read_back() {
        for sought in ["", "o'neill ägnes\nägnes o'neill\nagnes.x@example.org"] {
            let written = write_key(&key(sought));
            assert_eq!(read_key(&written), Some(key(sought)));
            assert!(written.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)));
        }
    }

    #[test]
    fn nothing_else_is_a_place() {
        let good = write_key(&key("x"));
        let (front, _) = good.rsplit_once('.').unwrap();
        for wrong in [
            "",
            "....",
            front,
            &format!("{good}="),
            &good.replace(".19.", ".-1."),
            &good.replace(".19.", ".4294967296."),
            &format!("{front}.{}", URL_SAFE_NO_PAD.encode([0xff, 0xfe])),
            &write_key(&key("a\0b")),
        ] {
            assert_eq!(read_key(wrong), None, "{wrong}");
        }
    }
}
