//! The papers of large orders, of those who ask for too many, and of who reads them with programs of others.
#![allow(clippy::print_stderr)] // one says that it was skipped

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::{Reply, Sale, Server, standing};

/// As many tickets as an order may have.
const ORDER_TICKETS_MAX: u32 = 50;

/// The longest name that a ticket type may have, in bytes of UTF-8.
fn longest_name() -> String {
    "漢".repeat(40)
}

/// A buyer with a paid order of so many tickets.
async fn paid(server: &Server, tickets: u32) -> (Sale, String, Reply) {
    let mut venue = standing(1_000);
    venue["units_per_subject_max"] = Value::Null;
    venue["ticket_types"][1]["name"] = longest_name().into();
    venue["ticket_types"][1]["per_order_max"] = ORDER_TICKETS_MAX.into();
    let sale = Sale::open(server, &venue).await;
    let buyer = server.buyer().await;
    let hold = sale.hold(server, &buyer, &longest_name(), tickets).await.text("id");
    let begin = server.post(&sale.path("/orders")).bearer(&buyer).json(&json!({"hold": hold}));
    let confirm = sale.path(&format!("/orders/{}/confirm", begin.expect(201).await.text("id")));
    let order = server.post(&confirm).bearer(&buyer).json(&json!({"payment": "free"})).expect(200).await;
    (sale, buyer, order)
}

fn pdf_of(sale: &Sale, order: &Reply) -> String {
    sale.path(&format!("/orders/{}/tickets.pdf", order.text("id")))
}

#[tokio::test]
async fn many_who_ask_for_the_largest_order_at_once_are_served_or_told_to_come_later() {
    let mut settings = Server::settings();
    settings.http.downloads_per_address_max = 3;
    let server = Server::start_with(settings).await;
    let (sale, buyer, order) = paid(&server, ORDER_TICKETS_MAX).await;
    let pdf = pdf_of(&sale, &order);
    let asked = (0..12).map(|_| server.get(&pdf).bearer(&buyer).send());
    let replies = futures::future::join_all(asked).await;
    let served: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert!(!served.is_empty());
    for reply in &served {
        assert_eq!(String::from_utf8_lossy(&reply.bytes).matches("/Type/Page/").count(), 50);
        assert!(reply.bytes == served[0].bytes);
    }
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        reply.is_problem(503, "too_many_streams");
    }
    // Each gave its permit back.
    while server.get(&pdf).bearer(&buyer).send().await.status != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_pdf_counts_as_a_large_document_and_what_is_small_does_not() {
    let mut settings = Server::settings();
    settings.http.downloads_max = 0;
    let server = Server::start_with(settings).await;
    let (sale, buyer, order) = paid(&server, 1).await;
    for method in [Method::GET, Method::HEAD] {
        let refused = server.ask(method, &pdf_of(&sale, &order)).bearer(&buyer).send().await;
        assert_eq!(refused.status, 503, "it is made for either");
    }
    server.get(&pdf_of(&sale, &order)).bearer(&buyer).refused(503, "too_many_streams").await;
    let ticket = sale.path(&format!("/tickets/{}", order.json["tickets"][0]["id"].as_str().unwrap()));
    for file in ["", "/qr.png", "/qr.svg"] {
        server.get(&format!("{ticket}{file}")).bearer(&buyer).expect(200).await;
    }
}

#[tokio::test]
async fn nonsense_at_the_door_is_refused_as_such() {
    let server = Server::start().await;
    let (sale, _, _) = paid(&server, 1).await;
    let ask = |body: Vec<u8>| server.post(&sale.path("/check-ins")).bearer(&sale.key).raw(body);
    let scan = |text: &str| ask(json!({"scan": text, "gate": 1}).to_string().into_bytes());
    let full = format!("T1:{}", ":".repeat(135));
    for text in
        ["\0\0", "T1:\u{202e}", &full, &"T1:".repeat(10_000), &"\u{1f3ab}".repeat(46), &"é".repeat(69)]
    {
        scan(text).refused(404, "ticket_not_found").await;
    }
    for (body, status, code) in [
        (r#"{"scan":7,"gate":1}"#.into(), 422, "wrong_type"),
        (r#"{"scan":["T1:"],"gate":1}"#.into(), 422, "wrong_type"),
        (r#"{"scan":"T1:","gate":65536}"#.into(), 422, "out_of_range"),
        (r#"{"scan":"T1:","gate":1,"more":1}"#.into(), 422, "unknown_field"),
        (r#"{"scan":"T1:"#.into(), 400, "malformed_json"),
        (b"{\"scan\":\"\xff\xfe\",\"gate\":1}".to_vec(), 400, "malformed_json"),
        (format!(r#"{{"scan":"{}","gate":1}}"#, "A".repeat(1 << 20)).into_bytes(), 413, "body_too_large"),
    ] {
        ask(body).refused(status, code).await;
    }
}

/// Run by `tests/peers/run`: the file of a buyer is shown at the door as a picture.
#[tokio::test]
async fn a_pdf_from_the_server_opens_scans_and_is_let_in() {
    if std::env::var_os("TEST_PEERS").is_none() {
        eprintln!("SKIPPED: tests/peers/run runs this");
        return;
    }
    let server = Server::start().await;
    let (sale, buyer, order) = paid(&server, 3).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tickets.pdf");
    let pdf = server.get(&pdf_of(&sale, &order)).bearer(&buyer).expect(200).await;
    std::fs::write(&file, &pdf.bytes).unwrap();
    let said = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    said(Command::new("qpdf").arg("--check").arg(&file));
    said(Command::new("pdftoppm").args(["-png", "-r", "150"]).arg(&file).arg(folder.path().join("page")));
    for page in 1..=3 {
        let picture = folder.path().join(format!("page-{page}.png"));
        let text = said(Command::new("zbarimg").args(["--quiet", "--raw"]).arg(picture));
        let scan = json!({"scan": text.trim_end_matches('\n'), "gate": page});
        let entered = server.post(&sale.path("/check-ins")).bearer(&sale.key).json(&scan).expect(200).await;
        assert_eq!(entered.text("ticket"), order.json["tickets"][page - 1]["id"].as_str().unwrap());
    }
}
