//! Everything outside the code under test: time, servers that die and come back, the way to them, and
//! what everybody saw. One seed, one thread: the runtime's clock stands still while there is work, and
//! jumps to the next instant when there is none.
//!
//! Not here: who lives in it (`registrant.rs`, `owner.rs`), the provider and the mail server.

use crate::disk::Disk;
use crate::plan::{Faults, Plan, chance};
use crate::post::Sacks;
use crate::provider::Books;
use crate::run::panics;
use crate::store::SimulatedStore;
use fastrand::Rng;
use server::checker::Checker;
use server::clock::Clock;
use server::config::Config;
use server::deadlines::Deadlines;
use server::domain::Refusal;
use server::effects::Effects;
use server::ledger::stage::{Answer, Request};
use server::ledger::{Bounds, Failure};
use server::ledgers::{Bells, Ledgers};
use server::live::Hub;
use server::mailer::Mailer;
use server::order_links::OrderLinks;
use server::owner_codes::OwnerCodes;
use server::payment_gateway::PaymentGateway;
use server::store::{Commit, CommitError, LedgerId, Store};
use shared::{ConferenceId, OrderId, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// When every run begins: noon of a day in 2027.
pub(crate) const NOON: Timestamp = Timestamp(1_800_014_400_000);
/// Questions to the store in one run; whoever asks more goes in a circle.
const QUESTIONS_MAX: u64 = 100_000;
/// What a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

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

struct State {
    rng: Rng,
    faults: Faults,
    checkers: BTreeMap<LedgerId, Checker>,
    found: Vec<String>,
    story: Option<Vec<String>>,
    figures: Figures,
    nodes: Vec<Option<Node>>,
    /// How far the clock of each server's machine is wrong, in milliseconds.
    skews: Vec<i64>,
    /// Said by a story; goes before chance. For commits only.
    script: VecDeque<Fate>,
    away_until: Option<Instant>,
    questions: u64,
}

/// A server that runs.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) name: usize,
    pub(crate) ledgers: Ledgers,
    pub(crate) clock: Clock,
    pub(crate) died: CancellationToken,
}

