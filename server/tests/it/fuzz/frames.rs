//! Anything on a live socket: it hears what it may hear, or is closed, and leaves nothing behind.

use super::{SLUG, World, check, odd};
use futures_util::{SinkExt, StreamExt};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::live::{ClientFrame, ServerFrame, Topic};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
enum Said {
    Frame(Value),
    Text(String),
    Bytes(Vec<u8>),
    Ping(Vec<u8>),
    /// Watches and lets go of what there is, so many times.
    Busy(usize),
}

fn topic(world: &World, which: usize) -> Topic {
    let slug = SLUG.to_owned();
    match which % 4 {
        0 => Topic::Directory,
        1 => Topic::Conference { slug },
        2 => Topic::Dashboard { slug },
        _ => Topic::Order { slug, order_id: world.ada.order_id },
    }
}

fn said() -> impl Strategy<Value = Said> {
    let topic = prop_oneof![
        Just("directory".to_owned()),
        Just(format!("conference/{SLUG}")),
        Just(format!("dashboard/{SLUG}")),
        any::<u128>().prop_map(|id| format!("order/{SLUG}/{}", uuid::Uuid::from_u128(id))),
        odd::text().prop_map(|text| format!("conference/{text}")),
        odd::text(),
    ];
    let kind = prop_oneof![
        3 => Just("watch".to_owned()),
        1 => Just("unwatch".to_owned()),
        1 => Just("ping".to_owned()),
        1 => odd::text(),
    ];
    let token = prop::option::of(prop_oneof![
        odd::text(),
        Just("t".repeat(64)),
        (any::<u128>(), any::<i64>(), "[A-Za-z0-9_-]{0,50}")
            .prop_map(|(id, until, mac)| format!("g1.{}.{until}.{mac}", uuid::Uuid::from_u128(id))),
    ]);
    let frame = (kind, topic, token).prop_map(|(kind, topic, token)| {
        let mut frame = json!({ "type": kind });
        if kind != "ping" {
            frame["topic"] = json!(topic);
        }
        if let Some(token) = token {
            frame["token"] = json!(token);
        }
        Said::Frame(frame)
    });
    prop_oneof![
        6 => frame,
        1 => odd::value().prop_map(Said::Frame),
        1 => odd::text().prop_map(Said::Text),
        1 => vec(any::<u8>(), 0..300).prop_map(Said::Bytes),
        1 => vec(any::<u8>(), 0..125).prop_map(Said::Ping),
        1 => (1_usize..40).prop_map(Said::Busy),
    ]
}

impl Said {
    fn messages(&self, world: &World) -> Vec<Message> {
        let text = |frame: &ClientFrame| serde_json::to_string(frame).unwrap().into();
        match self {
            Self::Frame(value) => vec![Message::Text(value.to_string().into())],
            Self::Text(text) => vec![Message::Text(text.as_str().into())],
            Self::Bytes(bytes) => vec![Message::Binary(bytes.clone().into())],
            Self::Ping(bytes) => vec![Message::Ping(bytes.clone().into())],
            Self::Busy(times) => (0..*times)
                .map(|which| {
                    let topic = topic(world, which);
                    let token = Some(world.ada.token.clone());
                    let watch = ClientFrame::Watch { topic: topic.clone(), token };
                    let frame = if which % 7 == 6 { ClientFrame::Unwatch { topic } } else { watch };
                    Message::Text(text(&frame))
                })
                .collect(),
        }
    }
}

/// Says all that and hears the answer to one more question, or the end.
async fn talk(world: &World, all: &[Said]) {
    let mut request = world.house.ws_url().into_client_request().unwrap();
    request.headers_mut().insert("cookie", world.mia.cookie.clone().unwrap().parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let last = serde_json::to_string(&ClientFrame::Ping).unwrap();
    let messages = all.iter().flat_map(|said| said.messages(world));
    for message in messages.chain([Message::Text(last.into())]) {
        if socket.send(message).await.is_err() {
            break;
        }
    }
    while let Some(Ok(message)) = timeout(PATIENCE, socket.next()).await.expect("it goes on") {
        match message {
            Message::Text(text) => match serde_json::from_str(&text).expect("a frame") {
                ServerFrame::Pong { .. } => break,
                ServerFrame::Hello { .. }
                | ServerFrame::Snapshot(_)
                | ServerFrame::Refused { .. } => {}
                ServerFrame::Restarting { .. } => panic!("it restarts"),
            },
            Message::Pong(_) => {}
            Message::Close(close) => {
                let code = close.map(|close| close.code);
                let is_ours = matches!(code, None | Some(CloseCode::Policy | CloseCode::Normal));
                assert!(is_ours, "{code:?}");
                break;
            }
            other => panic!("the server never says {other:?}"),
        }
    }
}

#[test]
fn no_frame_breaks_a_socket_or_its_neighbours() {
    let world = World::new();
    check(150, file!(), vec(said(), 1..6), |all| {
        world.runtime.block_on(async {
            talk(&world, &all).await;
            talk(&world, &[]).await;
            world.assert_serves().await;
        });
    });
    let left = || world.house.hub.topics();
    world
        .runtime
        .block_on(crate::payment::eventually("nothing is watched any more", async || left() == 0));
}
