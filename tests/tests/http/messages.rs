//! Messages to people, as buyers, organizers and mail relays meet them.
#![allow(clippy::print_stderr)] // one says that it was skipped

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tessera_server::settings::{Settings, SmtpTls};
use tessera_tests::relay::{Fault, Mail, Relay};
use tessera_tests::{ADMIN_TOKEN, Reply, Sale, Server, hall, standing};

use crate::payments::Checkout;

/// Settings of a server that writes through the relay at a port of this machine.
pub(crate) fn settings(port: u16) -> Settings {
    let mut settings = Server::settings();
    settings.messages.enabled = true;
    settings.messages.public_url = "https://tickets.example".to_owned();
    let smtp = &mut settings.messages.smtp;
    (smtp.host, smtp.port, smtp.tls) = ("127.0.0.1".to_owned(), port, SmtpTls::None);
    smtp.from = "Tickets <tickets@example.com>".to_owned();
    // These tests ask until something is so.
    settings.rate_limit.caller_per_second = 0;
    settings
}

/// A paid order of free tickets, at which its buyer says how it is reached.
pub(crate) async fn buy(server: &Server, sale: &Sale, buyer: &str, quantity: u32, contact: &Value) -> Reply {
    let hold = sale.hold(server, buyer, "Free", quantity).await.text("id");
    let begin = json!({"hold": hold, "contact": contact});
    let order = server.post(&sale.path("/orders")).bearer(buyer).json(&begin).expect(201).await;
    let confirm = sale.path(&format!("/orders/{}/confirm", order.text("id")));
    server.post(&confirm).bearer(buyer).json(&json!({"payment": "free"})).expect(200).await
}

pub(crate) fn ada() -> Value {
    json!({"email": "ada@example.com", "name": "Ada", "locale": "de-CH"})
}

/// What is at a path, once it is so.
pub(crate) async fn stands(
    server: &Server,
    path: &str,
    token: &str,
    reached: impl Fn(&Value) -> bool,
) -> Value {
    loop {
        let shown = server.get(path).bearer(token).expect(200).await.json;
        if reached(&shown) {
            return shown;
        }
        tokio::task::yield_now().await;
    }
}

async fn dead_letters(server: &Server, count: usize) -> Value {
    let items = |shown: &Value| shown["items"].as_array().unwrap().len();
    stands(server, "/v1/dead-letters", ADMIN_TOKEN, |shown| items(shown) == count).await["items"].clone()
}

