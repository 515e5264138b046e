//! The hub: which topics somebody watches, the latest frame of each, and who to wake.
//!
//! Latest wins: a watcher is told *that* a topic changed and fetches the newest frame when it is ready
//! to send. A slow reader therefore skips states and never makes anybody wait. A frame is written
//! once and shared by all who watch.
//! Not here: sockets (`http/live.rs`).

use axum::extract::ws::Utf8Bytes;
use serde::Serialize;
use shared::dashboard::PUSH_INTERVAL_MS;
use shared::live::Topic;
use shared::{OrderId, Timestamp};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Topics of which one reader gets no more than one frame per [`PACE`]: everything that happens moves
/// a dashboard, and nobody reads faster.
const PACED: &str = "dashboard/";
const PACE: Duration = Duration::from_millis(PUSH_INTERVAL_MS);

/// One frame, as text, with the position it shows.
#[derive(Clone, Debug)]
pub struct Frame {
    pub position: u64,
    pub text: Utf8Bytes,
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
    post: Mutex<Post>,
    arrived: Notify,
    /// Rung when its reader should ask elsewhere.
    sent_away: Notify,
}

#[derive(Debug, Default)]
struct Post {
    waiting: BTreeMap<String, Frame>,
    /// What left last. A node that was behind catches up with what its reader has seen already: asked for a
    /// view it answers from the store, which others have written.
    shown: HashMap<String, u64>,
    /// The next frame of a paced topic does not leave before.
    not_before: HashMap<String, Instant>,
}

impl Mailbox {
    /// Waits for at least one frame that may leave and takes all that may.
    pub async fn take(&self) -> Vec<Frame> {
        loop {
            let next = {
                let mut post = lock(&self.post);
                let due = post.take_due(Instant::now());
                if !due.is_empty() {
                    return due;
                }
                post.next()
            };
            match next {
                Some(next) => drop(timeout_at(next, self.arrived.notified()).await),
                None => self.arrived.notified().await,
            }
        }
    }

    /// Waits until its reader is sent away.
    pub async fn sent_away(&self) {
        self.sent_away.notified().await;
    }

    /// Puts a frame in, unless a newer one of the topic waits or has left already.
    pub fn put(&self, topic: &Topic, frame: Frame) {
        let mut post = lock(&self.post);
        let topic = topic.to_string();
        if post.shown.get(&topic).is_some_and(|shown| frame.position < *shown) {
            return;
        }
        match post.waiting.entry(topic) {
            Entry::Vacant(place) => drop(place.insert(frame)),
            Entry::Occupied(mut known) => {
                if known.get().position <= frame.position {
                    known.insert(frame);
                }
                // The first one has rung already.
                return;
            }
        }
        drop(post);
        self.arrived.notify_one();
    }

    /// A frame of this position goes to the reader past the mailbox, now.
    pub fn passed_by(&self, topic: &Topic, position: u64) {
        let mut post = lock(&self.post);
        let topic = topic.to_string();
        if post.waiting.get(&topic).is_some_and(|known| known.position <= position) {
            post.waiting.remove(&topic);
        }
        post.leaves(topic, position, Instant::now());
    }

    fn forget(&self, topic: &Topic) {
        let mut post = lock(&self.post);
        let topic = topic.to_string();
        post.waiting.remove(&topic);
        post.shown.remove(&topic);
        post.not_before.remove(&topic);
    }
}

impl Post {
    fn take_due(&mut self, now: Instant) -> Vec<Frame> {
        let may_leave = |topic: &String| self.not_before.get(topic).is_none_or(|at| *at <= now);
        let topics: Vec<String> =
            self.waiting.keys().filter(|topic| may_leave(topic)).cloned().collect();
        topics
            .into_iter()
            .filter_map(|topic| {
                let frame = self.waiting.remove(&topic)?;
                self.leaves(topic, frame.position, now);
                Some(frame)
            })
            .collect()
    }

    /// When the first of those that wait may leave.
    fn next(&self) -> Option<Instant> {
        self.waiting.keys().filter_map(|topic| self.not_before.get(topic).copied()).min()
    }

    fn leaves(&mut self, topic: String, position: u64, now: Instant) {
        if topic.starts_with(PACED) {
            self.not_before.insert(topic.clone(), now + PACE);
        }
        let shown = self.shown.entry(topic).or_default();
        *shown = position.max(*shown);
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
        mailbox.forget(topic);
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

    /// True when anything of this conference is watched here.
    #[must_use]
    pub fn watches(&self, slug: &str) -> bool {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.keys().any(|topic| topic.slug() == Some(slug))
    }

    /// Nothing more can be told of this conference here: whoever watches it should ask elsewhere.
    pub fn send_away(&self, slug: &str) {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        for (_, watched) in topics.iter().filter(|(topic, _)| topic.slug() == Some(slug)) {
            watched.watchers.iter().for_each(|mailbox| mailbox.sent_away.notify_one());
        }
    }

    /// True when somebody watches this topic here.
    #[must_use]
    pub fn watches_topic(&self, topic: &Topic) -> bool {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).contains_key(topic)
    }

