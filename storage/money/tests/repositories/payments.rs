use std::sync::Arc;

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_ledger::AccountKind;
use tessera_money::Lane;
use tessera_money::payments::{Payments, Step};
use tessera_money::provider_events::{Kept, ProviderEvent, ProviderEvents, Standing};
use tessera_payments::{Fact, News, Payment, ProviderEventId, RefundStanding, Want, Why};
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_store::Table;
use tessera_store::keys::PaymentKey;
use tessera_store::memory::{CommitFault, MemoryStore};

use crate::{EVENT, FOLLOWER, PRICE, PROVIDER, balance, begun, captured, change, created, id, stores};

/// These orders are being paid, since the time of their number.
async fn paying(store: &MemoryStore, payments: &Payments, orders: &[u64]) {
    let cursors = FollowerCursors::new(Arc::new(store.clone()));
    for &order in orders {
        let mine = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
        let step = Step { begun: vec![(id(order), begun(900_000))], ..Step::default() };
        let through = Sequence(mine.sequence.0 + 1);
        payments.follow((EVENT, FOLLOWER), mine, through, (&step, Timestamp(order))).await.unwrap();
    }
}

fn orders(payments: &[Payment]) -> Vec<u64> {
    payments.iter().map(|payment| payment.id.order.0).collect()
}

#[tokio::test]
async fn what_is_due_comes_in_the_order_of_time_and_no_other_lane_has_it() {
    let (store, payments, _) = stores();
    paying(&store, &payments, &[30, 10, 20]).await;
    let lane = Lane::of(EVENT);
    let due = async |now, most| {
        let due = payments.due(lane, Timestamp(now), most).await.unwrap();
        (orders(&due.payments), due.next_at)
    };
    assert_eq!(due(9, 9).await, (vec![], Some(Timestamp(10))));
    assert_eq!(due(25, 9).await, (vec![10, 20], Some(Timestamp(30))));
    assert_eq!(due(99, 2).await, (vec![10, 20], Some(Timestamp(30))), "the rest is due, too");
    assert_eq!(due(99, 3).await, (vec![10, 20, 30], None));
    let others = Lane::all().filter(|other| *other != lane);
    for other in others {
        assert_eq!(payments.due(other, Timestamp(99), 9).await.unwrap().payments, []);
    }
    // Each has one place, wherever it moves.
    payments.record(&[change(10, 40, vec![created("p10")])]).await.unwrap();
    let moved = payments.due(lane, Timestamp(40), 9).await.unwrap();
    assert_eq!((orders(&moved.payments), moved.next_at), (vec![20, 30], Some(Timestamp(15_040))));
    let cancelled = News::Fact(Fact::Cancelled);
    let released = News::Wanted { want: Want::Release { why: Why::Cancelled }, by: Sequence(9) };
    payments.record(&[change(10, 50, vec![cancelled, released])]).await.unwrap();
    assert_eq!(due(99_000, 9).await, (vec![20, 30], None), "it is settled");
}

