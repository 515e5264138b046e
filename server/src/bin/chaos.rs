//! Real crashes: `make chaos`. A server in a process of its own is used by many registrants, while it is
//! killed and stopped, its database dies, its connections are cut, its disk fills, its files run out.
//! Clients keep every answer that they got.
//!
//! Afterwards everything that was answered must be there, once; nothing oversold, no hold left behind,
//! and the payment provider's money must agree with ours. Prints how soon the server was there again.
//! Not here: faults that are simulated inside one process, where every step can be reached.

#![expect(
    clippy::disallowed_methods,
    reason = "who breaks things waits, measures time and makes ids"
)]

#[path = "chaos/balancer.rs"]
mod balancer;
#[path = "chaos/client.rs"]
mod client;
#[path = "load/cluster.rs"]
mod cluster;
#[path = "load/connection.rs"]
mod connection;
#[path = "chaos/database.rs"]
mod database;
#[path = "chaos/dice.rs"]
mod dice;
#[path = "chaos/disk.rs"]
mod disk;
#[path = "chaos/faults.rs"]
mod faults;
#[path = "load/figures.rs"]
mod figures;
#[path = "load/intents.rs"]
mod intents;
#[path = "chaos/journal.rs"]
mod journal;
#[path = "chaos/node.rs"]
mod node;
#[path = "chaos/owner.rs"]
mod owner;
#[path = "chaos/process.rs"]
mod process;
#[path = "load/program.rs"]
mod program;
#[path = "chaos/proxy.rs"]
mod proxy;
#[path = "chaos/registrant.rs"]
mod registrant;
#[path = "chaos/report.rs"]
mod report;
#[path = "chaos/scenarios.rs"]
mod scenarios;
#[path = "chaos/upgrade.rs"]
mod upgrade;
#[path = "chaos/verdict.rs"]
mod verdict;
#[path = "chaos/world.rs"]
mod world;

use anyhow::{Context, bail, ensure};
use report::{Breach, Figures, print_details, print_header, print_row};
use scenarios::{Database, Job, Scenario};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use upgrade::{Plan, Release};
use uuid::Uuid;

const USAGE: &str =
    "usage: chaos [--scenario kill,database-kill,proxy,disk-full,descriptors,stop-continue,nodes]
             [--database sqlite,postgres] [--kills 500] [--faults 30] [--registrants 24]
             [--seed NUMBER] [--json FILE] [--fsync on]
       chaos --scenario upgrade [--previous SERVER] [--previous-dist DIR] [--dist DIR] [--sockets 1000]
             [--orders 500] [--nodes 3] [--rest 15] [--drain SECONDS] [--keep-alive on]
             [--time off] …
  everything but `upgrade` by default, with a seed of its own; --kills is for `kill`, --faults for all others;
  --fsync off: PostgreSQL does not wait for the disk, which only a loss of power would show";

struct Options {
    scenarios: Vec<Scenario>,
    databases: Vec<Database>,
    kills: u32,
    faults: u32,
    registrants: u32,
    seed: u64,
    fsync: bool,
    json: Option<PathBuf>,
    /// We are in a namespace in which we may mount.
    is_inside: bool,
    /// Nothing else is done then.
    upgrade: Option<Upgrade>,
}

/// What only the rehearsal of an upgrade has to know.
struct Upgrade {
    /// `None`: the same as the current one.
    previous: Option<PathBuf>,
    previous_dist: Option<PathBuf>,
    dist: Option<PathBuf>,
    sockets: usize,
    orders_per_minute: u32,
    nodes: usize,
    rest: Duration,
    drain: Option<u64>,
    keeps_connections: bool,
    judges_time: bool,
}

impl Default for Upgrade {
    fn default() -> Self {
        Self {
            previous: None,
            previous_dist: None,
            dist: None,
            sockets: 1_000,
            orders_per_minute: 500,
            nodes: 3,
            rest: Duration::from_secs(15),
            drain: None,
            keeps_connections: false,
            judges_time: true,
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options()?;
    let started = Instant::now();
    let mut all = Vec::new();
    if let Some(upgrade) = &options.upgrade {
        let figures = upgrade::run(&plan(&options, upgrade)?).await;
        print_details(&figures);
        all.push(figures);
    }
    for job in jobs(&options) {
        let outside = job.scenario == Scenario::DiskFull && !options.is_inside;
        let figures = if outside { run_inside(job) } else { scenarios::run(job).await };
        if !options.is_inside {
            print_details(&figures);
        }
        all.push(figures);
    }
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&all)?)?;
    }
    if options.is_inside {
        return Ok(());
    }
    println!();
    print_header();
    all.iter().for_each(print_row);
    println!("\nseed {}, {:.0} s", options.seed, started.elapsed().as_secs_f64());
    ensure!(all.iter().all(|figures| figures.breaches.is_empty()), "promises were broken");
    Ok(())
}

