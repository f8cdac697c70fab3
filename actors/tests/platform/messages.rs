//! Messages to people: a lane goes on, whoever hangs; a broadcast reaches everybody who has bought.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Channel, Letter, Messaging, Reached, Sent, Services};
use tessera_correspondence::{
    Begun, Broadcast, BroadcastState, Broadcasts, Kind, Medium, Messages, Recipient, Said, Want, lane_of,
    recipient_mark, say_in,
};
use tessera_inventory::{ClaimNumber, CommandBody, EventBody, Payment, Phase, Sequence, Subject};
use tessera_projections::catalogue::{Catalogue, CatalogueEvent, CatalogueRequest};
use tessera_store::keys::{MessageLane, MessagePlace};
use tessera_store::{Table, transact};

use crate::payments::shop::accepted;
use crate::store::TestStore;
use crate::world::{BEGINNING, EVENT, GIVE_UP, TestClock, World, command, limits};

const ACCOUNT: &str = "post";

/// A channel through which the first so many people are never reached, and never answer.
struct Post {
    medium: Medium,
    hanging: u128,
    sent: Mutex<Vec<u128>>,
}

impl Post {
    fn new(medium: Medium, hanging: u128) -> Arc<Post> {
        Arc::new(Post { medium, hanging, sent: Mutex::default() })
    }

    fn reached(&self) -> BTreeSet<u128> {
        self.sent.lock().unwrap().iter().copied().filter(|subject| *subject > self.hanging).collect()
    }
}

impl Channel for Post {
    fn medium(&self) -> Medium {
        self.medium
    }

    fn account(&self) -> &'static str {
        ACCOUNT
    }

    fn per_second(&self) -> u32 {
        1_000
    }

    fn address(&self, _: &Reached) -> Option<String> {
        Some("somewhere".to_owned())
    }

    fn send(&self, letter: Letter) -> BoxFuture<'static, Sent> {
        let subject = letter.want.recipient.subject.0;
        self.sent.lock().unwrap().push(subject);
        if subject <= self.hanging {
            return futures::future::pending().boxed();
        }
        futures::future::ready(Sent::Taken).boxed()
    }
}

pub(crate) async fn in_the_catalogue(store: &Arc<TestStore>) {
    let card = CatalogueEvent {
        event: EVENT,
        organizer: 7,
        name: "Test".to_owned(),
        starts_at: BEGINNING.plus_ms(3_600_000),
        zone: "Europe/Berlin".to_owned(),
        ends_at: None,
        place: String::new(),
        created_at: BEGINNING,
        changed_at: BEGINNING,
        changes: 0,
    };
    let request = CatalogueRequest { digest: 1, fingerprint: 1 };
    Catalogue::new(store.clone() as Arc<dyn Table>).create(&card, request).await.unwrap();
}

fn want(subject: u128) -> Want {
    let (subject, kind) = (Subject(subject), Kind::PaymentFailed);
    let place = MessagePlace {
        at: BEGINNING,
        event: EVENT,
        sequence: Sequence(9),
        recipient: recipient_mark(subject),
        kind: kind.number(),
    };
    Want {
        place,
        kind,
        recipient: Recipient { subject, order: None },
        order: None,
        tickets: Vec::new(),
        dispute: None,
        is_giver: false,
        expires_at: None,
        due_at: BEGINNING,
        attempts: 0,
        last_error: None,
    }
}

/// So many people are to be told something.
async fn waits(store: &Arc<TestStore>, lane: &MessageLane, people: u128) {
    let said = &Said { wants: (1..=people).map(want).collect(), ..Said::default() };
    let lanes = std::slice::from_ref(lane);
    transact(store.as_ref() as &dyn Table, |mut transaction| async move {
        say_in(transaction.as_mut(), said, lanes).await?;
        Ok((transaction, ()))
    })
    .await
    .unwrap();
}

