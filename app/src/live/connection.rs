//! The wire under `live.rs`: opening the socket, noticing that it is dead, and coming back with growing
//! pauses that differ from browser to browser.
//!
//! Not here: what the frames mean.

use super::Live;
use crate::browser;
use leptos::prelude::*;
use shared::live::{ClientFrame, HEARTBEAT_SECONDS};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Event, MessageEvent, WebSocket};

/// The first pause before connecting again; doubles each time.
const PAUSE_FIRST_MS: i64 = 500;
const PAUSE_MAX_MS: i64 = 30_000;
/// However long the server says that it will be away: behind a proxy another one is there already, and
/// with this nobody sees anything of it. Who finds nobody waits as after any other loss.
const RESTART_MS_MAX: i64 = 1_000;
/// A loss shorter than this is not worth a word.
const WOBBLE_MS: i64 = 2_000;
/// A socket that has not opened by then counts as refused.
const OPEN_WITHIN_MS: i64 = 8_000;
/// "Back online" stays this long.
const BACK_MS: i64 = 4_000;
/// After so many refusals in a row the views are asked for over HTTP.
const REFUSALS_BEFORE_POLLING: u32 = 2;

/// What the page may say about being up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// The first attempt.
    Connecting,
    Live,
    /// Lost, but not long enough to say so.
    Wobbling,
    Reconnecting,
    /// Sockets do not get through, requests do.
    Polling,
    /// Nothing gets through.
    Offline,
    /// Just came back.
    Back,
}

impl Connection {
    /// True when a request can be expected to arrive.
    #[must_use]
    pub const fn carries_requests(self) -> bool {
        !matches!(self, Self::Offline)
    }

    /// True when the numbers on the page are confirmed all the time.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Live | Self::Back)
    }

    /// True when watched views are asked for from time to time.
    pub(super) const fn asks_over_http(self) -> bool {
        matches!(self, Self::Polling | Self::Offline)
    }
}

/// The socket and what is known about its health.
#[derive(Default)]
pub(super) struct Wire {
    socket: Option<WebSocket>,
    /// Counts sockets, so that a late event of an old one is ignored.
    generation: u32,
    is_open: bool,
    opened_ms: i64,
    heard_ms: i64,
    pinged_ms: i64,
    /// When the connection was lost; `None` while it stands.
    lost_ms: Option<i64>,
    back_ms: Option<i64>,
    /// The loss was told, so its end will be told too, whatever came in between.
    loss_told: bool,
    /// When to try again.
    retry_ms: Option<i64>,
    attempts: u32,
    refusals: u32,
}

impl Live {
    /// True while the socket stands.
    pub(super) fn has_socket(self) -> bool {
        self.wire.with_value(|wire| wire.is_open)
    }

    pub(super) fn send_text(self, text: &str) -> bool {
        self.wire.with_value(|wire| match &wire.socket {
            Some(socket) if wire.is_open => socket.send_with_str(text).is_ok(),
            _ => false,
        })
    }

    /// Opens a socket, unless one stands or is opening.
    pub(super) fn open_socket(self) {
        let now_ms = browser::steady_ms();
        let generation = self.wire.with_value(|wire| wire.generation) + 1;
        let socket = WebSocket::new("/api/live").ok();
        if let Some(socket) = &socket {
            self.listen(socket, generation);
        }
        self.wire.update_value(|wire| {
            wire.generation = generation;
            wire.socket = socket;
            wire.is_open = false;
            wire.opened_ms = now_ms;
            wire.heard_ms = now_ms;
            wire.retry_ms = None;
        });
    }

