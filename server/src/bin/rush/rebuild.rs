//! A conference with a long past is written anew while orders for it arrive: does whoever registers notice?

use crate::options::Options;
use crate::pace::{REGISTRANTS, sell};
use crate::past::Past;
use crate::program;
use crate::registrant::{STEPS, WANTED};
use crate::report::{Level, Spread, print_header, print_level};
use crate::steady::check_confirmed;
use crate::target::Target;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use server::store::{Commit, Store, sqlite_url};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use uuid::Uuid;

const NAME: &str = "rebuilt";
/// Orders that are spoiled at once.
const PAGE: u32 = 1_000;

/// Prints and returns what the steps took before, while and after `rebuild-views` was at work.
pub(crate) async fn rebuild(options: &Options) -> anyhow::Result<Value> {
    let folder = TempDir::new()?;
    let sqlite = sqlite_url(&folder.path().join("past.db"));
    let url = options.database_url.as_deref().unwrap_or(&sqlite);
    Past::open(url).await?.fill(NAME, 1, options.events).await?;
    let slug = format!("{NAME}-0");
    let spoiled = spoil(url, &slug).await?;
    println!("{:>9} orders are in the lists under a wrong name", spoiled);

    let target = Target::start(Some(url)).await?;
    let conference = target.conference(&slug).await?;
    let rate = options.orders_a_minute;
    print_header();
    let undisturbed = async || {
        let quiet = tokio::time::sleep(Duration::from_secs(options.screen_seconds));
        let level = sell(&target, &conference, rate, quiet).await?;
        anyhow::Ok((print_level(REGISTRANTS, &level), level))
    };
    let (before_figures, mut alone) = undisturbed().await?;

    let mut rebuilding = start(folder.path(), url, &slug)?;
    let mut told = BufReader::new(rebuilding.stdout.take().context("no output")?).lines();
    let mut lines = Vec::new();
    let at_work = async {
        while let Ok(Some(line)) = told.next_line().await {
            println!("{:>9} {line}", "");
            lines.push((Instant::now(), line));
        }
    };
    let meanwhile = sell(&target, &conference, rate, at_work).await?;
    let ended = rebuilding.wait().await?;
    ensure!(ended.success(), "rebuild-views: {ended}");
    let meanwhile_figures = print_level(REGISTRANTS, &meanwhile);
    // Before and after, because machines have better and worse minutes.
    let (after_figures, after) = undisturbed().await?;
    alone.bought.extend(after.bought);

    let sold = target.conference(&slug).await?.seat_types[0].sold;
    let bought: Vec<_> = alone.bought.iter().chain(&meanwhile.bought).collect();
    let expected = conference.seat_types[0].sold + WANTED * u32::try_from(bought.len())?;
    ensure!(sold == expected, "{sold} seats sold, but {expected} were");
    check_confirmed(&target, &slug, bought).await?;
    target.stop().await?;
    let stages = print_stages(&meanwhile, &lines);
    let growth = STEPS.iter().enumerate().map(|(step, name)| {
        let growth = step_p99(&meanwhile, step) / step_p99(&alone, step);
        println!("{:>9} {name}: p99 {growth:.2} times as long while it was written anew", "");
        ((*name).to_owned(), growth.into())
    });
    let growth: serde_json::Map<String, Value> = growth.collect();
    Ok(json!({
        "events": options.events, "before": before_figures, "meanwhile": meanwhile_figures,
        "after": after_figures,
        "p99_growth": growth, "stages": stages,
        "told": lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>(),
    }))
}

/// Makes every tenth row of the lists wrong, so that there is something to write; how many.
async fn spoil(url: &str, slug: &str) -> anyhow::Result<usize> {
    let store = Store::open_beside(url).await?;
    let entry = store.ledger_by_slug(slug).await?.context("there is no past")?;
    let (mut after, mut spoiled) = (Uuid::nil(), 0);
    loop {
        let page = store.processes_with_rows(entry.ledger, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = *last;
        let some: Vec<Uuid> = page.iter().copied().step_by(10).collect();
        let mut lookups = store.lookups(entry.ledger, &some).await?;
        lookups.iter_mut().for_each(|row| "Nobody".clone_into(&mut row.name));
        spoiled += lookups.len();
        let (ledger, expected_head) = (entry.ledger, entry.head);
        store.commit(&Commit { ledger, expected_head, lookups, ..Commit::default() }).await?;
    }
    store.close().await;
    Ok(spoiled)
}

/// What reserving took while events were read, while rows were written, and while all was verified.
fn print_stages(meanwhile: &Level, told: &[(Instant, String)]) -> Value {
    let when =
        |is_it: fn(&str) -> bool| told.iter().find(|(_, line)| is_it(line)).map(|(at, _)| *at);
    let rows = when(|line| line.contains(" orders, "));
    let verified = when(|line| line.contains("written anew"));
    let stage_of = |at: Instant| match (rows, verified) {
        (_, Some(verified)) if verified <= at => "verifying",
        (Some(rows), _) if rows <= at => "writing",
        _ => "reading",
    };
    let mut stages = serde_json::Map::new();
    for stage in ["reading", "writing", "verifying"] {
        let orders = meanwhile.bought.iter().filter(|order| stage_of(order.sold_at) == stage);
        let took: Vec<u64> = orders.map(|order| order.step_us[0]).collect();
        let (orders, register) = (took.len(), Spread::of(took));
        println!("{:>9} {stage}: {orders} orders, register {register:.1}", "");
        stages.insert(stage.to_owned(), json!({
            "orders": orders, "p50_ms": register.p50, "p99_ms": register.p99, "max_ms": register.max,
        }));
    }
    Value::Object(stages)
}

fn start(folder: &Path, url: &str, slug: &str) -> anyhow::Result<Child> {
    let command = Command::new(program::path()?);
    let log = folder.join("rebuild.log");
    let mut command = program::set_up(command, folder, url, &log, true)?;
    let command = command.args(["rebuild-views", slug]).stdout(Stdio::piped());
    command.spawn().context("cannot start rebuild-views")
}

fn step_p99(level: &Level, step: usize) -> f64 {
    Spread::of(level.bought.iter().map(|order| order.step_us[step]).collect()).p99
}
