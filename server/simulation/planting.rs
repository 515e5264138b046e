//! Defects that somebody could make, as changes of the source; and how all of them get into one copy
//! of it, asleep, so that one build is enough.
//!
//! A defect replaces an expression or a statement. Where its text says `PLANTED`, the whole text
//! replaces what was found, and that word becomes the question whether this defect is awake.

/// One defect.
pub(crate) struct Defect {
    /// What the house would do.
    pub(crate) name: &'static str,
    /// Below `server/src`.
    pub(crate) file: &'static str,
    /// Occurs once in the file.
    pub(crate) find: &'static str,
    pub(crate) plant: &'static str,
}

const fn defect(
    name: &'static str,
    file: &'static str,
    find: &'static str,
    plant: &'static str,
) -> Defect {
    Defect { name, file, find, plant }
}

const PROCESS: &str = "domain/registration_process.rs";
const ORDER: &str = "domain/order.rs";
const SEATS: &str = "domain/seats_availability.rs";
const PAYMENT: &str = "domain/payment.rs";

/// Every defect that the simulation has to find. Several may stand at the same place.
pub(crate) const DEFECTS: &[Defect] = &[
    // The ledger's task.
    defect(
        "answers before the commit",
        "ledger/in_flight.rs",
        "let Some(arrival) = &mut self.arrival else { return Ok(()) };",
        "let Some(arrival) = self.arrival.as_mut().filter(|_| !PLANTED) else { return Ok(()) };",
    ),
    defect(
        "skips the conflict check",
        "ledger/in_flight.rs",
        "Ok(outcome?)",
        "match outcome {
            Err(CommitError::Conflict) if PLANTED => Ok(()),
            other => Ok(other?),
        }",
    ),
    defect(
        "has no fence",
        "ledger/in_flight.rs",
        "match turn {
        Some(turn) => turn.commit(&store, &commit).await,
        None => store.commit(&commit).await,
    }",
        "{
            let head = store.head(commit.ledger).await?.map_or(0, |known| known.head);
            store.commit(&Commit { expected_head: head, ..commit }).await
        }",
    ),
    defect(
        "has a fence only when events are appended",
        "ledger/in_flight.rs",
        "let arrival = match commit {",
        "let arrival = match commit {
            Some(commit) if PLANTED && commit.events.is_empty() => Some(tokio::spawn(async move {
                let head = store.head(commit.ledger).await?.map_or(0, |known| known.head);
                store.commit(&Commit { expected_head: head, ..commit }).await
            })),
            None if PLANTED => None,",
    ),
    defect(
        "shows what has not arrived",
        "ledger/in_flight.rs",
        "shown.push((topic_of(&changed), view));",
        "if PLANTED {
            self.publish(before + 1, &changed);
        } else {
            shown.push((topic_of(&changed), view));
        }",
    ),
    defect(
        "answers with the batch before its own",
        "ledger.rs",
        "Some(in_flight) if is_true_before => in_flight.decided.push(decided),",
        "Some(in_flight) if PLANTED || is_true_before => in_flight.decided.push(decided),",
    ),
    defect(
        "forgets an order that is on its way to the store",
        "ledger/memory.rs",
        "|| this_batch <= file.touched_in_batch",
        "|| !PLANTED && this_batch <= file.touched_in_batch",
    ),
    defect(
        "shows more than it says",
        "ledger/stage.rs",
        "let is_touched = memory.is_touched(order_id);",
        "let is_touched = !PLANTED && memory.is_touched(order_id);",
    ),
    defect(
        "believes a head that is newer than what it read",
        "ledger/reading.rs",
        "if catch_up.position() != head {",
        "let head = if PLANTED {
            self.store.head(self.id.0).await?.map_or(0, |known| known.head)
        } else {
            head
        };
        if !PLANTED && catch_up.position() != head {",
    ),
    defect(
        "says no without looking at the head",
        "ledger/in_flight.rs",
        "None if !self.store.is_shared() => None,",
        "None if PLANTED || !self.store.is_shared() => None,",
    ),
    defect(
        "folds the end of a history twice",
        "ledger/reading.rs",
        "let after = snapshot.position;",
        "let after = snapshot.position.saturating_sub(u64::from(PLANTED));",
    ),
    defect(
        "does not recognise a command that comes again",
        "ledger/stage.rs",
        "request.command_id.and_then(|id| file.handled(id))",
        "None",
    ),
    defect(
        "sells while the conference is hidden",
        "ledger/stage.rs",
        "if file.order.status == order::Status::Unknown && !conference.is_published {",
        "if !PLANTED && file.order.status == order::Status::Unknown && !conference.is_published {",
    ),
    defect("never marks an effect as done", "ledger/stage.rs", "memory.effect_done(effect)", "()"),
    defect(
        "drops the deadline",
        "ledger/memory.rs",
        "self.changes.deadlines.insert(id, at);",
        "();",
    ),
    defect(
        "forgets what is to be done outside",
        "ledger/memory.rs",
        "self.ask_effects(stream, &event, happened.position, cause.now);",
        "();",
    ),
    defect(
        "writes a snapshot that skips an event",
        "ledger/memory/commit.rs",
        "let (topic, body) = (SNAPSHOT.to_owned(), serde_json::to_string(&self.base)?);",
        "let (topic, body) = (SNAPSHOT.to_owned(), serde_json::to_string(&self.base)?);
        let position = position + u64::from(PLANTED);",
    ),
    defect(
        "does not write the rows of lists",
        "ledger/memory/commit.rs",
        "changes.orders.iter().filter_map(|(id, at)| self.lookup(*id, at.0)).collect()",
        "vec![]",
    ),
    // The workers.
    defect("looks at nobody when it is time", "deadlines.rs", "due.is_empty()", "true"),
    defect(
        "lets two servers perform the same effect",
        "effects.rs",
        "lease_effects(Effect::KINDS, now.0, lease_until.0, limit)",
        "lease_effects(Effect::KINDS, now.0, if PLANTED { now.0 } else { lease_until.0 }, limit)",
    ),
    defect(
        "gives an effect up at the first failure",
        "effects.rs",
        "attempts < attempts_max(kind)",
        "false",
    ),
    // The process.
    defect(
        "ignores money that comes too late",
        PROCESS,
        "= self.money_that_fits() else { return self.end() };",
        "= self.money_that_fits().filter(|_| !PLANTED) else { return self.end() };",
    ),
    defect(
        "returns late money without trying to get the seats",
        PROCESS,
        "if !tried_again && !self.order.granted.is_empty() {",
        "if !PLANTED && !tried_again && !self.order.granted.is_empty() {",
    ),
    defect(
        "keeps a second payment",
        PROCESS,
        "match self.second_payment() {",
        "match self.second_payment().filter(|_| !PLANTED) {",
    ),
    defect(
        "lets an order expire while somebody pays",
        PROCESS,
        "match self.payment_in_flight() {",
        "match self.payment_in_flight().filter(|_| !PLANTED) {",
    ),
    defect(
        "waits for a silent provider for ever",
        PROCESS,
        "if bound.max(self.order.release_at()) <= now {",
        "if !PLANTED && bound.max(self.order.release_at()) <= now {",
    ),
    defect(
        "gives a payment up when the hold ends",
        PROCESS,
        "self.order.hold_expires_at.plus_seconds(PAYMENT_BOUND_SECONDS)",
        "self.order.hold_expires_at",
    ),
    defect(
        "does not confirm what was paid",
        PROCESS,
        "if let Some(paid) = self.money_that_fits() {",
        "if let Some(paid) = self.money_that_fits().filter(|_| !PLANTED) {",
    ),
    defect(
        "takes another amount for the right one",
        PROCESS,
        "payment.money().filter(|money| Some(*money) == self.order.total)",
        "payment.money()",
    ),
    defect(
        "leaves the hold of an order that has ended",
        PROCESS,
        "if self.reservation.is_some_and(|known| known.status == ReservationStatus::Held) {
            return Next::Do(Todo::CancelSeatReservation);",
        "if !PLANTED
            && self.reservation.is_some_and(|known| known.status == ReservationStatus::Held)
        {
            return Next::Do(Todo::CancelSeatReservation);",
    ),
    defect(
        "sells seats that were given back to nobody",
        PROCESS,
        "Some(ReservationStatus::Committed) => return Next::Do(Todo::ReturnSeats),",
        "Some(ReservationStatus::Committed) if !PLANTED => return Next::Do(Todo::ReturnSeats),",
    ),
    // The aggregates.
    defect(
        "forgets the grace",
        ORDER,
        "self.hold_expires_at.plus_seconds(i64::from(self.grace_seconds))",
        "self.hold_expires_at",
    ),
    defect(
        "lets people pay without seats",
        ORDER,
        "if !self.has_seats() {
            return Err(RefusalCode::SeatsNotHeld.into());
        }
        if self.registrant.is_none() {
            return Err(RefusalCode::RegistrantMissing.into());
        }
        match self.total {",
        "if !PLANTED && !self.has_seats() {
            return Err(RefusalCode::SeatsNotHeld.into());
        }
        if self.registrant.is_none() {
            return Err(RefusalCode::RegistrantMissing.into());
        }
        match self.total {
            Some(total) if PLANTED => Ok(total.plus(shown)),",
    ),
    defect(
        "says that all seats are held when some are",
        ORDER,
        "if seats == self.asked {",
        "if PLANTED || seats == self.asked {",
    ),
    defect(
        "sells what it does not have",
        SEATS,
        "rules::granted(wanted.quantity, remaining, quantity_of(before, wanted.seat_type))",
        "wanted.quantity",
    ),
    defect(
        "forgets what an order holds already",
        SEATS,
        "rules::granted(wanted.quantity, remaining, quantity_of(before, wanted.seat_type))",
        "rules::granted(wanted.quantity, remaining, 0)",
    ),
    defect(
        "takes the same money twice",
        PAYMENT,
        "(Completed | Refunding | Refunded, Command::CompletePayment { .. }) => Ok(vec![]),",
        "(Completed | Refunding | Refunded, Command::CompletePayment { amount, reference }) => {
            Ok(if PLANTED { vec![Event::PaymentCompleted { amount, reference }] } else { vec![] })
        }",
    ),
    defect(
        "believes a decline after the money came",
        PAYMENT,
        "(_, Command::RejectPayment { .. }) => Ok(vec![]),",
        "(_, Command::RejectPayment { reason }) => {
            Ok(if PLANTED { vec![Event::PaymentRejected { reason }] } else { vec![] })
        }",
    ),
];

