//! A page in pieces, so that styles can stand inside it at no cost: what is the same on every page is
//! compressed once and well, and joined to what was written just now and is compressed in a hurry.

use crate::http::assets::WINDOW_BITS;
use brotli::concat::{BroCatli, BroCatliResult};
use brotli::enc::BrotliEncoderParams;
use std::io;

/// Good enough for what is made for one reader.
const QUALITY_QUICK: i32 = 5;
const QUALITY_BEST: i32 = 11;
/// Joining costs a few bytes for each piece: a shorter text is compressed with its neighbours.
const KEPT_BYTES_MIN: usize = 4_096;
/// More than a join adds to what is joined.
const JOIN_BYTES_MAX: usize = 16;

/// A text of every page.
#[derive(Debug)]
pub(super) struct Kept {
    text: String,
    /// When it is worth it.
    compressed: Option<Vec<u8>>,
}

impl Kept {
    pub(super) fn new(text: &str) -> Self {
        let is_long = KEPT_BYTES_MIN <= text.len();
        let compressed = is_long.then(|| compress(text, QUALITY_BEST).ok()).flatten();
        Self { text: text.to_owned(), compressed }
    }
}

/// A page that is being written.
#[derive(Default)]
pub(super) struct Pieces<'a> {
    /// What was kept, after what was written before it.
    kept: Vec<(String, &'a Kept)>,
    /// What was written since.
    fresh: String,
}

impl<'a> Pieces<'a> {
    pub(super) fn push_kept(&mut self, kept: &'a Kept) {
        if kept.compressed.is_some() {
            self.kept.push((std::mem::take(&mut self.fresh), kept));
        } else {
            self.fresh.push_str(&kept.text);
        }
    }

    /// Where what is new is written.
    pub(super) const fn fresh(&mut self) -> &mut String {
        &mut self.fresh
    }

    /// The whole page.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(64 * 1_024);
        for (fresh, kept) in &self.kept {
            text.push_str(fresh);
            text.push_str(&kept.text);
        }
        text + &self.fresh
    }

    /// The whole page, compressed.
    pub(super) fn brotli(&self) -> Option<Vec<u8>> {
        let mut joined = Joined::default();
        for (fresh, kept) in &self.kept {
            joined.push(&compress(fresh, QUALITY_QUICK).ok()?)?;
            joined.push(kept.compressed.as_ref()?)?;
        }
        joined.push(&compress(&self.fresh, QUALITY_QUICK).ok()?)?;
        joined.finish()
    }
}

/// Makes a stream that others can stand before and after.
fn compress(text: &str, quality: i32) -> io::Result<Vec<u8>> {
    let (catable, appendable) = (true, true);
    let lgwin = i32::from(WINDOW_BITS);
    let size_hint = text.len();
    let params = BrotliEncoderParams {
        catable,
        appendable,
        quality,
        lgwin,
        size_hint,
        ..Default::default()
    };
    let mut compressed = Vec::with_capacity(text.len() / 3);
    brotli::BrotliCompress(&mut text.as_bytes(), &mut compressed, &params)?;
    Ok(compressed)
}

/// Streams one after the other, as one stream.
#[derive(Default)]
struct Joined {
    joiner: BroCatli,
    bytes: Vec<u8>,
}

impl Joined {
    fn push(&mut self, stream: &[u8]) -> Option<()> {
        self.joiner.new_brotli_file();
        let mut end = self.bytes.len();
        self.bytes.resize(end + stream.len() + JOIN_BYTES_MAX, 0);
        let result = self.joiner.stream(stream, &mut 0, &mut self.bytes, &mut end);
        self.bytes.truncate(end);
        (result == BroCatliResult::NeedsMoreInput).then_some(())
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        let mut end = self.bytes.len();
        self.bytes.resize(end + JOIN_BYTES_MAX, 0);
        let result = self.joiner.finish(&mut self.bytes, &mut end);
        self.bytes.truncate(end);
        (result == BroCatliResult::Success).then_some(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read;

    fn plain(compressed: &[u8]) -> String {
        let mut plain = String::new();
        brotli::Decompressor::new(compressed, 4_096).read_to_string(&mut plain).unwrap();
        plain
    }

    #[test]
    fn what_is_long_and_always_the_same_is_compressed_once() {
        assert!(Kept::new("p { color: red }").compressed.is_none());
        let sheet = ".panel { color: red; margin: 0 }\n".repeat(200);
        let kept = Kept::new(&sheet);
        assert!(kept.compressed.as_ref().is_some_and(|it| it.len() < sheet.len() / 10));
    }

    proptest! {
        // The best quality is slow in a debug build.
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// However a page is put together, its reader gets what was written.
        #[test]
        fn pieces_are_read_as_one_page(
            texts in prop::collection::vec(("(<p>[a-zé]{0,40}</p>){0,300}", any::<bool>()), 0..8),
        ) {
            let kept: Vec<Kept> = texts.iter().map(|(text, _)| Kept::new(text)).collect();
            let mut pieces = Pieces::default();
            for ((text, is_kept), kept) in texts.iter().zip(&kept) {
                if *is_kept {
                    pieces.push_kept(kept);
                } else {
                    pieces.fresh().push_str(text);
                }
            }
            let whole: String = texts.iter().map(|(text, _)| text.as_str()).collect();
            prop_assert_eq!(&pieces.text(), &whole);
            prop_assert_eq!(plain(&pieces.brotli().unwrap()), whole);
        }
    }
}
