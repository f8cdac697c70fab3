//! One ask and one answer of each kind, and each of their variants that has bytes of its own.

use std::sync::Arc;
use std::time::Duration;

use tessera_actors::{Answer, Forwarded, ForwardedAsk, NotExecuted};
use tessera_cluster::{NodeId, OwnerRow};
use tessera_inventory::{
    Authority, ClaimNumber, ClaimView, Command, CommandBody, Epoch, EventId, IdempotencyKey, Origin,
    Sequence, Subject, Timestamp,
};
use tessera_writer::{Ask, RefusalPlace};

use super::inventory;
use crate::wire::words::Word;

pub(super) const EVENT: EventId = EventId(0x0192_f000_0000_7000_8000_0000_0000_0001);

/// A list of examples of which each variant of a type has its own: a variant without one does not compile, and an example of another
/// variant is noticed.
macro_rules! every {
    ($type:ty { $($pattern:pat => $name:literal: $example:expr,)* }) => {{
        let _every_variant_is_here = |value: &$type| match value { $($pattern => (),)* };
        let examples: Vec<(&'static str, $type)> = vec![$({
            let example: $type = $example;
            #[allow(clippy::redundant_pattern_matching)] // of `Option`, the pattern is an example too
            let is_example = matches!(example, $pattern);
            assert!(is_example, "{} is an example of another variant", $name);
            ($name, example)
        },)*];
        examples
    }};
}
pub(super) use every;

fn ask(ask: Ask) -> ForwardedAsk {
    ForwardedAsk { event: EVENT, ask, give_up: Duration::from_micros(2_500_001), hops: 1, term: 7 }
}

fn command(authority: Authority, body: CommandBody) -> ForwardedAsk {
    let key = IdempotencyKey {
        digest: 0xfedc_ba98_7654_3210_0123_4567_89ab_cdef,
        fingerprint: u64::MAX,
        minted_at: Some(Timestamp(1_790_000_000_000)),
    };
    ask(Ask::Command(Box::new(Command { authority, key: Some(key), body })))
}

/// Asks of every kind, by every right.
pub(super) fn asks() -> Vec<(&'static str, ForwardedAsk)> {
    let subject = Subject(u128::MAX - 1);
    let release = || CommandBody::ReleaseHold { hold: ClaimNumber(u64::MAX) };
    let rights = every!(Authority {
        Authority::Subject(_) => "by_subject": Authority::Subject(subject),
        Authority::Secret(_) => "by_secret": Authority::Secret(subject),
        Authority::Organizer => "by_organizer": Authority::Organizer,
        Authority::Scanner => "by_scanner": Authority::Scanner,
        Authority::System => "by_system": Authority::System,
    });
    let keys = every!(Option<IdempotencyKey> {
        None => "without_key": None,
        Some(_) => "with_opaque_key": Some(IdempotencyKey { digest: 1, fingerprint: 0, minted_at: None }),
    });
    let mut asks = vec![("read", ask(Ask::Read(ClaimNumber(4_711))))];
    asks.extend(rights.into_iter().map(|(name, right)| (name, command(right, release()))));
    asks.extend(keys.into_iter().map(|(name, key)| {
        let command = Command { authority: Authority::System, key, body: release() };
        (name, ForwardedAsk { hops: 0, term: 0, ..ask(Ask::Command(Box::new(command))) })
    }));
    let bodies = inventory::commands().into_iter();
    asks.extend(bodies.map(|(name, body)| (name, command(Authority::Subject(subject), body))));
    asks
}

/// Answers of every kind.
pub(super) fn answers() -> Vec<(&'static str, Forwarded)> {
    let event = || Arc::new(inventory::event());
    let claim = || Some(Box::new(inventory::claim()));
    let sequence = Sequence(10_000);
    let place = RefusalPlace { epoch: Epoch(3), number: 12 };
    let mut answers = every!(Forwarded {
        Forwarded::Answer(_) => "outcome_unknown": Forwarded::Answer(Answer::OutcomeUnknown { retry_after_ms: 1_000 }),
        Forwarded::NotOwner { .. } => "not_owner": Forwarded::NotOwner { owner: Some(OwnerRow { node: NodeId(u128::MAX), term: 300 }) },
        Forwarded::NotSent => "not_sent": Forwarded::NotSent,
        Forwarded::Unanswered => "unanswered": Forwarded::Unanswered,
    });
    answers.push(("nobody_known", Forwarded::NotOwner { owner: None }));
    let rejection = tessera_inventory::Rejection::HoldNotFound;
    let kinds = every!(Answer {
        Answer::Accepted { .. } => "accepted": Answer::Accepted { sequence, event: event(), claim: None },
        Answer::Repeated { .. } => "repeated": Answer::Repeated { sequence, event: event(), claim: claim() },
        Answer::Rejected { .. } => "rejected": Answer::Rejected { sequence, rejection, place },
        Answer::Read { .. } => "read": Answer::Read { sequence, claim: claim() },
        Answer::NotExecuted { .. } => "not_executed":
            Answer::NotExecuted { reason: NotExecuted::QueueFull, retry_after_ms: 250 },
        Answer::OutcomeUnknown { .. } => "unknown_at_once": Answer::OutcomeUnknown { retry_after_ms: 0 },
    });
    answers.extend(kinds.into_iter().map(|(name, answer)| (name, Forwarded::Answer(answer))));
    answers.push((
        "accepted_claim",
        Forwarded::Answer(Answer::Accepted { sequence, event: event(), claim: claim() }),
    ));
    let quoted = ClaimView { quoted_minor: Some(4_455), ..inventory::claim() };
    let quoted = Some(Box::new(quoted));
    answers.push(("read_quoted", Forwarded::Answer(Answer::Read { sequence, claim: quoted })));
    let disputed = ClaimView { refunded_minor: 700, in_dispute: true, ..inventory::claim() };
    let disputed = Some(Box::new(disputed));
    answers.push(("read_disputed", Forwarded::Answer(Answer::Read { sequence, claim: disputed })));
    let offered = ClaimView { origin: Some(Origin::Offer), ..inventory::claim() };
    let offered = Some(Box::new(offered));
    answers.push(("read_offered", Forwarded::Answer(Answer::Read { sequence, claim: offered })));
    answers.push(("read_nothing", Forwarded::Answer(Answer::Read { sequence: Sequence(0), claim: None })));
    answers.extend(NotExecuted::ALL.iter().map(|&reason| {
        (reason.name(), Forwarded::Answer(Answer::NotExecuted { reason, retry_after_ms: u64::MAX }))
    }));
    answers.extend(
        inventory::rejections().into_iter().map(|(name, rejection)| {
            (name, Forwarded::Answer(Answer::Rejected { sequence, rejection, place }))
        }),
    );
    answers.extend(inventory::events().into_iter().map(|(name, event)| {
        (name, Forwarded::Answer(Answer::Accepted { sequence, event: Arc::new(event), claim: None }))
    }));
    answers
}
