//! The HTTP server in front of every peer: that of the yardsticks, with what a team would check.

use std::time::SystemTime;

use actix_web::http::header::HeaderMap;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde::Deserialize;
use serde_json::json;

use crate::{postgres, redis};

/// Most units of one buyer.
pub(crate) const BUYER_UNITS_MAX: i32 = 8;
/// Life of a hold.
pub(crate) const HOLD_MS: u64 = 600_000;
/// Worker threads, as the product has by default on two cores.
const WORKERS: usize = 2;
const PRICE_MINOR: i32 = 4_500;

/// What is asked.
pub(crate) struct Request {
    pub(crate) key: String,
    pub(crate) buyer: String,
    pub(crate) quantity: i32,
}

/// What the peer says.
pub(crate) enum Verdict {
    Held(String),
    Refused(String),
    Failed(String),
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    ticket_type: String,
    quantity: i32,
}

/// Which peers there are: the address of each.
pub(crate) struct Addresses {
    pub(crate) everysec: String,
    pub(crate) always: String,
    pub(crate) postgres: String,
}

/// Serve `POST /redis-everysec`, `/redis-always`, `/postgres-rows` and `/postgres-counter` until killed.
pub(crate) fn serve(port: &str, addresses: Addresses) {
    actix_web::rt::System::new()
        .block_on(async move {
            let addresses = web::Data::new(addresses);
            let app = move || {
                let addresses = addresses.clone();
                App::new()
                    .data_factory(move || {
                        let addresses = addresses.clone();
                        async move { Ok::<_, std::io::Error>(Stores::connect(&addresses).await) }
                    })
                    .route("/{peer}", web::post().to(place))
            };
            let address = format!("127.0.0.1:{port}");
            HttpServer::new(app).workers(WORKERS).bind(address).expect("the port is free").run().await
        })
        .expect("the server runs");
}

/// The connections of one worker.
struct Stores {
    script: ::redis::Script,
    everysec: ::redis::aio::MultiplexedConnection,
    always: ::redis::aio::MultiplexedConnection,
    postgres: deadpool_postgres::Pool,
}

impl Stores {
    async fn connect(addresses: &Addresses) -> Stores {
        Stores {
            script: ::redis::Script::new(include_str!("hold.lua")),
            everysec: redis::connect(&addresses.everysec).await,
            always: redis::connect(&addresses.always).await,
            postgres: postgres::pool(&addresses.postgres),
        }
    }
}

async fn place(
    peer: web::Path<String>,
    call: HttpRequest,
    body: web::Bytes,
    stores: web::Data<Stores>,
) -> HttpResponse {
    let Some(request) = read(call.headers(), &body) else { return HttpResponse::BadRequest().finish() };
    let verdict = match peer.as_str() {
        "redis-everysec" => redis::hold(&stores.script, stores.everysec.clone(), &request).await,
        "redis-always" => redis::hold(&stores.script, stores.always.clone(), &request).await,
        "postgres-rows" => postgres::hold(&stores.postgres, postgres::Variant::Rows, &request).await,
        "postgres-counter" => postgres::hold(&stores.postgres, postgres::Variant::Counter, &request).await,
        _ => return HttpResponse::NotFound().finish(),
    };
    match verdict {
        Verdict::Held(hold) => HttpResponse::Created().json(json!({
            "id": hold, "state": "held", "deadline_at": now_ms() + HOLD_MS, "renewals": 0,
            "lines": [{"ticket_type": "Standing", "quantity": request.quantity, "price": {"amount": PRICE_MINOR, "currency": "EUR"}}],
            "total": {"amount": PRICE_MINOR * request.quantity, "currency": "EUR"}
        })),
        Verdict::Refused(reason) => HttpResponse::Conflict().json(json!({"code": reason})),
        Verdict::Failed(reason) => HttpResponse::ServiceUnavailable().json(json!({"code": reason})),
    }
}

/// The request, if it is one. Who the buyer is, the peers believe: they verify no token.
fn read(headers: &HeaderMap, body: &[u8]) -> Option<Request> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let body: Body = serde_json::from_slice(body).ok()?;
    let [line] = body.lines.as_slice() else { return None };
    let fine = line.ticket_type == "Standing" && (1..=BUYER_UNITS_MAX).contains(&line.quantity);
    fine.then_some(Request {
        key: text("Idempotency-Key")?.to_owned(),
        buyer: text("Authorization")?.strip_prefix("Bearer ")?.to_owned(),
        quantity: line.quantity,
    })
}
