//! QR codes: as SVG for paper, and as PNG for mail programs, which show no SVG.
//!
//! Level M and four quiet modules, as scanners want it. Black on white in any theme.

use anyhow::{Context, anyhow};
use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, QRCode};
use std::fmt::Write;

/// Modules of silence on every side.
const QUIET: usize = 4;
/// Pixels of a module in a PNG: sharp on every screen, and still small.
const PNG_SCALE: usize = 8;

/// A code as modules, its silence included.
struct Modules {
    code: QRCode,
}

impl Modules {
    fn of(text: &str) -> anyhow::Result<Self> {
        let code = QRBuilder::new(text).ecl(ECL::M).build();
        Ok(Self { code: code.map_err(|_| anyhow!("too long for a QR code"))? })
    }

    const fn size(&self) -> usize {
        self.code.size + 2 * QUIET
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.code.size);
        match (inside(row), inside(column)) {
            (Some(row), Some(column)) => self.code[row][column].value(),
            _ => false,
        }
    }
}

/// The text as a drawing that scales. `label` is what it is called for those who cannot see it; it
/// has to be harmless in HTML.
///
/// # Errors
/// The text is too long.
pub fn svg(text: &str, label: &'static str) -> anyhow::Result<String> {
    let modules = Modules::of(text)?;
    let size = modules.size();
    let mut path = String::new();
    for row in 0..size {
        let mut column = 0;
        while column < size {
            let width = (column..size).take_while(|at| modules.is_dark(row, *at)).count();
            if width > 0 {
                // A run of dark modules, drawn clockwise.
                write!(path, "M{column} {row}h{width}v1h-{width}z")?;
            }
            column += width + 1;
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" role=\"img\" \
         aria-label=\"{label}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

/// The text as a picture of one bit per pixel.
///
/// # Errors
/// The text is too long.
pub fn png(text: &str) -> anyhow::Result<Vec<u8>> {
    let modules = Modules::of(text)?;
    let pixels = modules.size() * PNG_SCALE;
    let mut bits = Vec::with_capacity(pixels * pixels.div_ceil(8));
    for row in 0..pixels {
        // A module is eight pixels wide: one byte.
        bits.extend(
            (0..modules.size())
                .map(|column| if modules.is_dark(row / PNG_SCALE, column) { 0x00 } else { 0xFF }),
        );
    }
    let side = u32::try_from(pixels).context("a code is small")?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    // Eight equal rows of whole bytes: the quick way makes it small enough.
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header()?.write_image_data(&bits)?;
    Ok(bytes)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::documents::kit::cases;
    use proptest::prelude::*;

    /// What a camera reads in a picture of one bit per pixel.
    pub fn seen_in_png(bytes: &[u8]) -> String {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut bits = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut bits).unwrap();
        let (side, line) = (frame.width as usize, frame.line_size);
        seen(side, |x, y| (bits[y * line + x / 8] >> (7 - x % 8)) & 1 == 0)
    }

    /// What a camera reads in a drawing of ours: paths of rectangles.
    pub fn seen_in_svg(svg: &str) -> String {
        let size = between(svg, "viewBox=\"0 0 ", " ").parse::<usize>().unwrap();
        let mut dark = vec![false; size * size];
        let path = between(svg, "fill=\"#000\" d=\"", "\"");
        for run in path.split('M').filter(|run| !run.is_empty()) {
            let (column, rest) = run.split_once(' ').unwrap();
            let (row, rest) = rest.split_once('h').unwrap();
            let (width, _) = rest.split_once('v').unwrap();
            let start = row.parse::<usize>().unwrap() * size + column.parse::<usize>().unwrap();
            dark[start..start + width.parse::<usize>().unwrap()].fill(true);
        }
        const SCALE: usize = 6;
        seen(size * SCALE, |x, y| dark[y / SCALE * size + x / SCALE])
    }

    fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
        text.split_once(before).unwrap().1.split_once(after).unwrap().0
    }

    fn seen(side: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
        let shade = |x, y| if is_dark(x, y) { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, shade);
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "one code");
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_drawing_scales_has_a_name_and_loads_nothing() {
        let svg = svg("7K3M-9QXF", "Ticket").unwrap();
        assert!(svg.contains("role=\"img\" aria-label=\"Ticket\"") && svg.contains("viewBox"));
        for word in ["href", "style", "url(", "<script", " width=", " height="] {
            assert!(!svg.contains(word), "{word}");
        }
    }

    #[test]
    fn silence_surrounds_the_code() {
        let modules = Modules::of("7K3M-9QXF").unwrap();
        for at in 0..modules.size() {
            for edge in (0..QUIET).chain(modules.size() - QUIET..modules.size()) {
                assert!(!modules.is_dark(edge, at) && !modules.is_dark(at, edge));
            }
        }
        assert!(modules.is_dark(QUIET, QUIET), "the corner's mark begins right after it");
    }

    proptest! {
        #![proptest_config(cases(24))]

        #[test]
        fn a_camera_reads_what_was_written(text in "[0-9A-HJKMNP-TV-Z-]{1,40}") {
            prop_assert_eq!(seen_in_svg(&svg(&text, "Ticket").unwrap()), text.clone());
            prop_assert_eq!(seen_in_png(&png(&text).unwrap()), text);
        }
    }
}
