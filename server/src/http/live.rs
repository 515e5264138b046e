//! `GET /api/live`: the socket. Watch a view, get it now and whenever it changes.
//!
//! Latest wins: what could not be sent yet is replaced by what is newer, so a slow reader skips
//! states and costs nobody anything. Everything a client can do here has a bound.
//! Not here: which views there are (`http/queries.rs`) and who is told of a change (`live.rs`).

use super::owner_session::OwnerCookie;
use super::places::Full;
use super::problem::Rejection;
use super::session::{Caller, Client};
use super::{Door, Route, openapi, passage, queries};
use crate::live::{Frame, Mailbox, snapshot_frame};
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use shared::live::{ClientFrame, ServerFrame, TOPICS_PER_SOCKET_MAX, Topic};
use shared::{RefusalCode, Timestamp};
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, timeout};
use tracing::debug;
use utoipa::openapi::HttpMethod;

/// The longest honest frame is a watch with a grant, some 300 bytes.
const FRAME_BYTES_MAX: usize = 4 * 1024;
/// What is read at all before we know that it is too long.
const READ_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;
/// Read at once; every socket has such a buffer all the time, and pages say little.
const READ_BUFFER_BYTES: usize = 1024;
/// What may wait to be written to one socket.
const WRITE_BYTES_MAX: usize = 1024 * 1024;
const FRAMES_PER_SECOND: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
/// A page that connects again watches all its topics at once.
const FRAMES_BURST: NonZeroU32 = NonZeroU32::new(64).expect("not zero");
/// Three heartbeats and a little.
const IDLE_MAX: Duration = Duration::from_secs(65);
/// A reader that does not take a frame for so long is gone.
const SEND_MAX: Duration = Duration::from_secs(10);
/// An owner's session is looked at again after this many milliseconds, for as long as a dashboard is
/// watched with it.
const SESSION_AGE_MAX_MS: i64 = 30_000;

pub(super) fn route() -> Route {
    Route {
        path: "/api/live".to_owned(),
        handlers: get(connect),
        method: HttpMethod::Get,
        operation: openapi::socket(),
    }
}

async fn connect(
    State(door): State<Arc<Door>>,
    parts: Parts,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Rejection> {
    // A browser opens sockets for any page; the same-origin rule of requests does not hold here.
    passage::check_origin(&parts.headers, &parts.uri, &door.house.public_url)?;
    let upgrade = upgrade.map_err(|_| {
        Rejection::because(RefusalCode::Malformed, "This address speaks WebSocket only.")
    })?;
    let owner = OwnerCookie::of(&parts.headers);
    let client = Client::of(&parts.extensions);
    let place = door.sockets.enter(client).map_err(|full| match full {
        Full::Server => RefusalCode::Busy,
        Full::Client => RefusalCode::TooManyRequests,
    })?;
    let upgrade = upgrade
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        Connection::new(door, socket, (client, owner)).serve().await;
        drop(place);
    }))
}

/// One socket and what it watches.
struct Connection {
    door: Arc<Door>,
    socket: WebSocket,
    mailbox: Arc<Mailbox>,
    watched: HashSet<Topic>,
    client: Client,
    /// The cookie that came with the socket; it opens the owner's topics.
    owner: OwnerCookie,
    /// When the owner's session is looked at again, while its topics are watched.
    check_owner_at: Option<Timestamp>,
    pace: Option<DefaultDirectRateLimiter>,
    /// Ticks when nothing was heard for too long.
    silence: Interval,
}

