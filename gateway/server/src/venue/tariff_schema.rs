//! The tariff of a venue file as JSON. Rates are texts of per cent, amounts minor units of the event's currency.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::instant::Rfc3339;
use crate::object::objects;

/// What is added to prices and taken off them. Entries keep their place and their name for ever: append others.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueTariff)]
pub struct Tariff {
    /// Taxes.
    #[serde(default)]
    pub taxes: Vec<Tax>,
    /// Fees.
    #[serde(default)]
    pub fees: Vec<Fee>,
    /// Types that cost less together, in the order in which they are looked for.
    #[serde(default)]
    pub bundles: Vec<Bundle>,
    /// Discounts for who knows a code.
    #[serde(default)]
    pub promotions: Vec<Promotion>,
    /// What the total is a multiple of, in minor units; 0 and 1: no rounding.
    #[serde(default)]
    #[schema(maximum = 10000)]
    pub rounding_unit: u32,
}

/// A tax.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueTax)]
pub struct Tax {
    /// Its name.
    pub name: String,
    /// Per cent, as a decimal number with at most four digits after the point.
    #[schema(example = "7.7")]
    pub rate: String,
    /// Whether prices contain it; it is added to them otherwise.
    pub included: bool,
}

/// A fee.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueFee)]
pub struct Fee {
    /// Its name.
    pub name: String,
    /// What it is taken of.
    pub per: Basis,
    /// Fixed part of one such thing.
    #[serde(default)]
    pub fixed: i64,
    /// Per cent of the discounted price.
    #[serde(default)]
    pub rate: Option<String>,
    /// Never less.
    #[serde(default)]
    pub min: i64,
    /// Never more.
    #[serde(default)]
    pub max: Option<i64>,
    /// Who pays it.
    #[serde(default)]
    pub payer: Payer,
    /// Names of the taxes on it.
    #[serde(default)]
    pub taxes: Vec<String>,
    /// Names of the ticket types that it is taken of; none: all of them.
    #[serde(default)]
    pub ticket_types: Vec<String>,
    /// Whether a refund gives it back.
    #[serde(default)]
    pub refundable: bool,
}

/// What a fee is taken of.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VenueFeeBasis)]
pub enum Basis {
    /// Each admission.
    Ticket,
    /// Each add-on.
    AddOn,
    /// Each order.
    Order,
}

/// Who pays a fee.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VenuePayer)]
pub enum Payer {
    /// It is in the total.
    #[default]
    Buyer,
    /// It comes off what the organizer is paid.
    Organizer,
}

/// Types that cost less together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueBundle)]
pub struct Bundle {
    /// Its name.
    pub name: String,
    /// What it puts together.
    pub parts: Vec<Part>,
    /// What that costs.
    pub price: i64,
}

/// Units of a ticket type in a bundle.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueBundlePart)]
pub struct Part {
    /// Name of the type.
    pub ticket_type: String,
    /// How many.
    #[schema(maximum = 65535)]
    pub quantity: u16,
}

/// A discount for who knows a code: exactly one of `percent`, `off_ticket` and `off_order`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenuePromotion)]
pub struct Promotion {
    /// Its code.
    pub code: String,
    /// Per cent of the price.
    #[serde(default)]
    pub percent: Option<String>,
    /// So much off each ticket, and at most its price.
    #[serde(default)]
    pub off_ticket: Option<i64>,
    /// So much off the order, and at most its price.
    #[serde(default)]
    pub off_order: Option<i64>,
    /// Names of the ticket types that it takes something off; none: all of them.
    #[serde(default)]
    pub ticket_types: Vec<String>,
    /// When it begins.
    #[serde(default)]
    pub opens_at: Option<Rfc3339>,
    /// When it ends.
    #[serde(default)]
    pub closes_at: Option<Rfc3339>,
    /// Most holds and orders that may use it.
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    pub uses_max: Option<u32>,
    /// Most that it takes off in all.
    #[serde(default)]
    pub amount_max: Option<i64>,
    /// Most holds and orders of one buyer that may use it.
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    pub per_subject_max: Option<u32>,
    /// So many codes of one use each, instead of one for everyone; `GET …/promotion-codes` lists them. Where there are some, more can be added.
    #[serde(default)]
    #[schema(maximum = 1000000usize)]
    pub single_use_codes: u32,
    /// Whether a use comes back once every ticket of its order is refunded.
    #[serde(default)]
    pub returns_on_refund: bool,
}

objects!(Tariff, Tax, Fee, Bundle, Part, Promotion);