    fn listen(self, socket: &WebSocket, generation: u32) {
        let is_current = move || self.wire.with_value(|wire| wire.generation == generation);
        let on_open = Closure::<dyn FnMut(Event)>::new(move |_| {
            if is_current() {
                self.socket_opened();
            }
        });
        socket.set_onopen(Some(on_open.into_js_value().unchecked_ref()));
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let (true, Some(text)) = (is_current(), event.data().as_string()) {
                self.wire.update_value(|wire| wire.heard_ms = browser::steady_ms());
                self.heard(&text);
            }
        });
        socket.set_onmessage(Some(on_message.into_js_value().unchecked_ref()));
        let on_close = Closure::<dyn FnMut(Event)>::new(move |_| {
            if is_current() {
                self.socket_lost();
            }
        });
        socket.set_onclose(Some(on_close.into_js_value().unchecked_ref()));
    }

    fn socket_opened(self) {
        let now_ms = browser::steady_ms();
        let was_told = self.wire.with_value(|wire| wire.loss_told);
        self.wire.update_value(|wire| {
            wire.is_open = true;
            wire.heard_ms = now_ms;
            wire.pinged_ms = now_ms;
            wire.lost_ms = None;
            wire.attempts = 0;
            wire.refusals = 0;
            wire.loss_told = false;
            wire.back_ms = was_told.then_some(now_ms);
        });
        self.connection.set(if was_told { Connection::Back } else { Connection::Live });
        self.refresh();
    }

    /// The socket closed, failed to open, or went silent.
    fn socket_lost(self) {
        let now_ms = browser::steady_ms();
        let mut refusals = 0;
        self.wire.update_value(|wire| {
            if let Some(socket) = wire.socket.take() {
                let _ = socket.close();
            }
            // Events of the old socket are no longer ours.
            wire.generation += 1;
            wire.refusals = if wire.is_open { 0 } else { wire.refusals + 1 };
            refusals = wire.refusals;
            wire.is_open = false;
            wire.lost_ms = wire.lost_ms.or(Some(now_ms));
            let pause_ms = (PAUSE_FIRST_MS << wire.attempts.min(6)).min(PAUSE_MAX_MS);
            wire.attempts += 1;
            wire.retry_ms = Some(now_ms + browser::spread(pause_ms));
        });
        if self.connection.get_untracked().is_live() {
            self.connection.set(Connection::Wobbling);
        }
        if refusals == REFUSALS_BEFORE_POLLING || (refusals == 1 && browser::is_off_network()) {
            self.get_all();
        }
    }

    /// An HTTP request went through, or did not: without a socket that is the connection's state.
    pub(super) fn http_worked(self, worked: bool) {
        if self.has_socket() {
            return;
        }
        let refusals = self.wire.with_value(|wire| wire.refusals);
        let next = match (worked, self.connection.get_untracked()) {
            (true, Connection::Offline) => Connection::Polling,
            (true, _) if REFUSALS_BEFORE_POLLING <= refusals => Connection::Polling,
            (true, known) => known,
            (false, Connection::Connecting) if refusals == 0 => return,
            (false, _) => Connection::Offline,
        };
        self.tell(next);
    }

    /// Tells how the connection stands, when that is news.
    fn tell(self, next: Connection) {
        if next == self.connection.get_untracked() {
            return;
        }
        if matches!(next, Connection::Reconnecting | Connection::Offline) {
            self.wire.update_value(|wire| wire.loss_told = true);
        }
        self.connection.set(next);
    }

    /// The server said goodbye and how long it will be away.
    pub(super) fn expect_restart(self, ms: i64) {
        self.socket_lost();
        let pause_ms = browser::spread(ms.min(RESTART_MS_MAX));
        self.wire.update_value(|wire| wire.retry_ms = Some(browser::steady_ms() + pause_ms));
    }

    /// Tries again at once: the network came back, the tab is seen again, or somebody pressed.
    pub fn try_now(self) {
        let is_down = self.wire.with_value(|wire| !wire.is_open);
        if is_down {
            self.wire.update_value(|wire| wire.attempts = 0);
            self.open_socket();
            self.get_all();
        }
    }

    /// The heartbeat, silence, overdue openings, and what to say about a loss.
    pub(super) fn look_after_socket(self, now_ms: i64) {
        let heartbeat_ms = i64::from(HEARTBEAT_SECONDS) * 1000;
        let (mut ping, mut lost, mut open) = (false, false, false);
        self.wire.update_value(|wire| {
            if wire.is_open {
                lost = 2 * heartbeat_ms + 5_000 < now_ms - wire.heard_ms;
                ping = heartbeat_ms <= now_ms - wire.pinged_ms;
                if ping {
                    wire.pinged_ms = now_ms;
                }
            } else if wire.socket.is_some() {
                lost = OPEN_WITHIN_MS < now_ms - wire.opened_ms;
            } else {
                open = wire.retry_ms.is_some_and(|at| at <= now_ms);
            }
        });
        if lost {
            self.socket_lost();
        } else if ping {
            self.send_text(&serde_json::to_string(&ClientFrame::Ping).unwrap_or_default());
        } else if open {
            self.open_socket();
        }
        self.say_how_it_stands(now_ms);
    }

    fn say_how_it_stands(self, now_ms: i64) {
        let (lost_ms, back_ms) = self.wire.with_value(|wire| (wire.lost_ms, wire.back_ms));
        let known = self.connection.get_untracked();
        let lost_for_ms = lost_ms.map_or(0, |lost| now_ms - lost);
        let next = match known {
            Connection::Wobbling | Connection::Connecting if WOBBLE_MS <= lost_for_ms => {
                if browser::is_off_network() {
                    Connection::Offline
                } else {
                    Connection::Reconnecting
                }
            }
            Connection::Back if back_ms.is_some_and(|back| BACK_MS <= now_ms - back) => {
                let stays = browser::find(".banner:focus-within").is_some();
                if stays { Connection::Back } else { Connection::Live }
            }
            _ => return,
        };
        self.tell(next);
    }
}
