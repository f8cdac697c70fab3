//! An event that sells through a provider, and whoever looks at its books.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tessera_actors::{Answer, Clock, Provider, Services, Till};
use tessera_inventory::{
    ClaimNumber, CommandBody, Config, Event, EventBody, LineRequest, PlaceHold, Sequence, Subject, Subjects,
    TicketTypeId, Timestamp, Want,
};
use tessera_ledger::{Account, AccountKind};
use tessera_money::Lane;
use tessera_money::ledger::Ledger;
use tessera_money::provider_events::{ProviderEvent, Standing};
use tessera_payments::{Payment, ProviderEventId};
use tessera_projections::catalogue::{Catalogue, CatalogueEvent, CatalogueRequest};
use tessera_projections::installation::Installation;
use tessera_store::Table;
use tessera_writer::Ask;

use super::provider::{PROVIDER, Paid, Scripted};
use crate::store::TestStore;
use crate::world::{BEGINNING, EVENT, TestClock, World, command, config, limits, organizer};

pub(crate) const PRICE: i64 = 1_000;
const ORGANIZER: u128 = 7;
/// A state that is not reached within this real time fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that sells, over a store that outlives it.
pub(crate) struct Shop {
    pub(crate) world: World,
    pub(crate) provider: Arc<Scripted>,
    told: u64,
    seed: u64,
}

impl Shop {
    /// It sells units of [`PRICE`].
    pub(crate) async fn open() -> Shop {
        let (store, provider) = (Arc::<TestStore>::default(), Arc::<Scripted>::default());
        prepare(store.clone()).await;
        let world = start(&store, &TestClock::new(), Some(&provider), 1).await;
        world.configured(EVENT, priced()).await;
        let to = tessera_inventory::Phase::OnSale;
        accepted(world.ask(EVENT, organizer(CommandBody::ChangePhase { to })).await);
        Shop { world, provider, told: 0, seed: 1 }
    }

    /// The process ends like a crash, and another begins.
    pub(crate) async fn crashes(self) -> Shop {
        self.begins_anew(true).await
    }

    /// The process ends like a crash, and another begins, in which nobody is paid through a provider.
    pub(crate) async fn loses_its_provider(self) -> Shop {
        self.begins_anew(false).await
    }

    async fn begins_anew(self, has_provider: bool) -> Shop {
        let Shop { world, provider, told, seed } = self;
        let (store, clock) = (world.store.clone(), world.clock.clone());
        drop(world);
        provider.books().hanging = 0;
        let world = start(&store, &clock, Some(&provider).filter(|_| has_provider), seed + 1).await;
        Shop { world, provider, told, seed: seed + 1 }
    }

    /// Buyer number `buyer` holds this many units.
    pub(crate) async fn hold(&self, buyer: u128, quantity: u16) -> ClaimNumber {
        ClaimNumber(accepted(self.ask(holds(buyer, quantity)).await).0)
    }

    /// It begins to pay, for the `attempt`-th time.
    pub(crate) async fn begin(&self, buyer: u128, hold: ClaimNumber, attempt: u8) {
        accepted(self.ask(begins(buyer, hold, attempt)).await);
    }

    pub(crate) async fn organizer(&self, body: CommandBody) {
        accepted(self.ask(organizer(body)).await);
    }

    async fn ask(&self, ask: Ask) -> Answer {
        self.world.ask(EVENT, ask).await
    }

    /// A hold whose payment is created at the provider.
    pub(crate) async fn waits_for_the_buyer(&self, buyer: u128, quantity: u16) -> ClaimNumber {
        let hold = self.hold(buyer, quantity).await;
        self.begin(buyer, hold, 1).await;
        self.until(hold, 1, "its page is known", |row| row.facts.page.is_some()).await;
        hold
    }

    /// A webhook comes; whoever looks after its lane is told, or nobody.
    pub(crate) async fn hears(&mut self, body: Vec<u8>, is_told: bool) {
        self.told += 1;
        let till = self.world.platform.till();
        let event = keep(&till, self.told, self.world.clock.wall(), body).await;
        if is_told {
            let heard = self.provider.read(&event.body);
            till.was_told(event, heard);
        }
    }

    /// The webhook of this number, once it stands so.
    pub(crate) async fn stands(&self, number: u64, standing: Standing) -> ProviderEvent {
        let (events, id) = (self.world.platform.till().provider_events(), named(number));
        let stands = async {
            loop {
                let event = events.load(&id).await.unwrap().expect("it is kept for ever");
                if event.standing == standing {
                    return event;
                }
                tokio::task::yield_now().await;
            }
        };
        self.world.flowing(stands).await
    }

    /// The row of an attempt once it is so, while time flows.
    pub(crate) async fn until(
        &self,
        order: ClaimNumber,
        attempt: u8,
        what: &str,
        is_so: impl Fn(&Payment) -> bool,
    ) -> Payment {
        let till = self.world.platform.till();
        let began = Instant::now();
        loop {
            let rows = till.attempts(EVENT, order).await.unwrap();
            let row = rows.iter().find(|row| row.id.attempt == attempt);
            if let Some(row) = row.filter(|row| is_so(row)) {
                return row.clone();
            }
            assert!(began.elapsed() < PATIENCE, "this was not reached: {what}: {row:?}");
            let mut has_passed = false;
            self.world.flows_until("a moment", || std::mem::replace(&mut has_passed, true)).await;
        }
    }

