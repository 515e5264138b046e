//! The hub: which topics somebody watches, the latest frame of each, and who to wake.
//!
//! Latest wins: a watcher is told *that* a topic changed and fetches the newest frame when it is ready
//! to send. A slow reader therefore skips states and never makes anybody wait. A frame is written
//! once and shared by all who watch.
//! Not here: sockets (`http/live.rs`).

use serde::Serialize;
use shared::Timestamp;
use shared::live::Topic;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::Notify;

/// One frame, as text, with the position it shows.
#[derive(Clone, Debug)]
pub struct Frame {
    pub position: u64,
    pub text: Arc<str>,
}

/// Where views are published and watched. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    topics: Arc<RwLock<HashMap<Topic, Watched>>>,
}

#[derive(Debug, Default)]
struct Watched {
    watchers: Vec<Arc<Mailbox>>,
}

/// One socket's newest unsent frames.
#[derive(Debug, Default)]
pub struct Mailbox {
    waiting: Mutex<BTreeMap<String, Frame>>,
    arrived: Notify,
}

impl Mailbox {
    /// Waits for at least one frame and takes all that wait.
    pub async fn take(&self) -> Vec<Frame> {
        loop {
            let waiting = std::mem::take(&mut *lock(&self.waiting));
            if !waiting.is_empty() {
                return waiting.into_values().collect();
            }
            self.arrived.notified().await;
        }
    }

    /// Puts a frame in, unless a newer one of the topic waits already.
    pub fn put(&self, topic: &Topic, frame: Frame) {
        let mut waiting = lock(&self.waiting);
        let is_newest =
            waiting.get(&topic.to_string()).is_none_or(|known| known.position <= frame.position);
        if is_newest {
            waiting.insert(topic.to_string(), frame);
            drop(waiting);
            self.arrived.notify_one();
        }
    }
}

impl Hub {
    /// Starts delivering a topic's changes to a mailbox.
    pub fn watch(&self, topic: &Topic, mailbox: &Arc<Mailbox>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let watched = topics.entry(topic.clone()).or_default();
        if !watched.watchers.iter().any(|known| Arc::ptr_eq(known, mailbox)) {
            watched.watchers.push(mailbox.clone());
        }
    }

    /// Stops it.
    pub fn unwatch(&self, topic: &Topic, mailbox: &Arc<Mailbox>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = topics.get_mut(topic) {
            watched.watchers.retain(|known| !Arc::ptr_eq(known, mailbox));
            if watched.watchers.is_empty() {
                topics.remove(topic);
            }
        }
    }

    /// Hands a changed view to everybody who watches it; it is not even written when nobody does.
    pub fn publish(&self, topic: &Topic, position: u64, now: Timestamp, view: &impl Serialize) {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let Some(watched) = topics.get(topic) else { return };
        let frame = snapshot_frame(topic, position, now, view);
        for mailbox in &watched.watchers {
            mailbox.put(topic, frame.clone());
        }
    }

    /// How many topics somebody watches.
    #[must_use]
    pub fn topics(&self) -> usize {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The text of a snapshot frame: `ServerFrame::Snapshot`, written without copying the view.
#[must_use]
pub fn snapshot_frame<V: Serialize>(
    topic: &Topic,
    position: u64,
    server_now: Timestamp,
    view: &V,
) -> Frame {
    #[derive(Serialize)]
    struct Borrowed<'a, V> {
        #[serde(rename = "type")]
        frame_type: &'static str,
        topic: &'a Topic,
        position: u64,
        server_now: Timestamp,
        view: &'a V,
    }
    let frame = Borrowed { frame_type: "snapshot", topic, position, server_now, view };
    let text = serde_json::to_string(&frame).expect("views are plain data");
    Frame { position, text: text.into() }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::{Serializer, ser::Error};
    use shared::live::{ServerFrame, View};
    use shared::views::DirectoryView;

    fn view() -> View {
        View::Directory(DirectoryView::default())
    }

    #[tokio::test]
    async fn a_slow_reader_gets_the_latest_state_only() {
        let hub = Hub::default();
        let mailbox = Arc::new(Mailbox::default());
        hub.watch(&Topic::Directory, &mailbox);
        for position in [1, 3, 2] {
            hub.publish(&Topic::Directory, position, Timestamp(0), &view());
        }
        let frames = mailbox.take().await;
        assert_eq!(frames.iter().map(|frame| frame.position).collect::<Vec<_>>(), [3]);
        let frame: ServerFrame = serde_json::from_str(&frames[0].text).unwrap();
        assert!(matches!(frame, ServerFrame::Snapshot(snapshot) if snapshot.position == 3));
    }

    /// A view that must not be written.
    struct Unwritten;

    impl Serialize for Unwritten {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("nobody watches"))
        }
    }

    #[tokio::test]
    async fn what_nobody_watches_is_not_written() {
        let hub = Hub::default();
        let mailbox = Arc::new(Mailbox::default());
        hub.watch(&Topic::Directory, &mailbox);
        hub.unwatch(&Topic::Directory, &mailbox);
        assert_eq!(hub.topics(), 0);
        hub.publish(&Topic::Directory, 1, Timestamp(0), &Unwritten);
    }
}
