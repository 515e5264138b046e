//! One socket for the page: watches topics, fills one signal per view, backs off, and falls back to
//! asking over HTTP when sockets do not get through.
//!
//! A snapshot is whole and the later position wins, so there is nothing to replay. Not here: what to
//! watch (`registration.rs`), and what a state of the connection looks like (`components/banner.rs`).

mod connection;
mod frames;

use crate::{api, browser, countdown::ServerClock, release};
pub use connection::Connection;
pub use frames::{read_snapshot, understand_dashboards};

use leptos::prelude::*;
use shared::dashboard::DashboardView;
use shared::live::{ClientFrame, ServerFrame, Snapshot, Topic, View};
use shared::views::{ConferenceView, DirectoryView, OrderView};
use shared::{RefusalCode, Timestamp};
use wasm_bindgen::JsCast;

/// Without the socket, watched views are asked for this often.
const POLL_MS: i64 = 10_000;
/// While somebody waits for an answer: after these pauses, the last one again and again.
const HURRY_MS: [i64; 4] = [500, 1_000, 2_000, 2_000];
/// A view is not asked for again sooner than this.
const REFRESH_MS: i64 = 2_000;

/// A view, where it stands in its ledger, and when it was last confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen<T> {
    pub view: T,
    pub position: u64,
    /// The server's clock when it sent this.
    pub as_of: Timestamp,
    /// The steady clock when it arrived.
    pub heard_ms: i64,
}

/// A topic with the token that opens it.
#[derive(Clone)]
struct Watched {
    topic: Topic,
    token: Option<String>,
}

/// The views that are watched, the server's time, and the state of the connection. `Copy`: pages and
/// closures pass it around.
#[derive(Clone, Copy)]
pub struct Live {
    pub directory: RwSignal<Option<Seen<DirectoryView>>>,
    pub conference: RwSignal<Option<Seen<ConferenceView>>>,
    pub order: RwSignal<Option<Seen<OrderView>>>,
    /// Only in a program that called [`understand_dashboards`].
    pub dashboard: RwSignal<Option<Seen<Box<DashboardView>>>>,
    /// Topics that the server refused since they were last watched.
    pub refused: RwSignal<Vec<(Topic, RefusalCode)>>,
    pub connection: RwSignal<Connection>,
    /// The server's time at the last tick.
    pub now: RwSignal<Timestamp>,
    /// The steady clock at the last tick.
    pub steady_ms: RwSignal<i64>,
    /// The device slept: nothing is enabled until a fresh view has come.
    pub is_stale: RwSignal<bool>,
    /// A newer release is serving than the one this page came from.
    pub newer_release: RwSignal<bool>,
    watched: StoredValue<Vec<Watched>>,
    clock: StoredValue<ServerClock>,
    wire: StoredValue<connection::Wire, LocalStorage>,
    polled_ms: StoredValue<i64>,
    /// Which pause of `HURRY_MS` is next, and when it ends.
    hurry: StoredValue<Option<(usize, i64)>>,
}

impl Live {
    /// Starts with the view that came inside the page, if one did, and opens the socket.
    #[must_use]
    pub fn start(boot: Option<Snapshot>) -> Self {
        let live = Self {
            directory: RwSignal::new(None),
            conference: RwSignal::new(None),
            order: RwSignal::new(None),
            dashboard: RwSignal::new(None),
            refused: RwSignal::new(Vec::new()),
            connection: RwSignal::new(Connection::Connecting),
            now: RwSignal::new(Timestamp(0)),
            steady_ms: RwSignal::new(browser::steady_ms()),
            is_stale: RwSignal::new(false),
            newer_release: RwSignal::new(false),
            watched: StoredValue::new(Vec::new()),
            clock: StoredValue::new(ServerClock::default()),
            wire: StoredValue::new_local(connection::Wire::default()),
            polled_ms: StoredValue::new(browser::steady_ms()),
            hurry: StoredValue::new(None),
        };
        if let Some(snapshot) = boot {
            // The page itself was asked for at zero of the steady clock.
            live.answered(snapshot, 0);
        }
        live.open_socket();
        live
    }

