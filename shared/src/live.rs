//! The frames on the socket, and the names of what can be watched.
//!
//! A snapshot is always a whole view; there is no replay and no delta, so a lost frame costs nothing.

use crate::dashboard::DashboardView;
use crate::ids::OrderId;
use crate::refusal::RefusalCode;
use crate::time::Timestamp;
use crate::views::{ConferenceView, DirectoryView, OrderView};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

/// The most topics one socket may watch.
pub const TOPICS_PER_SOCKET_MAX: usize = 16;
/// The browser pings this often; two misses mean the connection is lost.
pub const HEARTBEAT_SECONDS: u32 = 20;

/// The address of one view: `directory`, `conference/{slug}`, `order/{slug}/{order id}`,
/// `dashboard/{slug}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    Directory,
    Conference { slug: String },
    Order { slug: String, order_id: OrderId },
    Dashboard { slug: String },
}

impl Topic {
    /// The slug of the conference it is about.
    #[must_use]
    pub fn slug(&self) -> Option<&str> {
        match self {
            Self::Directory => None,
            Self::Conference { slug } | Self::Order { slug, .. } | Self::Dashboard { slug } => {
                Some(slug)
            }
        }
    }
}

/// The text is not the name of a view.
#[derive(Debug, PartialEq, Eq)]
pub struct NotATopic;

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str("directory"),
            Self::Conference { slug } => write!(f, "conference/{slug}"),
            Self::Order { slug, order_id } => write!(f, "order/{slug}/{order_id}"),
            Self::Dashboard { slug } => write!(f, "dashboard/{slug}"),
        }
    }
}

impl FromStr for Topic {
    type Err = NotATopic;
    fn from_str(text: &str) -> Result<Self, NotATopic> {
        let mut parts = text.split('/');
        let topic = match (parts.next(), parts.next(), parts.next()) {
            (Some("directory"), None, None) => Self::Directory,
            (Some("conference"), Some(slug), None) => Self::Conference { slug: slug.to_owned() },
            (Some("dashboard"), Some(slug), None) => Self::Dashboard { slug: slug.to_owned() },
            (Some("order"), Some(slug), Some(id)) => {
                Self::Order { slug: slug.to_owned(), order_id: id.parse().map_err(|_| NotATopic)? }
            }
            _ => return Err(NotATopic),
        };
        if parts.next().is_some() { Err(NotATopic) } else { Ok(topic) }
    }
}

impl Serialize for Topic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Topic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|NotATopic| D::Error::custom("not the name of a view"))
    }
}

/// Any view, marked with its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum View {
    Directory(DirectoryView),
    Conference(ConferenceView),
    Order(OrderView),
    Dashboard(Box<DashboardView>),
}

/// A view and the position of the ledger it shows. The later position wins, whatever arrives first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshot {
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "conference/rustconf"))]
    pub topic: Topic,
    /// The ledger's position; the directory, which is made of many ledgers, says 0.
    pub position: u64,
    /// The server's clock when the snapshot left.
    pub server_now: Timestamp,
    pub view: View,
}

/// What the browser says on the socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Send this view now and whenever it changes. Orders need their token.
    Watch {
        topic: Topic,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    Unwatch {
        topic: Topic,
    },
    Ping,
}

/// What the server says on the socket.
#[expect(
    clippy::large_enum_variant,
    reason = "a frame is taken apart where it arrives; nobody keeps many"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// First frame: which release is serving, so that an older page can offer to reload.
    Hello {
        server_now: Timestamp,
        release: String,
    },
    Snapshot(Snapshot),
    /// This topic cannot be watched.
    Refused {
        topic: Topic,
        code: RefusalCode,
    },
    Pong {
        server_now: Timestamp,
    },
    /// The server is about to stop; connect again after this many milliseconds.
    Restarting {
        reconnect_after_ms: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn topics_are_addresses() {
        let id = "0190a5e4-0000-7000-8000-000000000001";
        for text in ["directory", "conference/rustconf", &format!("order/rustconf/{id}")] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for wrong in ["", "order/rustconf", "order/a/b", "directory/x", "conference/a/b", "x/y/z/w"]
        {
            assert_eq!(wrong.parse::<Topic>(), Err(NotATopic), "{wrong}");
        }
    }

    #[test]
    fn frames_are_readable_json() {
        let watch: ClientFrame =
            serde_json::from_str(r#"{"type":"watch","topic":"conference/rustconf"}"#).unwrap();
        assert_eq!(
            watch,
            ClientFrame::Watch {
                topic: Topic::Conference { slug: "rustconf".into() },
                token: None
            }
        );
        assert!(
            serde_json::from_str::<ClientFrame>(r#"{"type":"watch","topic":"a","x":1}"#).is_err()
        );
        let snapshot = ServerFrame::Snapshot(Snapshot {
            topic: Topic::Directory,
            position: 0,
            server_now: Timestamp(7),
            view: View::Directory(DirectoryView::default()),
        });
        let json = serde_json::to_string(&snapshot).unwrap();
        assert!(
            json.starts_with(r#"{"type":"snapshot","topic":"directory","position":0"#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<ServerFrame>(&json).unwrap(), snapshot);
    }

    proptest! {
        /// What is no topic is said so, and what is one is the same text again.
        #[test]
        fn any_text_is_one_topic_or_none(text in "(order|conference|dashboard|directory)?[/\\PC]{0,60}") {
            if let Ok(topic) = text.parse::<Topic>() {
                prop_assert_eq!(topic.to_string().parse(), Ok(topic.clone()));
                let json = serde_json::to_string(&topic).unwrap();
                prop_assert_eq!(serde_json::from_str::<Topic>(&json).unwrap(), topic);
            }
        }

        #[test]
        fn no_text_makes_the_reader_of_frames_panic(text in "[{}\\[\\]\":,a-z0-9\\\\ ]{0,80}") {
            let _ = serde_json::from_str::<ClientFrame>(&text);
            let _ = serde_json::from_str::<ServerFrame>(&text);
        }
    }
}
