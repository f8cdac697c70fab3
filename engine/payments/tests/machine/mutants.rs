//! Every deliberate defect is found: by a story, by a crash in one, or by a random history.

use tessera_inventory::{Sequence, Timestamp};
use tessera_payments::{Abilities, Change, Fact, Mutant, News, Next, Operation, RefundStanding, Want, next};

use crate::PRICE;
use crate::books::check;
use crate::crash::crash_everywhere;
use crate::random::history;
use crate::stories::stories;
use crate::world::Plan;

/// So many histories find it, if no story does.
const SEEDS: u64 = 400;

const MUTANTS: [Mutant; 19] = [
    Mutant::KeyDrawnAnew,
    Mutant::KeyOutlived,
    Mutant::StatusGoesBack,
    Mutant::CaptureBeforeConfirm,
    Mutant::VoidForgotten,
    Mutant::LateMoneyKept,
    Mutant::FailureUntold,
    Mutant::ShortMoneySells,
    Mutant::RefundBeyondCapture,
    Mutant::CreationForgotten,
    Mutant::UnknownIsRefused,
    Mutant::LateSaleUntried,
    Mutant::UnpaidStaysSold,
    Mutant::ExcessKept,
    Mutant::CallsUnrecorded,
    Mutant::NeverLooksUp,
    Mutant::SoldWhileCalledOff,
    Mutant::GivenBackUnbooked,
    Mutant::DisputeUntold,
];

/// How it is found.
fn find(mutant: Mutant) -> Option<String> {
    for story in stories() {
        if let Err(wrong) = story.judge(&story.run(&Plan::default(), Some(mutant))) {
            return Some(format!("{}: {wrong}", story.name));
        }
    }
    for seed in 0..SEEDS {
        if let Err(wrong) = check(&history(seed, Some(mutant))) {
            return Some(format!("seed {seed}: {wrong}"));
        }
    }
    stories()
        .iter()
        .find_map(|story| crash_everywhere(story, Some(mutant)).err())
        .or_else(|| rows(mutant).err())
}

/// What heals by itself in a whole world is seen in a row.
fn rows(mutant: Mutant) -> Result<(), String> {
    let abilities = Abilities::new().mutated(mutant);
    let told = |facts: &[Fact]| {
        let mut payment = crate::facts::begun();
        let news = facts.iter().cloned().map(News::Fact).collect();
        payment.apply(&Change { payment: payment.id, at: Timestamp(1), news, handled: vec![] }, &abilities);
        payment
    };
    let (captured, authorised) =
        (Fact::Captured { amount_minor: PRICE }, Fact::Authorised { amount_minor: PRICE, until: None });
    if told(&[captured.clone(), authorised.clone()]).facts != told(&[authorised, captured.clone()]).facts {
        return Err("the order of facts matters".to_owned());
    }
    let (id, ours, standing) = ("r".into(), None, RefundStanding::Done);
    let mut payment = told(&[captured, Fact::Refund { id, ours, amount_minor: PRICE, standing }]);
    let news = vec![
        News::Wanted { want: Want::Capture, by: Sequence(101) },
        News::RefundWanted { number: 102, amount_minor: PRICE, reason: 0 },
    ];
    payment.apply(&Change { payment: payment.id, at: Timestamp(1), news, handled: vec![] }, &abilities);
    match next(&payment, &abilities, Timestamp(2)) {
        Next::Call(Operation::Refund { .. }) => Err("what somebody gave back is given back again".to_owned()),
        _ => Ok(()),
    }
}

#[test]
fn a_row_without_a_defect_is_found_sound() {
    // One that touches no row.
    assert_eq!(rows(Mutant::VoidForgotten), Ok(()));
}

#[test]
fn every_defect_is_found() {
    let missed: Vec<_> = MUTANTS.into_iter().filter(|mutant| find(*mutant).is_none()).collect();
    assert!(missed.is_empty(), "{missed:?} are not found");
}
