//! Payments behind running writers: what is sold, captured and given back, whatever is late, lost, or ends in between.

pub(crate) mod provider;
pub(crate) mod shop;

use futures::future::join_all;
use tessera_actors::Clock;
use tessera_inventory::{
    ClaimNumber, CommandBody, EventBody, Phase, RefundAmount, RefundReason, RefundedUnits, Subject, Timestamp,
};
use tessera_money::Lane;
use tessera_money::contacts::{Contact, UNPAID_MS};
use tessera_money::payments::{Judge, Payments};
use tessera_money::provider_events::Standing;
use tessera_payments::{Operation, Status, Want, Why};
use tessera_store::Table;
use tessera_store::keys::PaymentContactKey;

use crate::world::EVENT;
use provider::Fate;
use shop::{PRICE, Shop};

/// Longer than the grace of a payment, and than the life of a hold.
const TOO_LATE_MS: u64 = 3_600_000;

/// The kinds of what the log says of an order: hold, begin, fail, confirm, refund, expire.
async fn turns(shop: &Shop, order: ClaimNumber) -> String {
    let letter = |body: &EventBody| match body {
        EventBody::HoldPlaced(_) => 'h',
        EventBody::PaymentBegun { .. } => 'b',
        EventBody::PaymentFailed { .. } => 'f',
        EventBody::Confirmed { .. } => 'c',
        EventBody::TicketsRefunded { .. } => 'r',
        EventBody::SoldLate(_) => 'l',
        _ => 'e',
    };
    shop.log_of(order).await.iter().map(letter).collect()
}

/// It is sold for this attempt, and the money is ours.
async fn is_sold(shop: &Shop, order: ClaimNumber, attempt: u8) {
    let is_captured =
        |row: &tessera_payments::Payment| row.want == Want::Capture && row.facts.status == Status::Captured;
    shop.until(order, attempt, "it is captured", is_captured).await;
    let sold = shop.log_of(order).await.into_iter().filter_map(|body| match body {
        EventBody::Confirmed { attempt, .. } => Some(attempt),
        _ => None,
    });
    assert_eq!(sold.collect::<Vec<_>>(), [Some(attempt)], "it is sold once");
    shop.is_settled().await;
}

