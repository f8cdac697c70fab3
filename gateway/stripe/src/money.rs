//! Amounts as Stripe counts them. It takes minor units, with exceptions: <https://docs.stripe.com/currencies#special-cases>.

use tessera_ledger::Currency;

/// Largest amount of a payment, as Stripe counts it: eight digits.
const AMOUNT_MAX: i64 = 99_999_999;
/// Currencies of which there is no smaller unit, and that Stripe counts in hundredths all the same.
const IN_HUNDREDTHS: [&Currency; 2] = [b"ISK", b"UGX"];
/// Currencies with three digits behind the point, of which Stripe takes two.
const IN_TENS: [&Currency; 5] = [b"BHD", b"JOD", b"KWD", b"OMR", b"TND"];
/// Currencies whose smaller unit Stripe does not know.
const WHOLE_ONLY: [&Currency; 1] = [b"MGA"];

/// As Stripe counts it; `None`: it cannot be paid so.
pub(crate) fn to_stripe(currency: Currency, amount_minor: i64) -> Option<i64> {
    let is = |currencies: &[&Currency]| currencies.contains(&&currency);
    let amount = if is(&IN_HUNDREDTHS) { amount_minor.checked_mul(100)? } else { amount_minor };
    let is_taken =
        (1..=AMOUNT_MAX).contains(&amount) && !(is(&IN_TENS) && amount % 10 != 0) && !is(&WHOLE_ONLY);
    is_taken.then_some(amount)
}

/// In our minor units.
pub(crate) fn from_stripe(currency: Currency, amount: i64) -> i64 {
    if IN_HUNDREDTHS.contains(&&currency) { amount / 100 } else { amount }
}

/// The three letters of a currency as Stripe writes them.
pub(crate) fn lower(currency: Currency) -> String {
    String::from_utf8_lossy(&currency).to_lowercase()
}

/// The currency that Stripe writes so; `None`: it is none.
pub(crate) fn parse(text: &str) -> Option<Currency> {
    let letters = <[u8; 3]>::try_from(text.as_bytes()).ok()?;
    letters.iter().all(u8::is_ascii_alphabetic).then(|| letters.map(|letter| letter.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_counted_as_stripe_does() {
        let check = |currency: &Currency, amount_minor: i64, expect: Option<i64>| {
            let amount = to_stripe(*currency, amount_minor);
            assert_eq!(amount, expect, "{amount_minor} {}", lower(*currency));
            if let Some(amount) = amount {
                assert_eq!(from_stripe(*currency, amount), amount_minor);
            }
        };
        check(b"CHF", 1_250, Some(1_250));
        check(b"JPY", 500, Some(500));
        check(b"ISK", 500, Some(50_000));
        check(b"UGX", 1_000_000, None);
        check(b"KWD", 1_250, Some(1_250));
        check(b"KWD", 1_251, None);
        check(b"MGA", 500, None);
        check(b"EUR", 99_999_999, Some(99_999_999));
        check(b"EUR", 100_000_000, None);
        check(b"EUR", 0, None);
        check(b"ISK", i64::MAX, None);
    }

    #[test]
    fn a_currency_has_three_letters() {
        assert_eq!(parse("chf"), Some(*b"CHF"));
        for text in ["", "ch", "chfx", "c1f", "é1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
