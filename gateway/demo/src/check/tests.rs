//! The check passes a sound sale, and finds every lie in a doctored one.

use std::time::Instant;

use super::*;
use crate::feed::Page;
use crate::unacknowledged::{Wanted, WantedLine};
use crate::wire::{Asked, AskedLine, AskedUnits, Counters};

/// Six seats in one block, a pool of three.
const VENUE: &str = r#"{"currency":"EUR","pools":[{"name":"Floor","capacity":3}],"categories":[{"name":"C"}],"sections":["A"],
    "rows":[{"section":"A","label":"1","blocks":[{"from":1,"to":6,"category":"C"}]}],"units_per_subject_max":4,
    "ticket_types":[{"name":"Seat","price":100,"per_subject_max":2,"category":"C"},{"name":"Stand","price":50,"draws_on":["Floor"]}]}"#;

const FEED: &str = r#"{"next":4,"head":4,"items":[
    {"sequence":1,"at":"2026-01-01T00:00:00Z","type":"configured","version":1},
    {"sequence":2,"at":"2026-01-01T00:00:00Z","type":"phase_changed","to":"on_sale"},
    {"sequence":3,"at":"2026-01-01T00:00:01Z","type":"hold_placed","hold":"h3","deadline_at":"2026-01-01T00:01:01Z","channel":null,
     "lines":[{"ticket_type":"Seat","quantity":2,"seats":[0,1]}]},
    {"sequence":4,"at":"2026-01-01T00:01:01Z","type":"expired","through":{"deadline_at":"2026-01-01T00:01:01Z","hold":"h3"},"count":1}]}"#;

/// A sale as its clients saw it.
struct Scene {
    venue: Venue,
    items: Vec<Item>,
    tally: Tally,
    unacknowledged: Vec<Unacknowledged>,
    is_quiet: bool,
    availabilities: Vec<Availability>,
    seat_map: SeatMap,
}

fn scene() -> Scene {
    let mut tally = Tally::new(Instant::now());
    let lines = vec![("Seat".to_owned(), 2, vec![0, 1])];
    tally.acknowledge(1, None, Accepted::Configured);
    tally.acknowledge(2, None, Accepted::PhaseChanged { to: "on_sale".into() });
    tally.acknowledge(3, Some(7), Accepted::HoldPlaced { hold: "h3".into(), lines });
    let counters = |name: &str, free, held| Counters { name: name.into(), free, held, ..Counters::default() };
    let document = |sequence, seats_held, live_holds| Availability {
        sequence,
        phase: "on_sale".into(),
        pools: vec![counters("Floor", 3, 0)],
        categories: vec![counters("C", 6 - seats_held, seats_held)],
        live_holds,
        orders: 0,
    };
    Scene {
        venue: Venue::read(VENUE).unwrap(),
        items: serde_json::from_str::<Page>(FEED).unwrap().items,
        tally,
        unacknowledged: Vec::new(),
        is_quiet: true,
        availabilities: vec![document(3, 2, 1), document(4, 0, 0)],
        seat_map: SeatMap { sequence: 4, seats: 6, states: "AAA=".into() },
    }
}

fn refusal(sequence: u64, code: &str, ticket_type: usize, units: AskedUnits) -> Refusal {
    let lines = vec![AskedLine { ticket_type: Some(ticket_type), units }];
    let asked = Asked { lines, access_code: None, stale_price: false };
    Refusal {
        sequence: Some(sequence),
        buyer: 7,
        code: code.into(),
        asked,
        seats: vec![1],
        stranded: None,
        limit: Some(2),
        used: Some(2),
    }
}

