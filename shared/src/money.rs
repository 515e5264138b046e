//! Money: whole minor units and a currency. No floating point anywhere near a price.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::str::FromStr;

/// A three-letter ISO 4217 code, for instance `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// The text is not three capital letters.
#[derive(Debug, PartialEq, Eq)]
pub struct NotACurrency;

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// Digits after the decimal point (ISO 4217 "minor unit").
    #[must_use]
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"JPY" | b"KRW" | b"ISK" | b"CLP" | b"VND" | b"UGX" | b"XAF" | b"XOF" => 0,
            b"BHD" | b"KWD" | b"OMR" | b"TND" | b"JOD" => 3,
            _ => 2,
        }
    }

    /// The code as text.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// What stands before the amount: a sign where it is unmistakable, otherwise the code.
    fn prefix(&self) -> &str {
        match &self.0 {
            b"EUR" => "€",
            b"GBP" => "£",
            b"USD" => "$",
            _ => self.code(),
        }
    }
}

impl FromStr for Currency {
    type Err = NotACurrency;
    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        let bytes: [u8; 3] = text.as_bytes().try_into().map_err(|_| NotACurrency)?;
        if bytes.iter().all(u8::is_ascii_uppercase) { Ok(Self(bytes)) } else { Err(NotACurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|NotACurrency| D::Error::custom("a currency is three capital letters"))
    }
}

/// An amount of money in minor units (cents) of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units, for instance cents. Never negative for a price or a total.
    pub minor: i64,
    /// ISO 4217 code.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "EUR"))]
    pub currency: Currency,
}

impl Money {
    /// An amount of `minor` units.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in this currency.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// True when nothing is to be paid.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// This amount `quantity` times. Prices and quantities are bounded long before this saturates.
    #[must_use]
    pub const fn times(self, quantity: u32) -> Self {
        Self::new(self.minor.saturating_mul(quantity as i64), self.currency)
    }

    /// The sum. Both sides are of one conference and so of one currency.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        debug_assert_eq!(self.currency, other.currency, "one conference has one currency");
        Self::new(self.minor.saturating_add(other.minor), self.currency)
    }
}

/// `12,480`: a number that may be long.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `€1,194` for whole amounts, `€1,194.50` otherwise: the one way money is written.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        let unit = 10_u64.pow(decimals);
        let whole = self.minor.unsigned_abs() / unit;
        let rest = self.minor.unsigned_abs() % unit;
        if self.minor < 0 {
            f.write_str("−")?;
        }
        f.write_str(self.currency.prefix())?;
        f.write_str(&grouped(whole))?;
        if rest > 0 {
            write!(f, ".{rest:0width$}", width = decimals as usize)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn euros(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    #[test]
    fn money_is_written_with_thousands_and_only_needed_decimals() {
        assert_eq!(euros(0).to_string(), "€0");
        assert_eq!(euros(39_800).to_string(), "€398");
        assert_eq!(euros(39_805).to_string(), "€398.05");
        assert_eq!(euros(119_400_000).to_string(), "€1,194,000");
        assert_eq!(euros(-2_000).to_string(), "−€20");
        assert_eq!(Money::new(5_000, "JPY".parse().unwrap()).to_string(), "JPY5,000");
        assert_eq!(Money::new(1_234, "KWD".parse().unwrap()).to_string(), "KWD1.234");
    }

    #[test]
    fn only_three_capital_letters_are_a_currency() {
        for wrong in ["", "EU", "eur", "EURO", "E1R", "€€€"] {
            assert_eq!(wrong.parse::<Currency>(), Err(NotACurrency), "{wrong}");
        }
    }

    #[test]
    fn money_travels_as_minor_units_and_code() {
        let json = serde_json::to_string(&euros(39_800)).unwrap();
        assert_eq!(json, r#"{"minor":39800,"currency":"EUR"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), euros(39_800));
        assert!(serde_json::from_str::<Money>(r#"{"minor":1.5,"currency":"EUR"}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_amount_of_any_currency_is_written_and_comes_back(minor: i64, code in "[A-Z]{3}") {
            let money = Money::new(minor, code.parse().unwrap());
            prop_assert!(money.to_string().contains(char::is_numeric));
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn no_arithmetic_overflows(minor: i64, quantity: u32, more: i64) {
            let _ = euros(minor).times(quantity).plus(euros(more));
        }

        #[test]
        fn no_text_makes_the_reader_of_currencies_panic(text in "\\PC{0,6}") {
            prop_assert_eq!(text.parse::<Currency>().is_ok(), text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()));
        }
    }
}
