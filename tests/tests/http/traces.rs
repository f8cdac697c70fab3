//! Traces over OTLP, as a collector receives them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;
use tessera_inventory::Sequence;
use tessera_server::ids;
use tessera_server::settings::{Settings, TelemetrySettings};
use tessera_store::Log;
use tessera_tests::{Sale, Server, standing};

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_SAMPLED: &str = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const TRACE: [u8; 16] = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
const PARENT: [u8; 8] = 0xb7ad_6b71_6920_3331_u64.to_be_bytes();

/// A collector on a port of its own. It answers every export, and gives the spans on.
fn collector() -> (SocketAddr, Receiver<Span>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (spans, received) = channel();
    std::thread::spawn(move || {
        // Ends with the test: nobody receives then.
        for connection in listener.incoming() {
            if serve(connection.unwrap(), &spans).is_none() {
                return;
            }
        }
    });
    (address, received)
}

/// Every request of one connection; `None` once nobody wants its spans.
fn serve(connection: TcpStream, spans: &Sender<Span>) -> Option<()> {
    let mut reader = BufReader::new(connection);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).unwrap() == 0 {
            return Some(());
        }
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let header = header.trim().to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if header.is_empty() {
                break;
            }
        }
        assert!(first.starts_with("POST /v1/traces "), "{first}");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
        for span in request.resource_spans.into_iter().flat_map(|spans| spans.scope_spans) {
            for span in span.spans {
                spans.send(span).ok()?;
            }
        }
        let empty = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        reader.get_mut().write_all(empty.as_bytes()).unwrap();
    }
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    format!("{:?}", found.and_then(|attribute| attribute.value.as_ref()))
}

#[tokio::test]
async fn a_sampled_request_is_exported_with_its_queue_its_turn_and_its_append() {
    let (address, received) = collector();
    let telemetry = TelemetrySettings { otlp_endpoint: Some(format!("http://{address}")) };
    let server = Server::start_with(Settings { telemetry, ..Server::settings() }).await;
    let sale = Sale::open(&server, &standing(10)).await;
    let buyer = server.buyer().await;
    let body = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
    let place = || server.post(&sale.path("/holds")).bearer(&buyer).json(&body);
    place().expect(201).await;
    place().header("traceparent", NOT_SAMPLED).expect(201).await;
    let held = place().header("traceparent", SAMPLED).expect(201).await;
    server.get(&sale.path("/availability")).header("traceparent", SAMPLED).expect(200).await;
    server.stop().await;

    let spans: Vec<Span> = received.try_iter().collect();
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert!(spans.iter().all(|span| span.trace_id == TRACE), "only what was sampled is exported: {names:?}");
    assert_eq!(spans.len(), 5, "{names:?}");
    let named =
        |name: &str| spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{names:?}"));
    let request = named("POST /v1/events/{event}/holds");
    let (queue, turn, append) = (named("queue"), named("turn"), named("append"));
    assert_eq!(request.parent_span_id, PARENT, "the caller's span is its parent");
    assert_eq!(named("GET /v1/events/{event}/availability").parent_span_id, PARENT);
    assert_eq!((&queue.parent_span_id, &turn.parent_span_id), (&request.span_id, &request.span_id));
    assert_eq!(append.parent_span_id, turn.span_id);
    let id = held.header("x-request-id").to_owned();
    assert!(attribute(request, "tessera.request_id").contains(&id), "{request:?}");
    assert!(attribute(request, "http.response.status_code").contains("201"), "{request:?}");
    assert!(attribute(turn, "tessera.turn.requests").contains("IntValue(1)"), "{turn:?}");
    let times = [
        request.start_time_unix_nano,
        queue.start_time_unix_nano,
        queue.end_time_unix_nano,
        turn.start_time_unix_nano,
        append.start_time_unix_nano,
        append.end_time_unix_nano,
        turn.end_time_unix_nano,
        request.end_time_unix_nano,
    ];
    assert!(times.is_sorted(), "{times:?}");
}

/// What one turn does for many is told of each of them, and linked.
#[tokio::test]
async fn the_requests_of_one_turn_are_linked() {
    const BUYERS: usize = 64;
    let (address, received) = collector();
    let telemetry = TelemetrySettings { otlp_endpoint: Some(format!("http://{address}")) };
    let server = Server::start_with(Settings { telemetry, ..Server::settings() }).await;
    let sale = Sale::open(&server, &standing(1_000)).await;
    let buyers = server.buyers(BUYERS).await;
    let body = json!({"lines": [{"ticket_type": "Free", "quantity": 1}]});
    let traceparent = |number: usize| format!("00-{:032x}-b7ad6b7169203331-01", number + 1);
    let event = ids::parse_event(&sale.event).unwrap();
    // Requests at once share a turn sooner or later: its record has several events.
    loop {
        let asks = buyers.iter().enumerate().map(|(number, buyer)| {
            let ask = server.post(&sale.path("/holds")).bearer(buyer).json(&body);
            ask.header("traceparent", &traceparent(number)).send()
        });
        futures::future::join_all(asks).await;
        let records = server.store.read(event, Sequence::ZERO, usize::MAX).await.unwrap();
        if records.iter().any(|record| record.last_sequence > record.first_sequence) {
            break;
        }
    }
    server.stop().await;
    let spans: Vec<Span> = received.try_iter().collect();
    let turns: Vec<&Span> = spans.iter().filter(|span| span.name == "turn").collect();
    assert!(turns.len() >= BUYERS, "{} turns", turns.len());
    let linked: Vec<&&Span> = turns.iter().filter(|turn| !turn.links.is_empty()).collect();
    assert!(!linked.is_empty(), "no two of {} requests share a turn", turns.len());
    for turn in linked {
        let first = turns.iter().find(|first| first.span_id == turn.links[0].span_id).unwrap();
        let of = |span: &Span| (attribute(span, "tessera.turn.requests"), span.end_time_unix_nano);
        assert_eq!(
            (of(first).0, first.links.len()),
            (of(turn).0, 0),
            "a link leads to the first of its turn"
        );
        assert_ne!(first.trace_id, turn.trace_id);
    }
}
