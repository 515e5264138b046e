//! The catalogue: every stored event name and the type behind it. Stored names and shapes are for
//! ever: a changed shape gets a new version here and the old one is upcast when it is read.
//!
//! Not here: what an event means (its aggregate) and where it rests (`store.rs`).

use crate::domain::{conference, order, payment, seat_assignments, seats_availability};
use anyhow::{Context, bail};
use serde_json::Value;
use shared::{OrderId, PaymentId};
use std::borrow::Cow;

/// It was written by a newer release, and this one does not guess what it means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this release does not know the {0}")]
pub struct Newer(String);

impl Newer {
    /// True when this is why something could not be read.
    #[must_use]
    pub fn is_why(error: &anyhow::Error) -> bool {
        error.downcast_ref::<Self>().is_some()
    }
}

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
        bail!(Newer(format!("stream {name}")))
    }
}

/// A stored name that is not written any more, and how its payload becomes that of the next version.
struct Upcast {
    from: &'static str,
    to: &'static str,
    with: fn(Value) -> Value,
}

/// Every stored name that is not written any more, older versions first. An entry stays for ever, as do
/// the events.
const UPCASTS: &[Upcast] = &[];

/// The newest name and payload of what was stored under an older name.
fn upcast<'a>(
    steps: &[Upcast],
    kind: &'a str,
    payload: &'a str,
) -> anyhow::Result<(&'a str, Cow<'a, str>)> {
    let mut now = (kind, Cow::Borrowed(payload));
    for Upcast { from, to, with } in steps {
        if now.0 == *from {
            let value = serde_json::from_str(&now.1)
                .with_context(|| format!("the payload of {from} is no JSON"))?;
            now = (to, Cow::Owned(with(value).to_string()));
        }
    }
    Ok(now)
}

/// `v1`, unless it says otherwise.
macro_rules! version {
    () => {
        "v1"
    };
    ($version:ident) => {
        stringify!($version)
    };
}

/// Declares which stored name stands for which event, in both directions. An event whose shape has changed
/// is listed with its version, `OrderPlaced.v2`, and the older one among the upcasts.
macro_rules! catalogue {
    ($upcasts:ident; $($category:ident($module:ident): $($name:ident$(.$version:ident)?)*;)*) => {
        impl Event {
            /// The stored name, `Category.Event.vN`.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self {
                    $($(Self::$category($module::Event::$name { .. }) => {
                        concat!(
                            stringify!($category), ".", stringify!($name), ".", version!($($version)?)
                        )
                    })*)*
                }
            }

            /// Reads a stored event.
            ///
            /// # Errors
            /// The name is unknown to this release ([`Newer`]), or the payload is not of its shape.
            pub fn decode(kind: &str, payload: &str) -> anyhow::Result<Self> {
                let (kind, payload) = upcast($upcasts, kind, payload)?;
                match kind {
                    $($(concat!(
                        stringify!($category), ".", stringify!($name), ".", version!($($version)?)
                    ) => {
                        serde_json::from_str(&payload).map(Self::$category)
                    })*)*
                    _ => bail!(Newer(format!("event {kind}"))),
                }
                .with_context(|| format!("the payload of {kind} has another shape"))
            }

            /// Every stored name, for the test that keeps them.
            #[cfg(test)]
            pub(crate) const KINDS: &'static [&'static str] =
                &[$($(concat!(
                    stringify!($category), ".", stringify!($name), ".", version!($($version)?)
                ),)*)*];
        }
    };
}

