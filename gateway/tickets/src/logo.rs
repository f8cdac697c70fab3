//! The logo of an organizer.

use krilla::image::Image;

use crate::pdf;

/// Largest file, in bytes: one row of a store has it.
pub const LOGO_BYTES_MAX: usize = 64 * 1024;
/// Most pixels. A file may say that it has many times more than it has bytes, and all of them are unpacked for each PDF.
pub const LOGO_PIXELS_MAX: u64 = 512 * 512;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// What of a PNG is shown. The rest may unpack to a thousand times its bytes (colour profiles, texts), and is left out.
const PNG_CHUNKS: [&[u8; 4]; 5] = [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"];
const JPEG: &[u8] = b"\xff\xd8\xff";

/// A picture that a PDF can show.
#[derive(Clone)]
pub struct Logo {
    pub(crate) image: Image,
}

/// The bytes are no logo, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALogo {
    /// It is larger than [`LOGO_BYTES_MAX`].
    #[error("a logo has at most 65536 bytes")]
    TooManyBytes,
    /// It has more pixels than [`LOGO_PIXELS_MAX`], or none.
    #[error("a logo has at most 262144 pixels")]
    TooManyPixels,
    /// It is neither a PNG nor a JPEG that can be read.
    #[error("a logo is a PNG or a JPEG")]
    Unreadable,
}

impl Logo {
    /// The logo of a file that was examined before.
    ///
    /// # Errors
    /// [`NotALogo`] as far as its head tells.
    pub fn open(bytes: &[u8]) -> Result<Logo, NotALogo> {
        if bytes.len() > LOGO_BYTES_MAX {
            return Err(NotALogo::TooManyBytes);
        }
        let image = if bytes.starts_with(PNG) {
            Image::from_png(bare(bytes).ok_or(NotALogo::Unreadable)?.into(), true)
        } else if bytes.starts_with(JPEG) {
            Image::from_jpeg(bytes.to_vec().into(), true)
        } else {
            return Err(NotALogo::Unreadable);
        };
        let image = image.map_err(|_| NotALogo::Unreadable)?;
        let (width, height) = image.size();
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > LOGO_PIXELS_MAX {
            return Err(NotALogo::TooManyPixels);
        }
        Ok(Logo { image })
    }

    /// Whether the whole file can be shown: makes a PDF of it.
    ///
    /// # Errors
    /// [`NotALogo`].
    pub fn examine(bytes: &[u8]) -> Result<(), NotALogo> {
        let logo = Logo::open(bytes)?;
        pdf::of_logo(&logo).map(|_| ()).map_err(|_| NotALogo::Unreadable)
    }
}

/// The chunks of a PNG that are shown; `None` where a chunk is cut off.
fn bare(png: &[u8]) -> Option<Vec<u8>> {
    let (head, mut rest) = png.split_at_checked(PNG.len())?;
    let mut bare = head.to_vec();
    while let Some((length, _)) = rest.split_first_chunk::<4>() {
        let data = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        // Its length, kind and checksum are around its data.
        let (chunk, next) = rest.split_at_checked(data.checked_add(12)?)?;
        if PNG_CHUNKS.iter().any(|kind| chunk[4..8] == **kind) {
            bare.extend_from_slice(chunk);
        }
        rest = next;
    }
    Some(bare)
}

impl std::fmt::Debug for Logo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logo").field("size", &self.image.size()).finish()
    }
}
