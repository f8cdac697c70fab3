//! From the tariff of a venue file to the engine's.

use std::collections::BTreeMap;

use tessera_pricing::{Basis, Bundle, Commission, Effect, Fee, Payer, Promotion, Tariff, Tax, TypeSet};

use super::resolve::{Errors, code, find, index};
use super::schema::Venue;
use super::tariff_schema as file;
use crate::auth::Keys;
use crate::limits::SINGLE_USE_CODE_BYTES_MAX;

/// Digits after the point of a rate in per cent: millionths have no more.
const RATE_DIGITS: usize = 4;

/// Positions of names in their lists.
struct Names<'a> {
    ticket_types: BTreeMap<&'a str, usize>,
    taxes: BTreeMap<&'a str, usize>,
}

/// The tariff of a venue file, if it has one.
pub(super) fn resolve(keys: &Keys, venue: &Venue, errors: &mut Errors) -> Option<Box<Tariff>> {
    let names = Names {
        // The types themselves are looked at elsewhere: one that is there twice is told once.
        ticket_types: venue.ticket_types.iter().map(|one| one.name.as_str()).zip(0..).collect(),
        taxes: match &venue.tariff {
            Some(tariff) => index("tariff.taxes", tariff.taxes.iter().map(|tax| tax.name.as_str()), errors),
            None => BTreeMap::new(),
        },
    };
    let types = venue.ticket_types.iter().enumerate();
    let type_taxes: Vec<u8> = types
        .map(|(at, one)| names.taxes(&one.taxes, errors, |tax| format!("ticket_types[{at}].taxes[{tax}]")))
        .collect();
    let tariff = venue.tariff.as_ref()?;
    let tax = |(at, tax): (usize, &file::Tax)| Tax {
        name: tax.name.as_str().into(),
        rate_ppm: rate(&tax.rate, errors, || format!("tariff.taxes[{at}].rate")),
        included: tax.included,
    };
    let taxes = tariff.taxes.iter().enumerate().map(tax).collect();
    Some(Box::new(Tariff {
        taxes,
        fees: tariff.fees.iter().enumerate().map(|(at, fee)| names.fee(at, fee, errors)).collect(),
        platform_fees: Vec::new(),
        bundles: tariff.bundles.iter().enumerate().map(|(at, one)| names.bundle(at, one, errors)).collect(),
        promotions: tariff
            .promotions
            .iter()
            .enumerate()
            .map(|(at, one)| names.promotion(keys, at, one, errors))
            .collect(),
        commission: Commission::default(),
        rounding_unit_minor: tariff.rounding_unit,
        type_taxes,
    }))
}