    /// Watches a topic from now on. A topic of the same kind that was watched before is left, and
    /// its view forgotten, unless it is the same one.
    pub fn watch(self, topic: Topic, token: Option<String>) {
        let before = self.watched_like(&topic);
        if let Some(before) = before.filter(|before| before.topic != topic) {
            self.unwatch(&before.topic);
        }
        self.refused.update(|refused| refused.retain(|(known, _)| *known != topic));
        self.watched.update_value(|watched| {
            watched.retain(|known| known.topic != topic);
            watched.push(Watched { topic: topic.clone(), token: token.clone() });
        });
        if !self.say(&ClientFrame::Watch { topic: topic.clone(), token: token.clone() })
            && !self.has_view(&topic)
        {
            self.get(topic, token);
        }
    }

    /// Stops watching a topic and forgets its view.
    pub fn unwatch(self, topic: &Topic) {
        self.watched.update_value(|watched| watched.retain(|known| known.topic != *topic));
        self.say(&ClientFrame::Unwatch { topic: topic.clone() });
        match topic {
            Topic::Directory => self.directory.set(None),
            Topic::Conference { .. } => self.conference.set(None),
            Topic::Order { .. } => self.order.set(None),
            Topic::Dashboard { .. } => self.dashboard.set(None),
        }
    }

    /// Stops watching whatever order is watched.
    pub fn unwatch_order(self) {
        let topics = self.watched.get_value().into_iter().map(|watched| watched.topic);
        for topic in topics.filter(|topic| matches!(topic, Topic::Order { .. })) {
            self.unwatch(&topic);
        }
    }

    /// Asks for every watched view now, over the socket or, without one, over HTTP.
    pub fn refresh(self) {
        for Watched { topic, token } in self.watched.get_value() {
            let frame = ClientFrame::Watch { topic: topic.clone(), token: token.clone() };
            if !self.say(&frame) {
                self.get(topic, token);
            }
        }
    }

    /// Asks for the conference's numbers if they were not confirmed just now.
    pub fn freshen(self) {
        let heard_ms = self.conference.with_untracked(|seen| seen.as_ref().map(|s| s.heard_ms));
        let is_old = heard_ms.is_some_and(|heard| REFRESH_MS < browser::steady_ms() - heard);
        if is_old {
            self.refresh();
        }
    }

    /// Somebody waits for the order: ask over HTTP in short steps until `calm`, in case the socket
    /// is silent.
    pub fn hurry(self) {
        self.hurry.set_value(Some((0, browser::steady_ms() + HURRY_MS[0])));
    }

    /// Nobody waits any more.
    pub fn calm(self) {
        self.hurry.set_value(None);
    }

    /// Called twice a second: time goes on, and what is due is done.
    pub fn tick(self) {
        let steady_ms = browser::steady_ms();
        let mut clock = self.clock.get_value();
        let has_jumped = clock.has_jumped(browser::wall_ms(), steady_ms);
        self.clock.set_value(clock);
        self.steady_ms.set(steady_ms);
        self.now.set(clock.now(steady_ms));
        if has_jumped {
            self.is_stale.set(true);
            self.refresh();
        }
        self.poll_if_due(steady_ms);
        self.look_after_socket(steady_ms);
    }

    /// The server's time at this very moment.
    #[must_use]
    pub fn server_now(self) -> Timestamp {
        self.clock.get_value().now(browser::steady_ms())
    }

    fn poll_if_due(self, steady_ms: i64) {
        if let Some((step, due_ms)) = self.hurry.get_value()
            && due_ms <= steady_ms
        {
            let next = (step + 1).min(HURRY_MS.len() - 1);
            self.hurry.set_value(Some((next, steady_ms + HURRY_MS[next])));
            self.get_all();
        } else if !self.has_socket()
            && self.connection.get_untracked().asks_over_http()
            && self.polled_ms.get_value() + POLL_MS <= steady_ms
        {
            self.get_all();
        }
    }

    /// Asks for every watched view over HTTP: an open socket is not a live feed.
    pub fn get_all(self) {
        self.polled_ms.set_value(browser::steady_ms());
        let watched = self.watched.get_value();
        if watched.is_empty() {
            self.get(Topic::Directory, None);
        }
        for Watched { topic, token } in watched {
            self.get(topic, token);
        }
    }

    /// Asks for one view over HTTP; the outcome also tells whether HTTP gets through.
    fn get(self, topic: Topic, token: Option<String>) {
        leptos::task::spawn_local(async move {
            match api::view(&topic, token.as_deref()).await {
                Ok((snapshot, asked_at_ms)) => {
                    self.http_worked(true);
                    self.answered(snapshot, asked_at_ms);
                }
                Err(api::Failure::Refused(problem)) => {
                    self.http_worked(true);
                    self.was_refused(topic, problem.code);
                }
                Err(api::Failure::Unreachable) => self.http_worked(false),
                Err(api::Failure::Faulty { .. }) => {}
            }
        });
    }

