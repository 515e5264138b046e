//! The alphabet of codes that people read aloud and type: Crockford's, without I, L, O and U. Reading
//! is forgiving (case, spaces, hyphens, O for 0, I and L for 1); writing is not.
//!
//! Not here: what the letters stand for (`access_code.rs`, `ticket.rs`).

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The letter that stands for the five lowest bits.
pub(crate) const fn letter(bits: u128) -> u8 {
    ALPHABET[(bits & 31) as usize]
}

/// Exactly `N` letters, as typed; `None` when the text is anything else.
pub(crate) fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut read = [0; N];
    let mut length = 0;
    for letter in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '_')) {
        let letter = match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let byte = u8::try_from(letter).ok()?;
        if length == N || !ALPHABET.contains(&byte) {
            return None;
        }
        read[length] = byte;
        length += 1;
    }
    (length == N).then_some(read)
}
