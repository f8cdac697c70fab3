//! What is asked, and the bill that is answered.

use crate::Payer;

/// What a buyer wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basket<'a> {
    /// 1 to [`crate::BASKET_LINES_MAX`] lines of at most [`crate::BASKET_UNITS_MAX`] units.
    pub lines: &'a [BasketLine],
    /// The promotion whose code was shown.
    pub promotion: Option<Applied>,
}

/// Units of one ticket type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasketLine {
    /// Position of the type.
    pub ticket_type: u16,
    /// Whether it is an add-on; an admission otherwise.
    pub add_on: bool,
    /// How many units, at least 1.
    pub quantity: u16,
    /// Unit price in minor units, 0 to [`crate::AMOUNT_MINOR_MAX`].
    pub price_minor: i64,
}

/// A promotion that is applied; whether it may be is decided before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its position in the tariff.
    pub promotion: u16,
    /// What is left of its amount, in minor units; `None`: it has no bound.
    pub amount_left_minor: Option<i64>,
}

/// The whole bill of a basket, but for its quantities and unit prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What the buyer pays, in minor units.
    pub total_minor: i64,
    /// Version of the configuration whose tariff it is.
    pub version: u32,
    /// Position of the promotion that was used, whatever it took off.
    pub promotion: Option<u16>,
    /// Which of the promotion's single-use codes.
    pub serial: Option<u32>,
    /// What makes the total another than quantities times prices, and what others get of it.
    pub lines: Vec<QuoteLine>,
}

/// One amount of a bill; none is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteLine {
    /// What it is.
    pub kind: LineKind,
    /// The line of the basket that it belongs to; `None`: the whole order.
    pub line: Option<u16>,
    /// Position in the tariff's list of that kind; the platform's fees count from [`crate::FEES_MAX`]. 0 where there is no list.
    pub item: u16,
    /// How much, in minor units; what is taken off is negative.
    pub amount_minor: i64,
    /// Who pays it.
    pub payer: Payer,
    /// Whether it stays when a ticket is refunded: fees that are not refundable, taxes on them, a commission that is not returned.
    pub kept: bool,
}

/// What a line of a bill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LineKind {
    /// Taken off for types that are bought together.
    Bundle = 1,
    /// Taken off by the promotion.
    Promotion = 2,
    /// A fee.
    Fee = 3,
    /// A tax that the price contains: it says how much, and adds nothing.
    TaxIncluded = 4,
    /// A tax that is added to the price.
    TaxAdded = 5,
    /// What the platform takes of the organizer's part.
    Commission = 6,
    /// From the sum to the total.
    Rounding = 7,
}

impl QuoteLine {
    /// Whether it is a part of the total.
    #[must_use]
    pub fn is_in_total(&self) -> bool {
        self.payer == Payer::Buyer && self.kind != LineKind::TaxIncluded
    }

    /// Whether it lowers the price.
    pub(crate) fn is_discount(&self) -> bool {
        matches!(self.kind, LineKind::Bundle | LineKind::Promotion)
    }
}

impl Quote {
    /// What the promotion took off, in minor units; not negative.
    #[must_use]
    pub fn promotion_minor(&self) -> i64 {
        let lines = self.lines.iter().filter(|line| line.kind == LineKind::Promotion);
        -lines.map(|line| line.amount_minor).sum::<i64>()
    }
}

impl BasketLine {
    /// What its units cost before anything is added or taken off, in minor units.
    pub(crate) fn gross_minor(&self) -> i64 {
        self.price_minor * i64::from(self.quantity)
    }
}