/// The text of one file with all its defects planted and asleep.
///
/// # Errors
/// A defect whose place is not there, or is there twice.
pub(crate) fn plant(file: &str, text: &str) -> Result<String, String> {
    let mut planted = text.to_owned();
    let mut done: Vec<&str> = Vec::new();
    let numbered = || (1_u32..).zip(DEFECTS).filter(|(_, defect)| defect.file == file);
    for (_, Defect { name, find, .. }) in numbered() {
        if done.contains(find) {
            continue;
        }
        done.push(find);
        if text.matches(find).count() != 1 {
            return Err(format!("\"{name}\" has no place of its own in {file}"));
        }
        let here = numbered().filter(|(_, other)| other.find == *find);
        let replaced = here.fold((*find).to_owned(), |text, (number, defect)| {
            let is_awake = format!("crate::planted::is({number})");
            if defect.plant.contains("PLANTED") {
                defect.plant.replace("PLANTED", &is_awake)
            } else if find.ends_with(';') {
                format!("if {is_awake} {{ {} }} else {{ {text} }}", defect.plant)
            } else {
                format!("(if {is_awake} {{ {} }} else {{ {text} }})", defect.plant)
            }
        });
        planted = planted.replace(find, &replaced);
    }
    Ok(planted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_defect_has_its_place() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(15 <= DEFECTS.len());
        for Defect { name, file, .. } in DEFECTS {
            let text = std::fs::read_to_string(folder.join(file)).expect(file);
            let planted = plant(file, &text).unwrap_or_else(|error| panic!("{error}"));
            assert_ne!(planted, text, "{name}");
        }
    }
}
