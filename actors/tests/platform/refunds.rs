//! Money that goes back: late money, sales that are never paid, and refunds of many orders.

use futures::future::join_all;
use tessera_actors::Clock;
use tessera_inventory::{
    ClaimNumber, CommandBody, EventBody, Payment, Phase, PoolId, RefundAmount, RefundReason, RefundedUnits,
    Sequence, Units,
};
use tessera_money::refund_runs::{Progress, RefundRun, State};
use tessera_payments::{Status, Want, Why};
use tessera_store::keys::RefundRunKey;

use crate::payments::shop::{PRICE, Shop, accepted};
use crate::world::{EVENT, command};

/// Longer than the grace of a payment, and than the life of a hold.
const TOO_LATE_MS: u64 = 3_600_000;
/// As long as the pause after nobody could be called.
const PAUSE_MS: u64 = 300_000;

async fn reasons(shop: &Shop, order: ClaimNumber) -> Vec<RefundReason> {
    let refunded = shop.log_of(order).await.into_iter().filter_map(|body| match body {
        EventBody::TicketsRefunded { reason, .. } => Some(reason),
        _ => None,
    });
    refunded.collect()
}

/// Buyers, each with one ticket that is paid.
async fn sold(shop: &mut Shop, buyers: u128) -> Vec<ClaimNumber> {
    let mut orders = Vec::new();
    for buyer in 1..=buyers {
        orders.push(shop.waits_for_the_buyer(buyer, 1).await);
    }
    for order in &orders {
        let body = shop.provider.happens(*order, 1, Status::Authorised);
        shop.hears(body, true).await;
    }
    for order in &orders {
        shop.until(*order, 1, "it is captured", |row| row.facts.status == Status::Captured).await;
    }
    orders
}

fn run(id: u128, per_second: u32, shop: &Shop) -> RefundRun {
    RefundRun {
        key: RefundRunKey { event: EVENT, run: id },
        organizer: 7,
        ticket_types: Vec::new(),
        units: RefundedUnits::Kill,
        reason: RefundReason::Goodwill,
        per_second,
        through: shop.world.router.published(EVENT).map_or(Sequence::ZERO, |seen| seen.availability.sequence),
        begun_at: shop.world.clock.wall(),
        fingerprint: 1,
        state: State::Runs,
        progress: Progress::default(),
        ended_at: None,
    }
}

async fn until_run(shop: &Shop, key: RefundRunKey, is_so: impl Fn(&RefundRun) -> bool) -> RefundRun {
    let runs = shop.world.platform.till().refund_runs();
    let reached = async {
        loop {
            if let Some(run) = runs.load(key).await.unwrap().filter(&is_so) {
                return run;
            }
            tokio::task::yield_now().await;
        }
    };
    shop.world.flowing(reached).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_38_late_money_buys_anew_what_its_hold_had() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 2).await;
    shop.passes_ms(TOO_LATE_MS);
    let body = shop.provider.happens(order, 1, Status::Captured);
    shop.hears(body.clone(), true).await;
    shop.until(order, 1, "it is sold", |row| row.want == Want::Capture).await;
    shop.is_settled().await;
    shop.hears(body, true).await;
    shop.is_settled().await;
    let paid = shop.provider.paid(order, 1);
    assert_eq!((paid.captured, paid.refunds.len()), (2 * PRICE, 0));
    let log = shop.log_of(order).await;
    let of = |is: fn(&EventBody) -> bool| log.iter().filter(|body| is(body)).count();
    let late = of(|body| matches!(body, EventBody::SoldLate(_)));
    assert_eq!((late, of(|body| matches!(body, EventBody::Confirmed { .. }))), (1, 0), "in one turn");
}

