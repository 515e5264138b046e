//! What the provider remembers: one JSON line per thing that happened, durable before anybody is
//! answered, folded when it starts.
//!
//! Not here: how it tells us (`delivery.rs`) and what people see (`pages.rs`).

use crate::payment_gateway::{Outcome, PaymentRef, ProviderStatus};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use shared::{Money, Timestamp};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

/// Rows on the page of pending payments, the latest first.
const LISTED_MAX: usize = 200;

/// Which button was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Accept,
    Decline,
    AnswerLater,
    AnswerTwice,
    AcceptAlthoughCancelled,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Status {
    /// Nobody has pressed anything.
    #[default]
    Unknown,
    Pending,
    Completed,
    Declined,
    Cancelled,
    Refunded,
}

/// One payment, as the provider knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Payment {
    pub(super) status: Status,
    /// Unknown for one that was cancelled before anybody came to its page.
    pub(super) amount: Option<Money>,
    /// What the callbacks say, once it is decided.
    pub(super) outcome: Option<Outcome>,
    pub(super) decided_at: Timestamp,
    pub(super) changed_at: Timestamp,
    /// Callbacks to send, and those that need no further attempt.
    callbacks: u32,
    callbacks_settled: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Entry {
    Postponed {
        amount: Money,
    },
    Accepted {
        amount: Money,
        /// How often the callback is sent.
        callbacks: u32,
    },
    Declined {
        amount: Money,
    },
    Cancelled {},
    Refunded {},
    /// One callback was delivered, or given up.
    CallbackSettled {
        delivered: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct Line {
    at: Timestamp,
    payment: PaymentRef,
    #[serde(flatten)]
    entry: Entry,
}

impl Payment {
    fn apply(&mut self, payment: &PaymentRef, entry: &Entry, at: Timestamp) {
        match entry {
            Entry::Postponed { amount } => {
                self.status = Status::Pending;
                self.amount = Some(*amount);
            }
            Entry::Accepted { amount, callbacks } => {
                let reference = reference(payment, "SIM");
                self.status = Status::Completed;
                self.decide(*amount, Outcome::Completed { amount: *amount, reference }, at);
                self.callbacks += callbacks;
            }
            Entry::Declined { amount } => {
                let reason = "Your bank declined the payment.".to_owned();
                self.status = Status::Declined;
                self.decide(*amount, Outcome::Declined { reason }, at);
                self.callbacks += 1;
            }
            Entry::Cancelled {} => self.status = Status::Cancelled,
            Entry::Refunded {} => self.status = Status::Refunded,
            Entry::CallbackSettled { .. } => self.callbacks_settled += 1,
        }
        self.changed_at = at;
    }

    fn decide(&mut self, amount: Money, outcome: Outcome, at: Timestamp) {
        self.amount = Some(amount);
        self.outcome = Some(outcome);
        self.decided_at = at;
    }

    /// What a button does to a payment in this state; nothing when it was decided before.
    fn press(&self, amount: Money, decision: Decision) -> Option<Entry> {
        match (self.status, decision) {
            (Status::Unknown, Decision::AnswerLater) => Some(Entry::Postponed { amount }),
            (Status::Unknown | Status::Pending, Decision::Accept)
            | (Status::Cancelled, Decision::AcceptAlthoughCancelled) => {
                Some(Entry::Accepted { amount, callbacks: 1 })
            }
            (Status::Unknown | Status::Pending, Decision::AnswerTwice) => {
                Some(Entry::Accepted { amount, callbacks: 2 })
            }
            (Status::Unknown | Status::Pending, Decision::Decline) => {
                Some(Entry::Declined { amount })
            }
            _ => None,
        }
    }

    /// What the API says about it.
    pub(super) fn report(&self, payment: &PaymentRef) -> ProviderStatus {
        match (self.status, &self.outcome) {
            (Status::Pending, _) => ProviderStatus::Pending {},
            (Status::Cancelled, _) => ProviderStatus::Cancelled {},
            (Status::Completed, Some(Outcome::Completed { amount, reference })) => {
                ProviderStatus::Completed { amount: *amount, reference: reference.clone() }
            }
            (Status::Refunded, Some(Outcome::Completed { amount, .. })) => {
                let reference = reference(payment, "SIM-REFUND");
                ProviderStatus::Refunded { amount: *amount, reference }
            }
            (Status::Declined, Some(Outcome::Declined { reason })) => {
                ProviderStatus::Declined { reason: reason.clone() }
            }
            _ => ProviderStatus::Unknown {},
        }
    }
}

/// A number for the registrant's statement; the same payment always has the same.
fn reference(payment: &PaymentRef, prefix: &str) -> String {
    let id = payment.payment_id.0.simple().to_string().to_uppercase();
    format!("{prefix}-{}", id.get(20..).unwrap_or_default())
}

/// The file, and what its lines add up to. One at a time writes.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    payments: BTreeMap<PaymentRef, Payment>,
}

impl Journal {
    /// Opens or makes the file, and reads all of it.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("the provider's journal {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(name)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .with_context(name)?;
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(name)?;
        // A last line without its end was never answered for: the machine stopped while writing it.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(name)?;
        file.sync_all().with_context(name)?;
        let mut journal = Self { file, length: whole as u64, payments: BTreeMap::new() };
        for (index, line) in text[..whole].lines().enumerate() {
            let line: Line = serde_json::from_str(line)
                .with_context(|| format!("line {} of {}", index + 1, name()))?;
            journal.fold(&line);
        }
        Ok(journal)
    }

    pub(super) fn payment(&self, payment: &PaymentRef) -> Payment {
        self.payments.get(payment).cloned().unwrap_or_default()
    }

    /// Records a decision; answers how many callbacks there are to send because of it.
    pub(super) fn press(
        &mut self,
        payment: &PaymentRef,
        amount: Money,
        decision: Decision,
        now: Timestamp,
    ) -> anyhow::Result<u32> {
        let before = self.payment(payment);
        let Some(entry) = before.press(amount, decision) else { return Ok(0) };
        self.write(payment, entry, now)?;
        Ok(self.payment(payment).callbacks - before.callbacks)
    }

    /// Makes sure that nothing is collected any more, unless it is decided already.
    pub(super) fn cancel(
        &mut self,
        payment: &PaymentRef,
        now: Timestamp,
    ) -> anyhow::Result<ProviderStatus> {
        if matches!(self.payment(payment).status, Status::Unknown | Status::Pending) {
            self.write(payment, Entry::Cancelled {}, now)?;
        }
        Ok(self.payment(payment).report(payment))
    }

    /// Returns the whole amount, once. Anything else is left as it is.
    pub(super) fn refund(
        &mut self,
        payment: &PaymentRef,
        amount: Money,
        now: Timestamp,
    ) -> anyhow::Result<ProviderStatus> {
        let known = self.payment(payment);
        if known.status == Status::Completed && known.amount == Some(amount) {
            self.write(payment, Entry::Refunded {}, now)?;
        }
        Ok(self.payment(payment).report(payment))
    }

    /// One callback needs no further attempt.
    pub(super) fn callback_settled(
        &mut self,
        payment: &PaymentRef,
        delivered: bool,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        self.write(payment, Entry::CallbackSettled { delivered }, now)
    }

    /// Every callback that is still to be delivered.
    pub(super) fn undelivered(&self) -> Vec<PaymentRef> {
        self.payments
            .iter()
            .flat_map(|(payment, known)| {
                let left = known.callbacks.saturating_sub(known.callbacks_settled);
                std::iter::repeat_n(payment.clone(), left as usize)
            })
            .collect()
    }

    /// What a person can still answer: pending payments, and cancelled ones for which the money may
    /// come all the same. The latest first.
    pub(super) fn answerable(&self) -> Vec<(PaymentRef, Payment)> {
        let mut rows: Vec<_> = self
            .payments
            .iter()
            .filter(|(_, known)| matches!(known.status, Status::Pending | Status::Cancelled))
            .filter(|(_, known)| known.amount.is_some())
            .map(|(payment, known)| (payment.clone(), known.clone()))
            .collect();
        rows.sort_by_key(|(_, known)| std::cmp::Reverse(known.changed_at));
        rows.truncate(LISTED_MAX);
        rows
    }

    fn write(&mut self, payment: &PaymentRef, entry: Entry, at: Timestamp) -> anyhow::Result<()> {
        let line = Line { at, payment: payment.clone(), entry };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Nothing half-written may stand before the next line.
            self.file.set_len(self.length).context("cannot repair the provider's journal")?;
            return Err(error).context("cannot write the provider's journal");
        }
        self.length += text.len() as u64;
        self.fold(&line);
        Ok(())
    }

    fn fold(&mut self, line: &Line) {
        let known = self.payments.entry(line.payment.clone()).or_default();
        known.apply(&line.payment, &line.entry, line.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::kit::NOON;
    use crate::domain::order::tests::{PAYMENT, euros};
    use shared::OrderId;
    use tempfile::TempDir;
    use uuid::Uuid;

    fn payment() -> PaymentRef {
        PaymentRef {
            conference: "rustconf".into(),
            order_id: OrderId(Uuid::from_u128(3)),
            payment_id: PAYMENT,
        }
    }

    fn open(folder: &TempDir) -> Journal {
        Journal::open(&folder.path().join("journal.jsonl")).unwrap()
    }

    /// Presses the buttons one after the other and says where that leads.
    fn status_after(decisions: &[Decision]) -> Status {
        let folder = TempDir::new().unwrap();
        let mut journal = open(&folder);
        for decision in decisions {
            journal.press(&payment(), euros(500), *decision, NOON).unwrap();
        }
        journal.payment(&payment()).status
    }

    #[test]
    fn a_decision_is_not_reversed_and_repeating_it_does_nothing() {
        use Decision::{Accept, AnswerLater, AnswerTwice, Decline};
        assert_eq!(status_after(&[Accept, Decline]), Status::Completed);
        assert_eq!(status_after(&[Decline, Accept]), Status::Declined);
        assert_eq!(status_after(&[AnswerLater, Accept]), Status::Completed);
        assert_eq!(status_after(&[AnswerLater, Decline]), Status::Declined);
        let folder = TempDir::new().unwrap();
        let mut journal = open(&folder);
        let mut press = |decision| journal.press(&payment(), euros(500), decision, NOON).unwrap();
        assert_eq!((press(AnswerTwice), press(AnswerTwice), press(Accept)), (2, 0, 0));
    }

    #[test]
    fn a_cancelled_payment_is_collected_only_on_purpose() {
        let folder = TempDir::new().unwrap();
        let mut journal = open(&folder);
        let press = |journal: &mut Journal, decision| {
            journal.press(&payment(), euros(500), decision, NOON).unwrap()
        };
        assert_eq!(press(&mut journal, Decision::AcceptAlthoughCancelled), 0);
        assert_eq!(journal.cancel(&payment(), NOON).unwrap(), ProviderStatus::Cancelled {});
        assert_eq!(press(&mut journal, Decision::Accept), 0);
        assert_eq!(press(&mut journal, Decision::AcceptAlthoughCancelled), 1);
        let status = journal.cancel(&payment(), NOON).unwrap();
        assert!(matches!(status, ProviderStatus::Completed { .. }), "the money is there already");
    }

    #[test]
    fn only_the_whole_amount_goes_back_and_only_once() {
        let folder = TempDir::new().unwrap();
        let mut journal = open(&folder);
        let unknown = journal.refund(&payment(), euros(500), NOON).unwrap();
        assert_eq!(unknown, ProviderStatus::Unknown {});
        journal.press(&payment(), euros(500), Decision::Accept, NOON).unwrap();
        let part = journal.refund(&payment(), euros(499), NOON).unwrap();
        assert!(matches!(part, ProviderStatus::Completed { .. }));
        let whole = journal.refund(&payment(), euros(500), NOON).unwrap();
        assert!(matches!(whole, ProviderStatus::Refunded { .. }));
        assert_eq!(journal.refund(&payment(), euros(500), NOON).unwrap(), whole);
    }

    #[test]
    fn everything_is_remembered_after_a_restart() {
        let folder = TempDir::new().unwrap();
        let mut journal = open(&folder);
        journal.press(&payment(), euros(500), Decision::AnswerTwice, NOON).unwrap();
        journal.callback_settled(&payment(), true, NOON).unwrap();
        let (before, open_callbacks) = (journal.payment(&payment()), journal.undelivered());
        drop(journal);
        let journal = open(&folder);
        assert_eq!(journal.payment(&payment()), before);
        assert_eq!((journal.undelivered(), open_callbacks.len()), (open_callbacks, 1));
    }

    #[test]
    fn a_line_that_was_being_written_when_the_machine_stopped_never_happened() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = open(&folder);
        journal.press(&payment(), euros(500), Decision::AnswerLater, NOON).unwrap();
        drop(journal);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{}", &whole[..20])).unwrap();
        let mut journal = open(&folder);
        assert_eq!(journal.payment(&payment()).status, Status::Pending);
        journal.press(&payment(), euros(500), Decision::Accept, NOON).unwrap();
        drop(journal);
        assert_eq!(open(&folder).payment(&payment()).status, Status::Completed);
    }

    #[test]
    fn a_journal_that_cannot_be_read_is_not_thrown_away() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("journal.jsonl");
        std::fs::write(&path, "hello\n").unwrap();
        let error = format!("{:#}", Journal::open(&path).unwrap_err());
        assert!(error.contains("line 1"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello\n");
    }

    #[test]
    fn what_can_still_be_answered_is_listed() {
        let folder = TempDir::new().unwrap();
        let mut journal = open(&folder);
        journal.press(&payment(), euros(500), Decision::AnswerLater, NOON).unwrap();
        let never_seen = PaymentRef { conference: "pycon".into(), ..payment() };
        journal.cancel(&never_seen, NOON).unwrap();
        assert_eq!(journal.answerable().len(), 1);
        journal.cancel(&payment(), NOON).unwrap();
        assert_eq!(journal.answerable().len(), 1);
        journal.press(&payment(), euros(500), Decision::AcceptAlthoughCancelled, NOON).unwrap();
        assert_eq!(journal.answerable(), []);
    }
}
