//! Availability, seat map and seats: cacheable, and never older on one connection.

use std::io::Read;

use serde_json::{Value, json};
use tessera_tests::{Sale, Server, hall, standing};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

#[tokio::test]
async fn a_document_that_has_not_changed_is_not_sent_again() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let path = sale.path("/availability");
    let first = server.get(&path).expect(200).await;
    assert_eq!(first.header("cache-control"), "public, max-age=1");
    assert_eq!(first.header("etag"), format!("\"{}\"", first.number("sequence")));
    assert_eq!(first.header("vary"), "authorization");
    let etag = first.header("etag").to_owned();
    let known = server.get(&path).header("if-none-match", &etag).expect(304).await;
    assert!(known.bytes.is_empty());
    assert_eq!(known.header("etag"), etag);
    server.get(&path).header("if-none-match", &format!("W/{etag}, \"x\"")).expect(304).await;
    assert_eq!(server.get(&path).expect(200).await.bytes, first.bytes);
    sale.hold(&server, &server.buyer().await, "Standing", 1).await;
    let changed = after(&server, &path, first.number("sequence")).await;
    assert_ne!(changed["sequence"], first.json["sequence"]);
    assert_eq!(changed["pools"][0], json!({"name": "Floor", "free": 9, "held": 1, "sold": 0, "killed": 0}));
    let standing = &changed["ticket_types"][0];
    assert_eq!(standing["price"], json!({"amount": 4500, "currency": "EUR"}));
    assert_eq!((standing["available"].as_u64(), standing["open"].as_bool()), (Some(9), Some(true)));
    server.get(&path).header("if-none-match", &etag).expect(200).await;
}

/// The document once it is newer than `sequence`.
async fn after(server: &Server, path: &str, sequence: u64) -> Value {
    loop {
        let document = server.get(path).expect(200).await;
        if document.number("sequence") > sequence {
            return document.json;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_seat_map_has_two_bits_a_seat() {
    use base64::Engine as _;
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let buyer = server.buyer().await;
    let body = json!({"lines": [{"ticket_type": "Seat", "seats": [0, 1]}]});
    let held = server.post(&sale.path("/holds")).bearer(&buyer).json(&body).expect(201).await;
    // The map may trail, but not for long.
    let map = after(&server, &sale.path("/seat-map"), held.number("sequence") - 1).await;
    assert_eq!(map["seats"], 20);
    let states = base64::engine::general_purpose::STANDARD.decode(map["states"].as_str().unwrap()).unwrap();
    assert_eq!(states, [0b0101, 0, 0, 0, 0]);
}

#[tokio::test]
async fn the_hall_is_sent_plain_or_compressed() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(3)).await;
    let plain = server.get(&sale.path("/seats")).expect(200).await;
    assert_eq!(plain.json["rows"].as_array().unwrap().len(), 3);
    let last = &plain.json["rows"][2]["blocks"][1][9];
    assert_eq!(
        (last["index"].as_u64(), last["label"].as_str(), last["category"].as_str()),
        (Some(59), Some("20"), Some("Hall"))
    );
    let gzip = server.get(&sale.path("/seats")).header("accept-encoding", "br, gzip").expect(200).await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert!(gzip.bytes.len() * 4 < plain.bytes.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&gzip.bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text.as_bytes(), plain.bytes);
    let etag = plain.header("etag").to_owned();
    assert_ne!(gzip.header("etag"), etag, "a strong tag names the bytes");
    sale.hold(&server, &server.buyer().await, "Standing", 1).await;
    server.get(&sale.path("/seats")).header("if-none-match", &etag).expect(304).await;
}

#[tokio::test]
async fn an_idle_event_is_opened_by_a_read() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let before = sale.availability(&server).await;
    let store = server.stop().await;
    let server = Server::start_on(store, Server::settings()).await;
    let after = sale.availability(&server).await;
    assert_eq!(after["pools"], before["pools"]);
    assert!(after["sequence"].as_u64() >= before["sequence"].as_u64());
}