#[tokio::test]
async fn who_has_paid_gets_its_tickets_by_mail_in_its_language_and_finds_them_in_its_inbox() {
    let relay = Relay::start().await;
    let server = Server::start_with(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let order = buy(&server, &sale, &buyer, 2, &ada()).await;
    let mail = relay.wait_for(1).await.remove(0);
    assert_eq!(mail.to, "ada@example.com");
    assert_eq!(mail.header("From"), "Tickets <tickets@example.com>");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert!(mail.header("Message-ID").ends_with("@example.com>"));
    assert!(!mail.text.contains("List-Unsubscribe"), "what one needs is not opted out of");
    for part in
        ["multipart/alternative", "text/plain", "text/html", "tickets.pdf", "event.ics", &order.text("id")]
    {
        assert!(mail.text.contains(part), "{part} in {}", mail.text);
    }
    assert!(mail.text.contains("Guten Tag Ada,") && mail.text.contains("1. Januar 2030, 20:00 Uhr"));
    let inbox = stands(&server, "/v1/inbox", &buyer, |shown| shown["items"] != json!([])).await;
    let item = &inbox["items"][0];
    assert_eq!((&item["kind"], &item["read"]), (&json!("confirmation"), &json!(false)));
    assert_eq!((&item["order"], &item["event"]), (&json!(order.text("id")), &json!(sale.event)));
    let read = json!({"items": [item["id"]]});
    let marked = server.post("/v1/inbox/reads").bearer(&buyer).json(&read).expect(200).await;
    assert_eq!(marked.number("read"), 1);
    let stranger = server.buyer().await;
    let marked = server.post("/v1/inbox/reads").bearer(&stranger).json(&read).expect(200).await;
    assert_eq!(marked.number("read"), 0);
    let again = server.get("/v1/inbox").bearer(&buyer).expect(200).await;
    assert_eq!(again.json["items"][0]["read"], true);
    server
        .post("/v1/inbox/reads")
        .bearer(&buyer)
        .json(&json!({"items": []}))
        .refused(422, "invalid_value")
        .await;
    let wrong = json!({"items": ["x"]});
    server.post("/v1/inbox/reads").bearer(&buyer).json(&wrong).refused(422, "invalid_value").await;
}

/// What was sent and may not have arrived goes again, under the same name.
#[tokio::test]
async fn a_message_whose_answer_is_lost_goes_twice_under_one_name_and_no_other_is_lost() {
    let relay = Relay::start().await;
    let greylisted = Fault::Recipient("451 4.7.1 greylisted");
    relay.fails(&[Fault::LoseAnswer, greylisted, Fault::Close, Fault::Recipient("421 4.3.2 closing")]);
    let (server, clock) = Server::start_with_clock(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    buy(&server, &sale, &server.buyer().await, 1, &ada()).await;
    let mut mails = relay.wait_for(1).await;
    while mails.len() < 2 {
        clock.advance(Duration::from_secs(20));
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        mails = relay.mails();
    }
    assert_eq!(relay.faults_left(), 0);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    assert_eq!(mails[0].header("Date"), mails[1].header("Date"));
}

#[tokio::test]
async fn an_address_that_does_not_exist_makes_a_dead_letter_that_can_be_sent_again() {
    let relay = Relay::start().await;
    relay.fails(&[Fault::Recipient("550 5.1.1 <ada@example.com> no such user")]);
    let server = Server::start_with(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    buy(&server, &sale, &buyer, 1, &ada()).await;
    let dead = dead_letters(&server, 1).await;
    assert_eq!((&dead[0]["kind"], &dead[0]["attempts"]), (&json!("confirmation"), &json!(1)));
    let error = dead[0]["error"].as_str().unwrap();
    assert!(error.contains("550") && !error.contains("ada@example.com"), "{error}");
    // Nothing more is tried there, until its owner gives it again.
    buy(&server, &sale, &buyer, 1, &ada()).await;
    let replay = |body: Value| server.post("/v1/dead-letters/replays").bearer(ADMIN_TOKEN).json(&body);
    let replayed = replay(json!({"messages": [dead[0]["id"]]})).expect(202).await;
    assert_eq!((replayed.number("messages"), &replayed.json["more"]), (1, &json!(false)));
    dead_letters(&server, 0).await;
    assert!(relay.mails().is_empty(), "nothing went there until then");
    let contact = server.ask(Method::PUT, "/v1/contacts/me").bearer(&buyer).json(&ada());
    contact.expect(200).await;
    buy(&server, &sale, &buyer, 1, &ada()).await;
    assert!(!relay.wait_for(1).await.is_empty());
    replay(json!({})).refused(422, "invalid_request").await;
    replay(json!({"messages": ["x"]})).refused(422, "invalid_value").await;
    let none = replay(json!({"since": "2020-01-01T00:00:00Z"})).expect(202).await;
    assert_eq!(none.number("messages"), 0);
    server.get("/v1/dead-letters?channel=fax").bearer(ADMIN_TOKEN).refused(422, "invalid_value").await;
    server.get("/v1/dead-letters?cursor=x").bearer(ADMIN_TOKEN).refused(422, "invalid_value").await;
}

#[tokio::test]
async fn a_restart_in_the_middle_loses_nothing() {
    let relay = Relay::start().await;
    relay.fails(&[Fault::Silence, Fault::Silence]);
    let server = Server::start_with(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    buy(&server, &sale, &server.buyer().await, 1, &ada()).await;
    while relay.faults_left() > 1 {
        tokio::task::yield_now().await;
    }
    let friend = json!({"email": "friend@example.com"});
    buy(&server, &sale, &server.buyer().await, 1, &friend).await;
    // One is under way and never answered, and so may be the other. The server is gone.
    let store = server.stop().await;
    relay.forgives();
    let _server = Server::start_on(store, settings(relay.port())).await;
    let mut told: Vec<_> = relay.wait_for(2).await.into_iter().map(|mail| mail.to).collect();
    told.sort_unstable();
    assert_eq!(told, ["ada@example.com", "friend@example.com"]);
}

#[tokio::test]
async fn who_is_forgotten_is_written_to_no_more() {
    let relay = Relay::start().await;
    let server = Server::start_with(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let me = |method: Method| server.ask(method, "/v1/contacts/me").bearer(&buyer);
    let none =
        json!({"email": null, "phone": null, "name": null, "locale": null, "telegram": false, "refused": []});
    assert_eq!(me(Method::GET).expect(200).await.json, none);
    for wrong in [json!({"email": "ada"}), json!({"phone": "1"}), json!({"name": ""}), json!({"locale": "ü"})]
    {
        me(Method::PUT).json(&wrong).refused(422, "invalid_value").await;
    }
    me(Method::PUT).json(&json!({"fax": "1"})).refused(422, "unknown_field").await;
    let kept = me(Method::PUT).json(&json!({"email": "me@example.com", "locale": "en"})).expect(200).await;
    assert_eq!(me(Method::GET).expect(200).await.json, kept.json);
    sale.buy_free(&server, &buyer, 1).await;
    assert_eq!(relay.wait_for(1).await[0].to, "me@example.com", "without a contact at the order");
    me(Method::DELETE).expect(204).await;
    assert_eq!(me(Method::GET).expect(200).await.json, none);
    buy(&server, &sale, &buyer, 1, &ada()).await;
    let friend = server.buyer().await;
    buy(&server, &sale, &friend, 1, &json!({"email": "friend@example.com"})).await;
    let mails = relay.wait_for(2).await;
    assert_eq!(mails[1].to, "friend@example.com", "nothing went to who is forgotten");
    stands(&server, "/v1/inbox", &buyer, |shown| shown["items"].as_array().unwrap().len() == 2).await;
}

#[tokio::test]
async fn an_organizer_writes_its_own_templates_and_hears_what_is_wrong_with_them() {
    let relay = Relay::start().await;
    let server = Server::start_with(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let mjml = |inner: &str| {
        format!(
            "<mjml><mj-body><mj-section><mj-column><mj-text>{inner}</mj-text></mj-column></mj-section></mj-body></mjml>"
        )
    };
    let template = |subject: &str, inner: &str| json!({"kind": "confirmation", "locale": "de", "subject": subject, "text": "Viel Spaß!", "mjml": mjml(inner)});
    let keep = |body: Value| server.post("/v1/templates").bearer(&sale.key).json(&body);
    let wrong = keep(template("{{ nobody }}", "{% include 'x' %}")).refused(422, "invalid_value").await;
    assert_eq!(wrong.json["errors"][0]["path"], "mjml");
    let wrong = keep(template("{{ nobody }}", "x")).refused(422, "invalid_value").await;
    assert_eq!(wrong.json["errors"][0]["path"], "subject");
    let mut spam = template("x", "x");
    spam["kind"] = "spam".into();
    keep(spam).refused(422, "invalid_value").await;
    let kept = keep(template("Auf zu {{ event.name }}", "<b>{{ recipient.name }}</b>")).expect(201).await;
    assert_eq!((kept.number("version"), kept.text("locale")), (1, "de".to_owned()));
    let listed = server.get("/v1/templates").bearer(&sale.key).expect(200).await;
    assert_eq!(listed.json["items"], json!([kept.json]));
    let preview = |body: Value| server.post("/v1/templates/preview").bearer(&sale.key).json(&body);
    let used = preview(json!({"kind": "confirmation", "locale": "de-AT"})).expect(200).await;
    assert_eq!(used.text("subject"), "Auf zu An evening of engines");
    assert!(used.json["variables"].as_array().unwrap().contains(&json!("order.id")));
    let builtin = preview(json!({"kind": "emergency", "locale": "de"})).expect(200).await;
    assert_eq!(builtin.text("subject"), "Wichtig: Doors open later");
    preview(json!({"kind": "emergency", "subject": "x"})).refused(422, "invalid_request").await;
    let buyer = server.buyer().await;
    let ada = json!({"email": "ada@example.com", "name": "<Ada>", "locale": "de-CH"});
    let order = buy(&server, &sale, &buyer, 1, &ada).await.text("id");
    let text = "{{ event.name }}: {% for ticket in tickets %}{{ ticket.type }}, {% endfor %}\
        {{ recipient.name }}, {{ event.starts_at }}";
    let with = |event: &str, order: &str| {
        let mut body = template("{{ order.id }}", "x");
        (body["locale"], body["text"]) = ("en".into(), text.into());
        (body["event"], body["order"]) = (event.into(), order.into());
        body
    };
    let shown = preview(with(&sale.event, &order)).expect(200).await;
    assert_eq!(shown.text("subject"), order);
    assert_eq!(shown.text("text"), "Test: Free, Ada Lovelace, 1 January 2030, 20:00");
    preview(with(&sale.event, &order.replace("ord_", "hld_"))).refused(404, "order_not_found").await;
    preview(with("evt_x", &order)).refused(404, "event_not_found").await;
    let other = Sale::open(&server, &standing(10)).await;
    preview(with(&other.event, &order)).refused(404, "event_not_found").await;
    let half = json!({"kind": "confirmation", "order": order});
    preview(half).refused(422, "missing_field").await;
    let mail = relay.wait_for(1).await.remove(0);
    assert_eq!(mail.header("Subject"), "Auf zu Test");
    assert!(mail.text.contains("<b>&lt;Ada&gt;</b>"), "{}", mail.text);
    assert_eq!(server.get("/v1/templates").bearer(&other.key).expect(200).await.json["items"], json!([]));
}

#[tokio::test]
async fn a_broadcast_reaches_each_person_once_and_not_who_has_opted_out() {
    let relay = Relay::start().await;
    let server = Server::start_with(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(100)).await;
    let (ada_token, bob_token) = (server.buyer().await, server.buyer().await);
    let bob = json!({"email": "bob@example.com", "locale": "en"});
    buy(&server, &sale, &ada_token, 1, &ada()).await;
    buy(&server, &sale, &ada_token, 1, &ada()).await;
    buy(&server, &sale, &bob_token, 1, &bob).await;
    relay.wait_for(3).await;
    // The run goes along the projection of orders: it must have seen them.
    let orders = sale.path("/orders");
    let of_bob = |shown: &Value| shown["items"].as_array().unwrap().len() == 1;
    stands(&server, &orders, &bob_token, of_bob).await;
    let path = sale.path("/broadcasts");
    let body = |kind: &str| json!({"kind": kind, "title": "Doors", "text": "At seven.\nNot at six."});
    let begin = |kind: &str| server.post(&path).bearer(&sale.key).json(&body(kind));
    let begun = begin("announcement").key("one").expect(202).await;
    let again = begin("announcement").key("one").expect(202).await;
    assert_eq!((begun.number("run"), again.number("run")), (1, 1), "once a key");
    begin("emergency").key("one").refused(422, "key_reused").await;
    let done = |shown: &Value| {
        shown["items"].as_array().unwrap().iter().any(|run| run["run"] == 1 && run["state"] == "done")
    };
    let runs = stands(&server, &path, &sale.key, done).await;
    assert_eq!((&runs["items"][0]["orders"], &runs["items"][0]["recipients"]), (&json!(3), &json!(2)));
    let mails = relay.wait_for(5).await;
    let mut told: Vec<_> = mails[3..].iter().map(|mail| mail.to.as_str()).collect();
    told.sort_unstable();
    assert_eq!(told, ["ada@example.com", "bob@example.com"]);
    let to_bob = mails[3..].iter().find(|mail| mail.to == "bob@example.com").unwrap();
    assert_eq!(to_bob.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert!(to_bob.text.contains("At seven."));
    let link = to_bob.header("List-Unsubscribe").trim_matches(['<', '>']).to_owned();
    let link = link.strip_prefix("https://tickets.example").unwrap();
    let page = server.get(link).expect(200).await;
    assert!(String::from_utf8_lossy(&page.bytes).contains("<form method=\"post\">"));
    server.ask(Method::POST, link).expect(200).await;
    server.ask(Method::POST, "/v1/opt-outs/AAAA").refused(404, "route_not_found").await;
    let contact = server.get("/v1/contacts/me").bearer(&bob_token).expect(200).await;
    assert_eq!(contact.json["refused"], json!(["announcement"]));
    begin("announcement").expect(202).await;
    let mails = relay.wait_for(6).await;
    assert_eq!(mails[5].to, "ada@example.com");
    // An emergency reaches everybody.
    begin("emergency").expect(202).await;
    let mails = relay.wait_for(8).await;
    assert!(mails[6..].iter().any(|mail| mail.to == "bob@example.com"));
    let inbox = server.get("/v1/inbox").bearer(&bob_token).expect(200).await;
    assert_eq!(
        (&inbox.json["items"][0]["title"], &inbox.json["items"][0]["kind"]),
        (&json!("Doors"), &json!("emergency"))
    );
}

#[tokio::test]
async fn a_broadcast_is_paused_and_goes_on_and_what_is_wrong_with_it_is_said() {
    let relay = Relay::start().await;
    let server = Server::start_with(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let path = sale.path("/broadcasts");
    let begin = |body: Value| server.post(&path).bearer(&sale.key).json(&body);
    begin(json!({"kind": "spam", "title": "x", "text": "x"})).refused(422, "invalid_value").await;
    begin(json!({"kind": "emergency", "title": "x\ny", "text": "x"})).refused(422, "invalid_value").await;
    begin(json!({"kind": "emergency", "title": "x", "text": ""})).refused(422, "invalid_value").await;
    let ask = server.ask(Method::POST, &path).bearer(&sale.key).json(&json!({}));
    ask.refused(422, "key_missing").await;
    let turn = |run: &str, how: &str| {
        let path = sale.path(&format!("/broadcasts/{run}/{how}"));
        server.post(&path).bearer(&sale.key).json(&json!({}))
    };
    turn("7", "pause").refused(404, "broadcast_not_found").await;
    turn("x", "resume").refused(404, "broadcast_not_found").await;
    // The reminder waits for its day; it is a broadcast like others.
    let runs = stands(&server, &path, &sale.key, |shown| shown["items"] != json!([])).await;
    let reminder = &runs["items"][0];
    assert_eq!((&reminder["kind"], &reminder["state"]), (&json!("reminder"), &json!("running")));
    let run = reminder["run"].to_string();
    assert_eq!(turn(&run, "pause").expect(200).await.text("state"), "paused");
    assert_eq!(turn(&run, "resume").expect(200).await.text("state"), "running");
    let silent = Server::start().await;
    let other = Sale::open(&silent, &standing(10)).await;
    let body = json!({"kind": "emergency", "title": "x", "text": "x"});
    let refused = silent.post(&other.path("/broadcasts")).bearer(&other.key).json(&body);
    assert_eq!(refused.refused(422, "invalid_request").await.text("reason"), "messages_off");
}

#[tokio::test]
async fn transfers_refunds_and_a_cancellation_are_told() {
    let relay = Relay::start().await;
    let server = Server::start_with(settings(relay.port())).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let (buyer, friend) = (server.buyer().await, server.buyer().await);
    let contact = server.ask(Method::PUT, "/v1/contacts/me").bearer(&friend);
    contact.json(&json!({"email": "friend@example.com", "locale": "en"})).expect(200).await;
    let en = json!({"email": "ada@example.com", "locale": "en"});
    let order = buy(&server, &sale, &buyer, 2, &en).await;
    relay.wait_for(1).await;
    let ticket = |at: usize| order.json["tickets"][at]["id"].as_str().unwrap().to_owned();
    // Whoever gives it away is told, whichever code it has by then.
    let reissue = sale.path(&format!("/tickets/{}/reissue", ticket(0)));
    server.post(&reissue).bearer(&buyer).json(&json!({})).expect(200).await;
    let transfer = sale.path(&format!("/tickets/{}/transfer", ticket(0)));
    server.post(&transfer).bearer(&buyer).json(&json!({"to": friend})).expect(200).await;
    let mails = relay.wait_for(3).await;
    let to = |address: &str| mails[1..].iter().find(|mail| mail.to == address).unwrap();
    assert!(to("friend@example.com").header("Subject").starts_with("You have a ticket"));
    assert!(to("friend@example.com").text.contains("tickets.pdf"));
    assert!(to("ada@example.com").header("Subject").contains("handed on"));
    assert!(!to("ada@example.com").text.contains("tickets.pdf"));
    let refunds = sale.path(&format!("/orders/{}/refunds", order.text("id")));
    let back = json!({"tickets": [ticket(1)], "units": "restock"});
    server.post(&refunds).bearer(&sale.key).json(&back).expect(200).await;
    let mails = relay.wait_for(4).await;
    assert_eq!(
        (mails[3].to.as_str(), mails[3].header("Subject")),
        ("ada@example.com", "Refund for Test".to_owned())
    );
    assert!(mails[3].text.contains("1 of your tickets was refunded"), "{}", mails[3].text);
    // The buyer has no ticket any more; who holds one is told that the event does not take place.
    let sequence = server.get(&sale.path("")).bearer(&sale.key).expect(200).await.number("sequence");
    let orders = sale.path("/orders");
    stands(&server, &orders, &friend, |shown| shown["sequence"].as_u64() >= Some(sequence)).await;
    sale.phase(&server, "cancelled").await;
    // The order from which it came is given back meanwhile, of which its buyer hears.
    let is_told =
        |mail: &Mail| mail.to == "friend@example.com" && mail.header("Subject") == "Test is cancelled";
    let mut count = 5;
    while !relay.wait_for(count).await.iter().any(is_told) {
        count += 1;
    }
}

#[tokio::test]
async fn the_buyer_and_the_team_are_told_of_a_dispute_and_how_it_was_decided() {
    let relay = Relay::start().await;
    let mut settings = settings(relay.port());
    (settings.payments.sandbox.enabled, settings.payments.sandbox.tests) = (true, true);
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let team = |method: Method| server.ask(method, "/v1/organizer-contact").bearer(&sale.key);
    let none = json!({"email": null, "locale": null});
    assert_eq!(team(Method::GET).expect(200).await.json, none);
    team(Method::PUT).json(&json!({"email": "team"})).refused(422, "invalid_value").await;
    let kept = team(Method::PUT).json(&json!({"email": "team@example.com", "locale": "en"}));
    let kept = kept.expect(200).await;
    assert_eq!(team(Method::GET).expect(200).await.json, kept.json);
    let checkout = Checkout::begin(&server, &sale).await;
    checkout.choose("pay").await;
    checkout.comes_to(&server, &sale, "paid", "captured").await;
    relay.wait_for(1).await;
    let told = async |count: usize, to: &str| {
        let mails = relay.wait_for(count).await;
        mails[count - 2..].iter().find(|mail| mail.to == to).unwrap().text.clone()
    };
    checkout.ask_sandbox(&server, &json!({"act": "dispute", "amount_minor": 18_000})).await;
    let to_team = told(3, "team@example.com").await;
    assert!(to_team.contains("disputes the payment") && to_team.contains(&checkout.order.text("id")));
    assert!(told(3, "ada@example.com").await.contains("bestritten"), "in its language");
    checkout.ask_sandbox(&server, &json!({"act": "decide", "won": false})).await;
    assert!(told(5, "team@example.com").await.contains("is lost"));
    let inbox = server.get("/v1/inbox").bearer(&checkout.buyer).expect(200).await;
    let item = inbox.json["items"].as_array().unwrap().iter().find(|item| item["kind"] == "dispute");
    assert_eq!(item.unwrap()["dispute"], "lost");
    team(Method::DELETE).expect(204).await;
    assert_eq!(team(Method::GET).expect(200).await.json["email"], Value::Null);
}

/// A program that ends with its test.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The next line that a program writes, read off the thread that serves.
async fn next_line(mut lines: BufReader<ChildStdout>) -> (String, BufReader<ChildStdout>) {
    let read = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        (line, lines)
    });
    read.await.unwrap()
}

/// Run by `tests/peers/run`: a relay and a reader of mail that are not ours.
#[tokio::test]
async fn a_confirmation_is_taken_by_aiosmtpd_and_read_by_python() {
    let Some(tools) = std::env::var_os("TEST_PEERS") else {
        eprintln!("SKIPPED: tests/peers/run runs this");
        return;
    };
    let python = std::path::Path::new(&tools).join("bin/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/relay.py");
    let mut relay = Stopped(Command::new(python).arg(script).stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(relay.0.stdout.take().unwrap());
    let (port, lines) = next_line(lines).await;
    let port: u16 = port.trim().parse().unwrap();
    let server = Server::start_with(settings(port)).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let contact = json!({"email": "ada@example.com", "name": "Ada 漢", "locale": "de"});
    let order = buy(&server, &sale, &server.buyer().await, 2, &contact).await;
    let (mail, _) = next_line(lines).await;
    let mail: Value = serde_json::from_str(&mail).unwrap();
    assert_eq!((&mail["to"], &mail["subject"]), (&json!("ada@example.com"), &json!("Ihre Tickets für Test")));
    assert_eq!(mail["recipients"], json!(["ada@example.com"]));
    assert_eq!(mail["defects"], json!([]), "{mail}");
    for part in ["text", "html"] {
        let text = mail[part].as_str().unwrap();
        assert!(text.contains("Guten Tag Ada 漢,") && text.contains(&order.text("id")), "{text}");
    }
    let files = mail["files"].as_array().unwrap();
    let file = |at: usize| (files[at]["name"].as_str().unwrap(), files[at]["type"].as_str().unwrap());
    assert_eq!((file(0), file(1)), (("tickets.pdf", "application/pdf"), ("event.ics", "text/calendar")));
    assert_eq!((&files[0]["begins"], &files[1]["begins"]), (&json!("%PDF-"), &json!("BEGIN")));
}
