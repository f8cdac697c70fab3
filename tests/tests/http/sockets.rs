//! WebSockets: the availability and the change feed, pushed.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tessera_tests::{Sale, Server, standing};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

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
    // Nobody reads the one, so that its pings stay unanswered; the other answers each.
    for _ in 0..10 {
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