    /// The orders of this conference that somebody watches here.
    #[must_use]
    pub fn watched_orders(&self, slug: &str) -> Vec<OrderId> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let of_slug = |topic: &Topic| match topic {
            Topic::Order { slug: of, order_id } if of == slug => Some(*order_id),
            _ => None,
        };
        topics.keys().filter_map(of_slug).collect()
    }

    /// The conferences of which anything is watched here.
    #[must_use]
    pub fn slugs(&self) -> HashSet<String> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        // A hot conference has ten thousand topics and one slug.
        let slugs: HashSet<&str> = topics.keys().filter_map(Topic::slug).collect();
        slugs.into_iter().map(str::to_owned).collect()
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

    #[tokio::test]
    async fn who_has_seen_the_newer_is_not_shown_the_older() {
        let hub = Hub::default();
        let mailbox = Arc::new(Mailbox::default());
        let [seats, other] =
            ["rustconf", "other"].map(|slug| Topic::Conference { slug: slug.to_owned() });
        hub.watch(&seats, &mailbox);
        hub.publish(&seats, 9, Timestamp(0), &view());
        assert_eq!(positions(&mailbox).await, [9]);
        // This node had not read what another one wrote, and does so now.
        hub.publish(&seats, 5, Timestamp(0), &view());
        mailbox.put(&other, frame(1));
        assert_eq!(positions(&mailbox).await, [1]);
        mailbox.passed_by(&other, 4);
        mailbox.put(&other, frame(3));
        hub.publish(&seats, 9, Timestamp(0), &view());
        assert_eq!(positions(&mailbox).await, [9], "whoever asks again is answered");
        hub.unwatch(&seats, &mailbox);
        mailbox.put(&seats, frame(2));
        assert_eq!(positions(&mailbox).await, [2], "who begins anew has seen nothing");
    }

    /// A view that must not be written.
    struct Unwritten;

    impl Serialize for Unwritten {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("nobody watches"))
        }
    }

    fn frame(position: u64) -> Frame {
        Frame { position, text: "".into() }
    }

    async fn positions(mailbox: &Mailbox) -> Vec<u64> {
        mailbox.take().await.iter().map(|frame| frame.position).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_dashboard_is_paced_and_its_last_state_always_arrives() {
        let mailbox = Mailbox::default();
        let dashboard = Topic::Dashboard { slug: "rustconf".into() };
        let start = Instant::now();
        mailbox.put(&dashboard, frame(1));
        assert_eq!(positions(&mailbox).await, [1], "the first one at once");
        mailbox.put(&dashboard, frame(2));
        mailbox.put(&dashboard, frame(3));
        assert_eq!(positions(&mailbox).await, [3]);
        assert_eq!(start.elapsed(), PACE);
        mailbox.put(&dashboard, frame(4));
        assert_eq!(positions(&mailbox).await, [4]);
        assert_eq!(start.elapsed(), 2 * PACE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_paced_topic_does_not_hold_up_another() {
        let mailbox = Mailbox::default();
        let dashboard = Topic::Dashboard { slug: "rustconf".into() };
        let start = Instant::now();
        mailbox.passed_by(&dashboard, 5);
        mailbox.put(&dashboard, frame(6));
        let (taken, ()) = tokio::join!(positions(&mailbox), async {
            tokio::task::yield_now().await;
            mailbox.put(&Topic::Directory, frame(0));
        });
        assert_eq!((taken, start.elapsed()), (vec![0], Duration::ZERO));
        assert_eq!((positions(&mailbox).await, start.elapsed()), (vec![6], PACE));
    }

    #[tokio::test]
    async fn what_went_past_the_mailbox_does_not_follow_itself() {
        let hub = Hub::default();
        let mailbox = Arc::new(Mailbox::default());
        let dashboard = Topic::Dashboard { slug: "rustconf".into() };
        hub.watch(&dashboard, &mailbox);
        hub.publish(&dashboard, 7, Timestamp(0), &view());
        mailbox.passed_by(&dashboard, 7);
        mailbox.put(&Topic::Directory, frame(0));
        assert_eq!(positions(&mailbox).await, [0]);
        hub.publish(&dashboard, 8, Timestamp(0), &view());
        hub.unwatch(&dashboard, &mailbox);
        mailbox.put(&Topic::Directory, frame(0));
        assert_eq!(positions(&mailbox).await, [0], "nothing follows the end of watching");
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
