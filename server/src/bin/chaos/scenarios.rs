//! One scenario from beginning to end: a server with its database, people who use it, somebody who
//! breaks things, rest, and the verdict.
//!
//! Not here: what is broken and how (`faults.rs`), and what must be so afterwards (`verdict.rs`).

use crate::balancer::{Balancer, Held};
use crate::client::Client;
use crate::cluster::Cluster;
use crate::connection::Http;
use crate::dice::Dice;
use crate::disk::Disk;
use crate::journal::Journal;
use crate::node::{self, Node};
use crate::process::Server;
use crate::registrant::Registrant;
use crate::report::{Breach, Figures};
use crate::upgrade::Provider;
use crate::verdict::{self, Releases, judge};
use crate::world::World;
use crate::{database, faults, owner};
use anyhow::{Context, bail};
use futures_util::future::try_join_all;
use serde_json::json;
use server::domain::registration_process::Effect;
use server::store::{Store, sqlite_url};
use shared::views::ConferenceView;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::task::{JoinHandle, JoinSet};

const CONFERENCES: usize = 2;
/// Sockets that watch each conference.
const WATCHERS: usize = 3;
/// The shortest hold there is, so that time need not be moved far.
const HOLD_SECONDS: u32 = 60;
const GRACE_SECONDS: u32 = 2;
/// Longer than any hold and any payment's bound.
const AFTER_ALL_HOLDS: Duration = Duration::from_secs(3_600);
/// Longer than any pause between two attempts of an effect.
const AFTER_ALL_PAUSES: Duration = Duration::from_secs(1_000);
/// What clients get to finish, and how often we look for rest.
pub(crate) const FINISH_MAX: Duration = Duration::from_secs(180);
const ROUNDS_MAX: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Kill,
    DatabaseKill,
    Proxy,
    DiskFull,
    Descriptors,
    StopContinue,
    Nodes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Scenario {
    pub(crate) const ALL: [Self; 7] = [
        Self::Kill,
        Self::DatabaseKill,
        Self::Proxy,
        Self::DiskFull,
        Self::Descriptors,
        Self::StopContinue,
        Self::Nodes,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::DatabaseKill => "database-kill",
            Self::Proxy => "proxy",
            Self::DiskFull => "disk-full",
            Self::Descriptors => "descriptors",
            Self::StopContinue => "stop-continue",
            Self::Nodes => "nodes",
        }
    }

    /// The databases it makes sense on.
    pub(crate) const fn databases(self) -> &'static [Database] {
        match self {
            Self::Kill | Self::StopContinue | Self::Descriptors => {
                &[Database::Sqlite, Database::Postgres]
            }
            Self::DatabaseKill | Self::Proxy | Self::Nodes => &[Database::Postgres],
            Self::DiskFull => &[Database::Sqlite],
        }
    }
}

/// What to do, how often, and from which seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) scenario: Scenario,
    pub(crate) database: Database,
    pub(crate) seed: u64,
    pub(crate) times: u32,
    pub(crate) registrants: u32,
    /// Whether PostgreSQL waits for the disk.
    pub(crate) fsync: bool,
}

/// Everything that runs. What is first goes first when it is over.
pub(crate) struct Stage {
    /// One server, or several on one database. The first has the payment provider in it.
    pub(crate) nodes: Vec<Node>,
    pub(crate) world: Arc<World>,
    pub(crate) figures: Figures,
    pub(crate) dice: Dice,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) disk: Option<Disk>,
    pub(crate) balancer: Option<Balancer>,
    /// The payment provider's journal.
    pub(crate) journal: PathBuf,
    /// The provider, where it is not in the first server.
    pub(crate) provider: Option<Provider>,
    pub(crate) folder: TempDir,
}

/// The people who use it.
pub(crate) struct People {
    registrants: JoinSet<anyhow::Result<Registrant>>,
    owner: JoinHandle<anyhow::Result<Journal>>,
    watchers: JoinSet<Journal>,
}

