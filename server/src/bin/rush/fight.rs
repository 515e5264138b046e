//! Two servers that do not know of each other write the same conference: each commit of one makes the
//! other's batch be decided again. Compared with one of them alone.
//!
//! Not here: servers that know each other and leave a conference to one of them (`chaos/node.rs`).

use crate::options::Options;
use crate::report::{Level, print_header, print_level};
use crate::steady::{check_sold, run_level};
use crate::target::Target;
use crate::{SEATS, make_conference};
use serde_json::{Value, json};

/// Who registers, at one server or half of them at each.
const REGISTRANTS: usize = 64;

pub(crate) async fn fight(one: &Target, options: &Options) -> anyhow::Result<Value> {
    let Some(url) = options.database_url.as_deref().filter(|url| url.starts_with("postgres"))
    else {
        println!("fight: a file has one server; this is about PostgreSQL");
        return Ok(Value::Null);
    };
    print_header();
    let alone = make_conference(one, "alone", SEATS).await?;
    let peace = run_level(one, &alone, REGISTRANTS, options.seconds).await?;
    let peaceful = print_level(REGISTRANTS, &peace);
    check_sold(one, &alone.slug, &peace.bought, 0).await?;

    let two = Target::start(Some(url)).await?;
    let contested = make_conference(one, "contested", SEATS).await?;
    let half = |target| run_level(target, &contested, REGISTRANTS / 2, options.seconds);
    let (here, there) = tokio::try_join!(half(one), half(&two))?;
    let fought = [print_level(REGISTRANTS / 2, &here), print_level(REGISTRANTS / 2, &there)];
    let rate = |level: &Level| level.bought.len() as f64 / level.spent.elapsed.as_secs_f64();
    let share = (rate(&here) + rate(&there)) / rate(&peace);
    let bought: Vec<_> = here.bought.into_iter().chain(there.bought).collect();
    check_sold(one, &contested.slug, &bought, 0).await?;
    two.stop().await?;
    println!("two servers against each other: {:.0} % of what one does alone", share * 100.0);
    Ok(json!({ "alone": peaceful, "against_each_other": fought, "share": share }))
}
