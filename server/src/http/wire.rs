//! One connection's bytes, and how long the other side may take: for the head of a request, between
//! two requests, for the body, and for taking what we send.
//!
//! Whoever is too slow is cut off; there is nothing to say to somebody who does not speak.
//! Not here: how many connections there are (`connections.rs`), and what a socket may do (`live.rs`).

use super::places::Place;
use axum::body::{Body, Bytes, HttpBody};
use futures_util::task::AtomicWaker;
use hyper::body::{Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::task::task_tracker::TaskTrackerToken;

/// From the first byte of a request's head to its last.
pub(super) const HEAD_MAX: Duration = Duration::from_secs(10);
/// A connection without a request; longer than proxies keep theirs, so that they close first.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(75);
/// The body of a request; whoever reads JSON has less patience, and something to say (`body.rs`).
pub(super) const BODY_MAX: Duration = Duration::from_secs(15);
/// A reader that takes nothing for so long is gone.
pub(super) const STALL_MAX: Duration = Duration::from_secs(30);

/// What the wire knows of its requests: how many began and ended. Odd: one is being answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    turns: AtomicU64,
    /// Whoever reads the wire, and must know when it is the other side's turn again.
    reader: AtomicWaker,
}

/// A request that is being answered; ends with the last byte of its answer, or when nobody wants it.
pub(super) struct Answering(Progress);

impl Progress {
    pub(super) fn begin(&self) -> Answering {
        self.0.turns.fetch_add(1, Ordering::AcqRel);
        Answering(self.clone())
    }

    /// Nobody has asked for anything yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.turn() == 0
    }

    fn turn(&self) -> u64 {
        self.0.turns.load(Ordering::Acquire)
    }
}

impl Answering {
    /// The connection becomes a socket: from now on it is nobody's turn, and the socket has bounds of
    /// its own (`live.rs`).
    pub(super) fn never_ends(self) {
        // Together with the end that follows, an even number: odd it stays.
        self.0.0.turns.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let Progress(count) = &self.0;
        count.turns.fetch_add(1, Ordering::AcqRel);
        count.reader.wake();
    }
}

/// A stream with the patience above.
pub(super) struct Wire<S> {
    stream: S,
    progress: Progress,
    /// Where the requests were when we last looked.
    turn: u64,
    /// The head of a request has begun.
    is_heard: bool,
    patience: Pin<Box<Sleep>>,
    /// Running while the other side does not take what we send.
    stall: Option<Pin<Box<Sleep>>>,
    /// Ends with the stream, also when that has become a socket.
    _held: Option<Held>,
}

/// A connection's place, and the word that it is open still.
pub(super) type Held = (Place, TaskTrackerToken);

impl<S> Wire<S> {
    pub(super) fn new(stream: S, progress: Progress) -> Self {
        // Who opens a connection has something to say.
        let patience = Box::pin(sleep_until(Instant::now() + HEAD_MAX));
        Self { stream, progress, turn: 0, is_heard: true, patience, stall: None, _held: None }
    }

    pub(super) fn holding(self, held: Held) -> Self {
        Self { _held: Some(held), ..self }
    }

    pub(super) const fn stream(&self) -> &S {
        &self.stream
    }

    /// Whether the other side has the floor: between requests, or in the head of one.
    fn is_listening(&mut self) -> bool {
        let turn = self.progress.turn();
        if turn != self.turn {
            self.turn = turn;
            self.is_heard = false;
            self.patience.as_mut().reset(Instant::now() + IDLE_MAX);
        }
        turn.is_multiple_of(2)
    }

    fn heard(&mut self) {
        if !self.is_heard {
            self.is_heard = true;
            self.patience.as_mut().reset(Instant::now() + HEAD_MAX);
        }
    }

