//! A commit may be as small or as large as it likes.

use super::{LEDGER, World, at, document, event, id};
use server::store::{Commit, Lookup, NewEvent};

claims! {
    a_commit_of_any_size_is_written_whole
}

/// Events and orders of one commit: few, many, and one without the other.
const SIZES: [(u64, u64); 13] = [
    (0, 1),
    (1, 0),
    (1, 1),
    (3, 3),
    (5, 2),
    (63, 32),
    (64, 33),
    (128, 64),
    (129, 1),
    (127, 65),
    (0, 129),
    (300, 150),
    (257, 0),
];

async fn a_commit_of_any_size_is_written_whole(world: World) {
    let world = world.with_a_ledger().await;
    let store = &world.store;
    let mut head = 1;
    for (mark, (events, orders)) in (1..).zip(SIZES) {
        let commit = commit(head, mark, events, orders);
        store.commit(&commit).await.unwrap();
        let written = store.read_all(LEDGER, head, 1_000).await.unwrap();
        assert_eq!(written.len() as u64, events, "{events} events, {orders} orders");
        for ((position, written), wanted) in (head + 1..).zip(&written).zip(&commit.events) {
            assert_eq!((written.position, written.version), (position, wanted.version));
            assert_eq!((&written.stream, &*written.kind), (&wanted.stream, wanted.kind));
            assert_eq!((&written.payload, written.process), (&wanted.payload, wanted.process));
            assert_eq!((written.command_id, written.cause), (wanted.command_id, wanted.cause));
            assert_eq!(written.recorded_at, wanted.recorded_at);
        }
        let processes: Vec<_> = commit.lookups.iter().map(|lookup| lookup.process).collect();
        assert_eq!(store.lookups(LEDGER, &processes).await.unwrap(), commit.lookups);
        let page = store.document(LEDGER, "page").await.unwrap();
        assert_eq!(page.as_ref(), commit.documents.first());
        head += events;
    }
}

/// Orders are those of earlier commits, which change, and as many new ones as it takes.
fn commit(head: u64, mark: u64, events: u64, orders: u64) -> Commit {
    let event = |n| {
        let process = (n % 3 != 0).then(|| id(u128::from(n)));
        let command_id = (n % 2 == 0).then(|| id(u128::from(mark)));
        let payload = format!("{{\"n\":{n}}}");
        NewEvent { process, command_id, payload, cause: n, ..event(&format!("{mark}-{n}"), mark) }
    };
    Commit {
        events: (0..events).map(event).collect(),
        lookups: (0..orders).map(|n| lookup(n, mark)).collect(),
        documents: vec![document("page", head, &format!("{mark}"))],
        ..at(head)
    }
}

fn lookup(number: u64, mark: u64) -> Lookup {
    Lookup {
        process: id(1_000 + u128::from(number)),
        code: format!("C{number:05}"),
        email: format!("{mark}@example.org"),
        status: ["held", "confirmed"][mark as usize % 2].into(),
        total_minor: mark as i64,
        placed_at: 5,
        changed_at: mark as i64,
        name: format!("Ada {mark}"),
        seats: mark as u32,
        sought: format!("ada {mark}"),
    }
}
