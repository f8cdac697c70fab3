//! The fold believes a sound feed, and catches every doctored one.

use jiff::SignedDuration;

use super::deadlines::LATE_MAX;
use super::*;
use crate::feed::Page;

/// Four seats in one block, a pool of three, a channel; at most three units a buyer.
const VENUE: &str = r#"{"currency":"EUR","pools":[{"name":"Floor","capacity":3}],"categories":[{"name":"C"}],"sections":["A"],
    "rows":[{"section":"A","label":"1","blocks":[{"from":1,"to":4,"category":"C"}]}],
    "channels":[{"name":"S","code":"S","allotments":[]}],"units_per_subject_max":3,
    "ticket_types":[{"name":"Seat","price":100,"per_subject_max":2,"category":"C"},{"name":"Stand","price":50,"draws_on":["Floor"]}]}"#;

/// How many items of the sound feed happen before the first deadline.
const BEFORE_EXPIRY: usize = 8;

/// A hold of two seats that is sold, and partly refunded; one of two standing units that expires; one that is released.
fn sound() -> Vec<String> {
    [
        r#""type":"configured","version":1"#,
        r#""type":"phase_changed","to":"on_sale""#,
        r#""type":"hold_placed","hold":"h3","deadline_at":"2026-01-01T00:01:00Z","channel":null,"lines":[{"ticket_type":"Seat","quantity":2,"seats":[0,1]}]"#,
        r#""type":"hold_placed","hold":"h4","deadline_at":"2026-01-01T00:01:00Z","channel":null,"lines":[{"ticket_type":"Stand","quantity":2,"seats":[]}]"#,
        r#""type":"payment_begun","order":"o3","hold":"h3","grace_until":"2026-01-01T00:05:00Z","attempt":1"#,
        r#""type":"hold_placed","hold":"h6","deadline_at":"2026-01-01T00:01:30Z","channel":null,"lines":[{"ticket_type":"Seat","quantity":1,"seats":[2]}]"#,
        r#""type":"confirmed","order":"o3","hold":"h3","payment":"offline""#,
        r#""type":"hold_released","hold":"h6""#,
        r#""type":"expired","through":{"deadline_at":"2026-01-01T00:01:00Z","hold":"h4"},"count":1"#,
        r#""type":"tickets_refunded","order":"o3","hold":"h3","tickets":[1],"units":"restock""#,
        r#""type":"units_killed","pool":"Floor","quantity":1"#,
        r#""type":"units_killed","seats":[3]"#,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn items(changes: &[String]) -> Vec<Item> {
    let item = |(index, change): (usize, &String)| {
        let at = if index < BEFORE_EXPIRY { "00:00:30" } else { "00:01:00" };
        format!(r#"{{"sequence":{},"at":"2026-01-01T{at}Z",{change}}}"#, index + 1)
    };
    let items: Vec<String> = changes.iter().enumerate().map(item).collect();
    let text = format!(r#"{{"items":[{}],"next":0,"head":0}}"#, items.join(","));
    serde_json::from_str::<Page>(&text).unwrap().items
}

/// The invariants that a feed breaks, in order.
fn broken(items: &[Item]) -> Vec<&'static str> {
    let venue = Venue::read(VENUE).unwrap();
    let owners = HashMap::from([(3, 7), (4, 8), (6, 7)]);
    let mut fold = Fold::new(&venue, &owners);
    items.iter().for_each(|item| fold.apply(item));
    fold.violations.iter().map(|violation| violation.invariant).collect()
}

#[test]
fn a_sound_feed_folds_to_its_counters() {
    let venue = Venue::read(VENUE).unwrap();
    let owners = HashMap::from([(3, 7)]);
    let mut fold = Fold::new(&venue, &owners);
    items(&sound()).iter().for_each(|item| fold.apply(item));
    // The seat limit of two and the third seat of buyer 7 are not counted: its hold has no known owner here.
    assert_eq!(fold.violations, []);
    let counters = |name: &str, [free, held, sold, killed]: [u32; 4]| Counters {
        name: name.into(),
        free,
        held,
        sold,
        killed,
    };
    assert_eq!(fold.pools, [counters("Floor", [2, 0, 0, 1])]);
    assert_eq!(fold.categories, [counters("C", [2, 0, 1, 1])]);
    assert_eq!(fold.seats, [SeatState::Sold(3), SeatState::Free, SeatState::Free, SeatState::Killed]);
    assert_eq!((fold.live_holds, fold.orders, fold.expired), (0, 1, 1));
    assert_eq!(fold.sold_by_type, [1, 0]);
    assert_eq!(fold.used(7), 1);
}

/// Doctor one item of the sound feed, and name what must be caught first.
fn check(index: usize, from: &str, to: &str, expect: &str) {
    let mut changes = sound();
    let doctored = changes[index].replace(from, to);
    assert_ne!(doctored, changes[index], "nothing was doctored");
    changes[index] = doctored;
    let venue = Venue::read(VENUE).unwrap();
    let owners = HashMap::from([(3, 7)]);
    let mut fold = Fold::new(&venue, &owners);
    items(&changes).iter().for_each(|item| fold.apply(item));
    let first = fold.violations.first().map(|violation| violation.invariant);
    assert_eq!(first, Some(expect), "{from} → {to}");
}

#[test]
fn a_seat_in_two_holds_is_caught() {
    check(5, "[2]", "[1]", "I2");
}

#[test]
fn more_units_than_the_pool_has_are_caught() {
    check(3, r#""quantity":2"#, r#""quantity":4"#, "I1");
}

#[test]
fn a_hold_that_expires_early_is_caught() {
    check(3, "00:01:00Z", "00:01:01Z", "I5");
    check(8, r#""count":1"#, r#""count":2"#, "I5");
}

#[test]
fn a_hold_that_lives_on_after_its_deadline_is_caught() {
    let late = |from: usize, seconds| {
        let mut items = items(&sound());
        items[from..].iter_mut().for_each(|item| item.at += SignedDuration::from_secs(seconds));
        broken(&items)
    };
    // What is wrong with the sound feed of a known buyer 7 is its limit.
    assert_eq!(late(8, 3_600), ["I3"], "after a pause, what is due ends first: nobody was served in between");
    // A hold is released while another one is overdue.
    assert_eq!(late(7, 20), ["I3"]);
    assert_eq!(late(7, 41), ["I3", "I5"]);
    let mut items = items(&sound());
    items.remove(8);
    items[8..].iter_mut().for_each(|item| item.at += LATE_MAX + SignedDuration::from_millis(1));
    let overdue = broken(&items).iter().filter(|invariant| **invariant == "I5").count();
    assert_eq!(overdue, 1, "said once of each hold, not at every item");
}

#[test]
fn whoever_goes_on_with_what_is_over_is_caught() {
    let broken_at = |index: usize, change: Option<&str>, at: &str| {
        let mut changes = sound();
        if let Some(change) = change {
            change.clone_into(&mut changes[index]);
        }
        let mut items = items(&changes);
        items[index].at = at.parse().unwrap();
        broken(&items).contains(&"I5")
    };
    // The payment of a hold is begun, and confirmed.
    assert!(!broken_at(4, None, "2026-01-01T00:00:59.999Z"));
    assert!(broken_at(4, None, "2026-01-01T00:01:00Z"));
    assert!(!broken_at(6, None, "2026-01-01T00:01:04Z"));
    let no_grace =
        r#""type":"payment_begun","order":"o3","hold":"h3","grace_until":"2026-01-01T00:00:30Z","attempt":1"#;
    assert!(broken_at(4, Some(no_grace), "2026-01-01T00:00:20Z"), "confirmed at the end of its grace");
    let renewed = r#""type":"hold_renewed","hold":"h6","deadline_at":"2026-01-01T00:02:00Z""#;
    assert!(!broken_at(6, Some(renewed), "2026-01-01T00:01:01Z"));
    assert!(broken_at(6, Some(renewed), "2026-01-01T00:01:30Z"));
}

#[test]
fn a_payment_of_an_unknown_or_ended_hold_is_caught() {
    check(4, "h3", "h9", "I2");
    check(7, "h6", "h3", "I2");
}

#[test]
fn a_ticket_refunded_twice_is_caught() {
    check(9, "[1]", "[1,1]", "I2");
    check(9, "[1]", "[2]", "I2");
}

#[test]
fn a_buyer_over_the_limit_is_caught() {
    assert_eq!(broken(&items(&sound())), ["I3"], "buyer 7 holds three seats at once, the limit is two");
}

#[test]
fn what_a_channel_keeps_is_not_for_everyone() {
    let text = VENUE.replace(r#""allotments":[]"#, r#""allotments":[{"pool":"Floor","quantity":2}]"#);
    let venue = Venue::read(&text).unwrap();
    let owners = HashMap::new();
    let mut fold = Fold::new(&venue, &owners);
    let sponsor = fold.channel_of(Some("S"));
    assert_eq!((fold.free_for(None, 0), fold.free_for(sponsor, 0)), (1, 2));
    let changes = [
        r#""type":"hold_placed","hold":"h1","deadline_at":"2026-01-01T00:01:00Z","channel":"S","lines":[{"ticket_type":"Stand","quantity":1}]"#,
        r#""type":"hold_released","hold":"h1""#,
        r#""type":"channel_released","channel":"S""#,
    ]
    .map(str::to_owned);
    let shares = items(&changes).into_iter().map(|item| {
        fold.apply(&item);
        (fold.free_for(None, 0), fold.free_for(sponsor, 0))
    });
    assert_eq!(shares.collect::<Vec<_>>(), [(1, 1), (1, 2), (3, 3)]);
    assert_eq!(fold.violations, []);
}

#[test]
fn a_gap_and_a_repeated_item_are_caught() {
    let sound = items(&sound());
    let mut with_gap = sound.clone();
    with_gap.remove(1);
    assert!(broken(&with_gap).contains(&"feed"));
    let mut repeated = sound.clone();
    repeated.insert(1, sound[0].clone());
    assert!(broken(&repeated).contains(&"feed"));
}
