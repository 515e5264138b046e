//! The owner, who cuts and raises quotas all the time, and people who only look at the seats.

use crate::client::{Client, Command};
use crate::connection::Socket;
use crate::journal::{Journal, SeenSeats};
use crate::report::Breach;
use crate::world::World;
use shared::CommandId;
use shared::live::{ServerFrame, Topic, View};
use shared::management::{ChangeQuota, OwnerCommand};
use shared::views::{ConferenceView, SeatTypeView};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const EMAIL: &str = "owner@example.org";
pub(crate) const CODE: &str = "K7M-2QX";
/// Seats that the owner leaves free at most.
const FREE_MAX: u32 = 16;
/// Between two attempts to watch again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// Changes quotas until it is over: as many seats as are taken, and a few more.
///
/// # Errors
/// A command is never answered.
pub(crate) async fn run(mut client: Client, cookie: String) -> anyhow::Result<Journal> {
    let world = client.world.clone();
    while !world.is_over() {
        let pause = client.dice.ms(50, 300);
        tokio::time::sleep(pause).await;
        let conferences = u32::try_from(world.conferences.len())?;
        let slug = &world.conferences[client.dice.below(conferences) as usize].slug;
        let view = client.conference(slug).await?;
        let types = u32::try_from(view.seat_types.len())?;
        let line = &view.seat_types[client.dice.below(types) as usize];
        let mut quota = line.sold + line.held + client.dice.below(FREE_MAX);
        if quota == line.quota {
            quota += 1;
        }
        let change = ChangeQuota {
            command_id: CommandId(Uuid::new_v4()),
            conference: slug.clone(),
            seat_type: line.id,
            quota,
            seen: line.quota,
        };
        let header = ("cookie", cookie.clone());
        let body = serde_json::to_value(&change)?;
        let route = ChangeQuota::ROUTE;
        client.command(Command { route, slug, order: None, header, body }).await?;
    }
    Ok(client.journal)
}

/// Watches the seats of a conference until it is over, on one socket after the other.
pub(crate) async fn watch(world: Arc<World>, slug: String) -> Journal {
    let mut journal = Journal::default();
    while !world.is_over() {
        let socket = look_on(&world, &slug, &mut journal);
        tokio::select! {
            // The server went away, which is what we are here for.
            _ = socket => tokio::time::sleep(RECONNECT_PAUSE).await,
            () = world.until_over() => {}
        }
    }
    journal
}

async fn look_on(world: &World, slug: &str, journal: &mut Journal) -> anyhow::Result<()> {
    let mut socket = Socket::connect(world.addr, "").await?;
    let topic = Topic::Conference { slug: slug.to_owned() };
    socket.watch(&topic, None).await?;
    let mut last = 0;
    loop {
        let text = socket.next().await?;
        let ServerFrame::Snapshot(snapshot) = serde_json::from_str(&text)? else { continue };
        let View::Conference(view) = snapshot.view else { continue };
        let position = snapshot.position;
        if position < last {
            let what = format!("a socket was shown position {position} after {last}");
            world.breach(Breach::other(what));
        }
        last = position;
        journal.seats.push(SeenSeats { slug: slug.to_owned(), position, seats: seats_of(&view) });
    }
}

/// Quota, sold and held of each type.
pub(crate) fn seats_of(view: &ConferenceView) -> Vec<[u32; 3]> {
    let numbers = |line: &SeatTypeView| [line.quota, line.sold, line.held];
    view.seat_types.iter().map(numbers).collect()
}
