//! Typed identifiers, so that an order is never looked up by a payment's id.
//!
//! All are UUIDs and `Copy`. Nothing here makes one: the browser makes the ids of its intents, the
//! server makes the rest, and both pass them in.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id! {
    /// One conference, and the ledger that holds everything that happens to it.
    ConferenceId
}
id! {
    /// One kind of admission a conference sells.
    SeatTypeId
}
id! {
    /// One order. Made by the browser, because it is also the key that makes a repeated
    /// registration harmless. The reservation of an order carries the same id.
    OrderId
}
id! {
    /// One attempt to collect one amount. Made by the browser with the payment page.
    PaymentId
}
id! {
    /// One intent of a person; every retry and every double click reuses it.
    CommandId
}
