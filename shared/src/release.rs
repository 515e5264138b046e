//! Which release somebody is, and which of two is the newer one.

use std::fmt;
use std::str::FromStr;

/// A release as its tag names it, `major.minor.patch`. The greater is the newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(pub u32, pub u32, pub u32);

/// The text is not the name of a release.
#[derive(Debug, PartialEq, Eq)]
pub struct NotARelease;

impl Release {
    /// The release that this program was built as.
    #[must_use]
    pub const fn of_this_build() -> Self {
        Self(
            number(env!("CARGO_PKG_VERSION_MAJOR")),
            number(env!("CARGO_PKG_VERSION_MINOR")),
            number(env!("CARGO_PKG_VERSION_PATCH")),
        )
    }
}

/// Only for what the package says of itself; read while it is compiled.
const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("a package's version has three numbers"),
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for Release {
    type Err = NotARelease;
    fn from_str(text: &str) -> Result<Self, NotARelease> {
        let mut numbers = text.split('.').map(|number| number.parse().map_err(|_| NotARelease));
        let mut next = || numbers.next().unwrap_or(Err(NotARelease));
        let release = Self(next()?, next()?, next()?);
        if numbers.next().is_some() { Err(NotARelease) } else { Ok(release) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_their_numbers() {
        let release = |text: &str| text.parse::<Release>().unwrap();
        assert!(release("0.9.0") < release("0.10.0"));
        assert!(release("0.10.1") < release("1.0.0"));
        assert_eq!(Release::of_this_build().to_string(), env!("CARGO_PKG_VERSION"));
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "-1.0.0"] {
            assert_eq!(text.parse::<Release>(), Err(NotARelease), "{text}");
        }
    }
}
