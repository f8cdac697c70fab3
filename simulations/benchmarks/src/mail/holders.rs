//! Everybody who has a ticket, each with an address: sold over HTTP, before anything is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::HeaderValue;
use serde::de::DeserializeOwned;
use serde_json::json;
use tessera_demo::client::{Call, Connection, Server};
use tessera_demo::keys::Keys;
use tessera_demo::wire::{Hold, Order};

/// Connections over which tickets are sold.
const TILLS: u64 = 64;
/// Keys of the sale.
const SEED: u64 = 1;

/// What the tills share.
struct Sale {
    server: Server,
    /// `/v1/events/…`
    event: String,
    organizer: HeaderValue,
    buyers: Vec<HeaderValue>,
    /// The first who has no ticket yet.
    next: AtomicUsize,
}

struct Till {
    sale: Arc<Sale>,
    connection: Connection,
    keys: Keys,
}

/// Sell one ticket to each buyer, who says how it is reached; the organizer says that it is paid.
pub(crate) async fn sell(base: &str, event: &str, organizer: HeaderValue, buyers: Vec<HeaderValue>) {
    let server = Server::locate(base).await.expect("an address");
    let event = format!("/v1/events/{event}");
    let sale = Arc::new(Sale { server, event, organizer, buyers, next: AtomicUsize::new(0) });
    let tills: Vec<_> = (0..TILLS).map(|number| tokio::spawn(Till::new(&sale, number).sell())).collect();
    for till in tills {
        till.await.expect("no till panics");
    }
}

impl Till {
    fn new(sale: &Arc<Sale>, number: u64) -> Till {
        Till {
            sale: Arc::clone(sale),
            connection: Connection::new(&sale.server),
            keys: Keys::new(SEED, number),
        }
    }

    async fn sell(mut self) {
        let sale = Arc::clone(&self.sale);
        loop {
            let number = sale.next.fetch_add(1, Ordering::Relaxed);
            let Some(buyer) = sale.buyers.get(number) else { return };
            let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
            let hold: Hold = self.post(format!("{}/holds", sale.event), buyer, &lines).await;
            let contact =
                json!({"email": format!("holder-{number}@example.com"), "name": "Ada", "locale": "en"});
            let begin = json!({"hold": hold.id, "contact": contact});
            let order: Order = self.post(format!("{}/orders", sale.event), buyer, &begin).await;
            let paid = format!("{}/orders/{}/confirm", sale.event, order.id);
            let _: Order = self.post(paid, &sale.organizer, &json!({"payment": "offline"})).await;
        }
    }

    async fn post<T: DeserializeOwned>(
        &mut self,
        path: String,
        credential: &HeaderValue,
        body: &serde_json::Value,
    ) -> T {
        let call = Call::post(path, credential, body.to_string()).keyed(self.keys.mint());
        let (reply, _) = self.connection.call(&call).await.expect("the server answers");
        assert!(reply.accepted(), "{} {}", reply.status, String::from_utf8_lossy(&reply.body));
        serde_json::from_slice(&reply.body).expect("a document")
    }
}
