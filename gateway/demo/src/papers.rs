//! What one buyer keeps: the PDF of its order, whose first ticket was let in by its QR.

use bytes::Bytes;

/// How every PDF begins.
pub const PDF_HEAD: &[u8] = b"%PDF-";

/// The papers of one paid order.
#[derive(Clone, Debug)]
pub struct Papers {
    /// Its identifier.
    pub order: String,
    /// How many tickets it has: a page each.
    pub tickets: usize,
    /// The ticket that was let in by its QR alone.
    pub admitted: String,
    /// The file.
    pub pdf: Bytes,
}