/// The buyer's money is set aside, and the provider says so.
async fn pays(shop: &mut Shop, order: ClaimNumber, attempt: u8) {
    let body = shop.provider.happens(order, attempt, Status::Authorised);
    shop.hears(body, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_pays_has_the_order_in_three_turns() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 3).await;
    let mut written = shop.world.platform.till().rows_written(EVENT, order);
    pays(&mut shop, order, 1).await;
    let row = shop.world.flowing(written.next()).await;
    assert_eq!((row.id.order, row.id.attempt), (order, 1));
    is_sold(&shop, order, 1).await;
    assert_eq!(shop.provider.paid(order, 1).captured, 3 * PRICE);
    assert_eq!(turns(&shop, order).await, "hbc");
    assert_eq!(shop.provider.books().calls, [Operation::Create, Operation::Capture]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decline_gives_the_hold_back_and_the_next_attempt_buys_it() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 1).await;
    let body = shop.provider.happens(order, 1, Status::Failed);
    // The same, again and again: it counts once.
    for _ in 0..20 {
        shop.hears(body.clone(), true).await;
    }
    let failed = Want::Release { why: Why::Failed };
    shop.until(order, 1, "the log was told", |row| row.want == failed).await;
    shop.begin(1, order, 2).await;
    shop.until(order, 2, "its page is known", |row| row.facts.page.is_some()).await;
    pays(&mut shop, order, 2).await;
    is_sold(&shop, order, 2).await;
    assert_eq!(turns(&shop, order).await, "hbfbc");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_on_the_way_is_asked_for_again() {
    let shop = Shop::open().await;
    // The answers to the creation and to the capture; and no webhook comes at all.
    shop.provider.books().fates.extend([(1, Fate::Lost), (4, Fate::Lost)]);
    let order = shop.waits_for_the_buyer(1, 1).await;
    shop.provider.happens(order, 1, Status::Authorised);
    is_sold(&shop, order, 1).await;
    assert_eq!(shop.provider.books().payments.len(), 1, "it was created once");
    assert_eq!(turns(&shop, order).await, "hbc");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_money_buys_the_hold_while_it_lives() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 1).await;
    shop.provider.books().is_away = true;
    shop.organizer(CommandBody::PaymentFailed { order, attempt: None }).await;
    shop.until(order, 1, "it is let go", |row| matches!(row.want, Want::Release { .. })).await;
    let body = shop.provider.happens(order, 1, Status::Captured);
    shop.hears(body, true).await;
    shop.until(order, 1, "it is sold", |row| row.want == Want::Capture).await;
    shop.provider.books().is_away = false;
    is_sold(&shop, order, 1).await;
    assert_eq!(turns(&shop, order).await, "hbfc");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_38_money_that_comes_after_the_hold_is_given_back_once() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 2).await;
    shop.provider.books().is_away = true;
    shop.passes_ms(TOO_LATE_MS);
    let expired = Want::Release { why: Why::Expired };
    shop.until(order, 1, "its time is up", |row| row.want == expired).await;
    crate::refunds::nothing_is_left(&shop, 1_000).await;
    let body = shop.provider.happens(order, 1, Status::Captured);
    shop.hears(body.clone(), true).await;
    shop.until(order, 1, "it is refused", |row| row.asked.refused).await;
    shop.provider.books().is_away = false;
    shop.is_settled().await;
    shop.hears(body, true).await;
    shop.is_settled().await;
    let paid = shop.provider.paid(order, 1);
    assert_eq!((paid.captured, paid.refunds.into_values().collect()), (2 * PRICE, vec![2 * PRICE]));
    assert_eq!(turns(&shop, order).await, "hbe");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorisation_that_comes_after_the_hold_is_called_off() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 1).await;
    shop.provider.books().is_away = true;
    shop.passes_ms(TOO_LATE_MS);
    let expired = Want::Release { why: Why::Expired };
    shop.until(order, 1, "its time is up", |row| row.want == expired).await;
    crate::refunds::nothing_is_left(&shop, 1_000).await;
    pays(&mut shop, order, 1).await;
    shop.until(order, 1, "it is heard of", |row| row.facts.status == Status::Authorised).await;
    shop.provider.books().is_away = false;
    shop.until(order, 1, "it is called off", |row| row.facts.status == Status::Cancelled).await;
    assert_eq!(shop.provider.paid(order, 1).captured, 0);
    assert_eq!(turns(&shop, order).await, "hbe");
    shop.is_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_attempts_the_first_money_buys_and_the_other_is_called_off() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 1).await;
    shop.provider.books().is_away = true;
    shop.organizer(CommandBody::PaymentFailed { order, attempt: Some(1) }).await;
    shop.begin(1, order, 2).await;
    shop.until(order, 2, "its page is known", |row| row.facts.page.is_some()).await;
    let body = shop.provider.happens(order, 1, Status::Captured);
    shop.hears(body, true).await;
    shop.until(order, 1, "the first has bought it", |row| row.want == Want::Capture).await;
    shop.provider.books().is_away = false;
    is_sold(&shop, order, 1).await;
    shop.until(order, 2, "the other is called off", |row| row.facts.status == Status::Cancelled).await;
    assert_eq!(turns(&shop, order).await, "hbfbc");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_that_are_refunded_are_given_back_by_the_provider_that_took_the_money() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 3).await;
    pays(&mut shop, order, 1).await;
    is_sold(&shop, order, 1).await;
    for tickets in [vec![1], vec![0, 2]] {
        let (amount, reason, units) = (RefundAmount::Full, RefundReason::Organizer, RefundedUnits::Restock);
        shop.organizer(CommandBody::RefundTickets { order, tickets, amount, reason, units }).await;
    }
    shop.until(order, 1, "both are done", |row| row.facts.refunds.len() == 2).await;
    let given: Vec<_> = shop.provider.paid(order, 1).refunds.into_values().collect();
    assert_eq!(given, [PRICE, 2 * PRICE]);
    shop.is_settled().await;
}

/// Where a process ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Nobody has followed the log yet.
    Begun,
    /// In a call that was counted so.
    Called(usize, Fate),
    /// A webhook is kept, and nobody was told.
    Kept,
    /// The log has sold; nobody has followed it yet.
    Sold,
}

