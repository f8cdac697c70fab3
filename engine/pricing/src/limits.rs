//! The bounds of a tariff, of a basket and of a quote.

/// Most taxes of one tariff: a set of them is a byte.
pub const TAXES_MAX: usize = 8;
/// Most fees of the organizer in one tariff; fees of the platform are numbered from here on.
pub const FEES_MAX: usize = 16;
/// Most fees of the platform in one tariff.
pub const PLATFORM_FEES_MAX: usize = 16;
/// Most bundles of one tariff.
pub const BUNDLES_MAX: usize = 32;
/// Most ticket types that one bundle puts together.
pub const BUNDLE_PARTS_MAX: usize = 8;
/// Most promotions of one tariff.
pub const PROMOTIONS_MAX: usize = 4_096;
/// Most single-use codes of all promotions of one tariff: each is a bit of the event's state.
pub const SERIALS_MAX: u32 = 1_000_000;
/// Highest rate in millionths: 400 %.
pub const RATE_PPM_MAX: u32 = 4_000_000;
/// Highest amount in a tariff in minor units, and highest unit price in a basket.
pub const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000;
/// Longest name in a tariff, in bytes of UTF-8.
pub const TARIFF_NAME_BYTES_MAX: usize = 120;
/// Coarsest unit that a total is rounded to, in minor units.
pub const ROUNDING_UNIT_MAX: u32 = 10_000;
/// Most lines of one basket.
pub const BASKET_LINES_MAX: usize = 16;
/// Most units in one basket.
pub const BASKET_UNITS_MAX: u16 = 50;
/// Most lines of one quote: a tariff that could give more for [`BASKET_LINES_MAX`] lines is refused.
pub const QUOTE_LINES_MAX: usize = 256;

// No sum overflows: every fee at its highest of the highest basket, every tax on all of that.
const _: () = {
    let price = AMOUNT_MINOR_MAX as i128 * BASKET_UNITS_MAX as i128;
    let fee = price + price * RATE_PPM_MAX as i128 / 1_000_000;
    let taxed = price + fee * (FEES_MAX + PLATFORM_FEES_MAX) as i128;
    let total = taxed + taxed * RATE_PPM_MAX as i128 / 1_000_000 * TAXES_MAX as i128;
    assert!(total < i64::MAX as i128, "a total overflows");
};
