//! A server among others on one database, and what happens to it: killed, held for a while, cut off from
//! the database or from the others.
//!
//! Not here: what one server alone survives (`faults.rs`).

use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::process::Server;
use crate::proxy::{Proxy, Trouble};
use crate::scenarios::Stage;
use crate::world::{World, is_ready};
use anyhow::{Context, ensure};
use std::path::Path;
use std::time::{Duration, Instant};

const NODES: usize = 3;
/// Who stands still this long has been given up long before, and does not know it.
const LONG_MS: (u32, u32) = (20_000, 60_000);
/// … in runs with at least so many blows.
const LONG_FROM: u32 = 20;
/// A server that was given back everything is ready again within this time.
const BACK_MAX: Duration = Duration::from_secs(20);
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// A server, and the lines to it that can be cut.
pub(crate) struct Node {
    pub(crate) server: Server,
    /// Between it and the database.
    pub(crate) database: Option<Proxy>,
    /// Between the others and it.
    door: Option<Proxy>,
}

/// What happens to one of them, and for how long.
#[derive(Clone, Copy, Debug)]
struct Blow {
    kind: Kind,
    lasts: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Killed,
    Held,
    /// New connections to the database are refused, and those that there are break.
    WithoutDatabase,
    /// Nothing comes back from the database.
    DatabaseHangs,
    /// The others do not reach it.
    CutOff,
}

impl Blow {
    /// A short run has no time for long ones.
    fn draw(dice: &mut Dice, may_be_long: bool) -> Self {
        let (kind, lasts) = match dice.below(100) {
            0..35 => (Kind::Killed, dice.ms(0, 1_500)),
            35..40 if may_be_long => (Kind::Held, dice.ms(LONG_MS.0, LONG_MS.1)),
            35..65 => (Kind::Held, dice.ms(50, 4_000)),
            65..77 => (Kind::WithoutDatabase, dice.ms(100, 3_000)),
            77..88 => (Kind::DatabaseHangs, dice.ms(100, 6_000)),
            _ => (Kind::CutOff, dice.ms(100, 4_000)),
        };
        Self { kind, lasts }
    }

    const fn name(self) -> &'static str {
        match self.kind {
            Kind::Killed => "node killed",
            Kind::Held if self.lasts.as_millis() < LONG_MS.0 as u128 => "node held",
            Kind::Held => "node held for 20 to 60 s",
            Kind::WithoutDatabase => "node without database",
            Kind::DatabaseHangs => "node whose database hangs",
            Kind::CutOff => "node cut off from the others",
        }
    }
}

/// Several on one database, not started yet.
pub(crate) async fn several(
    folder: &Path,
    (cluster, url): (&Cluster, &str),
    dice: &mut Dice,
) -> anyhow::Result<Vec<Node>> {
    let mut nodes: Vec<Node> = Vec::new();
    for number in 1..=NODES {
        let data = folder.join(format!("node-{number}"));
        std::fs::create_dir(&data)?;
        let log = folder.join(format!("node-{number}.log"));
        let mut node = Node::alone(Server::new(&data, url, log)?);
        node.pass_a_proxy(&cluster.folder, dice).await?;
        let door = Proxy::of_server(node.server.addr, dice.fork()).await?;
        node.server.settings = vec![
            ("NODE_URL", format!("http://{}", door.addr)),
            ("SECRET_KEY", "what the nodes of chaos have in common".to_owned()),
            // Here nobody leaves in order before all of it is over.
            ("DRAIN_SECONDS", "0".to_owned()),
        ];
        if let Some(first) = nodes.first() {
            let provider = format!("http://{}", first.server.addr);
            node.server.settings.push(("PAYMENT_PROVIDER_URL", provider));
        }
        node.door = Some(door);
        nodes.push(node);
    }
    Ok(nodes)
}

impl Node {
    pub(crate) const fn alone(server: Server) -> Self {
        Self { server, database: None, door: None }
    }

    /// From its next start on every byte from and to the database passes a proxy.
    pub(crate) async fn pass_a_proxy(
        &mut self,
        cluster: &Path,
        dice: &mut Dice,
    ) -> anyhow::Result<()> {
        let proxy = Proxy::of_database(cluster, dice.fork()).await?;
        self.server.database_url = proxy.url(&self.server.database_url)?;
        self.database = Some(proxy);
        Ok(())
    }

    async fn suffer(&mut self, blow: Blow, world: &World) -> anyhow::Result<()> {
        match blow.kind {
            Kind::Killed => {
                self.server.kill().await?;
                tokio::time::sleep(blow.lasts).await;
                self.server.start_among_others(world)?;
            }
            Kind::Held => {
                self.server.signal("STOP")?;
                tokio::time::sleep(blow.lasts).await;
                self.server.signal("CONT")?;
            }
            Kind::WithoutDatabase => cut(self.database.as_ref(), blow.lasts).await?,
            Kind::CutOff => cut(self.door.as_ref(), blow.lasts).await?,
            Kind::DatabaseHangs => {
                let line = self.database.as_ref().context("it has no line to the database")?;
                line.trouble(Trouble::Hang(blow.lasts));
                tokio::time::sleep(blow.lasts).await;
            }
        }
        let until = Instant::now() + BACK_MAX;
        while !is_ready(self.server.addr).await {
            ensure!(Instant::now() < until, "a node does not come back: {}", blow.name());
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        Ok(())
    }
}

/// A line is cut for so long.
async fn cut(line: Option<&Proxy>, lasts: Duration) -> anyhow::Result<()> {
    let line = line.context("there is no such line")?;
    line.close_for(lasts);
    line.trouble(Trouble::Hang(Duration::ZERO));
    tokio::time::sleep(lasts).await;
    Ok(())
}

/// One of them suffers, or two at the same time; the third goes on for all of them.
pub(crate) async fn strike(stage: &mut Stage, times: u32) -> anyhow::Result<()> {
    let pause = stage.dice.ms(200, 1_500);
    tokio::time::sleep(pause).await;
    let Stage { nodes, world, dice, figures, .. } = stage;
    let first = dice.below(u32::try_from(nodes.len())?) as usize;
    nodes.rotate_left(first);
    let may_be_long = LONG_FROM <= times;
    let (blow, other) = (Blow::draw(dice, may_be_long), Blow::draw(dice, may_be_long));
    let strikes_two = dice.percent(25);
    let [one, two, ..] = nodes.as_mut_slice() else { anyhow::bail!("there are too few nodes") };
    world.begin_for_each();
    figures.fault(blow.name());
    if strikes_two {
        figures.fault(other.name());
    }
    let suffer = async {
        let second = async { if strikes_two { two.suffer(other, world).await } else { Ok(()) } };
        tokio::try_join!(one.suffer(blow, world), second)
    };
    let (suffered, recovered) = tokio::join!(suffer, world.recovered());
    suffered.with_context(|| one.server.last_words())?;
    figures.recovered(recovered.context("nobody took over")?);
    nodes.rotate_right(first);
    let passes = stage.dice.ms(0, 4_000);
    stage.pass(passes).await
}