impl Names<'_> {
    fn taxes(&self, names: &[String], errors: &mut Errors, path: impl Fn(usize) -> String) -> u8 {
        let bits = names.iter().enumerate().filter_map(|(at, name)| {
            let tax: u32 = find(&self.taxes, name, "tax", errors, || path(at))?;
            // A ninth tax is refused by the engine.
            1_u8.checked_shl(tax)
        });
        bits.fold(0, |all, bit| all | bit)
    }

    fn types(&self, names: &[String], errors: &mut Errors, path: impl Fn(usize) -> String) -> TypeSet {
        let found = names
            .iter()
            .enumerate()
            .filter_map(|(at, name)| find(&self.ticket_types, name, "ticket type", errors, || path(at)));
        let mut types: Vec<u16> = found.collect();
        types.sort_unstable();
        types.dedup();
        TypeSet(types)
    }

    fn fee(&self, at: usize, fee: &file::Fee, errors: &mut Errors) -> Fee {
        let here = |field: &str| format!("tariff.fees[{at}].{field}");
        Fee {
            name: fee.name.as_str().into(),
            basis: match fee.per {
                file::Basis::Ticket => Basis::PerTicket,
                file::Basis::AddOn => Basis::PerAddOn,
                file::Basis::Order => Basis::PerOrder,
            },
            fixed_minor: fee.fixed,
            rate_ppm: fee.rate.as_deref().map_or(0, |text| rate(text, errors, || here("rate"))),
            min_minor: fee.min,
            max_minor: fee.max,
            payer: match fee.payer {
                file::Payer::Buyer => Payer::Buyer,
                file::Payer::Organizer => Payer::Organizer,
            },
            taxes: self.taxes(&fee.taxes, errors, |tax| here(&format!("taxes[{tax}]"))),
            types: self.types(&fee.ticket_types, errors, |of| here(&format!("ticket_types[{of}]"))),
            refundable: fee.refundable,
        }
    }

    fn bundle(&self, at: usize, bundle: &file::Bundle, errors: &mut Errors) -> Bundle {
        let part = |(place, part): (usize, &file::Part)| {
            let path = || format!("tariff.bundles[{at}].parts[{place}].ticket_type");
            Some((find(&self.ticket_types, &part.ticket_type, "ticket type", errors, path)?, part.quantity))
        };
        Bundle {
            name: bundle.name.as_str().into(),
            parts: bundle.parts.iter().enumerate().filter_map(part).collect(),
            price_minor: bundle.price,
        }
    }

    fn promotion(&self, keys: &Keys, at: usize, one: &file::Promotion, errors: &mut Errors) -> Promotion {
        let here = |field: &str| format!("tariff.promotions[{at}].{field}");
        let effect = match (&one.percent, one.off_ticket, one.off_order) {
            (Some(text), None, None) => Effect::PercentPpm(rate(text, errors, || here("percent"))),
            (None, Some(amount), None) => Effect::FixedPerTicket(amount),
            (None, None, Some(amount)) => Effect::FixedPerOrder(amount),
            _ => {
                let message = "say exactly one of percent, off_ticket and off_order";
                errors.add(|| format!("tariff.promotions[{at}]"), message);
                Effect::PercentPpm(0)
            }
        };
        if one.single_use_codes > 0 && one.code.len() > SINGLE_USE_CODE_BYTES_MAX {
            let message = format!("with single-use codes, use at most {SINGLE_USE_CODE_BYTES_MAX} bytes");
            errors.add(|| here("code"), message);
        }
        Promotion {
            code: code(keys, &one.code, errors, || here("code")).0,
            effect,
            types: self.types(&one.ticket_types, errors, |of| here(&format!("ticket_types[{of}]"))),
            opens_at: one.opens_at.map(|at| at.0.0),
            closes_at: one.closes_at.map(|at| at.0.0),
            uses_max: one.uses_max,
            amount_max_minor: one.amount_max,
            per_subject_max: one.per_subject_max,
            serials: one.single_use_codes,
            returns_on_refund: one.returns_on_refund,
        }
    }
}

/// A rate of per cent in millionths: 7.7 is 77,000.
fn rate(text: &str, errors: &mut Errors, path: impl FnOnce() -> String) -> u32 {
    per_cent(text).unwrap_or_else(|| {
        errors.add(path, "use per cent with at most four digits after the point, such as \"7.7\"");
        0
    })
}

