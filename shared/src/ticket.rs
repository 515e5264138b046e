//! What an attendee shows at the door: sixteen characters that say nothing and cannot be guessed.
//!
//! Eighty bits of the operating system's randomness. Not here: whose ticket it is; only the server
//! knows that, and only while the seat is theirs.

use crate::crockford;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

const LENGTH: usize = 16;
/// Letters between two hyphens.
const GROUP: usize = 4;

/// Sixteen characters, shown as `7Q2M-K0XD-93VA-TB5H`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket([u8; LENGTH]);

/// The text cannot be a ticket.
#[derive(Debug, PartialEq, Eq)]
pub struct NotATicket;

impl Ticket {
    /// Makes a ticket from randomness that the caller took from the operating system: five bits each.
    #[must_use]
    pub fn from_random(random: u128) -> Self {
        let mut ticket = [0; LENGTH];
        for (index, letter) in ticket.iter_mut().enumerate() {
            *letter = crockford::letter(random >> (index * 5));
        }
        Self(ticket)
    }

    /// The sixteen characters without hyphens, as stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, letter) in self.as_str().chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

/// A ticket opens a door, so logs never show it.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(…)")
    }
}

impl FromStr for Ticket {
    type Err = NotATicket;
    fn from_str(text: &str) -> Result<Self, NotATicket> {
        crockford::read(text).map(Self).ok_or(NotATicket)
    }
}

impl Serialize for Ticket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ticket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|NotATicket| D::Error::custom("a ticket has sixteen characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ticket_is_shown_in_groups_and_hidden_from_logs() {
        let ticket = Ticket::from_random(7);
        assert_eq!(ticket.to_string(), "7000-0000-0000-0000");
        assert!(!format!("{ticket:?}").contains('7'));
    }

    #[test]
    fn every_one_of_eighty_bits_makes_another_ticket() {
        let none = Ticket::from_random(0);
        assert!((0..80).all(|bit| Ticket::from_random(1 << bit) != none));
    }

    #[test]
    fn anything_else_is_not_a_ticket() {
        for typed in ["", "7000", "7000-0000-0000-00000", "7000-0000-0000-000U", "' OR 1=1 --"] {
            assert_eq!(typed.parse::<Ticket>(), Err(NotATicket), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(random: u128) {
            let ticket = Ticket::from_random(random);
            prop_assert_eq!(ticket.to_string().parse(), Ok(ticket));
            let typed = ticket.to_string().to_lowercase().replace('-', " ").replace('1', "l");
            prop_assert_eq!(typed.parse(), Ok(ticket));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,30}") {
            let _ = text.parse::<Ticket>();
        }
    }
}
