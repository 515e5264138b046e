//! The catalogue: every stored event name and the type behind it. Stored names and shapes are for
//! ever: a changed shape gets a new version here and the old one is upcast when it is read.
//!
//! Not here: what an event means (its aggregate) and where it rests (`store.rs`).

use crate::domain::{conference, order, payment, seat_assignments, seats_availability};
use anyhow::{Context, bail};
use shared::{OrderId, PaymentId};

/// Any event of a conference's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Conference(conference::Event),
    Seats(seats_availability::Event),
    Order(order::Event),
    Payment(payment::Event),
    SeatAssignments(seat_assignments::Event),
}

/// Which stream of a ledger an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    Conference,
    Seats,
    Order(OrderId),
    Payment(OrderId, PaymentId),
    SeatAssignments(OrderId),
}

/// The streams of the conference itself, which are always in memory.
pub const CONFERENCE_STREAMS: [&str; 2] = ["conference", "seats-availability"];

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Conference => f.write_str(CONFERENCE_STREAMS[0]),
            Self::Seats => f.write_str(CONFERENCE_STREAMS[1]),
            Self::Order(id) => write!(f, "order-{id}"),
            // The payment's id comes from a browser. Below its order's it can collide with nothing.
            Self::Payment(order, id) => write!(f, "payment-{order}-{id}"),
            Self::SeatAssignments(order) => write!(f, "seat-assignments-{order}"),
        }
    }
}

impl Stream {
    /// The order it is about; none for those of the conference itself.
    #[must_use]
    pub const fn order_id(self) -> Option<OrderId> {
        match self {
            Self::Order(id) | Self::Payment(id, _) | Self::SeatAssignments(id) => Some(id),
            Self::Conference | Self::Seats => None,
        }
    }

    /// Reads a stored stream name.
    ///
    /// # Errors
    /// The name is of no stream that this release knows.
    pub fn parse(name: &str) -> anyhow::Result<Self> {
        const ID: usize = 36;
        if name == CONFERENCE_STREAMS[0] {
            return Ok(Self::Conference);
        }
        if name == CONFERENCE_STREAMS[1] {
            return Ok(Self::Seats);
        }
        if let Some(id) = name.strip_prefix("order-") {
            return Ok(Self::Order(id.parse()?));
        }
        if let Some(id) = name.strip_prefix("seat-assignments-") {
            return Ok(Self::SeatAssignments(id.parse()?));
        }
        if let Some(ids) = name.strip_prefix("payment-")
            && let Some((order, payment)) = ids.split_at_checked(ID)
            && let Some(payment) = payment.strip_prefix('-')
        {
            return Ok(Self::Payment(order.parse()?, payment.parse()?));
        }
        bail!("no stream is called {name}")
    }
}

/// Declares which stored name stands for which event, in both directions.
macro_rules! catalogue {
    ($($category:ident($module:ident): $($name:ident)*;)*) => {
        impl Event {
            /// The stored name, `Category.Event.vN`.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self {
                    $($(Self::$category($module::Event::$name { .. }) => {
                        concat!(stringify!($category), ".", stringify!($name), ".v1")
                    })*)*
                }
            }

            /// Reads a stored event.
            ///
            /// # Errors
            /// The name is unknown to this release, or the payload is not of its shape.
            pub fn decode(kind: &str, payload: &str) -> anyhow::Result<Self> {
                match kind {
                    $($(concat!(stringify!($category), ".", stringify!($name), ".v1") => {
                        serde_json::from_str(payload).map(Self::$category)
                    })*)*
                    _ => bail!("this release does not know the event {kind}"),
                }
                .with_context(|| format!("the payload of {kind} has another shape"))
            }

            /// Every stored name, for the test that keeps them.
            #[cfg(test)]
            pub(crate) const KINDS: &'static [&'static str] =
                &[$($(concat!(stringify!($category), ".", stringify!($name), ".v1"),)*)*];
        }
    };
}

catalogue! {
    Conference(conference): ConferenceCreated SeatTypeCreated QuotaChanged ConferencePublished
        ConferenceUnpublished ConferenceUpdated SeatTypeUpdated SeatTypeDeleted OwnerCodeRotated;
    Seats(seats_availability): AvailableSeatsChanged SeatsReserved SeatsReservationCommitted
        SeatsReservationCancelled SeatsReturned;
    Order(order): OrderPlaced OrderUpdated OrderTotalsCalculated OrderPartiallyReserved
        OrderReservationCompleted OrderRegistrantAssigned SeatsReservationExtended
        RegistrationCompleted OrderConfirmed OrderExpired OrderCancelled RegistrationCancelled
        ConfirmationRequested;
    Payment(payment): PaymentInitiated PaymentQueried PaymentCompleted PaymentRejected
        PaymentCancelled PaymentRefundRequested PaymentRefunded;
    SeatAssignments(seat_assignments): SeatAssignmentsCreated SeatAssigned SeatUnassigned SeatAdmitted
        SeatAssignmentsClosed;
}

impl Event {
    /// The payload as JSON.
    ///
    /// # Panics
    /// Never: no event holds a map with keys that are not text.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Conference(event) => serde_json::to_string(event),
            Self::Seats(event) => serde_json::to_string(event),
            Self::Order(event) => serde_json::to_string(event),
            Self::Payment(event) => serde_json::to_string(event),
            Self::SeatAssignments(event) => serde_json::to_string(event),
        }
        .expect("events are plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// One stored example of every event ever released. Add lines; never change one.
    const GOLDEN: &str = include_str!("events/golden.jsonl");

    #[test]
    fn every_event_ever_stored_can_still_be_read_and_is_written_as_it_was() {
        let mut seen = Vec::new();
        for line in GOLDEN.lines() {
            let (kind, payload) = line.split_once(' ').expect("a name, a space, a payload");
            let event = Event::decode(kind, payload).expect(kind);
            assert_eq!(event.kind(), kind);
            assert_eq!(event.encode(), payload, "{kind}");
            seen.push(kind);
        }
        assert_eq!(seen, Event::KINDS, "one golden line per stored name, in the catalogue's order");
    }

    #[test]
    fn an_event_of_a_newer_release_is_not_guessed() {
        assert!(Event::decode("Order.OrderPlaced.v2", "{}").is_err());
        assert!(Event::decode("Order.OrderPlaced.v1", r#"{"event":"OrderPlaced"}"#).is_err());
    }

    #[test]
    fn stream_names_can_be_read_back() {
        let (order, payment) = (OrderId(Uuid::from_u128(1)), PaymentId(Uuid::from_u128(2)));
        for stream in [
            Stream::Conference,
            Stream::Seats,
            Stream::Order(order),
            Stream::Payment(order, payment),
            Stream::SeatAssignments(order),
        ] {
            assert_eq!(Stream::parse(&stream.to_string()).unwrap(), stream);
        }
        assert!(Stream::parse("payment-é").is_err());
    }
}
