//! Times as people of a language write them.

use jiff::tz::TimeZone;
use tessera_inventory::Timestamp;

use crate::instant::Rfc3339;

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// A time at a place, as the language writes it; the digits alone where we do not know how.
pub(super) fn time(at: Timestamp, zone: &str, locale: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let at = Rfc3339(at).instant().to_zoned(zone);
    let month = usize::try_from(at.month()).ok().and_then(|month| month.checked_sub(1));
    let named = |months: [&'static str; 12]| month.and_then(|month| months.get(month).copied());
    let language = locale.split('-').next().unwrap_or_default();
    let (day, year, clock) = (at.day(), at.year(), at.strftime("%H:%M"));
    match (language, named(MONTHS_EN), named(MONTHS_DE)) {
        ("en", Some(month), _) => format!("{day} {month} {year}, {clock}"),
        ("de", _, Some(month)) => format!("{day}. {month} {year}, {clock} Uhr"),
        _ => format!("{year}-{:02}-{day:02} {clock}", at.month()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_that_of_the_place_in_the_words_of_the_reader() {
        let at = Timestamp(1_893_524_400_000); // 2030-01-01T19:00:00Z
        let check = |zone, locale, expected| assert_eq!(time(at, zone, locale), expected);
        check("Europe/Berlin", "en", "1 January 2030, 20:00");
        check("Europe/Berlin", "de-ch", "1. Januar 2030, 20:00 Uhr");
        check("Asia/Tokyo", "fr", "2030-01-02 04:00");
        check("Nowhere/None", "en-gb", "1 January 2030, 19:00");
    }
}
