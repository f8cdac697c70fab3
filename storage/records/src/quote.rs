//! A quote as a message, and back.

use prost::Message;
use tessera_pricing::{LineKind, Payer, Quote, QuoteLine};

use crate::{
    RecordError,
    error::malformed,
    wide::{narrow, narrow_option},
    wire,
};

/// A quote by itself, outside of any event.
#[must_use]
pub fn encode_quote(quote: &Quote) -> Vec<u8> {
    to_wire(quote).encode_to_vec()
}

/// The quote that `bytes` are.
///
/// # Errors
/// [`RecordError`] where they say no quote.
pub fn decode_quote(bytes: &[u8]) -> Result<Quote, RecordError> {
    from_wire(&wire::Quote::decode(bytes)?)
}

/// The message that says `quote`.
pub(crate) fn to_wire(quote: &Quote) -> wire::Quote {
    wire::Quote {
        total_minor: quote.total_minor,
        version: quote.version,
        promotion: quote.promotion.map(Into::into),
        serial: quote.serial,
        lines: quote.lines.iter().map(line_message).collect(),
    }
}

/// The quote that `message` says.
pub(crate) fn from_wire(message: &wire::Quote) -> Result<Quote, RecordError> {
    Ok(Quote {
        total_minor: message.total_minor,
        version: message.version,
        promotion: narrow_option(message.promotion, "a promotion is at most 65535")?,
        serial: message.serial,
        lines: message.lines.iter().map(line).collect::<Result<_, _>>()?,
    })
}

fn line_message(line: &QuoteLine) -> wire::QuoteLine {
    let kind = match line.kind {
        LineKind::Bundle => wire::LineKind::Bundle,
        LineKind::Promotion => wire::LineKind::Promotion,
        LineKind::Fee => wire::LineKind::Fee,
        LineKind::TaxIncluded => wire::LineKind::TaxIncluded,
        LineKind::TaxAdded => wire::LineKind::TaxAdded,
        LineKind::Commission => wire::LineKind::Commission,
        LineKind::Rounding => wire::LineKind::Rounding,
    };
    wire::QuoteLine {
        kind: kind.into(),
        line: line.line.map_or(0, |line| u32::from(line) + 1),
        item: line.item.into(),
        amount_minor: line.amount_minor,
        payer: payer_message(line.payer).into(),
        kept: line.kept,
    }
}

fn line(message: &wire::QuoteLine) -> Result<QuoteLine, RecordError> {
    let kind = match wire::LineKind::try_from(message.kind) {
        Ok(wire::LineKind::Bundle) => LineKind::Bundle,
        Ok(wire::LineKind::Promotion) => LineKind::Promotion,
        Ok(wire::LineKind::Fee) => LineKind::Fee,
        Ok(wire::LineKind::TaxIncluded) => LineKind::TaxIncluded,
        Ok(wire::LineKind::TaxAdded) => LineKind::TaxAdded,
        Ok(wire::LineKind::Commission) => LineKind::Commission,
        Ok(wire::LineKind::Rounding) => LineKind::Rounding,
        Ok(wire::LineKind::Unspecified) | Err(_) => {
            return Err(malformed("a line of a quote is of a known kind"));
        }
    };
    Ok(QuoteLine {
        kind,
        line: narrow_option(message.line.checked_sub(1), "a line is at most 65535")?,
        item: narrow(message.item, "a position in a tariff is at most 65535")?,
        amount_minor: message.amount_minor,
        payer: payer(message.payer)?,
        kept: message.kept,
    })
}

/// The message's word for who pays.
pub(crate) fn payer_message(payer: Payer) -> wire::Payer {
    match payer {
        Payer::Buyer => wire::Payer::Buyer,
        Payer::Organizer => wire::Payer::Organizer,
    }
}

/// Who pays by the message's word.
pub(crate) fn payer(word: i32) -> Result<Payer, RecordError> {
    match wire::Payer::try_from(word) {
        Ok(wire::Payer::Buyer) => Ok(Payer::Buyer),
        Ok(wire::Payer::Organizer) => Ok(Payer::Organizer),
        Err(_) => Err(malformed("a buyer or an organizer pays")),
    }
}
