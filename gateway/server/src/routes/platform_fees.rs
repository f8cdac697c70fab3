//! What buyers pay the platform beside prices: as it is agreed with an organizer, and as it stands in the tariffs of its events.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tessera_inventory::Config;
use tessera_money::terms::{PLATFORM_FEES_MAX, PlatformFee};
use tessera_pricing::{Basis, Fee, TARIFF_NAME_BYTES_MAX, TypeSet};
use utoipa::ToSchema;

use super::terms::{ALL_PPM, FIXED_MINOR_MAX};
use crate::code::Code;
use crate::object::objects;
use crate::problem::Problem;
use crate::venue::{per_cent, per_cent_text};

/// What buyers are to pay the platform beside prices.
#[derive(Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = PlatformFeeRequest)]
pub(crate) struct FeeBody<'a> {
    /// Shown to buyers; in the tariffs of events it is known by that.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 120)]
    name: Cow<'a, str>,
    per: FeePer,
    /// Fixed part of one such thing, in minor units.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    fixed: i64,
    /// Per cent of the discounted price, at most four digits after the point.
    #[serde(borrow, default)]
    rate: Option<Cow<'a, str>>,
    /// Never less, in minor units.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    min: i64,
    /// Never more, in minor units.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    max: Option<i64>,
    /// Whether a refund gives it back.
    #[serde(default)]
    refundable: bool,
}

