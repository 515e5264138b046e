//! What is broken, how and when, in each scenario; and how soon the server is there again.

use crate::cluster::Cluster;
use crate::database::{Death, take_away};
use crate::dice::Dice;
use crate::figures::cpu_seconds;
use crate::node;
use crate::proxy::Trouble;
use crate::scenarios::{Job, Scenario, Stage};
use anyhow::Context;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, block_in_place};

/// Idle connections that use up a server's files.
const HOGS: usize = 160;
/// In this time most of them are there.
const HOGS_COME: Duration = Duration::from_millis(100);
/// Open files of a server that shall run out of them, and of one that has enough again.
const FEW_FILES: u32 = 44;
const ENOUGH_FILES: u32 = 1_024;
/// How long the full disk may go unnoticed.
const NOTICED_MAX: Duration = Duration::from_secs(20);

const THINKING_MAX: Duration = Duration::from_secs(1);

/// When a server is killed.
#[derive(Clone, Copy)]
enum Moment {
    /// So long after it was started, ready or not.
    StartUp(Duration),
    /// So long after some request was sent.
    Request(Duration),
    /// So long after it was there again.
    Later(Duration),
}

impl Moment {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..15 => Self::StartUp(dice.ms(0, 120)),
            15..45 => Self::Request(dice.ms(0, 4)),
            _ => Self::Later(dice.ms(50, 1_500)),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::StartUp(_) => "killed while starting",
            Self::Request(_) => "killed right after a request",
            Self::Later(_) => "killed at work",
        }
    }
}

pub(crate) async fn run(stage: &mut Stage, job: Job) -> anyhow::Result<()> {
    stage.world.begin();
    stage.world.recovered().await.context("before anything was broken")?;
    for _ in 0..job.times {
        match job.scenario {
            Scenario::Kill => kill(stage).await?,
            Scenario::DatabaseKill => kill_database(stage).await?,
            Scenario::Proxy => trouble_connections(stage).await?,
            Scenario::DiskFull => fill_disk(stage).await?,
            Scenario::Descriptors => use_up_files(stage).await?,
            Scenario::StopContinue => hold(stage).await?,
            Scenario::Nodes => node::strike(stage, job.times).await?,
        }
    }
    if job.scenario == Scenario::Kill {
        wait(stage).await?;
    }
    Ok(())
}

/// Waits for the server and notes how long it took.
async fn wait(stage: &mut Stage) -> anyhow::Result<()> {
    let recovered = stage.world.recovered().await;
    let recovered = recovered.with_context(|| stage.server().last_words())?;
    stage.figures.recovered(recovered);
    Ok(())
}

async fn pause(stage: &mut Stage, from_ms: u32, to_ms: u32) {
    let pause = stage.dice.ms(from_ms, to_ms);
    tokio::time::sleep(pause).await;
}

async fn kill(stage: &mut Stage) -> anyhow::Result<()> {
    let moment = Moment::draw(&mut stage.dice);
    match moment {
        Moment::StartUp(after) => tokio::time::sleep(after).await,
        Moment::Request(after) => {
            wait(stage).await?;
            pause(stage, 0, 300).await;
            // When everybody thinks for longer, any moment is as good.
            let _ = tokio::time::timeout(THINKING_MAX, stage.world.sent.notified()).await;
            tokio::time::sleep(after).await;
        }
        Moment::Later(after) => {
            wait(stage).await?;
            tokio::time::sleep(after).await;
        }
    }
    stage.server().kill().await?;
    stage.figures.fault(moment.name());
    let passes = stage.dice.ms(0, 4_000);
    stage.world.pass(passes);
    let world = stage.world.clone();
    stage.server().start(&world)
}

async fn kill_database(stage: &mut Stage) -> anyhow::Result<()> {
    pause(stage, 100, 1_200).await;
    let death = match stage.dice.below(4) {
        0 | 1 => Death::Killed,
        2 => Death::Immediate,
        _ => Death::Fast,
    };
    let away = stage.dice.ms(0, 700);
    let cluster = stage.cluster.as_ref().context("this is about a database")?;
    block_in_place(|| take_away(cluster, death))?;
    tokio::time::sleep(away).await;
    block_in_place(|| Cluster::resume(cluster));
    stage.world.begin();
    stage.figures.fault(death.name());
    wait(stage).await?;
    let passes = stage.dice.ms(0, 4_000);
    stage.pass(passes).await
}

