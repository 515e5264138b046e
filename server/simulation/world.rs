//! Everything outside the code under test: time, chance, the disk, and what was found. One seed, one thread: the runtime's clock stands still while there is work, and
//! jumps to the next instant when there is none.
//!
//! Not here: the servers (`servers.rs`), the way to them (`asking.rs`), who lives in it (`registrant.rs`,
//! `owner.rs`), the provider and the mail server.

use crate::checks::decided_on_this_history;
use crate::disk::Disk;
use crate::plan::{Faults, Plan, chance};
use crate::post::Sacks;
use crate::provider::Books;
use crate::run::panics;
use crate::servers::Node;
use fastrand::Rng;
use server::checker::Checker;
use server::ledger::memory::{Memory, Snapshot};
use server::store::{Commit, CommitError, LedgerId};
use shared::{ConferenceId, OrderId, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// When every run begins: noon of a day in 2027.
pub(crate) const NOON: Timestamp = Timestamp(1_800_014_400_000);
/// Questions to the store in one run; whoever asks more goes in a circle.
const QUESTIONS_MAX: u64 = 100_000;

/// What becomes of a question to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Well,
    /// Nothing was done, and the answer is an error.
    Refused,
    /// It was done, and the answer is an error.
    Unanswered,
    /// The server dies before it is done.
    CrashBefore,
    /// The server dies when it is done, before it hears of it.
    CrashAfter,
}

/// How often what happened. For the eye, and to see that a run was worth something.
pub(crate) type Figures = BTreeMap<&'static str, u64>;

pub(crate) struct World {
    pub(crate) plan: Plan,
    began: Instant,
    /// When it began.
    panics: u32,
    disk: Mutex<Disk>,
    state: Mutex<State>,
    pub(crate) books: Mutex<Books>,
    pub(crate) sacks: Mutex<Sacks>,
    /// A promise is broken: nobody has to go on.
    pub(crate) broken: CancellationToken,
    /// What is on its way by itself: late repetitions, the provider's callbacks.
    pub(crate) errands: TaskTracker,
}

pub(crate) struct State {
    pub(crate) rng: Rng,
    faults: Faults,
    checkers: BTreeMap<LedgerId, Checker>,
    /// Each conference as its history tells it.
    histories: BTreeMap<LedgerId, Memory>,
    found: Vec<String>,
    story: Option<Vec<String>>,
    figures: Figures,
    pub(crate) nodes: Vec<Option<Node>>,
    /// How far the clock of each server's machine is wrong, in milliseconds.
    pub(crate) skews: Vec<i64>,
    /// Said by a story; goes before chance. For commits only.
    script: VecDeque<Fate>,
    away_until: Option<Instant>,
    /// Servers that stand still, until when.
    pub(crate) frozen_until: Vec<Option<Instant>>,
    /// Whom each server believes to be there.
    pub(crate) believed: Vec<Vec<bool>>,
    questions: u64,
}