#[tokio::test]
async fn what_was_learnt_is_merged_booked_and_found_once_whatever_the_outcome() {
    for fault in [CommitFault::Conflict, CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let (store, payments, ledger) = stores();
        paying(&store, &payments, &[3, 4]).await;
        let released = News::Wanted { want: Want::Release { why: Why::Cancelled }, by: Sequence(9) };
        let news = vec![created("p3"), captured(), released];
        store.inject_commit(fault);
        let rows = payments.record(&[change(3, 20, news.clone()), change(4, 20, vec![created("p4")])]).await;
        let rows = rows.unwrap();
        assert_eq!(orders(&rows), [3, 4]);
        assert_eq!(payments.load(id(3)).await.unwrap().as_ref(), rows.first());
        assert_eq!(rows[0].refunds[&Payment::GIVEN_BACK].amount_minor, PRICE, "nobody sold for it");
        assert_eq!(balance(&ledger, AccountKind::Provider).await, i128::from(PRICE));
        assert_eq!(balance(&ledger, AccountKind::RefundsDue).await, -i128::from(PRICE));
        assert_eq!(payments.referred(PROVIDER, "p3").await.unwrap(), Some(id(3)));
        assert_eq!(payments.referred(PROVIDER, "p5").await.unwrap(), None);
        payments.record(&[change(3, 30, news)]).await.unwrap();
        assert_eq!(balance(&ledger, AccountKind::Provider).await, i128::from(PRICE), "said again");
        let refund = Fact::Refund {
            id: "r1".into(),
            ours: Some(Payment::GIVEN_BACK),
            amount_minor: PRICE,
            standing: RefundStanding::Done,
        };
        let rows = payments.record(&[change(3, 40, vec![News::Fact(refund)])]).await.unwrap();
        assert_eq!(payments.load(id(3)).await.unwrap().as_ref(), rows.first());
        for kind in [AccountKind::Provider, AccountKind::RefundsDue, AccountKind::InFlight] {
            assert_eq!(balance(&ledger, kind).await, 0, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn whoever_follows_the_log_and_a_desk_meet_in_a_row_and_both_are_heard() {
    let (store, payments, _) = stores();
    paying(&store, &payments, &[3]).await;
    let wanted = [change(3, 20, vec![News::Wanted { want: Want::Capture, by: Sequence(9) }])];
    let told = [change(3, 20, vec![created("p3"), captured()])];
    let (first, second) = tokio::join!(payments.record(&wanted), payments.record(&told));
    first.unwrap();
    second.unwrap();
    let row = payments.load(id(3)).await.unwrap().unwrap();
    assert_eq!((row.want, row.facts.captured_minor), (Want::Capture, PRICE));
}

#[tokio::test]
async fn an_event_of_the_provider_is_handled_with_the_row_that_it_told_of() {
    let (store, payments, _) = stores();
    let events = ProviderEvents::new(Arc::new(store.clone()));
    paying(&store, &payments, &[3]).await;
    let id = ProviderEventId { provider: PROVIDER, event: "evt_1".into() };
    let event = ProviderEvent {
        id: id.clone(),
        received_at: Timestamp(9),
        lane: Lane::of(EVENT),
        standing: Standing::Waits,
        headers: Vec::new(),
        body: b"{}".to_vec(),
    };
    assert_eq!(events.keep(&event).await.unwrap(), Kept::Now);
    let mut told = change(3, 20, vec![created("p3")]);
    told.handled.push(id.clone());
    store.inject_commit(CommitFault::UnknownApplied);
    payments.record(&[told]).await.unwrap();
    assert_eq!(events.due(event.lane, None, 9).await.unwrap(), []);
    assert_eq!(events.load(&id).await.unwrap().unwrap().standing, Standing::Handled);
    assert_eq!(events.keep(&event).await.unwrap(), Kept::Before(Standing::Handled));
}

#[tokio::test]
async fn what_has_no_row_is_passed_over_and_holds_up_nothing() {
    let (store, payments, _) = stores();
    paying(&store, &payments, &[3]).await;
    let mut unknown = change(3, 20, vec![created("p")]);
    unknown.payment.event = EventId(99);
    let rows = payments.record(&[unknown.clone(), change(3, 20, vec![created("p3")])]).await.unwrap();
    assert_eq!(orders(&rows), [3]);
    assert_eq!(payments.load(unknown.payment).await.unwrap(), None);
    assert_eq!(payments.referred(PROVIDER, "p3").await.unwrap(), Some(id(3)));
}

#[tokio::test]
async fn every_payment_that_has_a_name_is_found_once_page_by_page() {
    let (store, payments, _) = stores();
    paying(&store, &payments, &[1, 2, 3, 4]).await;
    for (order, name) in [(3, "p3"), (1, "p1"), (2, "p2")] {
        payments.record(&[change(order, 20, vec![created(name)])]).await.unwrap();
    }
    let released = News::Wanted { want: Want::Release { why: Why::Cancelled }, by: Sequence(9) };
    payments.record(&[change(2, 30, vec![News::Fact(Fact::Cancelled), released])]).await.unwrap();
    for most in 1..=4 {
        let (mut found, mut page) = (Vec::new(), None);
        loop {
            let named = payments.named(page, most).await.unwrap();
            assert!(named.payments.len() <= most);
            found.extend(named.payments.into_iter().map(|(row, due_at)| (row.id.order.0, due_at.is_some())));
            page = named.next;
            if page.is_none() {
                break;
            }
        }
        assert_eq!(found, [(1, true), (2, false), (3, true)], "{most} at once");
    }
    let mut transaction = store.begin().await.unwrap();
    transaction.set(&PaymentKey { event: EVENT, order: id(2).order, attempt: 1 }.pack(), &[0xff]);
    transaction.commit().await.unwrap();
    let named = payments.named(None, 9).await.unwrap();
    let found: Vec<_> = named.payments.iter().map(|(row, _)| row.id.order.0).collect();
    assert_eq!((found, named.unreadable.len()), (vec![1, 3], 1), "one that nobody can read hides no other");
}