/// Why a socket ends.
enum End {
    /// The other side went, or does not take what we send.
    Gone,
    /// The other side does not keep to the rules.
    Policy(&'static str),
    Idle,
    Restart,
}

type Flow = ControlFlow<End>;

impl Connection {
    fn new(door: Arc<Door>, socket: WebSocket, (client, owner): (Client, OwnerCookie)) -> Self {
        let is_limited = door.house.config.http.commands_per_minute > 0;
        let quota = Quota::per_second(FRAMES_PER_SECOND).allow_burst(FRAMES_BURST);
        Self {
            door,
            socket,
            mailbox: Arc::default(),
            watched: HashSet::new(),
            client,
            owner,
            check_owner_at: None,
            pace: is_limited.then(|| RateLimiter::direct(quota)),
            silence: tokio::time::interval(IDLE_MAX),
        }
    }

    async fn serve(mut self) {
        let end = match self.hello().await {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(()) => self.talk().await,
        };
        self.say_goodbye(end).await;
    }

    async fn hello(&mut self) -> Flow {
        self.silence.reset();
        let house = &self.door.house;
        let hello = ServerFrame::Hello {
            server_now: house.clock.now(),
            release: house.release.to_string(),
        };
        self.send(&hello).await
    }

    async fn talk(&mut self) -> End {
        let leaving = self.door.house.leaving.clone();
        let mut turn = pin!(leaving.turn());
        let clock = self.door.house.clock.clone();
        loop {
            let check_owner_at = self.check_owner_at;
            let flow = tokio::select! {
                () = &mut turn => ControlFlow::Break(End::Restart),
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.hear(message).await,
                    Some(Err(_)) => ControlFlow::Break(End::Policy("that cannot be read")),
                    None => ControlFlow::Break(End::Gone),
                },
                frames = self.mailbox.take() => self.push(frames).await,
                // Another server knows what this one does not.
                () = self.mailbox.sent_away() => ControlFlow::Break(End::Restart),
                () = clock.sleep_until(check_owner_at.unwrap_or_default()), if check_owner_at.is_some() => {
                    self.check_owner().await
                }
                _ = self.silence.tick() => ControlFlow::Break(End::Idle),
            };
            if let ControlFlow::Break(end) = flow {
                return end;
            }
        }
    }

    async fn hear(&mut self, message: Message) -> Flow {
        self.silence.reset();
        if self.pace.as_ref().is_some_and(|pace| pace.check().is_err()) {
            return ControlFlow::Break(End::Policy("too many frames"));
        }
        let text = match message {
            Message::Text(text) => text,
            // Answered by the library.
            Message::Ping(_) | Message::Pong(_) => return ControlFlow::Continue(()),
            Message::Binary(_) => return ControlFlow::Break(End::Policy("frames are text")),
            Message::Close(_) => return ControlFlow::Break(End::Gone),
        };
        if FRAME_BYTES_MAX < text.len() {
            return ControlFlow::Break(End::Policy("that frame is too long"));
        }
        match serde_json::from_str(&text) {
            Ok(ClientFrame::Watch { topic, token }) => self.watch(topic, token).await,
            Ok(ClientFrame::Unwatch { topic }) => {
                self.unwatch(&topic);
                ControlFlow::Continue(())
            }
            Ok(ClientFrame::Ping) => {
                let server_now = self.door.house.clock.now();
                self.send(&ServerFrame::Pong { server_now }).await
            }
            Err(_) => ControlFlow::Break(End::Policy("that is no frame")),
        }
    }

    /// What one client watches on all its sockets counts as what it asks for otherwise.
    async fn watch(&mut self, topic: Topic, token: Option<String>) -> Flow {
        if self.door.requests.check(&self.client).is_err() {
            return ControlFlow::Break(End::Policy("too many requests from your address"));
        }
        let caller = token.map_or(Caller::Nobody, |token| Caller::with_token(&token));
        match self.try_watch(&topic, &caller).await {
            // A push would replace it in the mailbox, but only this one is whole.
            Ok(frame) if matches!(topic, Topic::Dashboard { .. }) => {
                let next = self.door.house.clock.now() + SESSION_AGE_MAX_MS;
                self.check_owner_at.get_or_insert(next);
                self.mailbox.passed_by(&topic, frame.position);
                self.push(vec![frame]).await
            }
            Ok(frame) => {
                // Through the mailbox, where a change that came meanwhile wins if it is newer.
                self.mailbox.put(&topic, frame);
                ControlFlow::Continue(())
            }
            Err(rejection) => {
                self.send(&ServerFrame::Refused { topic, code: rejection.code }).await
            }
        }
    }