impl World {
    pub(crate) fn new(plan: Plan, told: bool) -> Arc<Self> {
        let state = State {
            rng: Rng::with_seed(plan.seed ^ 0x5EED),
            faults: plan.faults,
            checkers: BTreeMap::new(),
            histories: BTreeMap::new(),
            found: Vec::new(),
            story: told.then(Vec::new),
            figures: Figures::new(),
            nodes: vec![None; plan.nodes],
            skews: vec![0; plan.nodes],
            script: VecDeque::new(),
            away_until: None,
            frozen_until: vec![None; plan.nodes],
            believed: vec![vec![true; plan.nodes]; plan.nodes],
            questions: 0,
        };
        Arc::new(Self {
            plan,
            began: Instant::now(),
            panics: panics(),
            disk: Mutex::default(),
            state: Mutex::new(state),
            books: Mutex::default(),
            sacks: Mutex::default(),
            broken: CancellationToken::new(),
            errands: TaskTracker::new(),
        })
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, Disk> {
        lock(&self.disk)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The true time, which no server has to agree with.
    pub(crate) fn now(&self) -> Timestamp {
        NOON + i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Chance of its own for somebody, so that nobody's dice change another's.
    pub(crate) fn rng(&self) -> Rng {
        self.state().rng.fork()
    }

    pub(crate) fn faults(&self) -> Faults {
        self.state().faults
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.state().figures.entry(what).or_default() += 1;
    }

    /// Adds a line to the story, if somebody reads it.
    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        let at = self.now().ms_since(NOON);
        if let Some(story) = &mut self.state().story {
            let (seconds, ms) = (at / 1_000, at % 1_000);
            let clock = format!(
                "{:02}:{:02}:{:02}.{ms:03}",
                seconds / 3_600,
                seconds / 60 % 60,
                seconds % 60
            );
            story.push(format!("{clock}  {}", line()));
        }
    }

    /// A promise is broken.
    pub(crate) fn broke(&self, what: String) {
        self.tell(|| format!("!! {what}"));
        self.state().found.push(what);
        self.broken.cancel();
    }

    #[cfg(test)]
    pub(crate) fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.state().script.extend(fates);
    }

    /// The store is away for so long.
    pub(crate) fn away(&self, pause: Duration) {
        self.tell(|| format!("the store is away for {pause:?}"));
        self.count("outages of the store");
        self.state().away_until = Some(Instant::now() + pause);
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        self.tell(|| "from now on nothing goes wrong".to_owned());
        let mut state = self.state();
        state.faults = Faults::healed();
        state.away_until = None;
        state.believed = vec![vec![true; self.plan.nodes]; self.plan.nodes];
        state.script.clear();
    }

    /// Counts a question; false: that was one too many, or a server has panicked, which may go on like
    /// this for ever.
    pub(crate) fn may_ask(&self) -> bool {
        if panics() != self.panics {
            self.broken.cancel();
            return false;
        }
        let questions = {
            let mut state = self.state();
            state.questions += 1;
            state.questions
        };
        if questions == QUESTIONS_MAX {
            self.broke("a server asks the store for ever".to_owned());
        }
        questions < QUESTIONS_MAX
    }

    pub(crate) fn fate_of_a_question(&self) -> Fate {
        let mut state = self.state();
        let state = &mut *state;
        if state.away_until.is_some_and(|until| Instant::now() < until) {
            return Fate::Refused;
        }
        // Most questions are the workers', who ask all day long.
        if chance(&mut state.rng, state.faults.crash / 20.0) {
            Fate::CrashBefore
        } else if chance(&mut state.rng, state.faults.store) {
            Fate::Refused
        } else {
            Fate::Well
        }
    }

    pub(crate) fn fate_of_a_commit(&self) -> Fate {
        let mut state = self.state();
        let state = &mut *state;
        if let Some(fate) = state.script.pop_front() {
            return fate;
        }
        if state.away_until.is_some_and(|until| Instant::now() < until) {
            return Fate::Refused;
        }
        let coin = state.rng.bool();
        if chance(&mut state.rng, state.faults.crash) {
            if coin { Fate::CrashBefore } else { Fate::CrashAfter }
        } else if chance(&mut state.rng, state.faults.unknown) {
            if coin { Fate::Refused } else { Fate::Unanswered }
        } else {
            Fate::Well
        }
    }

    pub(crate) fn pause_of_the_store(&self) -> Option<Duration> {
        let mut state = self.state();
        let state = &mut *state;
        let is_slow = chance(&mut state.rng, state.faults.slow);
        let is_calm = self.plan.is_calm;
        is_slow.then(|| {
            let ms = if state.rng.u8(..20) == 0 && !is_calm { 20_000 } else { 200 };
            Duration::from_millis(state.rng.u64(1..=ms))
        })
    }

    /// Writes a commit, and has the history read once more.
    pub(crate) fn commit(
        self: &Arc<Self>,
        node: usize,
        commit: &Commit,
    ) -> Result<(), CommitError> {
        let written = self.disk().commit(commit);
        match &written {
            Ok(()) => {
                self.committed(node, commit);
                self.spread_news(node, commit);
            }
            Err(error) => {
                self.tell(|| format!("server {node} could not commit: {error}"));
                self.count("conflicts");
            }
        }
        written
    }

    fn committed(&self, node: usize, commit: &Commit) {
        let first = commit.expected_head + 1;
        self.tell(|| {
            let mut what: Vec<String> =
                commit.events.iter().map(|event| event.kind.to_owned()).collect();
            for (process, at) in &commit.deadlines {
                let at = at.map_or("never again".to_owned(), |at| (at - NOON.0).to_string());
                what.push(format!("look at {}: {at}", short(OrderId(*process))));
            }
            format!("server {node} commits from {first}: {}", what.join(" "))
        });
        let disk = self.disk();
        let mut state = self.state();
        let state = &mut *state;
        *state.figures.entry("commits").or_default() += 1;
        *state.figures.entry("events").or_default() += commit.events.len() as u64;
        for event in &commit.events {
            *state.figures.entry(event.kind).or_default() += 1;
        }
        let checker = state.checkers.entry(commit.ledger).or_default();
        for event in disk
            .ledgers
            .get(&commit.ledger)
            .into_iter()
            .flat_map(|rows| rows.after(commit.expected_head))
        {
            checker.fold(event);
        }
        checker.settle();
        let mut found: Vec<String> = checker.violations().iter().map(ToString::to_string).collect();
        // The rules trust a history: of a broken one they would only say that they stop.
        if found.is_empty() {
            let history = state.histories.entry(commit.ledger).or_insert_with(|| {
                let id = ConferenceId(commit.ledger);
                Memory::open(id, 0, Snapshot::default(), &[]).expect("nothing")
            });
            found.extend(decided_on_this_history(&disk, history, commit).err());
        }
        if !found.is_empty() {
            state.found.extend(found);
            self.broken.cancel();
        }
    }

    /// Ends a run: the servers are gone, and so is every way back to this world.
    pub(crate) fn close(&self) -> (Vec<String>, Figures, Vec<String>) {
        let mut state = self.state();
        state.nodes.clear();
        let found = std::mem::take(&mut state.found);
        let figures = std::mem::take(&mut state.figures);
        (found, figures, state.story.take().unwrap_or_default())
    }

    /// Reads what the checkers counted.
    pub(crate) fn checkers<T>(
        &self,
        read: impl FnOnce(&mut BTreeMap<LedgerId, Checker>) -> T,
    ) -> T {
        read(&mut self.state().checkers)
    }

    /// An id of somebody's own.
    pub(crate) fn id(rng: &mut Rng) -> Uuid {
        Uuid::from_u128(rng.u128(..))
    }
}

/// Enough of an id to tell orders apart in a story.
pub(crate) fn short(id: OrderId) -> String {
    id.to_string()[..8].to_owned()
}

/// One thread; a panic elsewhere is found by its own means.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
