//! Puts the parts together: store, ledgers, workers, doors. Decides nothing.

use crate::clock::Clock;
use crate::config::Config;
use crate::deadlines::{self, Deadlines};
use crate::effects::{self, Effects};
use crate::generations::{Gate, Generations};
use crate::http::{self, connections};
use crate::leaving::Leaving;
use crate::ledgers::{Bells, Ledgers};
use crate::live::Hub;
use crate::mailer::Mailer;
use crate::maintenance::Maintenance;
use crate::news::News;
use crate::nodes::{Node, Nodes};
use crate::order_links::OrderLinks;
use crate::owner_codes::OwnerCodes;
use crate::payment_gateway::PaymentGateway;
use crate::peers::Peers;
use crate::simulated_provider::SimulatedProvider;
use crate::store::Store;
use crate::trust::Trust;
use anyhow::Context;
use shared::Release;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// How long a server that has others beside it goes on being there after it said that it leaves, unless
/// the configuration says: two looks of a proxy that looks every half second, and a little.
const LEAVES_FOR: Duration = Duration::from_secs(2);
/// Since the order to stop: until then sockets and requests under way may finish.
const CONNECTIONS_STOP_WITHIN: Duration = Duration::from_secs(5);
/// Since the order to stop: until then workers may finish what they have begun outside.
const WORKERS_STOP_WITHIN: Duration = Duration::from_secs(7);
/// Since the order to stop: until then the last batches are written and the store is closed. Whoever
/// started us waits ten seconds before he kills.
const STOPS_WITHIN: Duration = Duration::from_secs(9);

/// A whole server. Cheap to clone; every handler gets one.
#[derive(Clone)]
pub struct House {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub store: Store,
    pub hub: Hub,
    pub ledgers: Ledgers,
    pub gateway: PaymentGateway,
    pub owner_codes: OwnerCodes,
    pub maintenance: Maintenance,
    /// The payment provider for demonstrations, when no other is configured.
    pub provider: Option<SimulatedProvider>,
    /// How the world reaches us, without a slash at the end.
    pub public_url: Arc<str>,
    /// Cancelled when the server stops.
    pub stop: CancellationToken,
    /// When the server leaves, which comes before it stops.
    pub leaving: Leaving,
    /// Which release this is; pages compare it with theirs.
    pub release: Release,
    /// Open once requests may come here.
    pub gate: Gate,
    nodes: Nodes,
    bells: Bells,
    workers: TaskTracker,
}

impl House {
    /// Opens the store and starts the workers. `local_addr` is where the doors will be.
    ///
    /// # Errors
    /// The store cannot be opened, or the provider's journal cannot be read.
    pub async fn open(
        config: Config,
        clock: Clock,
        local_addr: SocketAddr,
    ) -> anyhow::Result<Self> {
        let url = &config.storage.database_url;
        let store = Store::open_as(url, i64::MAX, config.program.generation).await;
        let store = store.context("cannot open the database")?;
        let gate = Gate::for_the_first_look(&store).await.context("cannot read the documents")?;
        let (hub, bells) = (Hub::default(), Bells::default());
        let ledgers = Ledgers::new(store.clone(), hub.clone(), clock.clone(), bells.clone());
        let here = format!("http://{local_addr}");
        let public_url: Arc<str> = match config.http.public_url.as_str() {
            "" => here.as_str().into(),
            url => url.into(),
        };
        let key = &config.secrets.payment_key;
        let provider = match config.payment.provider_url.as_str() {
            "" => Some(SimulatedProvider::open(
                &config.storage.data_dir.join("simulated-provider.jsonl"),
                key,
                format!("{here}/api/payment-callbacks"),
                clock.clone(),
            )?),
            _ => None,
        };
        let provider_url = match config.payment.provider_url.as_str() {
            "" => here.as_str(),
            url => url,
        };
        let trust = Trust::open(&config.tls)?;
        let gateway = PaymentGateway::open(provider_url, key, &trust)?;
        let owner_codes = OwnerCodes::new(&config.secrets);
        let mailer = Mailer::open(&config.mail, &trust, public_url.clone())?;
        let url = config.http.node_url.as_str().into();
        let (id, program) = (http::fresh_id(), config.program);
        let nodes = Nodes::new(Node { id, url, program, is_ready: gate.is_open() });
        let maintenance = Maintenance::new(store.clone());
        maintenance.look().await.context("cannot read the switches")?;
        let stop = CancellationToken::new();
        let house = Self {
            config: Arc::new(config),
            clock,
            store,
            hub,
            ledgers,
            gateway,
            owner_codes,
            maintenance,
            provider,
            public_url,
            leaving: Leaving::before(stop.clone()),
            stop,
            release: program.release,
            gate,
            nodes,
            bells,
            workers: TaskTracker::new(),
        };
        house.start_workers(mailer);
        Ok(house)
    }