catalogue! {
    UPCASTS;
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
            seen.push(kind);
            if Event::KINDS.contains(&kind) {
                assert_eq!(event.kind(), kind);
                assert_eq!(event.encode(), payload, "{kind}");
            }
        }
        let known = UPCASTS.iter().map(|step| step.from);
        let (old, written): (Vec<&str>, Vec<&str>) =
            seen.into_iter().partition(|kind| known.clone().any(|from| from == *kind));
        assert_eq!(
            written,
            Event::KINDS,
            "one golden line per stored name, in the catalogue's order"
        );
        assert_eq!(old, known.collect::<Vec<_>>(), "and one per name that is not written any more");
    }

    /// The number of stored names that each generation has written. Add lines; never change one.
    const GENERATIONS: &[(i32, usize)] = &[(1, 39), (2, 39)];

    /// An older release opens a ledger from its own generation's documents, so it meets what it does not
    /// know only when that is written by another generation.
    #[test]
    fn a_release_with_new_events_is_a_new_generation() {
        let now = (crate::store::GENERATION, Event::KINDS.len() + UPCASTS.len());
        assert_eq!(GENERATIONS.last(), Some(&now));
        assert!(GENERATIONS.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1));
    }

    /// An event that has had three shapes.
    #[expect(unreachable_pub, reason = "the catalogue's own is public")]
    mod thrice {
        use super::super::{Newer, Upcast, upcast};
        use anyhow::{Context, bail};
        use serde::{Deserialize, Serialize};
        use serde_json::json;

        mod house {
            use super::{Deserialize, Serialize};

            #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(tag = "event")]
            pub(super) enum Event {
                Painted { colour: String, coats: u32 },
                Sold {},
            }
        }

        #[derive(Debug, PartialEq, Eq)]
        enum Event {
            House(house::Event),
        }

        const STEPS: &[Upcast] = &[
            Upcast {
                from: "House.Painted.v1",
                to: "House.Painted.v2",
                with: |old| json!({ "event": "Painted", "colour": old["color"] }),
            },
            Upcast {
                from: "House.Painted.v2",
                to: "House.Painted.v3",
                with: |old| json!({ "event": "Painted", "colour": old["colour"], "coats": 1 }),
            },
        ];

        catalogue! {
            STEPS;
            House(house): Painted.v3 Sold;
        }

        #[test]
        fn an_old_shape_is_read_as_the_newest_one() {
            let painted =
                |coats| Event::House(house::Event::Painted { colour: "red".to_owned(), coats });
            for (kind, payload, coats) in [
                ("House.Painted.v1", r#"{"event":"Painted","color":"red"}"#, 1),
                ("House.Painted.v2", r#"{"event":"Painted","colour":"red"}"#, 1),
                ("House.Painted.v3", r#"{"event":"Painted","colour":"red","coats":2}"#, 2),
            ] {
                assert_eq!(Event::decode(kind, payload).unwrap(), painted(coats), "{kind}");
            }
            assert_eq!(painted(1).kind(), "House.Painted.v3");
            assert_eq!(Event::KINDS, ["House.Painted.v3", "House.Sold.v1"]);
            let sold = Event::decode("House.Sold.v1", r#"{"event":"Sold"}"#).unwrap();
            assert_eq!(sold, Event::House(house::Event::Sold {}));
        }

        #[test]
        fn what_is_newer_or_broken_is_not_guessed() {
            let newer = Event::decode("House.Painted.v4", "{}").unwrap_err();
            assert!(Newer::is_why(&newer.context("while opening")));
            for broken in ["", "{}", r#"{"event":"Painted"}"#] {
                let error = Event::decode("House.Painted.v1", broken).unwrap_err();
                assert!(!Newer::is_why(&error), "{broken}: {error:#}");
            }
        }
    }

    #[test]
    fn an_event_of_a_newer_release_is_not_guessed() {
        let is_newer = |kind, payload| Newer::is_why(&Event::decode(kind, payload).unwrap_err());
        assert!(is_newer("Order.OrderPlaced.v2", "{}"));
        assert!(is_newer("Waitlist.Joined.v1", "{}"));
        assert!(!is_newer("Order.OrderPlaced.v1", r#"{"event":"OrderPlaced"}"#));
        assert!(Newer::is_why(&Stream::parse("waitlist").unwrap_err()));
        assert!(!Newer::is_why(&Stream::parse("order-no-id").unwrap_err()));
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