    async fn try_watch(&mut self, topic: &Topic, caller: &Caller) -> Result<Frame, Rejection> {
        if !self.watched.contains(topic) && TOPICS_PER_SOCKET_MAX <= self.watched.len() {
            return Err(RefusalCode::TooManyTopics.into());
        }
        // Deliveries begin first, so that nothing is missed between them and what we ask now. They wait
        // in the mailbox until this returns: a stranger does not get even one frame. The directory has
        // no changes of its own to deliver.
        let is_new = self.watched.insert(topic.clone());
        if is_new && *topic != Topic::Directory {
            self.door.house.hub.watch(topic, &self.mailbox);
        }
        let snapshot = queries::snapshot(&self.door, topic.clone(), (caller, &self.owner)).await;
        if is_new && snapshot.is_err() {
            self.unwatch(topic);
        }
        let snapshot = snapshot?;
        Ok(snapshot_frame(topic, snapshot.position, snapshot.server_now, &snapshot.view))
    }

    fn unwatch(&mut self, topic: &Topic) {
        self.door.house.hub.unwatch(topic, &self.mailbox);
        self.watched.remove(topic);
    }

    /// A session may end while its dashboards are open: then nothing more is pushed to them.
    async fn check_owner(&mut self) -> Flow {
        let mut next = None;
        for topic in self.watched.iter().cloned().collect::<Vec<_>>() {
            let Topic::Dashboard { slug } = &topic else { continue };
            match self.door.owned(&self.owner, slug).await {
                // A store that is away says nothing about the session, and nothing changes meanwhile.
                Ok(_) | Err(Rejection { code: RefusalCode::Unavailable, .. }) => {
                    next = Some(self.door.house.clock.now() + SESSION_AGE_MAX_MS);
                }
                Err(rejection) => {
                    self.unwatch(&topic);
                    self.send(&ServerFrame::Refused { topic, code: rejection.code }).await?;
                }
            }
        }
        self.check_owner_at = next;
        ControlFlow::Continue(())
    }

    async fn push(&mut self, frames: Vec<Frame>) -> Flow {
        for frame in frames {
            self.send_text(frame.text).await?;
        }
        ControlFlow::Continue(())
    }

    async fn send(&mut self, frame: &ServerFrame) -> Flow {
        let text = serde_json::to_string(frame).expect("frames are plain data");
        self.send_text(text.into()).await
    }

    async fn send_text(&mut self, text: axum::extract::ws::Utf8Bytes) -> Flow {
        match timeout(SEND_MAX, self.socket.send(Message::Text(text))).await {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) | Err(_) => ControlFlow::Break(End::Gone),
        }
    }

    async fn say_goodbye(&mut self, end: End) {
        let (code, reason) = match end {
            End::Gone => return,
            End::Policy(reason) => {
                debug!(reason, "Closed a socket that does not keep to the rules");
                (close_code::POLICY, reason)
            }
            End::Idle => (close_code::NORMAL, "nothing was heard for a while"),
            End::Restart => {
                let reconnect_after_ms = self.door.house.leaving.reconnect_after_ms();
                if self.send(&ServerFrame::Restarting { reconnect_after_ms }).await.is_break() {
                    return;
                }
                (close_code::RESTART, "restarting")
            }
        };
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // Whether it arrives is the other side's business now.
        let _ = timeout(SEND_MAX, self.socket.send(close)).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for topic in &self.watched {
            self.door.house.hub.unwatch(topic, &self.mailbox);
        }
    }
}