impl World {
    pub(crate) fn new(plan: Plan, told: bool) -> Arc<Self> {
        let state = State {
            rng: Rng::with_seed(plan.seed ^ 0x5EED),
            faults: plan.faults,
            checkers: BTreeMap::new(),
            found: Vec::new(),
            story: told.then(Vec::new),
            figures: Figures::new(),
            nodes: vec![None; plan.nodes],
            skews: vec![0; plan.nodes],
            script: VecDeque::new(),
            away_until: None,
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

    fn state(&self) -> MutexGuard<'_, State> {
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
        is_slow.then(|| {
            let ms = if state.rng.u8(..20) == 0 { 20_000 } else { 200 };
            Duration::from_millis(state.rng.u64(1..=ms))
        })
    }

    /// Writes a commit, and has the history read once more.
    pub(crate) fn commit(&self, node: usize, commit: &Commit) -> Result<(), CommitError> {
        let written = self.disk().commit(commit);
        match &written {
            Ok(()) => self.committed(node, commit),
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
            let kinds: Vec<&str> = commit.events.iter().map(|event| event.kind).collect();
            format!("server {node} commits from {first}: {}", kinds.join(" "))
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
        let found: Vec<String> = checker.violations().iter().map(ToString::to_string).collect();
        if !found.is_empty() {
            state.found.extend(found);
            self.broken.cancel();
        }
    }

    /// Starts a server.
    pub(crate) fn start(self: &Arc<Self>, name: usize) {
        let died = CancellationToken::new();
        let skew = self.state().skews[name];
        let clock = Clock::of_the_runtime(self.now() + skew);
        let kept = SimulatedStore { world: self.clone(), node: name, died: died.clone() };
        let store = Store::Kept(Arc::new(kept));
        let (hub, bells) = (Hub::default(), Bells::default());
        let bounds: Bounds = self.plan.bounds;
        let ledgers = Ledgers::within(bounds, store.clone(), hub, clock.clone(), bells.clone());
        let deadlines = Deadlines {
            store: store.clone(),
            ledgers: ledgers.clone(),
            clock: clock.clone(),
            bells: bells.clone(),
        };
        let secrets = Config::for_testing(Path::new("nowhere"), "nowhere").secrets;
        let effects = Effects {
            store,
            ledgers: ledgers.clone(),
            gateway: PaymentGateway::over(self.wire(name, died.clone()), b"a key"),
            mailer: Mailer::by_post(
                self.postman(name, died.clone()),
                "registration@contoso.example".parse().expect("an address"),
                "https://contoso.example".into(),
            ),
            owner_codes: OwnerCodes::new(&secrets),
            order_links: OrderLinks::new(&secrets),
            clock: clock.clone(),
            bells,
        };
        tokio::spawn(deadlines.run(CancellationToken::new()));
        tokio::spawn(effects.run(CancellationToken::new()));
        self.tell(|| format!("server {name} starts"));
        self.state().nodes[name] = Some(Node { name, ledgers, clock, died });
    }

    /// A server dies on the spot and comes back after a while.
    pub(crate) fn kill(self: &Arc<Self>, name: usize) {
        let Some(node) = self.state().nodes[name].take() else { return };
        node.died.cancel();
        self.tell(|| format!("server {name} dies"));
        self.count("crashes");
        let pause = Duration::from_millis(self.state().rng.u64(100..20_000));
        let world = self.clone();
        self.errands.spawn(async move {
            sleep(pause).await;
            world.start(name);
        });
    }

    /// The clock of a server's machine is set by so many milliseconds.
    pub(crate) fn set_clock(&self, name: usize, by_ms: i64) {
        self.tell(|| format!("the clock of server {name} jumps by {by_ms} ms"));
        self.count("jumps of a clock");
        let now = self.now();
        let mut state = self.state();
        state.skews[name] += by_ms;
        let time = now + state.skews[name];
        if let Some(node) = &state.nodes[name] {
            let _ = node.clock.set(time);
        }
    }

    /// Some server that runs; waits for one.
    pub(crate) async fn some_node(&self, rng: &mut Rng) -> Node {
        loop {
            let running: Vec<Node> = self.state().nodes.iter().flatten().cloned().collect();
            if let Some(node) = rng.choice(running) {
                return node;
            }
            sleep(Duration::from_millis(rng.u64(100..3_000))).await;
        }
    }

    /// Sends a request until there is an answer. It may arrive several times.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        rng: &mut Rng,
        ledger: ConferenceId,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        loop {
            let faults = self.faults();
            if chance(rng, faults.dropped) {
                self.count("requests dropped");
                sleep(Duration::from_millis(rng.u64(500..10_000))).await;
                continue;
            }
            if chance(rng, faults.repeated) {
                self.repeat_later(rng, ledger, request);
            }
            let node = self.some_node(rng).await;
            let heard = hear(&node, ledger, request).await;
            let is_lost = chance(rng, faults.lost);
            self.tell(|| {
                let name = request.command.name();
                let order = request.command.order_id().map_or_else(String::new, short);
                let lost = if is_lost { ", but the answer is lost" } else { "" };
                format!("{name} {order} at server {}: {}{lost}", node.name, said(&heard))
            });
            match heard {
                Some(Ok(answer)) => {
                    self.is_durable(ledger, &answer);
                    if !is_lost {
                        return Ok(answer);
                    }
                    self.count("answers lost");
                }
                Some(Err(Failure::Refused(refusal))) if !is_lost => return Err(refusal),
                Some(Err(Failure::Refused(_))) => self.count("answers lost"),
                Some(Err(Failure::Busy)) => self.count("answers: busy"),
                Some(Err(Failure::Unavailable)) => self.count("answers: unavailable"),
                None => self.count("servers that never answered"),
            }
            sleep(Duration::from_millis(rng.u64(200..5_000))).await;
        }
    }

    /// A copy of the request that hangs somewhere and arrives when nobody expects it.
    fn repeat_later(self: &Arc<Self>, rng: &mut Rng, ledger: ConferenceId, request: &Request) {
        self.count("requests repeated");
        let (world, request, mut rng) = (self.clone(), request.clone(), rng.fork());
        self.errands.spawn(async move {
            let longest = if rng.bool() { 300 } else { 1_200_000 };
            sleep(Duration::from_millis(rng.u64(0..longest))).await;
            let node = world.some_node(&mut rng).await;
            let heard = hear(&node, ledger, &request).await;
            world.tell(|| {
                let name = request.command.name();
                let order = request.command.order_id().map_or_else(String::new, short);
                format!("{name} {order} once more at server {}: {}", node.name, said(&heard))
            });
            if let Some(Ok(answer)) = heard {
                world.is_durable(ledger, &answer);
            }
        });
    }

    /// What was answered is on the disk when it is answered.
    fn is_durable(&self, ledger: ConferenceId, answer: &Answer) {
        let head = self.disk().ledgers.get(&ledger.0).map_or(0, |rows| rows.head());
        if head < answer.position {
            let position = answer.position;
            self.broke(format!("position {position} was answered while the head was {head}"));
        }
        if let Some(stuck) = &answer.stuck {
            self.broke(format!("the process of order {} is stuck: {}", stuck.order_id, stuck.todo));
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

/// `None`: the server died, or nobody answered.
async fn hear(
    node: &Node,
    ledger: ConferenceId,
    request: &Request,
) -> Option<Result<Answer, Failure>> {
    tokio::select! {
        biased;
        () = node.died.cancelled() => None,
        answer = timeout(PATIENCE, node.ledgers.perform(ledger, request.clone())) => answer.ok(),
    }
}

fn said(heard: &Option<Result<Answer, Failure>>) -> String {
    match heard {
        None => "no answer".to_owned(),
        Some(Ok(answer)) => format!("yes at {}", answer.position),
        Some(Err(Failure::Refused(refusal))) => format!("no, {:?}", refusal.code),
        Some(Err(failure)) => format!("{failure:?}"),
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