fn plan(options: &Options, upgrade: &Upgrade) -> anyhow::Result<Plan> {
    let Options { seed, registrants, fsync, .. } = *options;
    let program = program::path()?;
    let previous = upgrade.previous.clone().unwrap_or_else(|| program.clone());
    Ok(Plan {
        previous: Release { program: previous, dist: upgrade.previous_dist.clone() },
        current: Release { program, dist: upgrade.dist.clone() },
        nodes: upgrade.nodes,
        sockets: upgrade.sockets,
        orders_per_minute: upgrade.orders_per_minute,
        registrants,
        rest: upgrade.rest,
        drain: upgrade.drain,
        keeps_connections: upgrade.keeps_connections,
        judges_time: upgrade.judges_time,
        seed,
        fsync,
    })
}

fn jobs(options: &Options) -> Vec<Job> {
    let Options { seed, registrants, fsync, .. } = *options;
    let mut jobs = Vec::new();
    for scenario in &options.scenarios {
        let times = if *scenario == Scenario::Kill { options.kills } else { options.faults };
        for database in scenario.databases() {
            if options.databases.contains(database) {
                let (scenario, database) = (*scenario, *database);
                jobs.push(Job { scenario, database, seed, times, registrants, fsync });
            }
        }
    }
    jobs
}

/// Runs a scenario in a process that may mount, and reads its figures.
fn run_inside(job: Job) -> Figures {
    let program =
        match std::env::current_exe().context("who are we?").map(|us| disk::in_namespace(&us)) {
            Ok(Ok(program)) => program,
            Ok(Err(why)) | Err(why) => {
                return Figures { not_run: Some(format!("{why:#}")), ..scenarios::figures(job) };
            }
        };
    try_inside(program, job).unwrap_or_else(|error| {
        let breach = Breach::other(format!("{error:#}"));
        Figures { breaches: vec![breach], ..scenarios::figures(job) }
    })
}

fn try_inside(mut program: std::process::Command, job: Job) -> anyhow::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let json = folder.path().join("figures.json");
    program
        .args(["--scenario", job.scenario.name(), "--database", job.database.name()])
        .args(["--faults", &job.times.to_string(), "--registrants", &job.registrants.to_string()])
        .args(["--seed", &job.seed.to_string(), "--inside", "yes", "--json"])
        .arg(&json);
    ensure!(program.status()?.success(), "the scenario's process failed");
    let mut figures: Vec<Figures> = serde_json::from_slice(&std::fs::read(&json)?)?;
    figures.pop().context("the scenario has no figures")
}

fn options() -> anyhow::Result<Options> {
    let (seed, _) = Uuid::new_v4().as_u64_pair();
    let mut options = Options {
        scenarios: Scenario::ALL.to_vec(),
        databases: vec![Database::Sqlite, Database::Postgres],
        kills: 500,
        faults: 30,
        registrants: 24,
        // Short enough to be typed again.
        seed: seed % 1_000_000,
        fsync: true,
        json: None,
        is_inside: false,
        upgrade: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| USAGE.to_owned())?;
        match name.as_str() {
            "--scenario" if value == "upgrade" => {
                options.scenarios.clear();
                options.upgrade.get_or_insert_default();
            }
            "--scenario" => options.scenarios = named(&value, &Scenario::ALL, Scenario::name)?,
            "--database" => {
                let all = [Database::Sqlite, Database::Postgres];
                options.databases = named(&value, &all, Database::name)?;
            }
            "--kills" => options.kills = value.parse().context(USAGE)?,
            "--faults" => options.faults = value.parse().context(USAGE)?,
            "--registrants" => options.registrants = value.parse().context(USAGE)?,
            "--seed" => options.seed = value.parse().context(USAGE)?,
            "--fsync" => options.fsync = value == "on",
            "--json" => options.json = Some(Path::new(&value).to_owned()),
            "--inside" => options.is_inside = true,
            name => options.upgrade.as_mut().context(USAGE)?.set(name, &value)?,
        }
    }
    Ok(options)
}

impl Upgrade {
    fn set(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        let path = Some(Path::new(value).to_owned());
        match name {
            "--previous" => self.previous = path,
            "--previous-dist" => self.previous_dist = path,
            "--dist" => self.dist = path,
            "--sockets" => self.sockets = value.parse().context(USAGE)?,
            "--orders" => self.orders_per_minute = value.parse().context(USAGE)?,
            "--nodes" => self.nodes = value.parse().context(USAGE)?,
            "--rest" => self.rest = Duration::from_secs(value.parse().context(USAGE)?),
            "--drain" => self.drain = Some(value.parse().context(USAGE)?),
            "--keep-alive" => self.keeps_connections = value == "on",
            "--time" => self.judges_time = value == "on",
            _ => bail!("{USAGE}"),
        }
        Ok(())
    }
}

/// Those of `all` that are named, separated by commas.
fn named<T: Copy>(names: &str, all: &[T], name: fn(T) -> &'static str) -> anyhow::Result<Vec<T>> {
    let find = |wanted: &str| all.iter().copied().find(|one| name(*one) == wanted);
    names.split(',').map(|wanted| find(wanted).context(USAGE)).collect()
}
