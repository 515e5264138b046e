//! The rehearsal of a rolling upgrade: three servers of the previous release, people who order at a
//! steady pace and many who watch; one server after the other is replaced by the current release, and
//! then all of it goes back.
//!
//! Whoever asks must be answered, whoever watches must not see anything old for long, and afterwards
//! everything is judged as after any other scenario. Not here: what is broken on purpose (`faults.rs`).

#[path = "upgrade/onlooker.rs"]
mod onlooker;
#[path = "upgrade/provider.rs"]
mod provider;
#[path = "upgrade/rehearsal.rs"]
mod rehearsal;
#[path = "upgrade/staleness.rs"]
mod staleness;
#[path = "upgrade/visitor.rs"]
mod visitor;

use crate::balancer::{Balancer, Held};
use crate::cluster::Cluster;
use crate::database;
use crate::dice::Dice;
use crate::journal::Journal;
use crate::node::Node;
use crate::process::Server;
use crate::report::{Breach, Figures};
use crate::scenarios::{FINISH_MAX, People, Stage, come_to_rest, make_conference};
use crate::verdict::{Releases, judge};
use crate::world::{Pace, World};
use anyhow::{Context, ensure};
use onlooker::{Onlookers, Seen};
pub(crate) use provider::Provider;
pub(crate) use rehearsal::Rehearsal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::timeout;
use visitor::Visits;

/// A new server is ready within this time, whatever it has to do to the database.
const READY_MAX: Duration = Duration::from_secs(60);
/// A server that was told to stop is gone this soon, the time it takes to leave not counted.
const STOPS_WITHIN: Duration = Duration::from_secs(10);
/// Sockets that watch one conference.
const SOCKETS_PER_CONFERENCE: usize = 100;
/// Broken promises that a tool found, as far as they are told.
const BROKEN_MAX: usize = 5;
/// How long we wait after the last order until everybody must have seen everything.
const SEEN_MAX: Duration = Duration::from_millis(2_500);

/// A program and the browser's programs that it serves.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) program: PathBuf,
    /// Without it pages are plain, and nobody asks for them.
    pub(crate) dist: Option<PathBuf>,
}

/// What is rehearsed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) previous: Release,
    pub(crate) current: Release,
    pub(crate) nodes: usize,
    pub(crate) sockets: usize,
    pub(crate) orders_per_minute: u32,
    pub(crate) registrants: u32,
    /// Before, between and after the two ways.
    pub(crate) rest: Duration,
    /// How long a server takes to leave; `None`: as it decides itself.
    pub(crate) drain: Option<u64>,
    /// Whether a registrant asks again on the same connection. Off: as through a proxy that makes a new
    /// one for every request, which is what nginx does unless told otherwise.
    pub(crate) keeps_connections: bool,
    /// Whether it is a breach when a screen is old or the load was not there. Off where the machine does
    /// other things as well.
    pub(crate) judges_time: bool,
    pub(crate) seed: u64,
    pub(crate) fsync: bool,
}

/// Runs it. What it could not do to the end is a breach, too.
pub(crate) async fn run(plan: &Plan) -> Figures {
    // Every socket passes three times: at us, at the balancer, and at its way to a server.
    let _ = server::open_files::raise_limit();
    let started = Instant::now();
    let figures = Figures {
        scenario: "upgrade".to_owned(),
        database: "postgres".to_owned(),
        seed: plan.seed,
        ..Figures::default()
    };
    let mut stage = match open(plan, figures).await {
        Ok(stage) => stage,
        Err((mut figures, error)) => {
            figures.breaches.push(Breach::other(format!("it could not begin: {error:#}")));
            return figures;
        }
    };
    if let Err(error) = play(&mut stage, plan).await {
        let last_words: Vec<_> = stage.nodes.iter().map(|node| node.server.last_words()).collect();
        let last_words = last_words.join("\n");
        let what = format!("it could not end: {error:#}; the servers' last words:\n{last_words}");
        stage.figures.breaches.push(Breach::other(what));
    }
    stage.end(started)
}