    fn answered(self, snapshot: Snapshot, asked_at_ms: i64) {
        self.clock.update_value(|clock| clock.answered(snapshot.server_now, asked_at_ms));
        self.show(snapshot);
    }

    /// Handles one frame of the socket.
    fn heard(self, text: &str) {
        // A frame that a newer server invented is not for us.
        let Some(frame) = frames::read_frame(text) else { return };
        let arrived_ms = browser::steady_ms();
        let pushed = |server_now| {
            self.clock.update_value(|clock| clock.pushed(server_now, arrived_ms));
        };
        match frame {
            ServerFrame::Hello { server_now, release } => {
                self.clock.update_value(|clock| clock.greeted(server_now, arrived_ms));
                self.newer_release.set(release::is_newer(&release));
            }
            ServerFrame::Snapshot(snapshot) => {
                pushed(snapshot.server_now);
                self.show(snapshot);
            }
            ServerFrame::Refused { topic, code } => self.was_refused(topic, code),
            ServerFrame::Pong { server_now } => pushed(server_now),
            ServerFrame::Restarting { reconnect_after_ms } => {
                self.expect_restart(i64::from(reconnect_after_ms));
            }
        }
    }

    fn was_refused(self, topic: Topic, code: RefusalCode) {
        self.refused.update(|refused| {
            refused.retain(|(known, _)| *known != topic);
            refused.push((topic, code));
        });
    }

    /// Puts a snapshot into its signal, if it is watched (or came with the page) and not older than
    /// what is there.
    fn show(self, snapshot: Snapshot) {
        let Snapshot { topic, position, server_now, view } = snapshot;
        if self.watched_like(&topic).is_some_and(|watched| watched.topic != topic) {
            return;
        }
        self.is_stale.set(false);
        let heard_ms = browser::steady_ms();
        self.now.set(self.server_now());
        match view {
            View::Directory(view) => {
                place(self.directory, Seen { view, position, as_of: server_now, heard_ms });
            }
            View::Conference(view) => {
                place(self.conference, Seen { view, position, as_of: server_now, heard_ms });
            }
            View::Order(view) => {
                place(self.order, Seen { view, position, as_of: server_now, heard_ms });
            }
            View::Dashboard(view) => {
                place(self.dashboard, Seen { view, position, as_of: server_now, heard_ms });
            }
        }
        self.refused.update(|refused| refused.retain(|(known, _)| *known != topic));
    }

    /// The watched topic of the same kind.
    fn watched_like(self, topic: &Topic) -> Option<Watched> {
        let kind = std::mem::discriminant(topic);
        let watched = self.watched.get_value();
        watched.into_iter().find(|known| std::mem::discriminant(&known.topic) == kind)
    }

    fn has_view(self, topic: &Topic) -> bool {
        match topic {
            Topic::Directory => self.directory.with_untracked(Option::is_some),
            Topic::Conference { slug } => self
                .conference
                .with_untracked(|seen| seen.as_ref().is_some_and(|seen| seen.view.slug == *slug)),
            Topic::Order { order_id, .. } => self
                .order
                .with_untracked(|seen| seen.as_ref().is_some_and(|seen| seen.view.id == *order_id)),
            Topic::Dashboard { .. } => self.dashboard.with_untracked(Option::is_some),
        }
    }

    /// Says something on the socket; false when there is none.
    fn say(self, frame: &ClientFrame) -> bool {
        let text = serde_json::to_string(frame).unwrap_or_default();
        self.send_text(&text)
    }
}

/// The later position wins, whatever arrives first.
fn place<T: Send + Sync + 'static>(signal: RwSignal<Option<Seen<T>>>, seen: Seen<T>) {
    let known = signal.with_untracked(|known| known.as_ref().map(|known| known.position));
    if known.is_none_or(|known| known <= seen.position) {
        signal.set(Some(seen));
    }
}

/// The view that the server put into the page.
#[must_use]
pub fn boot() -> Option<Snapshot> {
    let element = document().get_element_by_id("boot")?;
    let text = element.text_content()?;
    // Read once: going on inside the app must not bring the old view back.
    element.unchecked_into::<web_sys::HtmlElement>().remove();
    read_snapshot(&text)
}
