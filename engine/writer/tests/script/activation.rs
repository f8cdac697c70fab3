//! Activation: replay, claim, and who may not.

use tessera_inventory::{Epoch, Sequence};
use tessera_writer::{
    Activation, ActivationInput as In, ActivationOutput as Out, ActivationStop, AppendAnswer, BatchId,
    Format, Head, Monotonic, StoreFailure, WriterOptions,
};

use crate::stage::{BROKEN, EVENT, Setup, on_sale, replay};

const NOW: Monotonic = Monotonic(0);

fn started() -> (Activation, Vec<Out>) {
    let mut activation = Activation::new(EVENT, WriterOptions::new(500));
    let mut out = Vec::new();
    activation.handle(In::Start, NOW, &mut out);
    (activation, out)
}

fn give(activation: &mut Activation, input: In) -> Vec<Out> {
    let mut out = Vec::new();
    activation.handle(input, NOW, &mut out);
    out
}

/// Replayed up to its claim, which it returns.
fn claiming(head: Head) -> (Activation, Head) {
    let (log, _) = on_sale(Setup::default());
    let (mut activation, _) = started();
    give(&mut activation, In::HeadRead(Ok(head)));
    let mut out = Vec::new();
    replay(&mut activation, &log, Sequence::ZERO, &mut out);
    out.extend(give(&mut activation, In::LogRead(Ok(()))));
    let [Out::Append { expected, next, attempt: 0 }] = out.as_slice() else { panic!("claims: {out:?}") };
    assert_eq!(*expected, head);
    assert_eq!(next.epoch, Epoch(head.epoch.0 + 1));
    assert_eq!((next.sequence, next.chain), (head.sequence, head.chain));
    (activation, *next)
}

#[test]
fn a_new_event_is_claimed_without_a_log() {
    let (mut activation, out) = started();
    assert!(matches!(out.as_slice(), [Out::ReadHead]), "{out:?}");
    let out = give(&mut activation, In::HeadRead(Ok(Head::GENESIS)));
    assert!(matches!(out.as_slice(), [Out::Append { next: Head { epoch: Epoch(1), .. }, .. }]), "{out:?}");
    let out = give(&mut activation, In::AppendDone(AppendAnswer::Committed));
    assert!(matches!(out.as_slice(), [Out::Activated]), "{out:?}");
}

#[test]
fn an_unknown_claim_is_submitted_again_as_it_was() {
    let (_, head) = on_sale(Setup::default());
    let (mut activation, claimed) = claiming(head);
    let out = give(&mut activation, In::AppendDone(AppendAnswer::Unknown));
    assert!(matches!(out.as_slice(), [Out::ArmTimer(Monotonic(5_000))]), "{out:?}");
    let mut out = Vec::new();
    activation.handle(In::Tick, Monotonic(5_000), &mut out);
    assert!(matches!(out.as_slice(), [Out::Append { next, attempt: 1, .. }] if *next == claimed), "{out:?}");
    let out = give(&mut activation, In::AppendDone(AppendAnswer::Fenced { found: claimed }));
    assert!(matches!(out.as_slice(), [Out::Activated]), "our own batch stands there: {out:?}");
}

#[test]
fn a_claim_that_meets_an_owner_at_work_is_repeated_and_the_rest_replayed() {
    let (log, head) = on_sale(Setup::default());
    let before = log[0].1;
    let (mut activation, _) = started();
    give(&mut activation, In::HeadRead(Ok(before)));
    let mut out = Vec::new();
    replay(&mut activation, &log, Sequence::ZERO, &mut out);
    give(&mut activation, In::LogRead(Ok(())));
    assert_eq!(activation.state().sequence(), Sequence(1), "records beyond the head wait");
    let out = give(&mut activation, In::AppendDone(AppendAnswer::Fenced { found: head }));
    assert!(matches!(out.as_slice(), [Out::Append { expected, .. }] if *expected == head), "{out:?}");
    let out = give(&mut activation, In::AppendDone(AppendAnswer::Committed));
    assert!(matches!(out.as_slice(), [Out::ReadLog { after: Sequence(1) }]), "{out:?}");
    let mut out = Vec::new();
    replay(&mut activation, &log, Sequence(1), &mut out);
    out.extend(give(&mut activation, In::LogRead(Ok(()))));
    assert!(matches!(out.as_slice(), [Out::Activated]), "{out:?}");
}

