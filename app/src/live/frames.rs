//! Reads the frames of `shared::live` in a third of the code that serde makes for tagged enums: one
//! flat struct, and the view's text by the kind of its topic. The tests hold it to the shared types.
//!
//! Not here: what a frame means (`live.rs`).

use crate::json::{self, Later};
use serde::Deserialize;
use shared::live::{ServerFrame, Snapshot, Topic, View};
use shared::{RefusalCode, Timestamp};
use std::sync::OnceLock;

/// How a dashboard is read, once a program said that it wants to know: those who register are not to
/// load the code for it.
static DASHBOARD: OnceLock<fn(&str) -> Option<View>> = OnceLock::new();

/// This program watches dashboards.
pub fn understand_dashboards() {
    let read: fn(&str) -> Option<View> =
        |text| json::read(text).ok().map(|view| View::Dashboard(Box::new(view)));
    let _ = DASHBOARD.set(read);
}

/// All fields of all frames.
#[derive(Deserialize)]
struct Flat<'a> {
    #[serde(default, rename = "type")]
    kind: String,
    server_now: Option<Timestamp>,
    release: Option<String>,
    topic: Option<Topic>,
    position: Option<u64>,
    #[serde(borrow)]
    view: Option<Later<'a>>,
    code: Option<RefusalCode>,
    reconnect_after_ms: Option<u32>,
}

/// Reads a frame; `None` for one that a newer server invented.
#[must_use]
pub(super) fn read_frame(text: &str) -> Option<ServerFrame> {
    let flat: Flat<'_> = json::read(text).ok()?;
    Some(match flat.kind.as_str() {
        "hello" => ServerFrame::Hello { server_now: flat.server_now?, release: flat.release? },
        "snapshot" => ServerFrame::Snapshot(snapshot(flat)?),
        "refused" => ServerFrame::Refused { topic: flat.topic?, code: flat.code? },
        "pong" => ServerFrame::Pong { server_now: flat.server_now? },
        "restarting" => ServerFrame::Restarting { reconnect_after_ms: flat.reconnect_after_ms? },
        _ => return None,
    })
}

/// Reads a snapshot that did not come as a frame.
#[must_use]
pub fn read_snapshot(text: &str) -> Option<Snapshot> {
    snapshot(json::read(text).ok()?)
}

fn snapshot(flat: Flat<'_>) -> Option<Snapshot> {
    let (topic, text) = (flat.topic?, flat.view?.0);
    let view = match topic {
        Topic::Directory => View::Directory(json::read(text).ok()?),
        Topic::Conference { .. } => View::Conference(json::read(text).ok()?),
        Topic::Order { .. } => View::Order(json::read(text).ok()?),
        Topic::Dashboard { .. } => DASHBOARD.get()?(text)?,
    };
    Some(Snapshot { topic, position: flat.position?, server_now: flat.server_now?, view })
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::views::{ConferenceView, DirectoryView, OrderStatus, OrderView};
    use shared::{AccessCode, ConferenceId, Currency, Money, OrderId};
    use uuid::Uuid;

    fn views() -> [(Topic, View); 3] {
        let order_id = OrderId(Uuid::from_u128(7));
        let conference = ConferenceView {
            id: ConferenceId(Uuid::nil()),
            slug: "rustconf".into(),
            name: "RustConf".into(),
            tagline: String::new(),
            description: "“Quoted” \u{1f980} {\"kind\":\"order\"}".into(),
            location: "Berlin".into(),
            starts_at: Timestamp(1),
            ends_at: Timestamp(2),
            time_zone: "Europe/Berlin".into(),
            currency: Currency::EUR,
            contact_email: "a@example.org".into(),
            hold_minutes: 15,
            cancel_until: None,
            assign_until: None,
            is_published: true,
            high_demand: false,
            seat_types: Vec::new(),
        };
        let order = OrderView {
            id: order_id,
            conference_id: ConferenceId(Uuid::nil()),
            conference: "rustconf".into(),
            access_code: AccessCode::from_random(7),
            status: OrderStatus::PartlyHeld,
            lines: Vec::new(),
            total: Money::zero(Currency::EUR),
            placed_at: Timestamp(1),
            hold_expires_at: Timestamp(2),
            extensions_left: 10,
            registrant: None,
            payment: None,
            confirmed_at: None,
            seats: Vec::new(),
            was_short: false,
        };
        let slug = || "rustconf".to_owned();
        [
            (Topic::Directory, View::Directory(DirectoryView::default())),
            (Topic::Conference { slug: slug() }, View::Conference(conference)),
            (Topic::Order { slug: slug(), order_id }, View::Order(order)),
        ]
    }

    #[test]
    fn every_frame_is_read_as_the_shared_type_reads_it() {
        let now = Timestamp(5);
        let mut frames = vec![
            ServerFrame::Hello { server_now: now, release: "1".into() },
            ServerFrame::Refused { topic: Topic::Directory, code: RefusalCode::ViewUnknown },
            ServerFrame::Pong { server_now: now },
            ServerFrame::Restarting { reconnect_after_ms: 700 },
        ];
        for (topic, view) in views() {
            let snapshot = Snapshot { topic, position: 3, server_now: now, view };
            let text = serde_json::to_string(&snapshot).unwrap();
            assert_eq!(read_snapshot(&text), Some(snapshot.clone()));
            frames.push(ServerFrame::Snapshot(snapshot));
        }
        for frame in frames {
            let text = serde_json::to_string(&frame).unwrap();
            assert_eq!(read_frame(&text), Some(frame), "{text}");
        }
    }

    /// A page of this release is open while newer servers answer: they may say more in every place.
    #[test]
    fn what_a_newer_server_says_more_is_passed_over() {
        for (topic, view) in views() {
            let snapshot = Snapshot { topic, position: 3, server_now: Timestamp(5), view };
            let mut json = serde_json::to_value(&snapshot).unwrap();
            json["invented_later"] = 1.into();
            json["view"]["invented_later"] = serde_json::json!({ "deep": [1] });
            assert_eq!(read_snapshot(&json.to_string()), Some(snapshot));
        }
    }

    #[test]
    fn what_is_not_for_us_is_no_frame() {
        for text in ["", "{}", r#"{"type":"invented"}"#, r#"{"type":"snapshot","topic":"x"}"#] {
            assert_eq!(read_frame(text), None, "{text}");
        }
        assert_eq!(read_snapshot("<!--boot-->"), None);
    }
}
