//! The QR of a ticket, as modules, SVG and PNG.

use std::fmt::Write as _;

use fast_qr::qr::{QRBuilder, QRCode};
use fast_qr::{ECL, Mode};

use crate::PaperError;

/// Light modules around a QR, without which readers do not find it.
const QUIET_MODULES: usize = 4;
/// Pixels of a module in a PNG.
const MODULE_PIXELS: usize = 8;

/// A QR.
pub struct Qr {
    code: QRCode,
}

/// Dark modules side by side, in modules from the corner of the quiet zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) length: usize,
}

impl Qr {
    /// The QR of a text of letters, digits and what else the alphanumeric set has, with the error correction of level M.
    ///
    /// # Errors
    /// [`PaperError::Qr`] where it fits none.
    pub fn of(text: &str) -> Result<Qr, PaperError> {
        let code = QRBuilder::new(text).ecl(ECL::M).mode(Mode::Alphanumeric).build();
        code.map(|code| Qr { code }).map_err(|_| PaperError::Qr)
    }

    /// Modules of a side, with the quiet zone.
    pub(crate) fn side(&self) -> usize {
        self.code.size + 2 * QUIET_MODULES
    }

    /// What is dark.
    pub(crate) fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for row in 0..self.code.size {
            for column in (0..self.code.size).filter(|column| self.code[row][*column].value()) {
                let (x, y) = (column + QUIET_MODULES, row + QUIET_MODULES);
                match runs.last_mut().filter(|run| run.y == y && run.x + run.length == x) {
                    Some(run) => run.length += 1,
                    None => runs.push(Run { x, y, length: 1 }),
                }
            }
        }
        runs
    }

    /// As an SVG, of any size.
    #[must_use]
    pub fn svg(&self) -> String {
        let side = self.side();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
        );
        for Run { x, y, length } in self.runs() {
            // Writing to a string cannot fail.
            let _ = write!(svg, "M{x} {y}h{length}v1h-{length}z");
        }
        svg.push_str("\"/></svg>");
        svg
    }

    /// As a PNG in black and white.
    ///
    /// # Errors
    /// [`PaperError::Picture`] where it cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>, PaperError> {
        let side = self.side() * MODULE_PIXELS;
        let row_bytes = side.div_ceil(8);
        // One bit a pixel, and light is 1: a module of eight pixels is a byte.
        let mut pixels = vec![0xff; row_bytes * side];
        for Run { x, y, length } in self.runs() {
            for line in y * MODULE_PIXELS..(y + 1) * MODULE_PIXELS {
                pixels[line * row_bytes + x..line * row_bytes + x + length].fill(0);
            }
        }
        let pixels_of_side = u32::try_from(side).map_err(|_| PaperError::Picture)?;
        let mut picture = Vec::new();
        let mut encoder = png::Encoder::new(&mut picture, pixels_of_side, pixels_of_side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header().map_err(|_| PaperError::Picture)?;
        writer.write_image_data(&pixels).map_err(|_| PaperError::Picture)?;
        writer.finish().map_err(|_| PaperError::Picture)?;
        Ok(picture)
    }
}

impl std::fmt::Debug for Qr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What it says opens the door.
        f.debug_struct("Qr").field("side", &self.side()).finish_non_exhaustive()
    }
}

const _: () = assert!(MODULE_PIXELS == 8, "`png` writes a module of a line as one byte");
