//! Amounts as PayPal writes them: decimal numbers, whole ones in some currencies.
//! <https://developer.paypal.com/api/rest/reference/currency-codes/>

use serde::{Deserialize, Serialize};
use tessera_ledger::Currency;

/// The currencies of PayPal with as many digits behind the point as we count, and with as many as it takes.
const CURRENCIES: [(&Currency, u32, u32); 24] = [
    (b"AUD", 2, 2),
    (b"BRL", 2, 2),
    (b"CAD", 2, 2),
    (b"CHF", 2, 2),
    (b"CNY", 2, 2),
    (b"CZK", 2, 2),
    (b"DKK", 2, 2),
    (b"EUR", 2, 2),
    (b"GBP", 2, 2),
    (b"HKD", 2, 2),
    (b"HUF", 2, 0),
    (b"ILS", 2, 2),
    (b"JPY", 0, 0),
    (b"MXN", 2, 2),
    (b"MYR", 2, 2),
    (b"NOK", 2, 2),
    (b"NZD", 2, 2),
    (b"PHP", 2, 2),
    (b"PLN", 2, 2),
    (b"SEK", 2, 2),
    (b"SGD", 2, 2),
    (b"THB", 2, 2),
    (b"TWD", 2, 0),
    (b"USD", 2, 2),
];
/// Most digits before the point.
const DIGITS_MAX: usize = 10;

/// An amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Money {
    pub(crate) currency_code: String,
    pub(crate) value: String,
}

impl Money {
    /// As PayPal writes it; `None`: it cannot be paid so.
    pub(crate) fn of(currency: Currency, amount_minor: i64) -> Option<Money> {
        let (_, ours, theirs) = CURRENCIES.into_iter().find(|(known, ..)| **known == currency)?;
        let (unit, rest) = (10_i64.pow(ours), amount_minor % 10_i64.pow(ours - theirs));
        if amount_minor <= 0 || rest != 0 {
            return None;
        }
        let whole = (amount_minor / unit).to_string();
        let value = match theirs {
            0 => whole.clone(),
            _ => format!("{whole}.{:02}", amount_minor % unit),
        };
        let currency_code = String::from_utf8_lossy(&currency).into_owned();
        (whole.len() <= DIGITS_MAX).then_some(Money { currency_code, value })
    }

    /// In our minor units; `None`: it is in another currency, or no number.
    pub(crate) fn minor(&self, currency: Currency) -> Option<i64> {
        (self.currency_code.as_bytes() == currency).then(|| self.read().map(|(_, minor)| minor)).flatten()
    }

    /// Its currency, and how much it is in our minor units.
    pub(crate) fn read(&self) -> Option<(Currency, i64)> {
        let (currency, ours, _) =
            CURRENCIES.into_iter().find(|(known, ..)| known.as_slice() == self.currency_code.as_bytes())?;
        let (whole, part) = self.value.split_once('.').unwrap_or((&self.value, ""));
        let digits = usize::try_from(ours).ok()?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than we count are none, or it is not an amount of ours.
        let (counted, beyond) = part.split_at_checked(digits).unwrap_or((part, ""));
        if whole.is_empty()
            || !is_number(whole)
            || !is_number(part)
            || beyond.bytes().any(|byte| byte != b'0')
        {
            return None;
        }
        format!("{whole}{counted:0<digits$}").parse().ok().map(|minor| (*currency, minor))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_paypal_does() {
        let check = |currency: &Currency, amount_minor: i64, expect: Option<&str>| {
            let money = Money::of(*currency, amount_minor);
            assert_eq!(money.as_ref().map(|money| &*money.value), expect, "{amount_minor}");
            if let Some(money) = money {
                assert_eq!(money.minor(*currency), Some(amount_minor));
                assert_eq!(money.minor(*b"XXX"), None);
            }
        };
        check(b"CHF", 1_205, Some("12.05"));
        check(b"CHF", 5, Some("0.05"));
        check(b"JPY", 500, Some("500"));
        check(b"HUF", 50_000, Some("500"));
        check(b"HUF", 50_010, None);
        check(b"KWD", 1_000, None);
        check(b"EUR", 0, None);
        check(b"EUR", -1, None);
        check(b"EUR", i64::MAX, None);
    }

    #[test]
    fn amounts_are_read_as_they_come() {
        let check = |value: &str, expect: Option<i64>| {
            let money = Money { currency_code: "EUR".to_owned(), value: value.to_owned() };
            assert_eq!(money.minor(*b"EUR"), expect, "{value}");
        };
        check("12", Some(1_200));
        check("12.5", Some(1_250));
        check("12.500", Some(1_250));
        check("12.505", None);
        for wrong in ["", ".", ".5", "-1.00", "1,00", "1e3", "99999999999999999999"] {
            check(wrong, None);
        }
    }
}
