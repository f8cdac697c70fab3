//! Every deliberate defect is found: by a story, by a crash in one, or by a random history.

use tessera_payments::Mutant;

use crate::books::check;
use crate::crash::crash_everywhere;
use crate::random::history;
use crate::stories::stories;
use crate::world::Plan;

/// So many histories find it, if no story does.
const SEEDS: u64 = 400;

const MUTANTS: [Mutant; 18] = [
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
    Mutant::RecordLost,
    Mutant::CaptureBookedAgain,
];

/// How it is found.
fn find(mutant: Mutant) -> Option<String> {
    for story in stories() {
        if let Err(wrong) = story.judge(&story.run(Plan::default(), Some(mutant))) {
            return Some(format!("{}: {wrong}", story.name));
        }
    }
    for seed in 0..SEEDS {
        if let Err(wrong) = check(&history(seed, Some(mutant))) {
            return Some(format!("seed {seed}: {wrong}"));
        }
    }
    stories().iter().find_map(|story| crash_everywhere(story, Some(mutant)).err())
}

#[test]
fn every_defect_is_found() {
    let missed: Vec<_> = MUTANTS.into_iter().filter(|mutant| find(*mutant).is_none()).collect();
    assert!(missed.is_empty(), "{missed:?} are not found");
}
