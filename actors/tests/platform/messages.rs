//! Messages to people: a lane goes on, whoever hangs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Channel, Letter, Messaging, Reached, Sent, Services};
use tessera_correspondence::{
    Kind, Medium, Messages, Recipient, Said, Want, lane_of, recipient_mark, say_in,
};
use tessera_inventory::{Sequence, Subject};
use tessera_projections::catalogue::{Catalogue, CatalogueEvent, CatalogueRequest};
use tessera_store::keys::{MessageLane, MessagePlace};
use tessera_store::{Table, transact};

use crate::store::TestStore;
use crate::world::{BEGINNING, EVENT, TestClock, World, limits};

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
