//! One run that refunds everything that was sold, through a `kill -9` of the server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tessera_benchmarks::{row, title};

use crate::product::{Product, metric};

/// Orders a second of the run: the most that one may have.
const PER_SECOND: u32 = 500;
/// Time between two looks at the run.
const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// A run in which nothing happens for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module. `settings` are those that the server was started with.
pub(crate) fn everything(product: Product, settings: &[(&str, String)]) {
    let runs = format!("/v1/events/{}/refund-runs", product.event());
    let sold = product.sold();
    let began = Instant::now();
    let run = product.post(&runs, &json!({"units": "restock", "per_second": PER_SECOND}));
    let path = format!("{runs}/{}", run["id"].as_str().expect("a name"));
    let half = wait(|| {
        let refunded = number(&product.read(&path), "refunded");
        if refunded >= sold / 2 { Ok(refunded) } else { Err(refunded) }
    });
    let killed_at = Instant::now();
    let product = product.restart(settings);
    let away = killed_at.elapsed();
    let run = wait(|| {
        let run = product.read(&path);
        if run["state"] == "done" { Ok(run) } else { Err(number(&run, "refunded")) }
    });
    let asked = began.elapsed();
    // What is wanted of the provider follows from the log.
    wait(|| {
        let left = product.administer("/v1/payments?state=unsettled", None);
        let is_over = left["items"].as_array().is_some_and(Vec::is_empty);
        // The first page of what is left is full until the end: calls say that it goes on.
        if is_over { Ok(()) } else { Err(calls(&product)) }
    });
    let whole = began.elapsed();
    title(&format!("one refund run over {sold} paid orders, the server killed after {half}"));
    row("orders refunded, failed", format!("{}, {}", number(&run, "refunded"), number(&run, "failed")));
    row(
        "the log says so of all, after",
        format!("{:.1} s, of which {:.1} s without a server", asked.as_secs_f64(), away.as_secs_f64()),
    );
    row("the provider has given back the money of all, after", format!("{:.1} s", whole.as_secs_f64()));
    row("sold now", format!("{}", product.sold()));
    for trial in product.administer("/v1/trial-balance", None)["items"].as_array().expect("currencies") {
        row("trial balance", trial.to_string());
    }
    assert_eq!((number(&run, "refunded"), number(&run, "failed"), product.sold()), (sold, 0, 0));
}

/// Until something has come; `Err` says how far it is.
fn wait<T>(look: impl Fn() -> Result<T, u64>) -> T {
    let (mut seen, mut since) = (None, Instant::now());
    loop {
        let far = match look() {
            Ok(come) => return come,
            Err(far) => Some(far),
        };
        if far != seen {
            (seen, since) = (far, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "nothing happens any more: {seen:?}");
        std::thread::sleep(LOOK_PAUSE);
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a count
fn calls(product: &Product) -> u64 {
    metric(&product.metrics(), "tessera_payment_calls_total", &[]) as u64
}

fn number(document: &Value, name: &str) -> u64 {
    document[name].as_u64().unwrap_or_else(|| panic!("{name} of {document}"))
}