/// Servers of the previous release, a provider that outlives all of them, conferences.
async fn open(plan: &Plan, figures: Figures) -> Result<Stage, (Figures, anyhow::Error)> {
    let opened = async {
        let folder = tempfile::Builder::new().prefix("upgrade-").tempdir()?;
        let settings = database::settings(plan.fsync);
        let cluster = tokio::task::block_in_place(|| Cluster::start(&settings));
        let url = cluster.database().await;
        let balancer = Balancer::start(Held::Kept).await?;
        let provider = Provider::open(folder.path(), balancer.addr).await?;
        let mut world = World::new(balancer.addr, provider.addr);
        world.keeps_connections = plan.keeps_connections;
        let stage = Stage {
            nodes: Vec::new(),
            world: Arc::new(world),
            figures: Figures::default(),
            dice: Dice::new(plan.seed),
            cluster: Some(cluster),
            disk: None,
            journal: provider.journal.clone(),
            provider: Some(provider),
            balancer: Some(balancer),
            folder,
        };
        anyhow::Ok((stage, url))
    };
    let (mut stage, url) = match opened.await {
        Ok(opened) => opened,
        Err(error) => return Err((figures, error)),
    };
    stage.figures = figures;
    match begin(&mut stage, plan, &url).await {
        Ok(()) => Ok(stage),
        Err(error) => Err((stage.figures, error)),
    }
}

async fn begin(stage: &mut Stage, plan: &Plan, url: &str) -> anyhow::Result<()> {
    for _ in 0..plan.nodes {
        let node = add_node(stage, plan, (&plan.previous, url)).await?;
        stage.nodes.push(node);
    }
    let world = Arc::get_mut(&mut stage.world).context("nobody else has it yet")?;
    world.until_ready().await?;
    let conferences = (plan.sockets / SOCKETS_PER_CONFERENCE).clamp(2, 10);
    for number in 0..conferences {
        let conference = make_conference(world, &format!("upgrade-{number}")).await?;
        world.conferences.push(conference);
    }
    world.pace = Some(Pace::per_minute(plan.orders_per_minute));
    Ok(())
}

async fn play(stage: &mut Stage, plan: &Plan) -> anyhow::Result<()> {
    let mut onlookers = Onlookers::arrive(stage, plan.sockets).await?;
    let people = People::arrive(stage, plan.registrants).await?;
    let visits = Visits::begin(stage, plan.current.dist.is_some());
    let began = Instant::now();
    tokio::time::sleep(plan.rest).await;
    roll(stage, plan, &plan.current).await?;
    tokio::time::sleep(plan.rest).await;
    verify(stage, &plan.current, &["verify"]).await?;
    roll(stage, plan, &plan.previous).await?;
    tokio::time::sleep(plan.rest).await;

    stage.world.end();
    let ended = Instant::now();
    let seen = onlookers.leave(ended + SEEN_MAX).await;
    let visits = visits.end().await;
    let finished = timeout(FINISH_MAX, people.finish(stage));
    let journal = finished.await.context("clients do not come to an end")??;
    let store = come_to_rest(stage).await?;
    let provider = stage.journal.clone();
    let Stage { figures, world, .. } = &mut *stage;
    judge(figures, world, &store, (&journal, &provider), Releases::Two).await?;
    let conferences = &stage.world.conferences;
    let stale = staleness::measure(&store, conferences, (&journal, &seen), ended).await?;
    store.close().await;
    for release in [&plan.previous, &plan.current] {
        verify(stage, release, &["verify", "--stopped"]).await?;
    }
    note(stage, &journal, (&seen, stale, visits));
    stage.figures.judge_rehearsal(&stage.world, plan, (began, ended));
    Ok(())
}

fn note(
    stage: &mut Stage,
    journal: &Journal,
    (seen, stale, visits): (&[Seen], staleness::Stale, visitor::Figures),
) {
    let figures = &mut stage.figures.rehearsal;
    figures.sockets = seen.len();
    figures.releases = seen.iter().flat_map(|seen| seen.releases.clone()).collect();
    figures.reconnected = seen.iter().map(|seen| seen.lost.len()).sum();
    figures.sockets_refused = seen.iter().map(|seen| seen.refused).sum();
    figures.stale = stale;
    figures.visits = visits;
    figures.note_steps(journal);
}