/// What an attempt was authorised for lapses before it is captured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_that_is_never_paid_is_taken_back() {
    let mut shop = Shop::open().await;
    let order = shop.waits_for_the_buyer(1, 2).await;
    shop.provider.books().is_away = true;
    let body = shop.provider.happens(order, 1, Status::Authorised);
    shop.hears(body, true).await;
    shop.until(order, 1, "it is sold", |row| row.want == Want::Capture).await;
    let lapsed = shop.provider.happens(order, 1, Status::Failed);
    shop.hears(lapsed, true).await;
    let unpaid = Want::Release { why: Why::Unpaid };
    shop.until(order, 1, "it is taken back", |row| row.want == unpaid).await;
    shop.provider.books().is_away = false;
    shop.is_settled().await;
    assert_eq!(reasons(&shop, order).await, [RefundReason::Unpaid]);
    let seen = shop.world.router.published(EVENT).unwrap();
    assert_eq!(seen.availability.pools[0].sold, 0, "its units are for sale again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refunded_while_no_provider_is_configured_is_given_back_once_it_is_there_again() {
    let mut shop = Shop::open().await;
    let order = sold(&mut shop, 1).await[0];
    shop.is_settled().await;
    let shop = shop.loses_its_provider().await;
    let body = CommandBody::RefundTickets {
        order,
        tickets: vec![0],
        amount: RefundAmount::Full,
        reason: RefundReason::Goodwill,
        units: RefundedUnits::Kill,
    };
    shop.organizer(body).await;
    shop.until(order, 1, "its refund is wanted", |row| !row.refunds.is_empty()).await;
    let is_tried =
        |row: &tessera_payments::Payment| row.refunds.values().any(|refund| refund.calls.tries > 0);
    let tried = shop.until(order, 1, "somebody sees that nobody can give it back", is_tried).await;
    let again_at = tried.refunds.values().map(|refund| refund.calls.next_at).max().unwrap();
    assert!(again_at > shop.world.clock.wall().plus_ms(PAUSE_MS / 2), "and not at once again");
    assert!(shop.provider.paid(order, 1).refunds.is_empty(), "nobody is there to ask the provider");
    let shop = shop.crashes().await;
    shop.passes_ms(PAUSE_MS);
    shop.is_settled().await;
    assert_eq!(shop.provider.paid(order, 1).refunds.values().sum::<i64>(), PRICE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_run_that_is_killed_goes_on_and_gives_nothing_back_twice() {
    let mut shop = Shop::open().await;
    let orders = sold(&mut shop, 30).await;
    let run = run(5, 20, &shop);
    let till = shop.world.platform.till();
    till.refund_runs().begin(&run).await.unwrap();
    till.run_goes_on();
    let first = until_run(&shop, run.key, |run| run.progress.asked > 0).await;
    assert_eq!((first.progress.asked, first.state), (20, State::Runs));
    let shop = shop.crashes().await;
    let done = until_run(&shop, run.key, |run| run.state == State::Done).await;
    let Progress { asked, refunded, failed, amount_minor, .. } = done.progress;
    assert_eq!((asked, refunded, failed, amount_minor), (30, 30, 0, 30 * PRICE));
    for order in &orders {
        shop.until(*order, 1, "it is given back", |row| row.facts.refunded_minor() == PRICE).await;
        assert_eq!(shop.provider.paid(*order, 1).refunds.len(), 1);
        assert_eq!(reasons(&shop, *order).await, [RefundReason::Goodwill]);
    }
    shop.is_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_stands_still_while_it_is_paused() {
    let mut shop = Shop::open().await;
    let orders = sold(&mut shop, 3).await;
    let run = run(6, 1, &shop);
    let till = shop.world.platform.till();
    till.refund_runs().begin(&run).await.unwrap();
    till.run_goes_on();
    until_run(&shop, run.key, |run| run.progress.asked == 1).await;
    let paused = till.refund_runs().set_paused(run.key, true).await.unwrap().unwrap();
    assert_eq!(paused.state, State::Paused);
    shop.passes_ms(60_000);
    // The clerk has had its turn again, and more than one: another run, of tickets that nobody has, goes over all orders and ends.
    let other = RefundRun { ticket_types: vec![99], ..self::run(7, 1, &shop) };
    till.refund_runs().begin(&other).await.unwrap();
    till.run_goes_on();
    let other = until_run(&shop, other.key, |run| run.state == State::Done).await;
    assert_eq!((other.progress.asked, other.progress.refunded), (3, 0));
    assert_eq!(till.refund_runs().load(run.key).await.unwrap(), Some(paused), "it stands still");
    let mut refunded = 0;
    for order in &orders {
        refunded += reasons(&shop, *order).await.len();
    }
    assert_eq!(refunded, 1, "nothing was given back meanwhile");
    till.refund_runs().set_paused(run.key, false).await.unwrap();
    till.run_goes_on();
    let done = until_run(&shop, run.key, |run| run.state == State::Done).await;
    assert_eq!((done.progress.asked, done.progress.refunded), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_faster_than_a_page_is_long_goes_page_by_page_at_its_pace() {
    const ORDERS: u64 = 70;
    let mut shop = Shop::open().await;
    sold(&mut shop, ORDERS.into()).await;
    let run = run(8, 128, &shop);
    let till = shop.world.platform.till();
    till.refund_runs().begin(&run).await.unwrap();
    till.run_goes_on();
    let first = until_run(&shop, run.key, |run| run.progress.asked > 0).await;
    assert_eq!(first.progress.asked, 64, "as many as are asked for at once");
    let done = until_run(&shop, run.key, |run| run.state == State::Done).await;
    let Progress { asked, refunded, failed, amount_minor, .. } = done.progress;
    assert_eq!((asked, refunded, failed, amount_minor), (ORDERS, ORDERS, 0, 70 * PRICE));
    let took_ms = done.ended_at.unwrap().0 - run.begun_at.0;
    assert!(took_ms >= 1_000 * ORDERS / 128, "{took_ms} ms are too few for {ORDERS} orders at 128 a second");
    shop.is_settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_is_cancelled_refunds_its_orders_by_itself() {
    let mut shop = Shop::open().await;
    let orders = sold(&mut shop, 5).await;
    // One of them has its money back already.
    let gone = CommandBody::RefundTickets {
        order: orders[0],
        tickets: vec![0],
        amount: RefundAmount::Full,
        reason: RefundReason::Organizer,
        units: RefundedUnits::Restock,
    };
    shop.organizer(gone).await;
    shop.organizer(CommandBody::ChangePhase { to: Phase::Cancelled }).await;
    for order in &orders {
        shop.until(*order, 1, "it is given back", |row| row.facts.refunded_minor() == PRICE).await;
    }
    let runs = shop.world.platform.till().refund_runs().list(EVENT).await.unwrap();
    let done = until_run(&shop, runs[0].key, |run| run.state == State::Done).await;
    assert_eq!((runs.len(), done.progress.refunded, done.reason), (1, 4, RefundReason::Cancelled));
    shop.is_settled().await;
    assert_eq!(
        join_all(orders.iter().map(|order| reasons(&shop, *order))).await[1],
        [RefundReason::Cancelled]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_paid_by_hand_is_given_back_by_no_cancellation_but_by_whoever_took_it() {
    let mut shop = Shop::open().await;
    let by_provider = sold(&mut shop, 1).await[0];
    let by_hand = shop.hold(2, 1).await;
    let begin = CommandBody::BeginPayment { hold: by_hand, provider: None, extra_subjects: Vec::new() };
    accepted(shop.world.ask(EVENT, command(2, 2_000, begin)).await);
    let confirm = CommandBody::Confirm { order: by_hand, payment: Payment::Offline, attempt: None };
    shop.organizer(confirm).await;
    shop.organizer(CommandBody::ChangePhase { to: Phase::Cancelled }).await;
    let is_given_back = |row: &tessera_payments::Payment| row.facts.refunded_minor() == PRICE;
    shop.until(by_provider, 1, "it is given back", is_given_back).await;
    let runs = shop.world.platform.till().refund_runs();
    let cancelled = runs.list(EVENT).await.unwrap()[0].key;
    let done = until_run(&shop, cancelled, |run| run.state == State::Done).await;
    assert_eq!((done.progress.asked, done.progress.refunded), (2, 1));
    assert_eq!(reasons(&shop, by_hand).await, [], "its buyer waits for the money");
    let asked = run(9, 50, &shop);
    runs.begin(&asked).await.unwrap();
    shop.world.platform.till().run_goes_on();
    let done = until_run(&shop, asked.key, |run| run.state == State::Done).await;
    assert_eq!((done.progress.asked, done.progress.refunded), (2, 1));
    assert_eq!(reasons(&shop, by_hand).await, [RefundReason::Goodwill], "as the organizer has said");
    shop.is_settled().await;
}

/// Somebody else has what the hold had.
pub(crate) async fn nothing_is_left(shop: &Shop, units: u32) {
    shop.organizer(CommandBody::Kill(Units::Pool { pool: PoolId(0), quantity: units })).await;
}