    /// What the log says of an order.
    pub(crate) async fn log_of(&self, order: ClaimNumber) -> Vec<EventBody> {
        let changes =
            self.world.router.changes(EVENT, Sequence::ZERO, tessera_actors::CHANGES_MAX).await.unwrap();
        let is_its = |(sequence, logged): &(Sequence, Arc<Event>)| match &logged.body {
            EventBody::HoldPlaced(_) => sequence.0 == order.0,
            EventBody::PaymentBegun { order: of, .. }
            | EventBody::PaymentFailed { order: of, .. }
            | EventBody::Confirmed { order: of, .. }
            | EventBody::TicketsRefunded { order: of, .. }
            | EventBody::OrderDisputed { order: of, .. } => *of == order,
            EventBody::SoldLate(sold) => sold.order == order,
            EventBody::Expired { .. } => true,
            _ => false,
        };
        changes.into_iter().filter(is_its).map(|(_, logged)| logged.body.clone()).collect()
    }

    /// Once its books say the same as the provider's: nothing is under way, and nothing is owed to a buyer.
    pub(crate) async fn is_settled(&self) {
        let table: Arc<dyn Table> = self.world.store.clone();
        let ledger = Ledger::new(table);
        let left = |paid: &Paid| paid.captured - paid.refunds.values().sum::<i64>();
        let settled = async {
            loop {
                let balances = ledger.all_balances().await.unwrap();
                assert!(balances.trial().values().all(|sum| *sum == 0), "the books are balanced at any time");
                let of = |kind| balances.balance(*b"EUR", Account::with_provider(kind, PROVIDER.0.get()));
                let held: i64 = self.provider.books().payments.values().map(left).sum();
                let (in_flight, due) = (of(AccountKind::InFlight), of(AccountKind::RefundsDue));
                if (in_flight, due, of(AccountKind::Provider)) == (0, 0, i128::from(held)) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        self.world.flowing(settled).await;
    }

    /// Time passes at once.
    pub(crate) fn passes_ms(&self, ms: u64) -> Timestamp {
        self.world.clock.advance_ms(ms);
        self.world.clock.wall()
    }
}

async fn start(
    store: &Arc<TestStore>,
    clock: &TestClock,
    provider: Option<&Arc<Scripted>>,
    seed: u64,
) -> World {
    let provider = provider.map(|provider| Arc::clone(provider) as Arc<dyn Provider>);
    let services = Services { providers: provider.into_iter().collect(), ..Services::default() };
    World::with(store.clone(), clock.clone(), limits(), seed, services).await
}

/// An installation, and an event of the catalogue.
pub(crate) async fn prepare(table: Arc<dyn Table>) {
    Installation::open(&*table, &Installation { id: 9, secret: [3; 32] }).await.unwrap();
    let row = CatalogueEvent {
        event: EVENT,
        organizer: ORGANIZER,
        name: "Night".to_owned(),
        starts_at: BEGINNING,
        ends_at: None,
        zone: "Europe/Berlin".to_owned(),
        place: String::new(),
        created_at: BEGINNING,
        changed_at: BEGINNING,
        changes: 0,
    };
    let request = CatalogueRequest { digest: 1, fingerprint: 1 };
    Catalogue::new(table).create(&row, request).await.unwrap();
}

/// Units cost [`PRICE`].
pub(crate) fn priced() -> Config {
    let mut priced = config(1_000);
    priced.ticket_types[0].price_minor = PRICE;
    priced
}

pub(crate) fn holds(buyer: u128, quantity: u16) -> Ask {
    let line = LineRequest {
        ticket_type: Some(TicketTypeId(0)),
        expected_price_minor: None,
        want: Want::Quantity(quantity),
    };
    let body = CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary: Subject(buyer), extra: Vec::new() },
        lines: vec![line],
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    });
    command(buyer, buyer << 64, body)
}

pub(crate) fn begins(buyer: u128, hold: ClaimNumber, attempt: u8) -> Ask {
    let body = CommandBody::BeginPayment { hold, provider: Some(PROVIDER), extra_subjects: Vec::new() };
    command(buyer, (buyer << 64) + u128::from(attempt), body)
}

fn named(number: u64) -> ProviderEventId {
    ProviderEventId { provider: PROVIDER, event: format!("evt_{number}").into() }
}

/// Keep a webhook, the `number`-th.
pub(crate) async fn keep(till: &Till, number: u64, received_at: Timestamp, body: Vec<u8>) -> ProviderEvent {
    let event = ProviderEvent {
        id: named(number),
        received_at,
        lane: Lane::of(EVENT),
        standing: Standing::Waits,
        headers: Vec::new(),
        body,
    };
    till.provider_events().keep(&event).await.unwrap();
    event
}

pub(crate) fn accepted(answer: Answer) -> Sequence {
    match answer {
        Answer::Accepted { sequence, .. } => sequence,
        other => panic!("{other:?}"),
    }
}