/// Replaces all servers, one after the other.
async fn roll(stage: &mut Stage, plan: &Plan, release: &Release) -> anyhow::Result<()> {
    for number in 0..stage.nodes.len() {
        let url = stage.nodes[number].server.database_url.clone();
        let fresh = add_node(stage, plan, (release, &url)).await?;
        let mut old = std::mem::replace(&mut stage.nodes[number], fresh);
        let told = Instant::now();
        old.server.stop().await?;
        let took = told.elapsed();
        let may_take = STOPS_WITHIN + Duration::from_secs(plan.drain.unwrap_or(2));
        ensure!(took < may_take, "a server took {took:?} to stop");
        let slowest = &mut stage.figures.rehearsal.slowest_stop_ms;
        *slowest = (*slowest).max(u64::try_from(took.as_millis())?);
        let balancer = stage.balancer.as_ref().context("there is a balancer")?;
        balancer.forget(old.server.addr);
        stage.figures.fault("server replaced");
        tokio::time::sleep(plan.rest / 2).await;
    }
    Ok(())
}

/// Starts a server of this release; it gets its share when this returns.
async fn add_node(
    stage: &mut Stage,
    plan: &Plan,
    (release, url): (&Release, &str),
) -> anyhow::Result<Node> {
    let number = stage.figures.rehearsal.started;
    stage.figures.rehearsal.started += 1;
    let data = stage.folder.path().join(format!("node-{number}"));
    std::fs::create_dir(&data)?;
    let log = stage.folder.path().join(format!("node-{number}.log"));
    let mut server = Server::new(&data, url, log)?;
    server.program = Some(release.program.clone());
    server.settings = vec![
        ("NODE_URL", format!("http://{}", server.addr)),
        ("SECRET_KEY", "what the nodes of the rehearsal have in common".to_owned()),
        ("PAYMENT_PROVIDER_URL", format!("http://{}", stage.world.provider)),
    ];
    if let Some(dist) = &release.dist {
        server.settings.push(("DIST_DIR", dist.display().to_string()));
    }
    if let Some(seconds) = plan.drain {
        server.settings.push(("DRAIN_SECONDS", seconds.to_string()));
    }
    server.start_among_others(&stage.world)?;
    let balancer = stage.balancer.as_ref().context("there is a balancer")?;
    balancer.add(server.addr);
    let ready = timeout(READY_MAX, balancer.until_ready(server.addr)).await;
    ready.with_context(|| format!("a server is not ready: {}", server.last_words()))?;
    Ok(Node::alone(server))
}

/// The tool of this release, on what both of them wrote.
async fn verify(stage: &mut Stage, release: &Release, tool_words: &[&str]) -> anyhow::Result<()> {
    let mut tool = tokio::process::Command::new(&release.program);
    tool.args(tool_words)
        .env("DATABASE_URL", &stage.nodes[0].server.database_url)
        .env("TEST_DOOR", "1")
        .env("TEST_CLOCK_AHEAD_MS", stage.world.ahead_ms().to_string());
    let said = tool.output().await.context("the tool cannot be started")?;
    stage.figures.fault("verified");
    if !said.status.success() {
        let words = String::from_utf8_lossy(&said.stdout);
        let broken = words.lines().filter(|line| line.contains("is broken")).take(BROKEN_MAX);
        let broken = broken.collect::<Vec<_>>().join("; ");
        let error = String::from_utf8_lossy(&said.stderr);
        let program = release.program.display();
        let what = format!(
            "{program} {words:?} finds something wrong: {broken} {error}",
            words = tool_words
        );
        stage.figures.breaches.push(Breach::other(what));
    }
    Ok(())
}

/// Nobody is left.
async fn all<T: 'static>(mut people: JoinSet<T>) -> Vec<T> {
    let mut gone = Vec::new();
    while let Some(person) = people.join_next().await {
        gone.extend(person.ok());
    }
    gone
}