objects!(FeeBody<'a>);

/// What a fee of the platform is taken of: each admission, each add-on, or each order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlatformFeeBasis)]
pub(crate) enum FeePer {
    Ticket,
    AddOn,
    Order,
}

/// What buyers pay the platform beside prices.
#[derive(Serialize, ToSchema)]
#[schema(as = PlatformFee)]
pub(crate) struct FeeReply {
    name: String,
    per: FeePer,
    fixed: i64,
    rate: String,
    min: i64,
    /// Absent: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    max: Option<i64>,
    refundable: bool,
}

impl FeeReply {
    pub(super) fn of(fee: &PlatformFee) -> FeeReply {
        FeeReply {
            name: fee.name.to_string(),
            per: match fee.basis {
                Basis::PerTicket => FeePer::Ticket,
                Basis::PerAddOn => FeePer::AddOn,
                Basis::PerOrder => FeePer::Order,
            },
            fixed: fee.fixed_minor,
            rate: per_cent_text(fee.rate_ppm),
            min: fee.min_minor,
            max: fee.max_minor,
            refundable: fee.refundable,
        }
    }
}

/// The fees of new terms.
pub(super) fn agreed(fees: &[FeeBody<'_>]) -> Result<Vec<PlatformFee>, Problem> {
    if fees.len() > PLATFORM_FEES_MAX {
        return Err(Problem::field(Code::OutOfRange, "fees", format!("at most {PLATFORM_FEES_MAX} fees")));
    }
    let mut agreed: Vec<PlatformFee> = Vec::with_capacity(fees.len());
    for (at, fee) in fees.iter().enumerate() {
        let fee = fee.read(at)?;
        if agreed.iter().any(|before| before.name == fee.name) {
            let text = "has the name of another one; each has its own";
            return Err(Problem::field(Code::InvalidValue, format!("fees[{at}].name"), text));
        }
        agreed.push(fee);
    }
    Ok(agreed)
}

impl FeeBody<'_> {
    fn read(&self, at: usize) -> Result<PlatformFee, Problem> {
        let here = |field: &str| format!("fees[{at}].{field}");
        if self.name.trim().is_empty() || self.name.len() > TARIFF_NAME_BYTES_MAX {
            let text = format!("a name of 1 to {TARIFF_NAME_BYTES_MAX} bytes");
            return Err(Problem::field(Code::InvalidValue, here("name"), text));
        }
        for (field, amount) in [("fixed", self.fixed), ("min", self.min), ("max", self.max.unwrap_or(0))] {
            if !(0..=FIXED_MINOR_MAX).contains(&amount) {
                let range = format!("0 to {FIXED_MINOR_MAX}");
                return Err(Problem::field(Code::OutOfRange, here(field), range));
            }
        }
        if self.max.is_some_and(|max| max < self.min) {
            return Err(Problem::field(Code::OutOfRange, here("max"), "not less than min"));
        }
        let rate_ppm = per_cent(self.rate.as_deref().unwrap_or("0")).filter(|ppm| *ppm <= ALL_PPM);
        let rate_ppm = rate_ppm.ok_or_else(|| {
            let text =
                "use per cent of at most 100 with at most four digits after the point, such as \"2.5\"";
            Problem::field(Code::InvalidValue, here("rate"), text)
        })?;
        Ok(PlatformFee {
            name: Box::from(&*self.name),
            basis: match self.per {
                FeePer::Ticket => Basis::PerTicket,
                FeePer::AddOn => Basis::PerAddOn,
                FeePer::Order => Basis::PerOrder,
            },
            fixed_minor: self.fixed,
            rate_ppm,
            min_minor: self.min,
            max_minor: self.max,
            refundable: self.refundable,
        })
    }
}

/// The platform's fees of a configuration. Those of the one before keep their places, without amounts where they are not agreed any more; what else is
/// agreed comes behind them. Ticket types that cost nothing stay free, and where all do, there is nothing to add.
pub(super) fn of_config(before: &[Fee], agreed: &[PlatformFee], config: &Config) -> Vec<Fee> {
    let types = priced(config);
    let now = |fee: &PlatformFee| types.as_ref().map(|types| fee.of_types(types.clone()));
    let kept = before.iter().map(|fee| {
        let same = agreed.iter().find(|other| other.name == fee.name);
        same.and_then(now).unwrap_or_else(|| ended(fee))
    });
    let is_new = |fee: &&PlatformFee| before.iter().all(|other| other.name != fee.name);
    kept.chain(agreed.iter().filter(is_new).filter_map(now)).collect()
}

/// The ticket types that cost something; `None`: no type does.
fn priced(config: &Config) -> Option<TypeSet> {
    let types = (0_u16..).zip(&config.ticket_types).filter(|(_, one)| one.price_minor > 0);
    let types: Vec<u16> = types.map(|(at, _)| at).collect();
    match types.len() {
        0 => None,
        all if all == config.ticket_types.len() => Some(TypeSet::default()),
        _ => Some(TypeSet(types)),
    }
}

/// A fee that is not taken any more and keeps its place: without amounts it has no line in a quote.
fn ended(fee: &Fee) -> Fee {
    Fee {
        basis: Basis::PerOrder,
        fixed_minor: 0,
        rate_ppm: 0,
        min_minor: 0,
        max_minor: None,
        types: TypeSet::default(),
        ..fee.clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::auth::Keys;
    use crate::json;
    use crate::venue::{Venue, resolve};

    fn fee(text: &str) -> Result<PlatformFee, Code> {
        let body = json::parse::<FeeBody<'_>>(text.as_bytes()).unwrap();
        agreed(&[body]).map(|mut fees| fees.remove(0)).map_err(|problem| problem.code())
    }

    fn named(name: &str, fixed: i64) -> PlatformFee {
        fee(&format!(r#"{{"name":"{name}","per":"ticket","fixed":{fixed}}}"#)).unwrap()
    }

    /// An event with a type at each of these prices.
    fn selling_at(prices: &[i64]) -> Config {
        let types = prices.iter().enumerate();
        let types =
            types.map(|(at, price)| format!(r#"{{"name":"T{at}","price":{price},"draws_on":["F"]}}"#));
        let types = types.collect::<Vec<_>>().join(",");
        let text = format!(
            r#"{{"currency":"EUR","pools":[{{"name":"F","capacity":10}}],"ticket_types":[{types}]}}"#
        );
        let venue = json::parse::<Venue>(text.as_bytes()).unwrap();
        resolve(&Keys::derive(&[1; 32]), &venue).unwrap()
    }

    #[test]
    fn a_fee_is_read_and_shown_as_it_was_sent() {
        let whole = r#"{"name":"P","per":"order","fixed":5,"rate":"2.5","min":1,"max":9,"refundable":true}"#;
        let read = fee(whole).unwrap();
        assert_eq!((read.basis, read.fixed_minor, read.rate_ppm), (Basis::PerOrder, 5, 25_000));
        assert_eq!((read.min_minor, read.max_minor, read.refundable), (1, Some(9), true));
        assert_eq!(serde_json::to_string(&FeeReply::of(&read)).unwrap(), whole);
        for (wrong, code) in [
            (r#"{"name":" ","per":"ticket"}"#, Code::InvalidValue),
            (r#"{"name":"P","per":"ticket","rate":"101"}"#, Code::InvalidValue),
            (r#"{"name":"P","per":"ticket","rate":"2,5"}"#, Code::InvalidValue),
            (r#"{"name":"P","per":"ticket","fixed":-1}"#, Code::OutOfRange),
            (r#"{"name":"P","per":"ticket","min":1000001}"#, Code::OutOfRange),
            (r#"{"name":"P","per":"ticket","min":2,"max":1}"#, Code::OutOfRange),
        ] {
            assert_eq!(fee(wrong), Err(code), "{wrong}");
        }
        let body = || json::parse::<FeeBody<'_>>(br#"{"name":"P","per":"ticket"}"#).unwrap();
        assert!(agreed(&[body(), body()]).is_err(), "two of one name");
        assert!(agreed(&[body(), body(), body(), body(), body()]).is_err(), "five");
    }

    #[test]
    fn fees_keep_their_places_in_a_tariff_and_nothing_is_added_to_what_is_free() {
        let (old, new) = (named("Old", 10), named("New", 20));
        let paid = selling_at(&[100, 200]);
        let first = of_config(&[], std::slice::from_ref(&old), &paid);
        assert_eq!(first, [old.of_types(TypeSet::default())]);
        // The old one is not agreed any more.
        let second = of_config(&first, std::slice::from_ref(&new), &paid);
        assert_eq!(second, [ended(&first[0]), new.of_types(TypeSet::default())]);
        let dearer = PlatformFee { fixed_minor: 30, ..old.clone() };
        let third = of_config(&second, &[new.clone(), dearer.clone()], &paid);
        assert_eq!(third, [dearer.of_types(TypeSet::default()), new.of_types(TypeSet::default())]);
        for (before, after) in [(&first, &second), (&second, &third)] {
            let tariff = |fees: &[Fee]| tessera_pricing::Tariff {
                platform_fees: fees.to_vec(),
                ..tessera_pricing::Tariff::default()
            };
            assert_eq!(tariff(before).check_change(&tariff(after)), Ok(()));
            assert_eq!(tariff(after).check(2), Ok(()));
        }
        let mixed = of_config(&[], std::slice::from_ref(&old), &selling_at(&[0, 100]));
        assert_eq!(mixed, [old.of_types(TypeSet(vec![1]))]);
        assert!(of_config(&[], std::slice::from_ref(&old), &selling_at(&[0, 0])).is_empty());
        assert_eq!(of_config(&first, &[old], &selling_at(&[0])), [ended(&first[0])]);
    }
}