/// Runs a scenario. What it could not do to the end is a breach, too.
pub(crate) async fn run(job: Job) -> Figures {
    let started = Instant::now();
    let mut stage = match Stage::open(job).await {
        Ok(stage) => stage,
        Err(error) => {
            let breach = Breach::other(format!("it could not begin: {error:#}"));
            return Figures { breaches: vec![breach], ..figures(job) };
        }
    };
    if let Err(error) = play(&mut stage, job).await {
        let last_words: Vec<_> = stage.nodes.iter().map(|node| node.server.last_words()).collect();
        let last_words = last_words.join("\n");
        let what = format!("it could not end: {error:#}; the server's last words:\n{last_words}");
        stage.figures.breaches.push(Breach::other(what));
    }
    stage.end(started)
}

pub(crate) fn figures(job: Job) -> Figures {
    Figures {
        scenario: job.scenario.name().to_owned(),
        database: job.database.name().to_owned(),
        seed: job.seed,
        ..Figures::default()
    }
}

async fn play(stage: &mut Stage, job: Job) -> anyhow::Result<()> {
    let people = People::arrive(stage, job.registrants).await?;
    faults::run(stage, job).await?;
    stage.world.end();
    let finished = tokio::time::timeout(FINISH_MAX, people.finish(stage));
    let journal = finished.await.context("clients do not come to an end")??;
    let store = come_to_rest(stage).await?;
    let provider = stage.journal.clone();
    let Stage { figures, world, .. } = &mut *stage;
    judge(figures, world, &store, (&journal, &provider), Releases::One).await?;
    store.close().await;
    Ok(())
}

impl Stage {
    async fn open(job: Job) -> anyhow::Result<Self> {
        let mut dice = Dice::new(job.seed);
        let folder = tempfile::Builder::new().prefix("chaos-").tempdir()?;
        let data = folder.path().join("data");
        std::fs::create_dir(&data)?;
        let disk = match job.scenario {
            Scenario::DiskFull => Some(Disk::mount(&data)?),
            _ => None,
        };
        let cluster = match job.database {
            Database::Sqlite => None,
            Database::Postgres => {
                let settings = database::settings(job.fsync);
                Some(tokio::task::block_in_place(|| Cluster::start(&settings)))
            }
        };
        let url = match &cluster {
            None => sqlite_url(&data.join("contoso.db")),
            Some(cluster) => cluster.database().await,
        };
        let mut nodes = Vec::new();
        let mut balancer = None;
        if let (Scenario::Nodes, Some(cluster)) = (job.scenario, &cluster) {
            nodes = node::several(folder.path(), (cluster, &url), &mut dice).await?;
            let addresses: Vec<_> = nodes.iter().map(|node| node.server.addr).collect();
            let before_all = Balancer::start(Held::Cut).await?;
            addresses.into_iter().for_each(|addr| before_all.add(addr));
            balancer = Some(before_all);
        } else {
            let mut node = Node::alone(Server::new(&data, &url, folder.path().join("server.log"))?);
            if let (Scenario::Proxy, Some(cluster)) = (job.scenario, &cluster) {
                node.pass_a_proxy(&cluster.folder, &mut dice).await?;
            }
            nodes.push(node);
        }
        let provider = nodes[0].server.addr;
        let door = balancer.as_ref().map_or(provider, |balancer| balancer.addr);
        let mut world = World::new(door, provider);
        for node in &mut nodes {
            node.server.start(&world)?;
        }
        world.until_ready().await?;
        for number in 0..CONFERENCES {
            let conference = make_conference(&world, &format!("chaos-{number}")).await?;
            world.conferences.push(conference);
        }
        let (world, figures) = (Arc::new(world), figures(job));
        let journal = nodes[0].server.folder.join("simulated-provider.jsonl");
        let provider = None;
        Ok(Self { nodes, world, figures, dice, cluster, disk, balancer, journal, provider, folder })
    }

    pub(crate) fn client(&mut self) -> Client {
        Client::new(self.world.clone(), self.dice.fork())
    }

    /// The only server, or the first.
    pub(crate) fn server(&mut self) -> &mut Server {
        &mut self.nodes[0].server
    }

    /// What came of it.
    pub(crate) fn end(self, started: Instant) -> Figures {
        let Self { world, mut figures, .. } = self;
        figures.breaches.extend(world.breaches());
        figures.answered = world.counts.answered.load(Ordering::Relaxed);
        figures.postponed = world.counts.postponed.load(Ordering::Relaxed);
        figures.unanswered = world.counts.unanswered.load(Ordering::Relaxed);
        figures.seconds = started.elapsed().as_secs_f64();
        figures
    }