    /// Serves until `stop` is cancelled, then lets what is under way finish, within a bound.
    pub async fn serve(self, listener: TcpListener) {
        let router = http::router(self.clone());
        let served = connections::serve(listener, router, &self.config.http, self.leaving.clone());
        let stop = self.stop.clone();
        let stopped = tokio::spawn(async move {
            stop.cancelled().await;
            Instant::now()
        });
        let stop = self.stop.clone();
        let patience = async move {
            stop.cancelled().await;
            let never = std::future::pending::<()>();
            let _ = timeout(CONNECTIONS_STOP_WITHIN, never).await;
        };
        tokio::select! {
            () = served => {}
            () = patience => warn!("Some connections did not finish in time"),
        }
        self.stop.cancel();
        let stopped_at = stopped.await.unwrap_or_else(|_| Instant::now());
        self.wind_up(stopped_at).await;
        info!("Stopped");
    }

    /// How long it serves on after it was told to stop: so that whatever stands before several servers
    /// notices. Who is alone has nobody who could be asked instead.
    #[must_use]
    pub fn leaves_for(&self) -> Duration {
        let has_others = || self.ledgers.peers().is_some_and(|peers| !peers.others().is_empty());
        let by_itself = || if has_others() { LEAVES_FOR } else { Duration::ZERO };
        self.config.http.drain.unwrap_or_else(by_itself)
    }

    /// Finishes what is under way behind the doors. Each part has its bound, because each may wait for
    /// something outside that hangs; what does not finish is in the store, or never happened.
    async fn wind_up(&self, stopped_at: Instant) {
        self.workers.close();
        let workers = self.workers.wait();
        if timeout_at(stopped_at + WORKERS_STOP_WITHIN, workers).await.is_err() {
            warn!("Some workers did not finish in time; the store has what they left");
        }
        let rest = async {
            self.ledgers.close().await;
            self.store.close().await;
        };
        if timeout_at(stopped_at + STOPS_WITHIN, rest).await.is_err() {
            warn!(
                "The store did not answer in time; what was not answered may have to be sent again"
            );
        }
    }

    fn start_workers(&self, mailer: Mailer) {
        let deadlines = Deadlines {
            store: self.store.clone(),
            ledgers: self.ledgers.clone(),
            clock: self.clock.clone(),
            bells: self.bells.clone(),
            patience_seconds: deadlines::PATIENCE_SECONDS,
        };
        self.once_open(|stop| deadlines.run(stop));
        let effects = Effects {
            store: self.store.clone(),
            ledgers: self.ledgers.clone(),
            gateway: self.gateway.clone(),
            mailer,
            owner_codes: self.owner_codes.clone(),
            order_links: OrderLinks::new(&self.config.secrets),
            clock: self.clock.clone(),
            bells: self.bells.clone(),
            patience_seconds: effects::PATIENCE_SECONDS,
        };
        self.once_open(|stop| effects.run(stop));
        self.workers.spawn(self.maintenance.clone().run(self.stop.clone()));
        let nodes = self.nodes.clone();
        if !self.config.http.node_url.is_empty() {
            let key = &self.config.secrets.node_key;
            self.ledgers.meet(Peers::new(nodes.clone(), key, self.clock.clone()));
        }
        let news = News {
            store: self.store.clone(),
            ledgers: self.ledgers.clone(),
            hub: self.hub.clone(),
            bells: self.bells.clone(),
            clock: self.clock.clone(),
            gate: self.gate.clone(),
            nodes: nodes.clone(),
        };
        self.workers.spawn(news.run(self.stop.clone()));
        let (store, ledgers, gate) = (self.store.clone(), self.ledgers.clone(), self.gate.clone());
        let generations = Generations { store, ledgers, nodes, gate };
        self.workers.spawn(generations.run(self.stop.clone()));
    }

    /// Until then other servers do this work, and each of their conferences would be a long history to
    /// read.
    fn once_open<W: Future<Output = ()> + Send + 'static>(
        &self,
        work: impl FnOnce(CancellationToken) -> W + Send + 'static,
    ) {
        let (gate, stop) = (self.gate.clone(), self.stop.clone());
        self.workers.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = gate.opened() => work(stop.clone()).await,
            }
        });
    }
}