/// Millionths as per cent.
pub(crate) fn per_cent_text(ppm: u32) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Per cent in millionths; `None`: it is not written so.
pub(crate) fn per_cent(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = !whole.is_empty() && digits(whole) && digits(part) && part.len() <= RATE_DIGITS;
    let is_cut = text.ends_with('.');
    format!("{whole}{part:0<RATE_DIGITS$}").parse().ok().filter(|_| sound && !is_cut)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn per_cent_become_millionths() {
        for (text, expected) in
            [("7", 70_000), ("7.7", 77_000), ("0.0001", 1), ("19.00", 190_000), ("400", 4_000_000)]
        {
            let mut errors = Errors::default();
            assert_eq!(rate(text, &mut errors, String::new), expected, "{text}");
            assert!(errors.0.is_empty(), "{text}");
        }
        for text in ["", ".", "7.", ".5", "-1", "7,7", "0.00001", "1e2", "99999999999"] {
            let mut errors = Errors::default();
            rate(text, &mut errors, || "rate".to_owned());
            assert_eq!(errors.0.len(), 1, "{text:?}");
        }
    }

    const EXAMPLE: &str = r#"{"currency":"EUR","pools":[{"name":"Floor","capacity":10},{"name":"Garage","capacity":5}],
        "ticket_types":[{"name":"Standing","price":4500,"draws_on":["Floor"],"taxes":["VAT 7 %"]},
                        {"name":"Parking","price":1000,"draws_on":["Garage"],"kind":"add_on","with_admission_max":1,
                         "taxes":["VAT 19 %"]}],
        "tariff":{"taxes":[{"name":"VAT 7 %","rate":"7","included":true},{"name":"VAT 19 %","rate":"19","included":true}],
            "fees":[{"name":"Service","per":"ticket","fixed":150,"rate":"2.5","min":200,"max":900,"taxes":["VAT 19 %"],
                     "ticket_types":["Standing"]}],
            "bundles":[{"name":"Car","parts":[{"ticket_type":"Standing","quantity":4},{"ticket_type":"Parking","quantity":1}],
                        "price":18000}],
            "promotions":[{"code":"SUMMER","percent":"10","uses_max":100}],"rounding_unit":5}}"#;

    fn resolved(text: &str) -> Result<tessera_inventory::Config, Vec<String>> {
        let venue = crate::json::parse::<Venue>(text.as_bytes()).unwrap();
        super::super::resolve(&Keys::derive(&[1; 32]), &venue)
            .map_err(|errors| errors.into_iter().map(|error| error.path).collect())
    }

    #[test]
    fn the_documented_tariff_resolves() {
        let config = resolved(EXAMPLE).unwrap();
        let kind = tessera_inventory::TicketKind::AddOn { with_admission_max: 1 };
        assert_eq!(config.ticket_types[1].kind, kind);
        let tariff = config.tariff.unwrap();
        assert_eq!(tariff.check(2), Ok(()));
        assert_eq!((tariff.type_taxes.as_slice(), tariff.fees[0].taxes), ([1, 2].as_slice(), 2));
        assert_eq!((tariff.fees[0].rate_ppm, &tariff.fees[0].types), (25_000, &TypeSet(vec![0])));
        assert_eq!(tariff.bundles[0].parts, [(0, 4), (1, 1)]);
        assert_eq!(tariff.promotions[0].code, Keys::derive(&[1; 32]).access_code("SUMMER").0);
        assert_eq!(
            (tariff.promotions[0].effect, tariff.rounding_unit_minor),
            (Effect::PercentPpm(100_000), 5)
        );
    }

    #[test]
    fn every_wrong_name_of_a_tariff_is_told_by_its_path() {
        let cases = [
            (r#""taxes":["VAT 7 %"]"#, r#""taxes":["GST"]"#, "ticket_types[0].taxes[0]"),
            (r#""rate":"7""#, r#""rate":"7 %""#, "tariff.taxes[0].rate"),
            (r#"{"name":"VAT 19 %""#, r#"{"name":"VAT 7 %""#, "tariff.taxes[1]"),
            (
                r#""ticket_types":["Standing"]"#,
                r#""ticket_types":["Seat"]"#,
                "tariff.fees[0].ticket_types[0]",
            ),
            (
                r#""ticket_type":"Parking""#,
                r#""ticket_type":"Bus""#,
                "tariff.bundles[0].parts[1].ticket_type",
            ),
            (r#""percent":"10""#, r#""percent":"10","off_order":5"#, "tariff.promotions[0]"),
            (r#""code":"SUMMER""#, r#""code":"""#, "tariff.promotions[0].code"),
            (
                r#""code":"SUMMER""#,
                r#""code":"SUMMER IN THE CITY, FOR FRIENDS OF THE HALL","single_use_codes":1"#,
                "tariff.promotions[0].code",
            ),
        ];
        for (before, after, path) in cases {
            let text = EXAMPLE.replacen(before, after, 1);
            assert_ne!(text, EXAMPLE, "the change must change something");
            let paths = resolved(&text).unwrap_err();
            assert!(paths.contains(&format!("configuration.{path}")), "{path}: {paths:?}");
        }
    }
}