    /// Lets time pass at the running servers.
    pub(crate) async fn pass(&mut self, by: Duration) -> anyhow::Result<()> {
        self.world.pass(by);
        let now = self.world.now();
        if let Some(provider) = &self.provider {
            provider.set_clock(now);
        }
        let mut client = self.client();
        for node in &self.nodes {
            client.set_clock(node.server.addr, now).await?;
        }
        Ok(())
    }
}

/// Few seats, so that selling one twice would show.
pub(crate) async fn make_conference(world: &World, slug: &str) -> anyhow::Result<ConferenceView> {
    let mut http = Http::connect(world.addr).await?;
    let cancel_until = world.now().plus_seconds(60 * 86_400);
    let body = json!({
        "slug": slug,
        "name": "The conference of crashes",
        "owner": { "email": owner::EMAIL, "access_code": owner::CODE },
        "hold_seconds": HOLD_SECONDS,
        "grace_seconds": GRACE_SECONDS,
        "cancel_until": cancel_until,
        "seat_types": [
            { "name": "General admission", "price_minor": 19_900, "quota": 12 },
            { "name": "Workshop", "price_minor": 5_000, "quota": 8 },
            { "name": "Evening talk", "price_minor": 0, "quota": 10 },
        ],
    });
    let answer = http.post("/test/conferences", None, body.to_string()).await?;
    serde_json::from_slice(&answer).context("no conference came back")
}

impl People {
    pub(crate) async fn arrive(stage: &mut Stage, registrants: u32) -> anyhow::Result<Self> {
        let mut http = Http::connect(stage.world.addr).await?;
        let cookie = http.sign_in(owner::EMAIL, owner::CODE).await?;
        let mut arrived = JoinSet::new();
        for _ in 0..registrants {
            arrived.spawn(Registrant::new(stage.client()).run());
        }
        let owner = tokio::spawn(owner::run(stage.client(), cookie));
        let mut watchers = JoinSet::new();
        for conference in &stage.world.conferences {
            for _ in 0..WATCHERS {
                watchers.spawn(owner::watch(stage.world.clone(), conference.slug.clone()));
            }
        }
        Ok(Self { registrants: arrived, owner, watchers })
    }

    /// Lets everybody finish what they have begun; then all holds end, and those who wanted to pay
    /// late do.
    pub(crate) async fn finish(self, stage: &mut Stage) -> anyhow::Result<Journal> {
        let mut journal = Journal::default();
        for watcher in self.watchers.join_all().await {
            journal.take(watcher);
        }
        journal.take(self.owner.await??);
        let registrants = self.registrants.join_all().await;
        stage.pass(AFTER_ALL_HOLDS).await?;
        let mut late = JoinSet::new();
        for registrant in registrants {
            late.spawn(registrant?.pay_late());
        }
        for registrant in late.join_all().await {
            journal.take(registrant?);
        }
        Ok(journal)
    }
}

/// Waits until nothing is held, due or under way, then stops the server; answers what it stored.
pub(crate) async fn come_to_rest(stage: &mut Stage) -> anyhow::Result<Store> {
    let mut client = stage.client();
    let mut pause = Duration::from_millis(200);
    for _ in 0..ROUNDS_MAX {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until && is_anything_held(stage, &mut client).await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
        // At the same time, because each may take its time to leave.
        try_join_all(stage.nodes.iter_mut().map(|node| node.server.stop())).await?;
        let store = Store::open(&stage.server().database_url).await?;
        if store.next_effect(Effect::KINDS).await?.is_none()
            && store.next_deadline().await?.is_none()
            && verdict::money::Provider::read(&stage.journal)?.is_at_rest()
        {
            return Ok(store);
        }
        store.close().await;
        stage.world.pass(AFTER_ALL_PAUSES);
        if let Some(provider) = &stage.provider {
            provider.set_clock(stage.world.now());
        }
        for node in &mut stage.nodes {
            node.server.start(&stage.world)?;
        }
        stage.world.until_ready().await?;
    }
    bail!("the server does not come to rest")
}

async fn is_anything_held(stage: &Stage, client: &mut Client) -> anyhow::Result<bool> {
    for conference in &stage.world.conferences {
        let view = client.conference(&conference.slug).await?;
        if view.seat_types.iter().any(|line| 0 < line.held) {
            return Ok(true);
        }
    }
    Ok(false)
}
