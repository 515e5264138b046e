//! The access code of an order: six characters that survive being read aloud.
//!
//! Reading is forgiving, writing is not (`crockford.rs`). Uniqueness and attempts are the server's
//! business, not this file's.

use crate::crockford;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

const LENGTH: usize = 6;

/// Six characters, shown as `K7M-2QX`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessCode([u8; LENGTH]);

/// The text cannot be an access code.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAnAccessCode;

impl AccessCode {
    /// Makes a code from randomness that the caller took from the operating system: five bits each.
    #[must_use]
    pub fn from_random(random: u32) -> Self {
        let mut code = [0; LENGTH];
        for (index, letter) in code.iter_mut().enumerate() {
            *letter = crockford::letter(u128::from(random >> (index * 5)));
        }
        Self(code)
    }

    /// The six characters without hyphen, as stored and compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The characters one by one, for a screen reader: `K 7 M 2 Q X`.
    #[must_use]
    pub fn spelled(&self) -> String {
        let letters: Vec<String> = self.as_str().chars().map(String::from).collect();
        letters.join(" ")
    }
}

impl fmt::Display for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.as_str();
        write!(f, "{}-{}", &text[..3], &text[3..])
    }
}

/// A code opens an order, so logs never show it.
impl fmt::Debug for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessCode(…)")
    }
}

impl FromStr for AccessCode {
    type Err = NotAnAccessCode;
    fn from_str(text: &str) -> Result<Self, NotAnAccessCode> {
        crockford::read(text).map(Self).ok_or(NotAnAccessCode)
    }
}

impl Serialize for AccessCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccessCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|NotAnAccessCode| D::Error::custom("an access code has six characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reading_forgives_case_spaces_hyphens_and_lookalikes() {
        let code: AccessCode = "K7M-2QX".parse().unwrap();
        for typed in ["k7m2qx", " K7M 2QX ", "k7m–2qx", "K-7-M-2-Q-X"] {
            assert_eq!(typed.parse::<AccessCode>(), Ok(code), "{typed}");
        }
        assert_eq!("oil-000".parse::<AccessCode>(), "011-000".parse());
    }

    #[test]
    fn anything_else_is_not_a_code() {
        for typed in ["", "K7M", "K7M2QXX", "K7M-2QU", "K7M-2Q!", "ＫＫＫＫＫＫ"] {
            assert_eq!(typed.parse::<AccessCode>(), Err(NotAnAccessCode), "{typed}");
        }
    }

    #[test]
    fn a_code_is_spelled_for_those_who_listen_and_hidden_from_logs() {
        let code: AccessCode = "K7M-2QX".parse().unwrap();
        assert_eq!(code.spelled(), "K 7 M 2 Q X");
        assert!(!format!("{code:?}").contains("K7M"));
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(random: u32) {
            let code = AccessCode::from_random(random);
            prop_assert_eq!(code.to_string().parse(), Ok(code));
            prop_assert_eq!(code.as_str().to_lowercase().parse(), Ok(code));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,12}") {
            let _ = text.parse::<AccessCode>();
        }
    }
}