#[test]
fn scenario_16_who_loses_the_claim_leaves_the_event_to_its_owner() {
    let (_, head) = on_sale(Setup::default());
    let (mut activation, _) = claiming(head);
    let found = Head { epoch: Epoch(head.epoch.0 + 1), batch_id: BatchId(3), ..head };
    let out = give(&mut activation, In::AppendDone(AppendAnswer::Fenced { found }));
    let stop = ActivationStop::Fenced { found };
    assert!(matches!(out.as_slice(), [Out::Stop(reason)] if *reason == stop), "{out:?}");
}

#[test]
fn scenario_28_a_newer_format_is_refused_before_anything_is_applied() {
    let (mut activation, _) = started();
    let format = Format { version: 8, minimum_reader: 7 };
    let out = give(&mut activation, In::HeadRead(Ok(Head { format, ..Head::GENESIS })));
    let stop = ActivationStop::FormatTooNew { needed: 7 };
    assert!(matches!(out.as_slice(), [Out::Stop(reason)] if *reason == stop), "{out:?}");
}

#[test]
fn scenario_32_a_broken_chain_or_a_short_log_serves_nothing() {
    let (mut log, head) = on_sale(Setup::default());
    let (mut activation, _) = started();
    give(&mut activation, In::HeadRead(Ok(head)));
    let out = give(&mut activation, In::LogRead(Ok(())));
    assert!(matches!(out.as_slice(), [Out::Stop(ActivationStop::Damaged { .. })]), "short: {out:?}");

    let (mut activation, _) = started();
    give(&mut activation, In::HeadRead(Ok(Head { chain: BROKEN, ..head })));
    let mut out = Vec::new();
    replay(&mut activation, &log, Sequence::ZERO, &mut out);
    out.extend(give(&mut activation, In::LogRead(Ok(()))));
    assert!(matches!(out.as_slice(), [Out::Stop(ActivationStop::Damaged { .. })]), "head: {out:?}");

    let (mut activation, _) = started();
    give(&mut activation, In::HeadRead(Ok(head)));
    log[1].1.chain = BROKEN;
    let mut out = Vec::new();
    replay(&mut activation, &log, Sequence::ZERO, &mut out);
    assert!(matches!(out.as_slice(), [Out::Stop(ActivationStop::Damaged { .. })]), "record: {out:?}");
}

#[test]
fn an_epoch_that_goes_back_serves_nothing() {
    let (mut log, head) = on_sale(Setup::default());
    log[0].1.epoch = Epoch(2);
    let (mut activation, _) = started();
    give(&mut activation, In::HeadRead(Ok(Head { epoch: Epoch(2), ..head })));
    let mut out = Vec::new();
    replay(&mut activation, &log, Sequence::ZERO, &mut out);
    let [Out::Stop(ActivationStop::Damaged { reason })] = out.as_slice() else { panic!("{out:?}") };
    assert!(reason.contains("epoch"), "{reason}");
    assert_eq!(activation.state().sequence(), Sequence(1), "nothing of it is applied");
}

#[test]
fn a_store_that_is_away_is_asked_again_and_a_failed_one_is_not() {
    let (mut activation, _) = started();
    let away = StoreFailure::Unavailable { reason: "away".to_owned() };
    let out = give(&mut activation, In::HeadRead(Err(away)));
    assert!(matches!(out.as_slice(), [Out::ArmTimer(Monotonic(5_000))]), "{out:?}");
    let mut out = Vec::new();
    activation.handle(In::Tick, Monotonic(5_000), &mut out);
    assert!(matches!(out.as_slice(), [Out::ReadHead]), "{out:?}");
    let failed = StoreFailure::Fatal { reason: "failed".to_owned() };
    let out = give(&mut activation, In::HeadRead(Err(failed)));
    assert!(matches!(out.as_slice(), [Out::Stop(ActivationStop::StoreFailed { .. })]), "{out:?}");
}