/// Everybody who answers is told though others never do, and that is kept.
async fn all_but_who_hangs_are_told(medium: Medium, hanging: u128, people: u128) {
    let (store, lane) = (Arc::<TestStore>::default(), lane_of(medium, ACCOUNT));
    in_the_catalogue(&store).await;
    waits(&store, &lane, people).await;
    let post = Post::new(medium, hanging);
    let messaging = Messaging { channels: vec![post.clone()], reminder_before_ms: 0 };
    let services = Services { messaging: Some(messaging), ..Services::default() };
    let world = World::with(store.clone(), TestClock::new(), limits(), 1, services).await;
    let expected: BTreeSet<_> = (hanging + 1..=people).collect();
    world.flows_until("all others are told", || post.reached() == expected).await;
    let messages = Messages::new(store.clone() as Arc<dyn Table>);
    let waiting = async {
        loop {
            let waiting = messages.pending(&lane, None, 200).await.unwrap();
            if waiting.len() as u128 == hanging {
                return waiting;
            }
            tokio::task::yield_now().await;
        }
    };
    let waiting = world.flowing(waiting).await;
    assert!(waiting.iter().all(|want| want.recipient.subject.0 <= hanging));
    let account = messages.account(&lane).await.unwrap();
    assert_eq!((account.failures, account.paused_until), (0, None));
    let sent = post.sent.lock().unwrap();
    assert_eq!(sent.len() as u128, people, "each once: {sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_goes_on_while_seven_addresses_hang() {
    all_but_who_hangs_are_told(Medium::Email, 7, 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_strangers_name_the_addresses_a_lane_goes_on_while_more_hang_than_it_has_places() {
    all_but_who_hangs_are_told(Medium::Push, 20, 60).await;
}

/// A free ticket for each of so many buyers.
pub(crate) async fn sells(world: &World, buyers: u128) {
    for buyer in 1..=buyers {
        let hold = ClaimNumber(accepted(world.hold(EVENT, buyer).await).0);
        let begin = CommandBody::BeginPayment { hold, provider: None, extra_subjects: Vec::new() };
        accepted(world.ask(EVENT, command(buyer, 10_000 + buyer, begin)).await);
        let confirm = CommandBody::Confirm { order: hold, payment: Payment::Free, attempt: None };
        accepted(world.ask(EVENT, command(buyer, 20_000 + buyer, confirm)).await);
    }
}

/// A message to everybody who has a ticket, which nobody has heard of yet.
pub(crate) async fn ordered(store: &Arc<TestStore>) -> Broadcast {
    let broadcast = Broadcast {
        event: EVENT,
        run: 0,
        kind: Kind::Announcement,
        variables: Vec::new(),
        request: 1,
        created_at: BEGINNING,
        not_before: BEGINNING,
        expires_at: None,
        state: BroadcastState::Running,
        cursor: None,
        orders: 0,
        recipients: 0,
    };
    let broadcasts = Broadcasts::new(store.clone() as Arc<dyn Table>);
    match broadcasts.begin(&broadcast).await.unwrap() {
        Begun::Runs(begun) => begun,
        Begun::TooMany => panic!("it is the first"),
    }
}

/// The broadcast, once it is done.
pub(crate) async fn done(world: &World, ordered: &Broadcast) -> Broadcast {
    let broadcasts = Broadcasts::new(world.store.clone() as Arc<dyn Table>);
    let done = async {
        loop {
            let found = broadcasts.get(ordered.event, ordered.run).await.unwrap().unwrap();
            if found.state == BroadcastState::Done {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    world.flowing(done).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_reaches_those_whose_orders_have_no_rows_yet() {
    const BUYERS: u64 = 5;
    let (store, clock) = (Arc::<TestStore>::default(), TestClock::new());
    in_the_catalogue(&store).await;
    let world = World::on(store.clone(), clock.clone(), limits(), 1).await;
    world.on_sale(EVENT, 100).await;
    world.followed(EVENT).await;
    // What is sold from now on is in the log and in no rows; the process ends as by a crash.
    store.holds_every_begin.store(true, Ordering::Release);
    world.flowing(sells(&world, BUYERS.into())).await;
    drop(world);
    store.holds_every_begin.store(false, Ordering::Release);
    let ordered = ordered(&store).await;
    let messaging = Messaging { channels: Vec::new(), reminder_before_ms: 0 };
    let services = Services { messaging: Some(messaging), ..Services::default() };
    // The event sleeps here: nobody else follows its log.
    let world = World::with(store, clock, limits(), 2, services).await;
    let done = done(&world, &ordered).await;
    assert_eq!((done.orders, done.recipients), (BUYERS, BUYERS));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_whose_log_cannot_be_read_reaches_those_whose_orders_have_rows() {
    const BUYERS: u64 = 5;
    let (store, clock) = (Arc::<TestStore>::default(), TestClock::new());
    in_the_catalogue(&store).await;
    let world = World::on(store.clone(), clock.clone(), limits(), 1).await;
    world.on_sale(EVENT, 100).await;
    world.flowing(sells(&world, BUYERS.into())).await;
    world.followed(EVENT).await;
    world.flowing(world.platform.drain(GIVE_UP)).await;
    drop(world);
    // The rows lag behind a log of which nothing can be read any more.
    store.is_damaged.store(true, Ordering::Release);
    store.log(EVENT, BEGINNING, vec![EventBody::PhaseChanged { to: Phase::Paused }]).await;
    let ordered = ordered(&store).await;
    let messaging = Messaging { channels: Vec::new(), reminder_before_ms: 0 };
    let services = Services { messaging: Some(messaging), ..Services::default() };
    let world = World::with(store, clock, limits(), 2, services).await;
    let done = done(&world, &ordered).await;
    assert_eq!((done.orders, done.recipients), (BUYERS, BUYERS));
}
