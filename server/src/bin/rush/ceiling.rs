//! What storage alone would take: the same rows as whole orders leave behind, decided beforehand in
//! memory and then written by nobody but a loop, without registrants, network, mails or views.

use crate::story;
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use server::clock::Clock;
use server::domain::conference::SeatType;
use server::ledger::memory::{Memory, Snapshot};
use server::ledger::stage::{Request, perform};
use server::store::{Commit, Store, sqlite_url};
use shared::{ConferenceId, OrderId, Timestamp};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

/// How many commands share a commit, at most: those of as many registrants, and the ledger's own bound.
const BATCHES: [usize; 2] = [64, 512];

/// Writes for `seconds` with each size of batch; prints and returns whole orders a second.
pub(crate) async fn ceiling(url: Option<&str>, seconds: u64) -> anyhow::Result<Value> {
    let folder = TempDir::new()?;
    let sqlite = sqlite_url(&folder.path().join("ceiling.db"));
    let store = Store::open(url.unwrap_or(&sqlite)).await?;
    let mut figures = Vec::new();
    for batch in BATCHES {
        let mut writer = Decided::new(&store, batch).await?;
        let (mut orders, mut writing) = (0, Duration::ZERO);
        while writing.as_secs_f64() < seconds as f64 {
            let commits = writer.more()?;
            let started = Instant::now();
            for commit in &commits {
                store.commit(commit).await?;
            }
            writing += started.elapsed();
            orders += batch;
        }
        let rate = orders as f64 / writing.as_secs_f64();
        println!("{batch:>9} commands a commit, storage alone: {rate:.0} whole orders/s");
        figures.push(json!({ "commands_per_commit": batch, "orders_per_second": rate }));
    }
    store.close().await;
    Ok(Value::Array(figures))
}

/// A conference whose commits are decided ahead of their being written.
struct Decided {
    memory: Memory,
    seat_types: Vec<SeatType>,
    batch: usize,
    now: Timestamp,
}

impl Decided {
    async fn new(store: &Store, batch: usize) -> anyhow::Result<Self> {
        let now = Clock::Real.now();
        let id = ConferenceId(Uuid::now_v7());
        let (seat_types, requests) = story::conference(&format!("ceiling-{}", id.0), now);
        let mut decided =
            Self { memory: Memory::open(id, 0, Snapshot::default(), &[])?, seat_types, batch, now };
        let commit = decided.decide(&requests)?;
        store.commit(&commit).await?;
        Ok(decided)
    }

    /// What a batch of whole orders leaves behind: a commit for each of the four commands, and one for
    /// the mails.
    fn more(&mut self) -> anyhow::Result<Vec<Commit>> {
        let orders: Vec<_> = (0..self.batch).map(|_| story::order(&self.seat_types)).collect();
        let mut commits = Vec::new();
        for step in 0..4 {
            let requests: Vec<_> = orders.iter().map(|order| order[step].clone()).collect();
            commits.push(self.decide(&requests)?);
        }
        let mails = commits.iter().flat_map(|commit| &commit.effects);
        let performed: Vec<_> = mails.map(|effect| story::performed(effect.id)).collect();
        commits.push(self.decide(&performed)?);
        Ok(commits)
    }

    fn decide(&mut self, requests: &[Request]) -> anyhow::Result<Commit> {
        let orders = requests.iter().filter_map(|request| request.command.order_id());
        let new: Vec<OrderId> = orders.filter(|id| !self.memory.has_order(*id)).collect();
        self.memory.load_orders(&new, &[])?;
        for request in requests {
            perform(&mut self.memory, request.clone(), self.now)
                .map_err(|refusal| anyhow!("refused: {:?}", refusal.code))?;
        }
        let commit = self.memory.commit()?.context("nothing to write")?;
        self.memory.go_on(|_, _| {});
        Ok(commit)
    }
}
