//! Orders that are paid through the sandbox of a real server, which is killed in the middle of it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use futures::future::{join_all, select_all};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tessera_demo::page::Choice;

use crate::installation::text;
use crate::server::{Sale, Server, free_port, get, post, tessera};

/// Buyers who pay before the server is killed, as it is killed, and after it has started again.
const BUYERS: [usize; 3] = [6, 4, 4];
/// How long a payment may take to stand as it must.
const PATIENCE: Duration = Duration::from_secs(60);
/// What each pays for a ticket, in minor units.
const PRICE: u64 = 2_500;

/// An order that waits at the page of its provider.
struct Waiting {
    /// A path below the event.
    path: String,
    token: String,
    page: String,
}

/// The binary, with a sandbox that is found again after a restart.
fn with_sandbox(mut command: Command, sandbox: u16) -> Command {
    command.env("TESSERA_PAYMENTS__SANDBOX__ENABLED", "true");
    command.env("TESSERA_PAYMENTS__SANDBOX__LISTEN", format!("127.0.0.1:{sandbox}"));
    command
}

async fn open(port: u16) -> Sale {
    let standing = json!({"name": "Standing", "price": PRICE, "per_order_min": 1, "per_order_max": 4, "draws_on": ["Floor"]});
    let configuration = json!({
        "currency": "EUR", "pools": [{"name": "Floor", "capacity": 100}], "categories": [], "sections": [], "rows": [], "channels": [],
        "ticket_types": [standing]
    });
    Sale::open_hall(port, "paid", 100, &configuration).await
}

impl Waiting {
    async fn begin(port: u16, sale: &Sale, (number, token): (usize, String)) -> Waiting {
        let lines = json!({"lines": [{"ticket_type": "Standing", "quantity": 1}]});
        let hold = post(port, &sale.path("/holds"), &token, &format!("hold-{number}"), &lines).await;
        let begins = json!({"hold": hold["id"], "payment": {"provider": "sandbox"}});
        let order = post(port, &sale.path("/orders"), &token, &format!("order-{number}"), &begins).await;
        let path = sale.path(&format!("/orders/{}", order["id"].as_str().unwrap()));
        let asked = get(port, &format!("{path}/payment?wait_ms=10000"), &token).await;
        let page = asked["page"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned();
        Waiting { path, token, page }
    }

    /// The form of the page. Whoever is killed meanwhile does not answer.
    fn pays(&self) -> impl Future<Output = bool> + Send + 'static {
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        let form = client.post(&self.page).header("content-type", "application/x-www-form-urlencoded");
        let sent = form.body(Choice::Pay.fields()).send();
        async { sent.await.is_ok() }
    }

    async fn is_sold(&self, port: u16) -> Value {
        let path = format!("{}/payment?wait_ms=30000&until=decided", self.path);
        let decided = get(port, &path, &self.token).await;
        assert!(Choice::Pay.is_reached(decided["state"].as_str().unwrap()), "{decided}");
        get(port, &self.path, &self.token).await
    }
}

/// Until the payment of an order stands so.
async fn until(port: u16, waiting: &Waiting, state: &str) {
    let began = Instant::now();
    loop {
        let payment = get(port, &format!("{}/payment", waiting.path), &waiting.token).await;
        if payment["state"] == state {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{payment}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Orders are paid before, during and after a kill -9; one is given back, and the books balance. `ledger` is `tessera inspect ledger` of the installation
/// that `command` serves.
pub(crate) async fn sells(data: &Path, command: impl Fn() -> Command, ledger: impl Fn() -> Output) {
    let (port, sandbox) = (free_port(), free_port());
    let server = Server::start_as(with_sandbox(command(), sandbox), data, port).await;
    let sale = open(port).await;
    let mut buyers = sale.buyers(port, BUYERS.iter().sum()).await.into_iter().enumerate();
    let mut waiting = Vec::new();
    for buyer in buyers.by_ref().take(BUYERS[0] + BUYERS[1]) {
        waiting.push(Waiting::begin(port, &sale, buyer).await);
    }
    let (before, during) = waiting.split_at(BUYERS[0]);
    for each in before {
        assert!(each.pays().await);
        assert_eq!(each.is_sold(port).await["state"], "paid");
    }
    // It is killed when the first is answered: what became of the others nobody knows.
    let forms: Vec<_> = during.iter().map(|each| tokio::spawn(each.pays())).collect();
    let (first, _, others) = select_all(forms).await;
    assert!(first.unwrap());
    server.kill();
    join_all(others).await;
    let server = Server::start_as(with_sandbox(command(), sandbox), data, port).await;
    for each in during {
        // Who was not answered pays again: it is paid once.
        assert!(each.pays().await);
        assert_eq!(each.is_sold(port).await["state"], "paid");
    }
    for buyer in buyers {
        let each = Waiting::begin(port, &sale, buyer).await;
        assert!(each.pays().await);
        assert_eq!(each.is_sold(port).await["tickets"].as_array().unwrap().len(), 1);
        waiting.push(each);
    }
    for each in &waiting {
        until(port, each, "captured").await;
    }
    let back = &waiting[0];
    let ticket = get(port, &back.path, &back.token).await["tickets"][0]["id"].clone();
    let refund = json!({"tickets": [ticket], "units": "restock"});
    post(port, &format!("{}/refunds", back.path), &sale.key, "refund", &refund).await;
    until(port, back, "refunded").await;
    let pools = get(port, &sale.path("/availability"), &sale.key).await;
    assert_eq!(pools["pools"][0]["sold"], waiting.len() - 1);
    assert!(server.terminate().success());
    let audit = ledger();
    let said = text(&audit.stdout);
    assert!(audit.status.success() && said.contains("sound: "), "{said} {}", text(&audit.stderr));
    // A sale and a capture of each order, and of one its refund and the money that went back.
    let entries = 2 * waiting.len() + 2;
    assert!(said.contains(&format!("sound: {entries} entries of 1 organizers")), "{said}");
}

#[tokio::test]
async fn who_pays_is_sold_to_and_the_books_balance_whenever_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ledger = || tessera().args(["inspect", "--data"]).arg(&data).arg("ledger").output().unwrap();
    sells(&data, tessera, ledger).await;
}