#[tokio::test]
async fn what_a_credential_opens_is_kept_by_no_cache() {
    let server = Server::start().await;
    let sale = Sale::draft(&server, &hall(1)).await;
    for path in ["/availability", "/seats", "/seat-map"] {
        let path = sale.path(path);
        server.get(&path).refused(404, "event_not_found").await;
        let draft = server.get(&path).bearer(&sale.key).expect(200).await;
        assert_eq!(draft.header("cache-control"), "private, no-store", "{path}");
    }
    sale.phase(&server, "on_sale").await;
    for path in ["/availability", "/seats", "/seat-map"] {
        let public = server.get(&sale.path(path)).expect(200).await;
        assert!(public.header("cache-control").starts_with("public"), "{path}");
    }
}

#[tokio::test]
async fn the_configuration_of_an_idle_event_has_its_sequence() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let path = sale.path("/configuration");
    let before = server.get(&path).bearer(&sale.key).expect(200).await;
    let server = Server::start_on(server.stop().await, Server::settings()).await;
    let after = server.get(&path).bearer(&sale.key).expect(200).await;
    assert!(after.number("sequence") >= before.number("sequence") && before.number("sequence") > 0);
}

#[tokio::test]
async fn what_is_sold_by_a_code_is_shown_to_the_organizer_only() {
    let server = Server::start().await;
    let mut configuration = standing(10);
    configuration["ticket_types"][1]["access_code"] = "GUESTS".into();
    let sale = Sale::open(&server, &configuration).await;
    let names = |document: &Value| -> Vec<String> {
        let types = document["ticket_types"].as_array().unwrap();
        types.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let path = sale.path("/availability");
    for _ in 0..2 {
        let own = server.get(&path).bearer(&sale.key).expect(200).await;
        assert_eq!(names(&own.json), ["Standing", "Free"]);
        let public = server.get(&path).expect(200).await;
        assert_eq!(names(&public.json), ["Standing"]);
        let stranger = server.get(&path).bearer(&server.organizer_key().await).expect(200).await;
        assert_eq!(names(&stranger.json), ["Standing"]);
        // A strong tag names the bytes, and these are others.
        let etag = public.header("etag");
        assert_ne!(own.header("etag"), etag);
        assert_eq!((stranger.header("etag"), &stranger.bytes), (etag, &public.bytes));
        server.get(&path).bearer(&sale.key).header("if-none-match", etag).expect(200).await;
    }
}

/// A connection that asks for the plain hall and reads its head, but as little of its body as it can.
async fn ask_and_stall(server: &Server, sale: &Sale) -> (TcpStream, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(server.running().address()).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nhost: test\r\n\r\n", sale.path("/seats"));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

#[tokio::test]
async fn who_does_not_read_a_large_hall_keeps_a_slice_of_it_and_a_permit() {
    let mut settings = Server::settings();
    settings.http.downloads_per_address_max = 2;
    let server = Server::start_with(settings).await;
    // More than the buffers of a connection take, on both sides.
    let mut large = hall(500);
    for row in large["rows"].as_array_mut().unwrap() {
        for (block, from) in row["blocks"].as_array_mut().unwrap().iter_mut().zip([1, 129]) {
            (block["from"], block["to"]) = (from.into(), (from + 127).into());
        }
    }
    let sale = Sale::open(&server, &large).await;
    let (mut first, head) = ask_and_stall(&server, &sale).await;
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let (_second, _) = ask_and_stall(&server, &sale).await;
    let refused = server.get(&sale.path("/seats")).refused(503, "too_many_streams").await;
    assert!(refused.text("detail").contains("this address"), "{}", refused.json);
    // What is small, what is known and what only its headers are wanted of needs none; the organizer has its own.
    sale.availability(&server).await;
    server.get(&sale.path("/seats")).header("if-none-match", "*").expect(304).await;
    server.ask(reqwest::Method::HEAD, &sale.path("/seats")).expect(200).await;
    let own = server.get(&sale.path("/seats")).bearer(&sale.key).expect(200).await;
    // Who reads after all gets the whole of it, and the permit is free again.
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a length")
        .parse()
        .unwrap();
    let mut body = vec![0; length];
    first.read_exact(&mut body).await.unwrap();
    assert!(body == own.bytes, "the same bytes as in one piece");
    while server.get(&sale.path("/seats")).send().await.status != 200 {
        tokio::task::yield_now().await;
    }
}
