use std::sync::Arc;

use tessera_inventory::{ClaimNumber, Sequence, Timestamp};
use tessera_ledger::{AccountKind, EntryId, Heading, Movement, Paid, Sale, entry};
use tessera_money::payments::{Payments, Step};
use tessera_payments::{News, PaymentId, Want, Why};
use tessera_projections::follower_cursors::{Advance, FollowerCursors};
use tessera_store::keys::{FollowerCursor, PaymentInFlightKey};
use tessera_store::memory::CommitFault;

use crate::{
    EUR, EVENT, FOLLOWER, ORGANIZER, PRICE, PROVIDER, balance, begun, captured, change, created, id, stores,
};

fn sold(sequence: u64) -> tessera_ledger::Entry {
    let heading = Heading {
        id: EntryId::of_log(EVENT, Sequence(sequence)),
        at: Timestamp(8),
        organizer: ORGANIZER,
        currency: EUR,
        order: Some((EVENT, ClaimNumber(3))),
    };
    let sale = Movement::Sold { by: Paid::Provider(PROVIDER.0.get()), sale: Sale::plain(PRICE) };
    entry(heading, &sale).unwrap().unwrap()
}

async fn follow(payments: &Payments, expected: FollowerCursor, through: u64, step: &Step) -> Advance {
    let (place, through) = ((EVENT, FOLLOWER), Sequence(through));
    payments.follow(place, expected, through, (step, Timestamp(10))).await.unwrap().advance
}

#[tokio::test]
async fn what_the_log_wants_and_the_cursor_move_together_and_once() {
    for fault in [CommitFault::Conflict, CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let (store, payments, ledger) = stores();
        let cursors = FollowerCursors::new(Arc::new(store.clone()));
        let mine = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
        let want = News::Wanted { want: Want::Capture, by: Sequence(6) };
        let step = Step {
            begun: vec![(id(3), begun(900))],
            changes: vec![change(3, 10, vec![want])],
            ended: Vec::new(),
            entries: vec![sold(6)],
            runs: Vec::new(),
        };
        store.inject_commit(fault);
        let place = (EVENT, FOLLOWER);
        let followed = payments.follow(place, mine, Sequence(6), (&step, Timestamp(10))).await.unwrap();
        let Advance::Advanced(moved) = followed.advance else { panic!("nobody else was there") };
        assert_eq!(moved.sequence, Sequence(6));
        let [payment] = &followed.payments[..] else { panic!("{followed:?}") };
        assert_eq!((payment.id, payment.want), (id(3), Want::Capture));
        assert_eq!(payments.load(id(3)).await.unwrap().as_ref(), Some(payment));
        assert_eq!(balance(&ledger, AccountKind::InFlight).await, i128::from(PRICE), "once");
        // A follower that was fenced writes nothing.
        let other = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
        let late = Step { begun: vec![(id(4), begun(900))], entries: vec![sold(7)], ..Step::default() };
        assert_eq!(follow(&payments, moved, 7, &late).await, Advance::Fenced { found: other });
        let part = payments.follow_part(place, moved, (&late, Timestamp(11))).await.unwrap();
        assert_eq!(part.advance, Advance::Fenced { found: other });
        assert_eq!(payments.load(id(4)).await.unwrap(), None);
        assert_eq!(balance(&ledger, AccountKind::InFlight).await, i128::from(PRICE));
    }
}

#[tokio::test]
async fn what_was_learnt_stays_where_the_log_is_followed_again() {
    let (store, payments, ledger) = stores();
    let cursors = FollowerCursors::new(Arc::new(store.clone()));
    let mine = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
    let step = Step { begun: vec![(id(3), begun(900))], entries: vec![sold(6)], ..Step::default() };
    let part = payments.follow_part((EVENT, FOLLOWER), mine, (&step, Timestamp(10))).await.unwrap();
    assert_eq!(part.advance, Advance::Advanced(mine), "the cursor stays");
    payments.record(&[change(3, 20, vec![created("p1"), captured()])]).await.unwrap();
    // Killed before the cursor moved: the whole step is written again.
    let Advance::Advanced(_) = follow(&payments, mine, 6, &step).await else { panic!("it is ours") };
    let payment = payments.load(id(3)).await.unwrap().unwrap();
    assert_eq!((payment.facts.reference.as_deref(), payment.facts.captured_minor), (Some("p1"), PRICE));
    assert_eq!(balance(&ledger, AccountKind::InFlight).await, 0, "sold and captured, each once");
    assert_eq!(balance(&ledger, AccountKind::Provider).await, i128::from(PRICE));
}

#[tokio::test]
async fn the_log_waits_for_payments_until_their_grace_or_until_it_is_told() {
    let (store, payments, _) = stores();
    let cursors = FollowerCursors::new(Arc::new(store.clone()));
    let mine = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
    let all = [(1, 900), (2, 901), (3, 900)];
    let begun = all.map(|(order, grace)| (id(order), begun(grace))).to_vec();
    let Advance::Advanced(mine) = follow(&payments, mine, 3, &Step { begun, ..Step::default() }).await else {
        panic!("it is ours")
    };
    let covered = async |through: Option<u64>, most| {
        let found = payments.in_flight(EVENT, through.map(Timestamp), most).await.unwrap();
        found.into_iter().map(|(_, id): (_, PaymentId)| id.order.0).collect::<Vec<_>>()
    };
    assert_eq!(covered(Some(899), 9).await, Vec::<u64>::new());
    assert_eq!(covered(Some(900), 9).await, [1, 3]);
    assert_eq!(covered(Some(900), 1).await, [1]);
    assert_eq!(covered(None, 9).await, [1, 3, 2]);
    let (key, expired) = payments.in_flight(EVENT, Some(Timestamp(900)), 9).await.unwrap()[1];
    assert_eq!(key, PaymentInFlightKey { event: EVENT, grace_until: Timestamp(900), order: expired.order });
    let release = News::Wanted { want: Want::Release { why: Why::Expired }, by: Sequence(9) };
    let step = Step { changes: vec![change(3, 950, vec![release])], ended: vec![key], ..Step::default() };
    follow(&payments, mine, 9, &step).await;
    assert_eq!(covered(None, 9).await, [1, 2]);
    let released = payments.load(id(3)).await.unwrap().unwrap();
    assert_eq!(released.want, Want::Release { why: Why::Expired });
    assert_eq!(payments.attempts(EVENT, ClaimNumber(3)).await.unwrap(), [released]);
}
