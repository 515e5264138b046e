//! Where we are in a JSON text, and what is next. Nothing in here knows a type.

use super::Unreadable;
use std::str::FromStr;

/// What a newer server says more may be nested this deep.
const DEPTH_MAX: u32 = 64;

/// Where we are in a text.
pub(super) struct Reader<'de> {
    text: &'de str,
    at: usize,
    /// The last string, if it had to be put together.
    unescaped: String,
}

impl<'de> Reader<'de> {
    pub(super) const fn new(text: &'de str) -> Self {
        Self { text, at: 0, unescaped: String::new() }
    }

    /// Nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The byte after white space; stays before it.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Goes past a mark, if it is next.
    fn takes(&mut self, mark: u8) -> bool {
        let is_next = self.peek() == Some(mark);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, mark: u8) -> Result<(), Unreadable> {
        if self.takes(mark) { Ok(()) } else { Err(Unreadable) }
    }

    /// The next byte, whatever it is.
    fn byte(&mut self) -> Result<u8, Unreadable> {
        let byte = self.text.as_bytes().get(self.at).copied().ok_or(Unreadable)?;
        self.at += 1;
        Ok(byte)
    }

    /// The text since a place where we were.
    fn since(&self, start: usize) -> Result<&'de str, Unreadable> {
        self.text.get(start..self.at).ok_or(Unreadable)
    }

    /// A number, or one of the three names of JSON.
    pub(super) fn word(&mut self) -> Result<&'de str, Unreadable> {
        self.peek();
        let start = self.at;
        let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        while self.text.as_bytes().get(self.at).is_some_and(is_inside) {
            self.at += 1;
        }
        self.since(start)
    }

    pub(super) fn whole<N: FromStr>(&mut self) -> Result<N, Unreadable> {
        let word = self.word()?;
        if is_number(word) { word.parse().map_err(|_| Unreadable) } else { Err(Unreadable) }
    }

    pub(super) fn string(&mut self) -> Result<&str, Unreadable> {
        self.expect(b'"')?;
        self.unescaped.clear();
        loop {
            let start = self.at;
            let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | ..b' ');
            while self.text.as_bytes().get(self.at).is_some_and(is_plain) {
                self.at += 1;
            }
            let piece = self.since(start)?;
            match self.byte()? {
                b'"' if self.unescaped.is_empty() => return Ok(piece),
                b'"' => {
                    self.unescaped.push_str(piece);
                    return Ok(&self.unescaped);
                }
                b'\\' => {
                    self.unescaped.push_str(piece);
                    let character = self.escaped()?;
                    self.unescaped.push(character);
                }
                _ => return Err(Unreadable),
            }
        }
    }

    /// The character that an escape stands for, after its backslash.
    fn escaped(&mut self) -> Result<char, Unreadable> {
        Ok(match self.byte()? {
            plain @ (b'"' | b'\\' | b'/') => char::from(plain),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.utf16()?;
                // Characters beyond the first 65,536 are written as two units.
                let is_half = (0xD800..0xDC00).contains(&unit);
                let other = if is_half && self.byte()? == b'\\' && self.byte()? == b'u' {
                    self.utf16()?
                } else {
                    0
                };
                let mut characters = char::decode_utf16([unit, other]);
                characters.next().and_then(Result::ok).ok_or(Unreadable)?
            }
            _ => return Err(Unreadable),
        })
    }

    fn utf16(&mut self) -> Result<u16, Unreadable> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.byte()?).to_digit(16).ok_or(Unreadable)?;
            unit = unit << 4 | digit;
        }
        u16::try_from(unit).map_err(|_| Unreadable)
    }

    /// True when a list or an object has another item. Its end is left for the caller.
    pub(super) fn goes_on(&mut self, end: u8, is_first: &mut bool) -> bool {
        if std::mem::take(is_first) { self.peek() != Some(end) } else { self.takes(b',') }
    }

    /// Goes past `null`, if it is next.
    pub(super) fn takes_null(&mut self) -> Result<bool, Unreadable> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        if self.word()? == "null" { Ok(true) } else { Err(Unreadable) }
    }

    /// Reads one of these names: its place among them, or a place after the last one.
    pub(super) fn place_in(&mut self, names: &[&str]) -> Result<u64, Unreadable> {
        let name = self.string()?;
        let place = names.iter().position(|known| *known == name).unwrap_or(names.len());
        u64::try_from(place).map_err(|_| Unreadable)
    }

    /// Goes on to the value of an object's next member: the place of its name.
    pub(super) fn member(
        &mut self,
        names: &[&str],
        is_first: &mut bool,
    ) -> Result<Option<u64>, Unreadable> {
        if !self.goes_on(b'}', is_first) {
            return Ok(None);
        }
        let place = self.place_in(names)?;
        self.expect(b':')?;
        Ok(Some(place))
    }

    /// The text of the next value, whatever it is.
    pub(super) fn skipped(&mut self) -> Result<&'de str, Unreadable> {
        self.peek();
        let start = self.at;
        self.skip(DEPTH_MAX)?;
        self.since(start)
    }

    /// Goes past a value.
    fn skip(&mut self, depth_left: u32) -> Result<(), Unreadable> {
        let end = match self.peek() {
            Some(b'"') => return self.string().map(|_| ()),
            Some(b'[') => b']',
            Some(b'{') => b'}',
            _ => {
                let word = self.word()?;
                let is_value = matches!(word, "null" | "true" | "false") || is_number(word);
                return if is_value { Ok(()) } else { Err(Unreadable) };
            }
        };
        self.at += 1;
        let depth_left = depth_left.checked_sub(1).ok_or(Unreadable)?;
        let mut is_first = true;
        if end == b'}' {
            while self.member(&[], &mut is_first)?.is_some() {
                self.skip(depth_left)?;
            }
        } else {
            while self.goes_on(end, &mut is_first) {
                self.skip(depth_left)?;
            }
        }
        self.expect(end)
    }
}

/// True for a number as JSON writes them.
fn is_number(word: &str) -> bool {
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = word.split_once(['e', 'E']).unwrap_or((word, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    are_digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && are_digits(fraction)
        && are_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}