    /// Passes on what became of a write, unless nothing has moved for too long.
    fn paced<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let end = || Box::pin(sleep_until(Instant::now() + STALL_MAX));
        ready!(self.stall.get_or_insert_with(end).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.progress.0.reader.register(cx.waker());
        let is_listening = self.is_listening();
        let before = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(cx, buffer) {
            if is_listening && before < buffer.filled().len() {
                self.heard();
            }
            // Who sends a byte a second is never waited for: the time is looked at here, too.
            if !is_listening || self.patience.as_mut().poll(cx).is_pending() {
                return Poll::Ready(result);
            }
        } else if !is_listening {
            return Poll::Pending;
        }
        ready!(self.patience.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.paced(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.paced(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.paced(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.paced(cx, shut)
    }
}

/// The body of a request, which breaks off when it takes too long.
pub(super) struct Awaited<B> {
    body: B,
    patience: Pin<Box<Sleep>>,
}

impl<B> Awaited<B> {
    pub(super) fn new(body: B) -> Self {
        Self { body, patience: Box::pin(sleep_until(Instant::now() + BODY_MAX)) }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Awaited<B>
where
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.patience.as_mut().poll(cx).is_ready() {
            let late = io::Error::from(io::ErrorKind::TimedOut);
            return Poll::Ready(Some(Err(axum::Error::new(late))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map_err(axum::Error::new)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer, which says when the answer has left.
pub(super) struct Answer {
    body: Body,
    _answering: Answering,
}

impl Answer {
    pub(super) const fn new(body: Body, answering: Answering) -> Self {
        Self { body, _answering: answering }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    fn wire(bytes: usize) -> (Wire<DuplexStream>, DuplexStream, Progress) {
        let (ours, theirs) = duplex(bytes);
        let progress = Progress::default();
        (Wire::new(ours, progress.clone()), theirs, progress)
    }

    async fn read(wire: &mut Wire<DuplexStream>) -> io::Result<usize> {
        wire.read(&mut [0; 64]).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_is_cut_off() {
        let (mut wire, mut theirs, _) = wire(64);
        let start = Instant::now();
        let trickle = tokio::spawn(async move {
            while theirs.write_all(b"x").await.is_ok() {
                sleep_until(Instant::now() + Duration::from_secs(1)).await;
            }
        });
        let error = loop {
            match read(&mut wire).await {
                Ok(bytes) => assert_eq!(bytes, 1),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), HEAD_MAX);
        drop(wire);
        trickle.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_may_rest_between_requests_but_not_forever() {
        let (mut wire, mut theirs, progress) = wire(64);
        theirs.write_all(b"GET").await.unwrap();
        assert_eq!(read(&mut wire).await.unwrap(), 3);
        drop(progress.begin());
        let start = Instant::now();
        assert_eq!(read(&mut wire).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), IDLE_MAX);
        drop(progress.begin());
        let start = Instant::now();
        theirs.write_all(b"G").await.unwrap();
        assert_eq!(read(&mut wire).await.unwrap(), 1, "the next request begins");
        assert_eq!(read(&mut wire).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), HEAD_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn while_we_answer_nobody_is_hurried() {
        let (mut wire, mut theirs, progress) = wire(64);
        let _answering = progress.begin();
        let start = Instant::now();
        let (heard, ()) = tokio::join!(read(&mut wire), async {
            sleep_until(Instant::now() + 10 * IDLE_MAX).await;
            theirs.write_all(b"late").await.unwrap();
        });
        assert_eq!((heard.unwrap(), start.elapsed()), (4, 10 * IDLE_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_may_be_silent_for_as_long_as_it_likes() {
        let (mut wire, mut theirs, progress) = wire(64);
        progress.begin().never_ends();
        let start = Instant::now();
        for _ in 0..2 {
            let (heard, ()) = tokio::join!(read(&mut wire), async {
                sleep_until(Instant::now() + 10 * IDLE_MAX).await;
                theirs.write_all(b"frame").await.unwrap();
            });
            assert_eq!(heard.unwrap(), 5);
        }
        assert_eq!(start.elapsed(), 20 * IDLE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_cut_off_and_who_takes_little_is_not() {
        let (mut wire, mut theirs, _) = wire(4);
        let start = Instant::now();
        let (sent, ()) = tokio::join!(wire.write_all(b"12345678"), async {
            sleep_until(Instant::now() + STALL_MAX - Duration::from_secs(1)).await;
            assert_eq!(theirs.read(&mut [0; 4]).await.unwrap(), 4);
        });
        sent.unwrap();
        let sent = wire.write_all(b"x").await.unwrap_err();
        assert_eq!(sent.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), 2 * STALL_MAX - Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_breaks_off() {
        let never = futures_util::stream::pending::<io::Result<Bytes>>();
        let start = Instant::now();
        let body = Body::new(Awaited::new(Body::from_stream(never)));
        assert!(axum::body::to_bytes(body, 10).await.is_err());
        assert_eq!(start.elapsed(), BODY_MAX);
        let whole = Body::new(Awaited::new(Body::from("whole")));
        assert_eq!(axum::body::to_bytes(whole, 10).await.unwrap(), "whole");
    }
}
