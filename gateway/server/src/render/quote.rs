//! What a hold or an order costs, line by line, as buyers see it: without what the organizer pays.

use serde::Serialize;
use tessera_inventory::Config;
use tessera_pricing::{FEES_MAX, LineKind, Payer, Quote, QuoteLine};
use utoipa::ToSchema;

use super::Money;
use crate::openapi::schema;

/// What makes a total another than quantities times prices.
#[derive(Serialize, ToSchema)]
#[schema(as = Quote)]
pub(crate) struct QuoteReply<'a> {
    lines: Vec<QuoteLineReply<'a>>,
    total: Money<'a>,
}

/// A line of a quote.
#[derive(Serialize, ToSchema)]
#[schema(as = QuoteLine)]
pub(crate) struct QuoteLineReply<'a> {
    #[schema(value_type = LineKindName)]
    kind: &'static str,
    /// Position of the line that it belongs to; absent where it is of the whole order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    line: Option<u16>,
    /// The bundle's, fee's or tax's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<&'a str>,
    /// What is taken off is negative. An included tax is a part of the prices and adds nothing.
    amount: Money<'a>,
}

/// The kind of a line of a quote, by its name.
pub(crate) struct LineKindName;

/// The kinds that buyers see.
const KINDS: [LineKind; 6] = [
    LineKind::Bundle,
    LineKind::Promotion,
    LineKind::Fee,
    LineKind::TaxIncluded,
    LineKind::TaxAdded,
    LineKind::Rounding,
];

schema::schemas! {
    LineKindName, "QuoteLineKind" => schema::words(KINDS.map(kind_name), "What a line of a quote is.");
}

const fn kind_name(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Bundle => "bundle",
        LineKind::Promotion => "promotion",
        LineKind::Fee => "fee",
        LineKind::TaxIncluded => "tax_included",
        LineKind::TaxAdded => "tax_added",
        LineKind::Commission => "commission",
        LineKind::Rounding => "rounding",
    }
}

/// A quote as buyers see it, with the names of `config`: entries of a tariff keep theirs.
pub(crate) fn quote_reply<'a>(quote: &Quote, config: &'a Config) -> QuoteReply<'a> {
    let line = |line: &QuoteLine| QuoteLineReply {
        kind: kind_name(line.kind),
        line: line.line,
        name: name(line, config),
        amount: Money::new(line.amount_minor, config),
    };
    let shown = quote.lines.iter().filter(|line| line.payer == Payer::Buyer);
    QuoteReply { lines: shown.map(line).collect(), total: Money::new(quote.total_minor, config) }
}

fn name<'a>(line: &QuoteLine, config: &'a Config) -> Option<&'a str> {
    let tariff = config.tariff.as_deref()?;
    let at = usize::from(line.item);
    let name = match line.kind {
        LineKind::Bundle => &tariff.bundles.get(at)?.name,
        LineKind::TaxIncluded | LineKind::TaxAdded => &tariff.taxes.get(at)?.name,
        LineKind::Fee if at < FEES_MAX => &tariff.fees.get(at)?.name,
        LineKind::Fee => &tariff.platform_fees.get(at - FEES_MAX)?.name,
        LineKind::Promotion | LineKind::Commission | LineKind::Rounding => return None,
    };
    Some(name)
}