async fn trouble_connections(stage: &mut Stage) -> anyhow::Result<()> {
    pause(stage, 50, 500).await;
    let dice = &mut stage.dice;
    let (name, trouble, lasts) = match dice.below(100) {
        0..35 => ("answer lost", Trouble::LoseAnswer, Duration::ZERO),
        35..60 => ("question cut", Trouble::CutQuestion, Duration::ZERO),
        60..80 => {
            let lasts = dice.ms(20, 600);
            ("delayed", Trouble::Delay(lasts), lasts)
        }
        80..88 => {
            let lasts = dice.ms(300, 9_000);
            ("hung", Trouble::Hang(lasts), lasts)
        }
        _ => {
            let lasts = dice.ms(100, 1_500);
            ("cut off and closed", Trouble::Hang(Duration::ZERO), lasts)
        }
    };
    let proxy = stage.nodes[0].database.as_ref().context("this is about a proxy")?;
    proxy.trouble(trouble);
    if name == "cut off and closed" {
        proxy.close_for(lasts);
    }
    tokio::time::sleep(lasts).await;
    stage.world.begin();
    stage.figures.fault(name);
    wait(stage).await?;
    let passes = stage.dice.ms(0, 4_000);
    stage.pass(passes).await
}

async fn fill_disk(stage: &mut Stage) -> anyhow::Result<()> {
    pause(stage, 200, 1_000).await;
    let spare = u64::from(stage.dice.below(96)) * 1_024;
    let postponed = stage.world.counts.postponed.load(Ordering::Relaxed);
    let disk = stage.disk.as_ref().context("this is about a disk")?;
    block_in_place(|| disk.fill(spare))?;
    let until = Instant::now() + NOTICED_MAX;
    while stage.world.counts.postponed.load(Ordering::Relaxed) < postponed + 3 {
        anyhow::ensure!(Instant::now() < until, "nobody notices that the disk is full");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pause(stage, 100, 1_500).await;
    let is_killed = stage.dice.percent(25);
    if is_killed {
        stage.server().kill().await?;
    }
    stage.disk.as_ref().context("this is about a disk")?.make_room()?;
    stage.world.begin();
    if is_killed {
        let world = stage.world.clone();
        stage.server().start(&world)?;
    }
    let name = if is_killed { "disk full, and the server killed" } else { "disk full" };
    stage.figures.fault(name);
    wait(stage).await?;
    let passes = stage.dice.ms(0, 8_000);
    stage.pass(passes).await
}

async fn use_up_files(stage: &mut Stage) -> anyhow::Result<()> {
    pause(stage, 100, 600).await;
    let pid = stage.server().pid()?;
    let cpu_before = cpu_seconds(pid)?;
    stage.server().limit_files(FEW_FILES)?;
    // Nobody waits for them: a server without files lets the last of them stand in front of the door.
    let mut hogs = JoinSet::new();
    for _ in 0..HOGS {
        hogs.spawn(TcpStream::connect(stage.world.addr));
    }
    tokio::time::sleep(HOGS_COME).await;
    // Everybody has to come in anew, behind those.
    stage.world.begin_anew();
    let lasts = stage.dice.ms(500, 2_500);
    tokio::time::sleep(lasts).await;
    let cpu = cpu_seconds(pid)? - cpu_before;
    let share = cpu * 100.0 / lasts.as_secs_f64();
    stage.figures.busiest = stage.figures.busiest.max(share);
    drop(hogs);
    stage.server().limit_files(ENOUGH_FILES)?;
    stage.world.begin_anew();
    stage.figures.fault("out of files");
    wait(stage).await?;
    let passes = stage.dice.ms(0, 8_000);
    stage.pass(passes).await
}

async fn hold(stage: &mut Stage) -> anyhow::Result<()> {
    pause(stage, 50, 800).await;
    let lasts =
        if stage.dice.percent(20) { stage.dice.ms(3_000, 7_000) } else { stage.dice.ms(50, 1_500) };
    stage.server().signal("STOP")?;
    tokio::time::sleep(lasts).await;
    stage.world.begin();
    stage.server().signal("CONT")?;
    stage.figures.fault("stopped for a while");
    wait(stage).await?;
    let passes = stage.dice.ms(0, 4_000);
    stage.pass(passes).await
}
