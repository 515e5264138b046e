//! Servers that start, die, come back, stand still, believe what is not so, and hear of what the others
//! have written.

use crate::asking::PATIENCE;
use crate::owner::slug_of;
use crate::store::SimulatedStore;
use crate::world::World;
use fastrand::Rng;
use server::clock::Clock;
use server::config::Config;
use server::deadlines::Deadlines;
use server::effects::Effects;
use server::ledger::Bounds;
use server::ledger::stage::{Answer, Command, Request};
use server::ledgers::{Bells, Ledgers};
use server::live::{Frame, Hub, Mailbox};
use server::mailer::Mailer;
use server::nodes::{Nodes, Program};
use server::order_links::OrderLinks;
use server::owner_codes::OwnerCodes;
use server::payment_gateway::PaymentGateway;
use server::store::{Commit, LedgerId, Store};
use shared::ConferenceId;
use shared::live::Topic;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// A server that runs.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) name: usize,
    pub(crate) ledgers: Ledgers,
    /// Whom it has heard.
    heard: Nodes,
    hub: Hub,
    pub(crate) clock: Clock,
    pub(crate) died: CancellationToken,
}

impl Node {
    /// True when it is this one, and not one that was started later at the same place.
    pub(crate) fn is(&self, node: &server::nodes::Node) -> bool {
        self.heard.me.id == node.id
    }
}

impl World {
    /// A server stands still for so long, and does not notice.
    pub(crate) fn freeze(&self, name: usize, pause: Duration) {
        self.tell(|| format!("server {name} stands still for {pause:?}"));
        self.count("servers that stood still");
        self.state().frozen_until[name] = Some(Instant::now() + pause);
    }

    /// Waits until a server goes on.
    pub(crate) async fn thawed(&self, name: usize) {
        loop {
            let Some(until) = self.state().frozen_until[name] else { return };
            tokio::time::sleep_until(until).await;
            // Another pause may have begun meanwhile.
            let mut state = self.state();
            if state.frozen_until[name] == Some(until) {
                state.frozen_until[name] = None;
            }
        }
    }

    /// A server changes its mind about whether another is there.
    pub(crate) fn spread_rumour(&self, rng: &mut Rng) {
        let (name, other) = (rng.usize(..self.plan.nodes), rng.usize(..self.plan.nodes));
        let believed = &mut self.state().believed[name][other];
        *believed = !*believed;
    }

    /// Where somebody watches, the other servers hear of a new head, and read what is new.
    pub(crate) fn spread_news(self: &Arc<Self>, node: usize, commit: &Commit) {
        if !self.plan.is_watched || commit.events.is_empty() {
            return;
        }
        for name in (0..self.plan.nodes).filter(|name| *name != node) {
            let (world, ledger) = (self.clone(), ConferenceId(commit.ledger));
            let pause = Duration::from_millis(self.state().rng.u64(0..400));
            self.errands.spawn(async move {
                sleep(pause).await;
                let Some(node) = world.node(name) else { return };
                let request = Request::of_the_house(Command::CatchUp);
                let _ = timeout(PATIENCE, node.ledgers.perform_here(ledger, request)).await;
            });
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
        let ledgers =
            Ledgers::within(bounds, store.clone(), hub.clone(), clock.clone(), bells.clone());
        let deadlines = Deadlines {
            store: store.clone(),
            ledgers: ledgers.clone(),
            clock: clock.clone(),
            bells: bells.clone(),
            patience_seconds: self.plan.patience_seconds,
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
            patience_seconds: self.plan.patience_seconds,
        };
        let heard = Nodes::new(server::nodes::Node {
            id: World::id(&mut self.rng()),
            url: name.to_string().into(),
            program: Program::of_this_build(),
            is_ready: true,
        });
        if self.plan.has_peers {
            ledgers.meet(self.peers(name, heard.clone(), clock.clone()));
        }
        tokio::spawn(deadlines.run(CancellationToken::new()));
        tokio::spawn(effects.run(CancellationToken::new()));
        self.tell(|| format!("server {name} starts"));
        self.state().nodes[name] = Some(Node { name, ledgers, heard, hub, clock, died });
        let ledgers: Vec<LedgerId> = self.disk().ledgers.keys().copied().collect();
        for ledger in ledgers {
            self.watch(name, ConferenceId(ledger));
        }
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

    /// A server hears those whom it believes to be there.
    pub(crate) fn believe(&self, node: &Node) {
        if self.plan.has_peers {
            let state = self.state();
            for other in state.nodes.iter().flatten() {
                if state.believed[node.name][other.name] {
                    node.heard.heard(other.heard.me.clone(), Instant::now());
                }
            }
        }
    }

    /// The server of this name, if it runs.
    pub(crate) fn node(&self, name: usize) -> Option<Node> {
        self.state().nodes.get(name)?.clone()
    }

    /// Somebody watches a conference at every server.
    pub(crate) fn watch_everywhere(self: &Arc<Self>, ledger: ConferenceId) {
        for name in 0..self.plan.nodes {
            self.watch(name, ledger);
        }
    }

    /// Somebody watches a conference at this server, if it runs: what is pushed is on the disk.
    fn watch(self: &Arc<Self>, name: usize, ledger: ConferenceId) {
        let Some(Node { hub, died, .. }) = self.state().nodes[name].clone() else { return };
        if !self.plan.is_watched {
            return;
        }
        let (world, mailbox) = (self.clone(), Arc::new(Mailbox::default()));
        hub.watch(&Topic::Conference { slug: slug_of(ledger) }, &mailbox);
        tokio::spawn(async move {
            while let Some(frames) = died.run_until_cancelled(mailbox.take()).await {
                for Frame { position, .. } in frames {
                    world.is_durable(ledger, &Answer { position, ..Answer::default() });
                }
            }
        });
    }
}
