//! WebSockets: the availability and the change feed, pushed.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tessera_tests::{ADMIN_TOKEN, Sale, Server, standing};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::raw_socket::{CLOSE, PING, PONG, RawSocket};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

type Socket = WebSocketStream<TcpStream>;

/// A WebSocket to a path, with these headers.
async fn open(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> Socket {
    let stream = TcpStream::connect(server.running().address()).await.unwrap();
    let mut request = format!("ws://{}{path}", server.running().address()).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    tokio_tungstenite::client_async(request, stream).await.unwrap().0
}

/// The next document. Pings are answered on the way.
async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("something comes");
        match message.expect("it is open").unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Close(reason) => panic!("closed: {reason:?}"),
            _ => {}
        }
    }
}

/// Why the server closes.
async fn closed(socket: &mut Socket) -> CloseCode {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.expect("it ends");
        if let Message::Close(reason) = message.expect("a reason").unwrap() {
            return reason.expect("a code").code;
        }
    }
}

#[tokio::test]
async fn the_feed_has_no_gap_and_goes_on_where_it_ended() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(1_000)).await;
    let path = sale.path("/changes");
    let mut socket = open(&server, &path, &[]).await;
    assert_eq!(next(&mut socket).await["type"], "configured");
    assert_eq!(next(&mut socket).await["sequence"], 2);
    drop(socket);
    let buyers = server.buyers(300).await;
    for buyer in &buyers {
        sale.hold(&server, buyer, "Standing", 1).await;
    }
    let mut by_header = open(&server, &path, &[("last-event-id", "2")]).await;
    let mut by_query = open(&server, &format!("{path}?after=2"), &[]).await;
    let page = server.get(&format!("{path}?after=2&limit=200")).expect(200).await;
    for sequence in 3..=302_u64 {
        let item = next(&mut by_header).await;
        assert_eq!(item["sequence"], sequence);
        assert_eq!(next(&mut by_query).await, item);
        if let Some(same) = page.json["items"].get(usize::try_from(sequence - 3).unwrap()) {
            assert_eq!(same, &item);
        }
    }
    let placed = sale.hold(&server, &server.buyer().await, "Standing", 2).await;
    let item = next(&mut by_query).await;
    assert_eq!((&item["hold"], &item["lines"][0]["quantity"]), (&placed.json["id"], &json!(2)));
}

#[tokio::test]
async fn the_availability_is_pushed_to_each_as_it_may_see_it() {
    let server = Server::start().await;
    let mut configuration = standing(10);
    configuration["ticket_types"][1]["access_code"] = "GUESTS".into();
    let sale = Sale::open(&server, &configuration).await;
    let path = sale.path("/availability");
    let mut public = open(&server, &path, &[]).await;
    let mut own = open(&server, &path, &[("authorization", &format!("Bearer {}", sale.key))]).await;
    let first = next(&mut public).await;
    assert_eq!(first, server.get(&path).expect(200).await.json);
    assert_eq!(first["ticket_types"].as_array().map(Vec::len), Some(1));
    assert_eq!(next(&mut own).await["ticket_types"].as_array().map(Vec::len), Some(2));
    let placed = sale.hold(&server, &server.buyer().await, "Standing", 3).await;
    for socket in [&mut public, &mut own] {
        let pushed = next(socket).await;
        assert_eq!(pushed["sequence"], placed.json["sequence"]);
        assert_eq!(pushed["pools"][0]["held"], 3);
    }
}

#[tokio::test]
async fn a_handshake_that_is_none_and_a_socket_too_many_are_refused() {
    let mut settings = Server::settings();
    settings.http.streams_per_address_max = 1;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let path = sale.path("/availability");
    let upgrade = |version: &str| {
        let ask = server.get(&path).header("upgrade", "websocket").header("connection", "upgrade");
        ask.header("sec-websocket-version", version).header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let refused = upgrade("12").refused(400, "invalid_header").await;
    assert_eq!(refused.header("sec-websocket-version"), "13");
    let mut first = open(&server, &path, &[]).await;
    next(&mut first).await;
    upgrade("13").refused(503, "too_many_streams").await;
    drop(first);
    while upgrade("13").builder().send().await.unwrap().status() != 101 {
        tokio::task::yield_now().await;
    }
    server.get(&sale.path("/changes?after=99")).refused(422, "out_of_range").await;
    let draft = Sale::draft(&server, &standing(10)).await;
    let hidden = server.get(&draft.path("/availability")).header("upgrade", "websocket");
    hidden.refused(404, "event_not_found").await;
}

#[tokio::test]
async fn who_speaks_out_of_turn_is_closed_and_pings_are_answered() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let path = sale.path("/changes?after=2");
    let mut socket = open(&server, &path, &[]).await;
    socket.send(Message::Ping(vec![7, 7].into())).await.unwrap();
    let pong = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(pong, Message::Pong(vec![7, 7].into()));
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(closed(&mut socket).await, CloseCode::Unsupported);
    let mut polite = open(&server, &path, &[]).await;
    polite.close(None).await.unwrap();
    let end = tokio::time::timeout(PATIENCE, polite.next()).await.unwrap();
    assert!(matches!(end, Some(Ok(Message::Close(_)))), "{end:?}");
}