/// The names of what is broken in a scene.
fn broken(doctor: impl FnOnce(&mut Scene)) -> Vec<String> {
    let mut scene = scene();
    doctor(&mut scene);
    let mut checked = check(&Evidence {
        venue: &scene.venue,
        items: &scene.items,
        acknowledgements: &scene.tally.acknowledgements,
        refusals: &scene.tally.refusals,
        unacknowledged: &scene.unacknowledged,
        organizer_is_known: true,
        is_quiet: scene.is_quiet,
        availabilities: &scene.availabilities,
        seat_map: Some(&scene.seat_map),
    });
    let ended = ended(&checked, &scene.tally);
    checked.findings.extend(ended);
    let broken = checked.findings.iter().filter(|finding| !finding.held());
    broken.map(|finding| finding.name.split_whitespace().take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_sound_sale_holds() {
    assert_eq!(broken(|_| {}), [""; 0]);
}

#[test]
fn a_hold_that_was_acknowledged_but_is_not_in_the_feed_is_found() {
    let lost = Accepted::HoldPlaced { hold: "h9".into(), lines: Vec::new() };
    assert_eq!(broken(|scene| scene.tally.acknowledge(9, Some(1), lost)), ["G2 what"]);
}

#[test]
fn a_hold_in_the_feed_that_nobody_was_told_of_is_found() {
    assert_eq!(broken(|scene| drop(scene.tally.acknowledgements.pop())), ["G2 what"]);
}

#[test]
fn a_hold_that_was_never_answered_may_be_there_and_one_that_was_refused_may_not() {
    let unacknowledged = |told: Told| {
        broken(|scene| {
            scene.tally.acknowledgements.pop();
            let line = WantedLine { ticket_type: Some("Seat".into()), quantity: 2, seats: vec![0, 1] };
            let wanted = Wanted::Hold { lines: vec![line] };
            scene.unacknowledged = vec![Unacknowledged { buyer: Some(7), wanted, told }];
        })
    };
    assert_eq!(unacknowledged(Told::Nothing), [""; 0]);
    assert_eq!(unacknowledged(Told::No("not_executed".into())), ["G2 what"]);
}

#[test]
fn only_what_time_does_may_follow_the_last_documents_of_a_sale_that_is_not_quiet() {
    let restless = |sequence: u64, states: &str| {
        broken(|scene| {
            scene.is_quiet = false;
            scene.availabilities.truncate(1);
            scene.seat_map = SeatMap { sequence, seats: 6, states: states.into() };
        })
    };
    assert_eq!(restless(3, "BQA="), [""; 0], "an expiry follows");
    assert_eq!(restless(2, "AAA="), ["feed folds"], "a hold follows");
    assert_eq!(restless(3, "AAA="), ["feed folds"]);
}

#[test]
fn a_reply_that_names_other_seats_than_the_feed_is_found() {
    let other = Accepted::HoldPlaced { hold: "h3".into(), lines: vec![("Seat".into(), 2, vec![1, 2])] };
    assert_eq!(broken(|scene| scene.tally.acknowledgements[2].what = other), ["G2 what"]);
}

#[test]
fn one_decision_told_to_two_buyers_is_found() {
    let double = |scene: &mut Scene| {
        let again = scene.tally.acknowledgements[2].clone();
        scene.tally.acknowledgements.push(again);
    };
    assert_eq!(broken(double), ["G2 what"]);
}

#[test]
fn documents_that_differ_from_the_feed_are_found() {
    assert_eq!(broken(|scene| scene.availabilities[0].categories[0].held = 1), ["I1 free", "feed folds"]);
    assert_eq!(broken(|scene| scene.availabilities[0].live_holds = 2), ["feed folds"]);
    assert_eq!(broken(|scene| scene.availabilities[1].sequence = 5), ["feed folds"]);
    assert_eq!(broken(|scene| scene.seat_map.states = "AQA=".into()), ["feed folds"]);
    assert_eq!(broken(|scene| scene.seat_map.sequence = 3), ["feed folds"], "it stops before the end");
}

#[test]
fn documents_that_stop_before_the_end_of_the_feed_are_found() {
    assert_eq!(broken(|scene| drop(scene.availabilities.pop())), ["feed folds"]);
    assert_eq!(broken(|scene| scene.availabilities.clear()), ["feed folds"]);
}

#[test]
fn a_document_whose_counters_do_not_add_up_is_found() {
    assert_eq!(broken(|scene| scene.availabilities[1].pools[0].free = 4), ["I1 free", "feed folds"]);
}

#[test]
fn a_gap_in_the_feed_is_found() {
    let found = broken(|scene| drop(scene.items.remove(1)));
    assert!(found.contains(&"feed is".to_owned()), "{found:?}");
}

#[test]
fn a_hold_that_never_ends_is_found() {
    let found = broken(|scene| drop(scene.items.pop()));
    assert!(found.contains(&"nothing is".to_owned()), "{found:?}");
}

#[test]
fn different_replies_to_one_key_are_found() {
    assert_eq!(broken(|scene| scene.tally.differing.push("201 a ≠ 201 b".into())), ["I7 one"]);
}

#[test]
fn a_repeated_reply_that_does_not_say_so_is_found() {
    assert_eq!(broken(|scene| scene.tally.unmarked = 1), ["I7 one"]);
}

#[test]
fn a_surprising_reply_is_found() {
    assert_eq!(broken(|scene| scene.tally.surprises.note(|| "500".into())), ["every reply"]);
}

/// Judge one refusal in the sound sale: whether it counts as wrong.
fn wrong(refusal: Refusal) -> bool {
    let found = broken(|scene| scene.tally.refusals.push(refusal));
    assert!(found.is_empty() || found == ["no hold"], "{found:?}");
    !found.is_empty()
}

#[test]
fn seats_called_taken_must_be_taken_at_that_sequence() {
    assert!(!wrong(refusal(3, "seats_taken", 0, AskedUnits::Seats(vec![1]))));
    assert!(wrong(refusal(4, "seats_taken", 0, AskedUnits::Seats(vec![1]))));
}

#[test]
fn seats_called_taken_must_be_among_those_asked_for() {
    let others = refusal(3, "seats_taken", 0, AskedUnits::Seats(vec![2]));
    assert!(wrong(others.clone()), "seat 1 is held, and nobody asked for it");
    assert!(wrong(Refusal { seats: Vec::new(), ..others }), "seat 2 is free");
    let unnamed = refusal(3, "seats_taken", 0, AskedUnits::Seats(vec![1, 2]));
    assert!(!wrong(Refusal { seats: Vec::new(), ..unnamed }), "it does not say which, but one is");
}

#[test]
fn a_seat_called_left_alone_must_be_left_alone() {
    // Seats 0 and 1 of six are held.
    let strands = |seats: Vec<u32>, stranded| {
        wrong(Refusal { stranded, ..refusal(3, "strands_seat", 0, AskedUnits::Seats(seats)) })
    };
    assert!(!strands(vec![3], Some(2)) && !strands(vec![3], None));
    assert!(strands(vec![3], Some(4)), "seat 4 has seat 5 beside it");
    assert!(strands(vec![2], None) && strands(vec![2, 3], Some(4)), "nobody is left alone");
    assert!(strands(vec![1], None), "it is taken, which is another reason");
}

#[test]
fn sold_out_must_be_sold_out() {
    assert!(wrong(refusal(3, "sold_out", 1, AskedUnits::Quantity(3))));
    assert!(!wrong(refusal(3, "sold_out", 1, AskedUnits::Quantity(4))));
}

#[test]
fn a_group_is_refused_only_where_no_run_takes_it() {
    let together = |quantity, accept_split| AskedUnits::Together {
        quantity,
        section: None,
        price_max: None,
        accessible: 0,
        accept_split,
    };
    let judged = |sequence, quantity, accept_split| {
        let scene = scene();
        let owners = HashMap::from([(3, 7)]);
        let mut fold = Fold::new(&scene.venue, &owners);
        scene.items[..sequence].iter().for_each(|item| fold.apply(item));
        let refused = refusal(sequence as u64, "sold_out", 0, together(quantity, accept_split));
        refusal::judge(&fold, &scene.venue, &refused)
    };
    // Two of six seats are held at sequence 3: the other four take four or two, not three.
    assert!(matches!(judged(3, 4, false), Verdict::Wrong(_)));
    assert!(matches!(judged(3, 2, false), Verdict::Wrong(_)));
    assert_eq!(judged(3, 3, false), Verdict::Right);
    assert_eq!(judged(3, 3, true), Verdict::Unchecked, "in parts they may have fitted");
    assert_eq!(judged(3, 5, true), Verdict::Right);
}

#[test]
fn limits_must_be_reached() {
    assert!(!wrong(refusal(3, "limit_exceeded", 0, AskedUnits::Seats(vec![4]))));
    assert!(wrong(refusal(4, "limit_exceeded", 0, AskedUnits::Seats(vec![4]))));
}

#[test]
fn a_right_price_and_an_open_phase_are_no_reason() {
    assert!(wrong(refusal(3, "price_changed", 1, AskedUnits::Quantity(1))));
    assert!(wrong(refusal(3, "wrong_phase", 1, AskedUnits::Quantity(1))));
    assert!(!wrong(refusal(1, "wrong_phase", 1, AskedUnits::Quantity(1))));
    assert!(wrong(refusal(3, "access_code_required", 1, AskedUnits::Quantity(1))));
}

#[test]
fn a_refusal_on_a_sequence_that_never_was_is_found() {
    assert!(wrong(refusal(99, "sold_out", 1, AskedUnits::Quantity(4))));
}