async fn hangs(shop: &Shop) {
    shop.world.flows_until("a call hangs", || shop.provider.books().hanging > 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_at_any_step_leaves_an_order_that_is_sold_once() {
    let ends = [
        End::Begun,
        End::Called(1, Fate::NeverArrives),
        End::Called(1, Fate::NeverAnswered),
        End::Kept,
        End::Sold,
        End::Called(2, Fate::NeverArrives),
        End::Called(2, Fate::NeverAnswered),
    ];
    for end in ends {
        let mut shop = Shop::open().await;
        if let End::Called(call, fate) = end {
            shop.provider.books().fates.insert(call, fate);
        }
        let order = shop.hold(1, 1).await;
        shop.begin(1, order, 1).await;
        if let End::Called(1, _) = end {
            hangs(&shop).await;
        }
        if matches!(end, End::Begun | End::Called(1, _)) {
            shop = shop.crashes().await;
        }
        shop.until(order, 1, "its page is known", |row| row.facts.page.is_some()).await;
        let body = shop.provider.happens(order, 1, Status::Authorised);
        let is_told = !matches!(end, End::Kept);
        shop.hears(body, is_told).await;
        match end {
            End::Called(2, _) => hangs(&shop).await,
            End::Sold => {
                let mut moved = shop.world.router.subscribe(EVENT).unwrap();
                let sold = async { moved.wait_for(|sequence| sequence.0 >= order.0 + 2).await.map(|_| ()) };
                shop.world.flowing(sold).await.unwrap();
            }
            End::Begun | End::Kept | End::Called(..) => {}
        }
        if matches!(end, End::Kept | End::Sold | End::Called(2, _)) {
            shop = shop.crashes().await;
        }
        is_sold(&shop, order, 1).await;
        assert_eq!(shop.provider.books().payments.len(), 1, "{end:?}: it was created once");
        assert_eq!(turns(&shop, order).await, "hbc", "{end:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cancellation_of_an_event_lets_all_its_payments_go() {
    const BUYERS: u128 = 600;
    let shop = Shop::open().await;
    let orders = join_all((1..=BUYERS).map(|buyer| shop.hold(buyer, 1))).await;
    join_all(orders.iter().zip(1..).map(|(order, buyer)| shop.begin(buyer, *order, 1))).await;
    for order in &orders {
        shop.until(*order, 1, "its page is known", |row| row.facts.page.is_some()).await;
    }
    shop.organizer(CommandBody::ChangePhase { to: Phase::Cancelled }).await;
    for order in &orders {
        let cancelled = Want::Release { why: Why::Cancelled };
        shop.until(*order, 1, "it is let go", |row| row.want == cancelled && row.facts.is_over()).await;
    }
    let called_off = |paid: &&provider::Paid| paid.status == Status::Cancelled;
    let count = shop.provider.books().payments.values().filter(called_off).count();
    assert_eq!(count, orders.len(), "each was created once, and called off");
    let table: std::sync::Arc<dyn Table> = shop.world.store.clone();
    let judge = Judge { providers: Default::default() };
    let left = Payments::new(table, judge).in_flight(EVENT, None, 1).await.unwrap();
    assert_eq!(left, [], "the log waits for none of them");
    shop.is_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_said_is_dropped_once_it_is_handled_or_given_up() {
    const WEEK_MS: u64 = 7 * 86_400_000;
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 1).await;
    pays(&mut shop, order, 1).await;
    is_sold(&shop, order, 1).await;
    assert_eq!(shop.stands(1, Standing::Handled).await.body, b"");
    shop.hears(b"nobody reads this".to_vec(), true).await;
    assert_eq!(shop.stands(2, Standing::Unparsed).await.body, b"nobody reads this");
    shop.passes_ms(WEEK_MS);
    assert_eq!(shop.stands(2, Standing::Handled).await.body, b"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_said_that_is_configured_no_more_is_dropped_after_a_week() {
    const WEEK_MS: u64 = 7 * 86_400_000;
    let mut shop = Shop::open().await;
    shop.hears(b"nobody reads this".to_vec(), true).await;
    shop.stands(1, Standing::Unparsed).await;
    let shop = shop.loses_its_provider().await;
    shop.passes_ms(WEEK_MS);
    assert_eq!(shop.stands(1, Standing::Handled).await.body, b"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_buyer_is_reached_is_forgotten_a_week_after_a_hold_that_was_never_paid() {
    let mut shop = Shop::open().await;
    let contacts = shop.world.platform.till().contacts();
    let table: std::sync::Arc<dyn Table> = shop.world.store.clone();
    let ada = Contact { email: Some("ada@example.com".to_owned()), ..Contact::default() };
    // Nobody can read it, and it is the first of all.
    let broken = PaymentContactKey { event: EVENT, order: ClaimNumber(0) };
    contacts.keep(broken, Subject(9), &ada, shop.world.clock.wall()).await.unwrap();
    let mut transaction = table.begin().await.unwrap();
    transaction.set(&broken.pack(), &[0xff]);
    transaction.commit().await.unwrap();
    let (paid, unpaid) = (shop.waits_for_the_buyer(1, 1).await, shop.waits_for_the_buyer(2, 1).await);
    for order in [paid, unpaid] {
        let (key, now) = (PaymentContactKey { event: EVENT, order }, shop.world.clock.wall());
        contacts.keep(key, Subject(u128::from(order.0)), &ada, now).await.unwrap();
    }
    pays(&mut shop, paid, 1).await;
    is_sold(&shop, paid, 1).await;
    shop.passes_ms(TOO_LATE_MS);
    let expired = Want::Release { why: Why::Expired };
    shop.until(unpaid, 1, "its time is up", |row| row.want == expired).await;
    shop.passes_ms(UNPAID_MS);
    let end = Timestamp(u64::MAX);
    let looked_at = async {
        while contacts.due(Lane::of(EVENT), None, end, 9).await.unwrap().len() > 1 {
            tokio::task::yield_now().await;
        }
    };
    shop.world.flowing(looked_at).await;
    assert_eq!(contacts.load(EVENT, unpaid).await.unwrap(), None);
    assert_eq!(contacts.load(EVENT, paid).await.unwrap(), Some(ada));
}
