//! What seeds wrote, played again on SQLite: every yes and no must be the same, and so must everything that
//! can be read.

use super::Disk;
use crate::plan::Plan;
use crate::run::{live, play};
use server::domain::registration_process::Effect;
use server::store::{Commit, CommitError, LeasedEffect, LedgerId, Store, sqlite_url};
use std::cell::RefCell;
use std::mem::take;
use std::rc::Rc;
use uuid::Uuid;

/// The seeds whose writing is compared.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=24;
/// More than any seed writes.
const ALL: u32 = 100_000;
/// After the end of every run, in milliseconds since the Unix epoch.
const LATE: i64 = 4_000_000_000_000;

/// Something that was written.
#[derive(Debug)]
pub(crate) enum Step {
    Commit { commit: Box<Commit>, outcome: Outcome },
    Lease { now: i64, until: i64, limit: u32, leased: Vec<LeasedEffect> },
    Retry { ledger: LedgerId, id: Uuid, retry_at: i64 },
    Return { ledger: LedgerId, id: Uuid, due_at: i64 },
    Bury { ledger: LedgerId, id: Uuid, error: String },
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Written,
    Conflict,
    SlugTaken,
}

impl Outcome {
    fn of(written: &Result<(), CommitError>) -> Self {
        match written {
            Ok(()) => Self::Written,
            Err(CommitError::Conflict) => Self::Conflict,
            Err(CommitError::SlugTaken) => Self::SlugTaken,
            Err(CommitError::Fault(fault)) => panic!("nothing is wrong with the store: {fault}"),
        }
    }
}

impl Step {
    pub(crate) fn commit(commit: &Commit, written: &Result<(), CommitError>) -> Self {
        Self::Commit { commit: Box::new(commit.clone()), outcome: Outcome::of(written) }
    }
}

fn is_conflict(step: &Step) -> bool {
    matches!(step, Step::Commit { outcome: Outcome::Conflict, .. })
}

#[test]
fn the_disk_keeps_what_sqlite_keeps() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (mut conflicts, mut buried) = (0, 0);
    for seed in SEEDS {
        let mut disk = disk_after(seed);
        let steps = take(&mut disk.steps);
        conflicts += steps.iter().filter(|step| is_conflict(step)).count();
        buried += steps.iter().filter(|step| matches!(step, Step::Bury { .. })).count();
        runtime.block_on(compare(seed, &mut disk, steps));
    }
    // What never happened was not compared.
    assert!(conflicts > 0 && buried > 0, "{conflicts} conflicts, {buried} effects given up");
}

/// What is on the disk when nothing more happens.
fn disk_after(seed: u64) -> Disk {
    let kept = Rc::new(RefCell::new(Disk::default()));
    let keep = kept.clone();
    play(Plan::of(seed), false, |world| async move {
        live(&world).await;
        keep.replace(take(&mut *world.disk()));
    });
    kept.take()
}

async fn compare(seed: u64, disk: &mut Disk, steps: Vec<Step>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = sqlite_url(&folder.path().join("ledgers.db"));
    let store = Store::open(&url).await.expect("a new file");
    for (number, step) in steps.into_iter().enumerate() {
        play_again(&store, step, &format!("seed {seed}, step {number}")).await;
    }
    let what = format!("seed {seed}");
    for ledger in disk.ledgers.keys() {
        compare_ledger(&store, disk, *ledger, &what).await;
    }
    let deadlines = store.due_deadlines(LATE, ALL, &[]).await.expect("deadlines");
    assert_eq!(disk.due_deadlines(LATE, ALL, &[]), deadlines, "{what}");
    assert_eq!(
        disk.next_effect(),
        store.next_effect(Effect::KINDS).await.expect("an instant"),
        "{what}"
    );
    let dead = store.dead_effects(ALL).await.expect("effects");
    assert_eq!(disk.dead_effects(ALL), dead, "{what}");
    store.close().await;
}

async fn play_again(store: &Store, step: Step, what: &str) {
    match step {
        Step::Commit { commit, outcome } => {
            assert_eq!(Outcome::of(&store.commit(&commit).await), outcome, "{what}");
        }
        Step::Lease { now, until, limit, leased } => {
            let by_id = |mut effects: Vec<LeasedEffect>| {
                effects.sort_by_key(|effect| (effect.ledger, effect.id));
                effects
            };
            let found =
                store.lease_effects(Effect::KINDS, now, until, limit).await.expect("a lease");
            assert_eq!(by_id(found), by_id(leased), "{what}");
        }
        Step::Retry { ledger, id, retry_at } => {
            store.retry_effect(ledger, id, retry_at, "again").await.expect("it is written");
        }
        Step::Return { ledger, id, due_at } => {
            store.return_effect(ledger, id, due_at).await.expect("it is written");
        }
        Step::Bury { ledger, id, error } => {
            store.bury_effect(ledger, id, &error).await.expect("it is written");
        }
    }
}

async fn compare_ledger(store: &Store, disk: &Disk, ledger: LedgerId, what: &str) {
    let rows = &disk.ledgers[&ledger];
    let head = store.head(ledger).await.expect("a head");
    assert_eq!(disk.head(ledger), head, "{what}");
    let slug = head.map(|head| head.slug).unwrap_or_default();
    let by_slug = store.ledger_by_slug(&slug).await.expect("a ledger");
    assert_eq!(disk.ledger_by_slug(&slug), by_slug, "{what}");
    let events = store.read_all(ledger, 0, ALL).await.expect("events");
    assert_eq!(disk.read(ledger, 0, |_| true), events, "{what}");
    for process in rows.by_process.keys() {
        let of_process = store.read_processes(ledger, &[*process]).await.expect("events");
        assert_eq!(disk.read_processes(ledger, &[*process]), of_process, "{what}");
    }
    for topic in rows.documents.keys() {
        let document = store.document(ledger, topic).await.expect("a document");
        assert_eq!(disk.document(ledger, topic), document, "{what}");
        let kept = store.kept(ledger, topic).await.expect("a document");
        assert_eq!(disk.kept(ledger, topic), kept, "{what}");
    }
    for lookup in rows.lookups.values() {
        let found = store.processes_by_email(ledger, &lookup.email, ALL).await.expect("orders");
        assert_eq!(disk.processes_by_email(ledger, &lookup.email, ALL), found, "{what}");
    }
}
