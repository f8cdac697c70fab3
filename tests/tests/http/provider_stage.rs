//! A server with an account at an emulated provider, and a sale: what the tests of providers over HTTP share.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tessera_actors::Clock;
use tessera_inventory::Timestamp;
use tessera_server::environment::SystemClock;
use tessera_server::settings::Settings;
use tessera_tests::provider::{Books, Emulator, Told};
use tessera_tests::{Reply, Sale, Server, hall};

/// Longest wait for something that is to happen, in tries of 20 ms.
const TRIES_MAX: usize = 1_500;
/// What two seats cost, in minor units.
pub(crate) const PRICE: i64 = 18_000;

/// See the module.
pub(crate) struct Stage<B> {
    pub(crate) emulator: Emulator<B>,
    pub(crate) server: Server,
    pub(crate) sale: Sale,
    name: &'static str,
    clock: Arc<SystemClock>,
    /// Where webhooks go.
    pub(crate) webhooks: String,
}

/// A buyer with an order that waits for its money.
pub(crate) struct Checkout {
    buyer: String,
    pub(crate) order: String,
    /// The reference of its payment.
    pub(crate) reference: String,
}

impl<B: Books> Stage<B> {
    /// `set_up`: the settings of an account at this address.
    pub(crate) async fn start(
        name: &'static str,
        books: B,
        set_up: impl FnOnce(&mut Settings, &str),
    ) -> Stage<B> {
        let clock = Arc::new(SystemClock::new());
        let emulator = Emulator::start(books, Arc::clone(&clock) as Arc<dyn Clock>);
        let mut settings = Server::settings();
        set_up(&mut settings, emulator.address());
        let server = Server::start_with(settings).await;
        let sale = Sale::open(&server, &hall(1)).await;
        let webhooks = format!("{}/v1/provider-events/{name}", server.running().base_url());
        emulator.tell(Some(webhooks.clone()));
        Stage { emulator, server, sale, name, clock, webhooks }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    /// A buyer that is about to pay, and how its payment stands.
    pub(crate) async fn checkout(&self, mode: &str) -> (Checkout, Reply) {
        let (server, sale) = (&self.server, &self.sale);
        let buyer = server.buyer().await;
        let lines = json!({"lines": [{"ticket_type": "Seat", "together": {"quantity": 2}}]});
        let hold = server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await;
        let begin = json!({
            "hold": hold.text("id"),
            "payment": {"provider": self.name, "return_url": "https://shop.example/thanks", "mode": mode},
            "contact": {"email": "ada@example.com"},
        });
        let order =
            server.post(&sale.path("/orders")).bearer(&buyer).json(&begin).expect(201).await.text("id");
        let path = sale.path(&format!("/orders/{order}/payment?wait_ms=20000"));
        let payment = server.get(&path).bearer(&buyer).expect(200).await;
        assert_eq!(payment.text("state"), "awaiting_buyer");
        let shown = if mode == "intent" { payment.text("client_secret") } else { payment.text("page") };
        let reference = shown.rsplit(['/', '=']).next().unwrap().split("_secret").next().unwrap().to_owned();
        (Checkout { buyer, order, reference }, payment)
    }

    pub(crate) async fn send(&self, told: &Told) {
        assert_eq!(told.send(&self.webhooks).await, 200);
    }

    /// Waits until the order and its payment stand so.
    pub(crate) async fn comes_to(&self, checkout: &Checkout, order: &str, payment: &str) -> Reply {
        let path = self.sale.path(&format!("/orders/{}", checkout.order));
        let mut last = Value::Null;
        for _ in 0..TRIES_MAX {
            let found = self.server.get(&path).bearer(&checkout.buyer).send().await;
            let paying = self.server.get(&format!("{path}/payment")).bearer(&checkout.buyer).send().await;
            if found.json["state"] == order && paying.json["state"] == payment {
                return found;
            }
            last = json!([found.json, paying.json]);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never {order} and {payment}: {last}");
    }

    /// How often this stands in the log.
    pub(crate) async fn logged(&self, kind: &str) -> usize {
        let path = self.sale.path("/changes?after=0&limit=100");
        let changes = self.server.get(&path).bearer(&self.sale.key).expect(200).await;
        changes.json["items"].as_array().unwrap().iter().filter(|item| item["type"] == kind).count()
    }
}
