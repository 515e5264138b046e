//! What just happened, as a list that a person can read while it grows: pushes bring the newest few,
//! the list knows the newest hundred, notices when it missed some, and holds still while it is read.
//! Pure. Not here: how it looks (`parts/happenings_list.rs`).

use shared::dashboard::{HAPPENINGS_MAX, Happening, HappeningKind};

/// The kinds one can look at: the words, and which.
pub const FILTERS: [(&str, Option<HappeningKind>); 6] = [
    ("Everything", None),
    ("Sales", Some(HappeningKind::Sale)),
    ("Orders", Some(HappeningKind::Order)),
    ("Payments", Some(HappeningKind::Payment)),
    ("Attendees", Some(HappeningKind::Attendee)),
    ("Settings", Some(HappeningKind::Settings)),
];

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happenings {
    /// Newest first, at most [`HAPPENINGS_MAX`].
    known: Vec<Happening>,
    /// All that ever happened, as far as the list knows.
    count: u64,
    /// What is shown while somebody reads; `None`: what is known.
    held: Option<Vec<Happening>>,
}

impl Happenings {
    /// Adds what a view brought: all of the newest hundred, or only the newest few. False when some are
    /// missing in between, so that the whole view has to be asked for.
    pub fn merge(&mut self, brought: &[Happening], count: u64) -> bool {
        if count < self.count {
            // An older view than the one before.
            return true;
        }
        let newest = self.known.first().map_or(0, |happening| happening.position);
        let fresh: Vec<Happening> =
            brought.iter().take_while(|happening| newest < happening.position).cloned().collect();
        let length = |list: &[Happening]| u64::try_from(list.len()).unwrap_or_default();
        let missed = (count - self.count).saturating_sub(length(&fresh));
        let is_whole = brought.len() == HAPPENINGS_MAX || length(brought) == count;
        if is_whole {
            self.known = brought.to_vec();
        } else if 0 < missed {
            return false;
        } else {
            self.known.splice(0..0, fresh);
            self.known.truncate(HAPPENINGS_MAX);
        }
        self.count = count;
        true
    }

    /// Somebody reads: nothing moves from now on.
    pub fn hold(&mut self) {
        if self.held.is_none() {
            self.held = Some(self.known.clone());
        }
    }

    /// Nobody reads any more: everything shows.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// The reader wants to see what is new, and reads on.
    pub fn catch_up(&mut self) {
        if self.held.is_some() {
            self.held = Some(self.known.clone());
        }
    }

    /// The positions of what is shown, newest first.
    #[must_use]
    pub fn shown(&self, kind: Option<HappeningKind>) -> Vec<u64> {
        let all = self.held.as_ref().unwrap_or(&self.known).iter();
        all.filter(|happening| is_wanted(happening, kind)).map(|it| it.position).collect()
    }

    /// The one at a position, whether it is known or only shown still.
    #[must_use]
    pub fn at(&self, position: u64) -> Option<&Happening> {
        let shown = self.held.iter().flatten();
        self.known.iter().chain(shown).find(|happening| happening.position == position)
    }

    /// How many wait while somebody reads.
    #[must_use]
    pub fn waiting(&self, kind: Option<HappeningKind>) -> usize {
        let Some(held) = &self.held else { return 0 };
        let newest = held.first().map_or(0, |happening| happening.position);
        let new = self.known.iter().take_while(|happening| newest < happening.position);
        new.filter(|happening| is_wanted(happening, kind)).count()
    }
}

fn is_wanted(happening: &Happening, kind: Option<HappeningKind>) -> bool {
    kind.is_none_or(|kind| kind == happening.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::Timestamp;

    /// Happenings at positions, newest first; every third one is a sale.
    fn at(positions: impl DoubleEndedIterator<Item = u64>) -> Vec<Happening> {
        let one = |position| Happening {
            position,
            at: Timestamp(0),
            kind: if position % 3 == 0 { HappeningKind::Sale } else { HappeningKind::Order },
            words: format!("Happening {position}"),
            order_id: None,
        };
        positions.rev().map(one).collect()
    }

    #[test]
    fn pushes_bring_the_newest_and_a_hundred_are_kept() {
        let mut list = Happenings::default();
        assert!(list.merge(&at(1..=5), 5));
        assert!(list.merge(&at(1..=12), 12));
        // Positions have holes: not every event is a happening.
        assert!(list.merge(&at((9..=12).chain(20..=27)), 20));
        assert_eq!(list.shown(None)[..9], [27, 26, 25, 24, 23, 22, 21, 20, 12]);
        for step in 0..20 {
            let newest = 40 + 12 * step;
            assert!(list.merge(&at(newest - 11..=newest), 20 + 12 * (step + 1)), "{step}");
        }
        assert_eq!(list.shown(None).len(), HAPPENINGS_MAX);
    }

    #[test]
    fn a_gap_is_noticed_and_the_whole_view_closes_it() {
        let mut list = Happenings::default();
        assert!(!list.merge(&at(489..=500), 500), "the first push is not all there is");
        assert!(list.merge(&at(401..=500), 500));
        assert!(!list.merge(&at(509..=520), 520), "eight are missing");
        assert_eq!(list.shown(None)[0], 500, "and nothing is shown with a hole in it");
        assert!(list.merge(&at(421..=520), 520));
        assert!(list.merge(&at(510..=521), 521));
        assert_eq!(list.shown(None)[..2], [521, 520]);
    }

    #[test]
    fn nothing_comes_twice_and_nothing_older_wins() {
        let mut list = Happenings::default();
        assert!(list.merge(&at(1..=5), 5));
        assert!(list.merge(&at(1..=5), 5));
        assert!(list.merge(&at(1..=3), 3));
        assert_eq!(list.shown(None), [5, 4, 3, 2, 1]);
    }

    #[test]
    fn nothing_moves_while_somebody_reads_and_what_is_new_is_counted() {
        let mut list = Happenings::default();
        list.merge(&at(1..=5), 5);
        list.hold();
        list.merge(&at(1..=9), 9);
        assert_eq!(list.shown(None), [5, 4, 3, 2, 1]);
        assert_eq!(list.waiting(None), 4);
        assert_eq!(list.waiting(Some(HappeningKind::Sale)), 2, "6 and 9");
        list.catch_up();
        assert_eq!((list.shown(None)[0], list.waiting(None)), (9, 0));
        list.merge(&at(1..=10), 10);
        assert_eq!((list.shown(None)[0], list.waiting(None)), (9, 1), "and reads on");
        list.release();
        assert_eq!((list.shown(None)[0], list.waiting(None)), (10, 0));
    }

    #[test]
    fn one_kind_can_be_looked_at() {
        let mut list = Happenings::default();
        list.merge(&at(1..=7), 7);
        assert_eq!(list.shown(Some(HappeningKind::Sale)), [6, 3]);
        assert_eq!(list.at(6).map(|sale| sale.words.as_str()), Some("Happening 6"));
        assert_eq!(list.at(8), None);
    }
}