#[tokio::test]
async fn who_is_not_heard_any_more_is_closed_and_who_answers_is_not() {
    let (server, clock) = Server::start_with_clock(Server::settings()).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let mut silent = open(&server, &sale.path("/availability"), &[]).await;
    let mut heard = open(&server, &sale.path("/changes?after=2"), &[]).await;
    // Nobody reads the one, so that its pings stay unanswered, whatever it says by itself; the other answers each.
    for _ in 0..10 {
        silent.send(Message::Pong(vec![0, 0, 0, 0, 0, 0, 0, 1].into())).await.unwrap();
        let beat = async {
            loop {
                clock.advance(Duration::from_secs(15));
                tokio::select! {
                    message = heard.next() => return message.expect("it is open").unwrap(),
                    _ = server.get("/healthz").expect(200) => {}
                }
            }
        };
        let ping = tokio::time::timeout(PATIENCE, beat).await.expect("a sign of life");
        assert!(matches!(ping, Message::Ping(_)), "{ping:?}");
        heard.flush().await.unwrap();
    }
    assert_eq!(closed(&mut silent).await, CloseCode::Policy);
}

/// A client says that it has read, again and again, and has not.
#[tokio::test]
async fn a_pong_without_its_ping_brings_no_further_page() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(1_000)).await;
    for buyer in &server.buyers(300).await {
        sale.hold(&server, buyer, "Standing", 1).await;
    }
    let mut socket = RawSocket::open(&server, &sale.path("/changes")).await;
    let (first, ping) = socket.batch().await;
    assert!(first.len() < 302, "one page is not all: {}", first.len());
    for number in 0..100_u64 {
        socket.send(PONG, &number.to_be_bytes()).await;
        socket.send(PONG, &[]).await;
        socket.send(PING, b"still here").await;
        assert_eq!(socket.frame().await, (PONG, b"still here".to_vec()), "nothing before it is answered");
    }
    socket.send(PONG, &ping).await;
    let (second, _) = socket.batch().await;
    let sequence = |text: &Vec<u8>| serde_json::from_slice::<Value>(text).unwrap()["sequence"].as_u64();
    let sequences: Vec<_> = first.iter().chain(&second).map(sequence).collect();
    assert!(sequences.iter().copied().eq((1..=sequences.len() as u64).map(Some)), "{sequences:?}");
}

#[tokio::test]
async fn what_the_protocol_forbids_is_closed_as_such() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let cases: [(&str, &[u8], u16); 8] = [
        ("a ping in fragments", &[0x09, 0x80, 0, 0, 0, 0], 1002),
        ("a pong in fragments", &[0x0a, 0x80, 0, 0, 0, 0], 1002),
        ("a close in fragments", &[0x08, 0x80, 0, 0, 0, 0], 1002),
        ("half a code", &[CLOSE, 0x81, 0, 0, 0, 0, 3], 1002),
        ("a code that nobody may send", &[CLOSE, 0x82, 0, 0, 0, 0, 3, 0xed], 1002),
        ("a reason that is no text", &[CLOSE, 0x83, 0, 0, 0, 0, 3, 0xe8, 0xff], 1002),
        ("no reason", &[CLOSE, 0x80, 0, 0, 0, 0], 1000),
        ("a reason", &[CLOSE, 0x84, 0, 0, 0, 0, 3, 0xe9, b'o', b'k'], 1000),
    ];
    for (what, bytes, code) in cases {
        let mut socket = RawSocket::open(&server, &sale.path("/changes?after=2")).await;
        socket.write(bytes).await;
        assert_eq!(socket.closed().await, code, "{what}");
    }
    // A frame of a terabyte is not waited for.
    let mut socket = RawSocket::open(&server, &sale.path("/changes?after=2")).await;
    socket.write(&[PING, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await;
    socket.write(&[7; 1_200]).await;
    assert_eq!(socket.closed().await, 1002);
}

/// A revoked key opens nothing any more, streams that are open already included.
#[tokio::test]
async fn what_a_revoked_key_had_opened_ends_at_once() {
    let server = Server::start().await;
    let sale = Sale::draft(&server, &standing(10)).await;
    let listed = server.get("/v1/api-keys").bearer(ADMIN_TOKEN).expect(200).await;
    let key = listed.json["items"][0]["id"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {}", sale.key);
    let own = [("authorization", bearer.as_str())];
    let mut feed = open(&server, &sale.path("/changes"), &own).await;
    let mut latest = open(&server, &sale.path("/availability"), &own).await;
    next(&mut feed).await;
    next(&mut latest).await;
    let stream = server.get(&sale.path("/changes?after=1")).header("accept", "text/event-stream");
    let mut stream = stream.bearer(&sale.key).builder().send().await.unwrap();
    assert_eq!(stream.chunk().await.unwrap().as_deref(), Some(&b"retry: 1000\n\n"[..]));
    server.ask(Method::DELETE, &format!("/v1/api-keys/{key}")).bearer(ADMIN_TOKEN).expect(204).await;
    assert_eq!(closed(&mut feed).await, CloseCode::Policy);
    assert_eq!(closed(&mut latest).await, CloseCode::Policy);
    let end = tokio::time::timeout(PATIENCE, stream.chunk()).await.expect("it ends").unwrap();
    assert_eq!(end, None, "and nothing more is said");
}

#[tokio::test]
async fn sockets_end_when_the_server_stops() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let mut latest = open(&server, &sale.path("/availability"), &[]).await;
    let mut feed = open(&server, &sale.path("/changes"), &[]).await;
    next(&mut latest).await;
    next(&mut feed).await;
    let stopping = tokio::spawn(server.stop());
    assert_eq!(closed(&mut latest).await, CloseCode::Away);
    assert_eq!(closed(&mut feed).await, CloseCode::Away);
    drop((latest, feed));
    tokio::time::timeout(PATIENCE, stopping).await.expect("the server stops").unwrap();
}
