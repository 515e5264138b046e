//! The rules. Pure code: no IO, no clock, no randomness; what a decision needs from outside stands in
//! the command.
//!
//! One aggregate is one file, always in the same order: commands, events, state, `evolve`, `decide`,
//! helpers, tests. Not here: when a rule is asked (`ledger/stage.rs`) and where its events rest
//! (`store.rs`).

pub mod conference;
pub mod order;
pub mod payment;
pub mod registration_process;
pub mod seat_assignments;
pub mod seats_availability;

use serde::{Deserialize, Serialize};
use shared::refusal::FieldProblem;
use shared::{RefusalCode, Timestamp};

/// An aggregate: it folds its own events and decides about commands.
pub trait Decider: Default {
    type Command;
    type Event;

    /// Folds one event. Total: an event that cannot apply is a programmer's error, not a failure.
    fn evolve(&mut self, event: &Self::Event);

    /// What happens when the command arrives at `now`. No events: there is nothing left to do.
    ///
    /// # Errors
    /// A [`Refusal`] when a rule forbids it; then nothing has happened.
    fn decide(&self, command: Self::Command, now: Timestamp) -> Result<Vec<Self::Event>, Refusal>;
}

/// A polite no: the code to match on, and what exactly was wrong where the code does not say it all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub code: RefusalCode,
    pub detail: Option<String>,
    pub fields: Vec<FieldProblem>,
}

impl Refusal {
    /// A refusal with an explanation of its own.
    pub fn because(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self { code, detail: Some(detail.into()), fields: Vec::new() }
    }

    /// A refusal of a form.
    #[must_use]
    pub fn fields(code: RefusalCode, fields: Vec<FieldProblem>) -> Self {
        Self { code, detail: None, fields }
    }
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Self {
        Self { code, detail: None, fields: Vec::new() }
    }
}

/// Given events, when a command, then events: the one shape of a domain test.
#[cfg(test)]
pub(crate) mod kit {
    use super::{Decider, Refusal};
    use shared::{RefusalCode, Timestamp};
    use std::fmt::Debug;

    /// Noon of a day in 2027; tests count minutes from here.
    pub(crate) const NOON: Timestamp = Timestamp(1_800_014_400_000);

    pub(crate) fn minutes(minutes: i64) -> Timestamp {
        NOON.plus_seconds(minutes * 60)
    }

    pub(crate) struct Given<D>(D);
    pub(crate) struct Outcome<D: Decider> {
        state: D,
        again: Option<(D::Command, Timestamp)>,
        result: Result<Vec<D::Event>, Refusal>,
    }

    pub(crate) fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
        let mut state = D::default();
        for event in events {
            state.evolve(&event);
        }
        Given(state)
    }

    impl<D: Decider> Given<D>
    where
        D::Command: Clone,
    {
        pub(crate) fn when(self, command: D::Command) -> Outcome<D> {
            self.when_at(NOON, command)
        }

        pub(crate) fn when_at(self, now: Timestamp, command: D::Command) -> Outcome<D> {
            let result = self.0.decide(command.clone(), now);
            Outcome { state: self.0, again: Some((command, now)), result }
        }
    }

    impl<D: Decider> Outcome<D>
    where
        D::Event: Debug + PartialEq,
    {
        /// Expects exactly these events, and that the same command a second time adds nothing.
        pub(crate) fn then(mut self, expected: impl IntoIterator<Item = D::Event>) {
            let expected: Vec<D::Event> = expected.into_iter().collect();
            assert_eq!(self.result, Ok(expected));
            for event in self.result.iter().flatten() {
                self.state.evolve(event);
            }
            if let Some((command, now)) = self.again {
                let twice = self.state.decide(command, now).unwrap_or_default();
                assert_eq!(twice, Vec::new(), "a command sent twice acts once");
            }
        }

        /// Expects exactly these events from a command that the ledger recognises by its id.
        pub(crate) fn then_each_time(mut self, expected: impl IntoIterator<Item = D::Event>) {
            self.again = None;
            self.then(expected);
        }

        pub(crate) fn then_nothing(self) {
            self.then([]);
        }

        pub(crate) fn then_refused(self, code: RefusalCode) {
            assert_eq!(self.result.map_err(|refusal| refusal.code), Err(code));
        }
    }
}
