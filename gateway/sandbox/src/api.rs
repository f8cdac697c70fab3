//! The API: under a bearer token, JSON in and out.

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;
use tessera_inventory::Timestamp;
use tessera_payments::PaymentId;

use crate::page;
use crate::reference::Reference;
use crate::secrets::hex;
use crate::server::Shared;
use crate::shown::Shown;
use crate::state::{Act, Refund, State};
use crate::webhooks::Manner;

/// Why a request is not answered with a payment.
#[derive(Debug)]
pub(crate) struct Failed(StatusCode, String);

type Answer = Result<HttpResponse, Failed>;

impl Failed {
    fn new(status: StatusCode, code: &(impl ToString + ?Sized)) -> Failed {
        Failed(status, code.to_string())
    }

    pub(crate) fn store(error: &tessera_store::StoreError) -> Failed {
        tracing::error!(%error, "the sandbox cannot use its store");
        Failed::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.1)
    }
}

impl actix_web::ResponseError for Failed {
    fn status_code(&self) -> StatusCode {
        self.0
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.0).json(json!({ "error": self.1 }))
    }
}

/// The routes.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/v1/payments", web::post().to(create))
        .route("/v1/payments/{id}", web::get().to(read))
        .route("/v1/payments/{id}/capture", web::post().to(capture))
        .route("/v1/payments/{id}/void", web::post().to(void))
        .route("/v1/payments/{id}/refunds", web::post().to(refund))
        .route("/v1/tests/payments/{id}", web::post().to(act_for_tests));
}

/// Whoever calls has the token.
fn admit(shared: &Shared, request: &HttpRequest) -> Result<(), Failed> {
    let presented = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = presented.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    if bool::from(token.as_bytes().ct_eq(shared.secrets.token.as_bytes())) {
        return Ok(());
    }
    Err(Failed::new(StatusCode::UNAUTHORIZED, "the token of this sandbox is needed"))
}

pub(crate) fn reference(shared: &Shared, id: &str) -> Result<Reference, Failed> {
    let found = Reference::parse(id, &shared.secrets.references);
    found.ok_or_else(|| Failed::new(StatusCode::NOT_FOUND, "there is no such payment"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    payment: String,
    amount_minor: i64,
    currency: String,
    until_ms: Option<u64>,
    return_url: Option<String>,
}

async fn create(shared: web::Data<Shared>, request: HttpRequest, creation: web::Json<Creation>) -> Answer {
    admit(&shared, &request)?;
    let invalid = |what: &str| Failed::new(StatusCode::BAD_REQUEST, what);
    let currency = <[u8; 3]>::try_from(creation.currency.as_bytes());
    let reference = Reference {
        payment: PaymentId::parse(&creation.payment)
            .ok_or_else(|| invalid("payment: it has no such name"))?,
        amount_minor: creation.amount_minor,
        currency: currency.map_err(|_| invalid("currency: three letters"))?,
        until: creation.until_ms.map(Timestamp),
    };
    if reference.amount_minor <= 0 {
        return Err(invalid("amount_minor: more than 0"));
    }
    let id = reference.text(&shared.secrets.references);
    let state = shared.books.read(&reference).await.map_err(|error| Failed::store(&error))?;
    let page = page::address(&shared, &id, creation.return_url.as_deref());
    shared.answer(&id, || {
        let shown = Shown { page: Some(page), ..Shown::of(&id, &reference, &state) };
        HttpResponse::Created().json(shown)
    })
}

async fn read(shared: web::Data<Shared>, request: HttpRequest, id: web::Path<String>) -> Answer {
    admit(&shared, &request)?;
    let reference = reference(&shared, &id)?;
    let state = shared.books.read(&reference).await.map_err(|error| Failed::store(&error))?;
    shared.answer(&id, || HttpResponse::Ok().json(Shown::of(&id, &reference, &state)))
}

async fn capture(shared: web::Data<Shared>, request: HttpRequest, id: web::Path<String>) -> Answer {
    admit(&shared, &request)?;
    step(&shared, &id, &Act::Capture).await
}

async fn void(shared: web::Data<Shared>, request: HttpRequest, id: web::Path<String>) -> Answer {
    admit(&shared, &request)?;
    step(&shared, &id, &Act::Cancel).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    number: u64,
    amount_minor: i64,
}

async fn refund(
    shared: web::Data<Shared>,
    request: HttpRequest,
    id: web::Path<String>,
    body: web::Json<RefundBody>,
) -> Answer {
    admit(&shared, &request)?;
    let key = request.headers().get("idempotency-key");
    let key = key.ok_or_else(|| Failed::new(StatusCode::BAD_REQUEST, "idempotency-key: needed"))?;
    let refund = Refund {
        id: format!("sbr_{}", hex(&blake3::hash(key.as_bytes()).as_bytes()[..16])),
        number: body.number,
        amount_minor: body.amount_minor,
    };
    step(&shared, &id, &Act::Refund(refund)).await
}

async fn step(shared: &Shared, id: &str, act: &Act) -> Answer {
    let (reference, state) = take(shared, id, act, Manner::default()).await?;
    shared.answer(id, || HttpResponse::Ok().json(Shown::of(id, &reference, &state)))
}

/// Take a step, and tell of it.
pub(crate) async fn take(
    shared: &Shared,
    id: &str,
    act: &Act,
    manner: Manner,
) -> Result<(Reference, State), Failed> {
    let reference = reference(shared, id)?;
    let taken = shared.books.act(&reference, act).await.map_err(|error| Failed::store(&error))?;
    let (state, changed) = taken.map_err(|refused| Failed::new(StatusCode::CONFLICT, &refused))?;
    if changed {
        tell(shared, id, (&reference, &state), manner).await;
    }
    Ok((reference, state))
}

async fn tell(shared: &Shared, id: &str, (reference, state): (&Reference, &State), manner: Manner) {
    let told = shared.webhooks.tell(id, reference, state, manner);
    if manner.wait
        && let Err(error) = told.await
    {
        tracing::error!(%error, "a webhook of the sandbox could not be told");
    }
}

/// What tests ask for.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
enum TestBody {
    /// As the buyer, whatever the time.
    Pay {
        #[serde(default)]
        webhooks: Manner,
    },
    Decline {
        #[serde(default)]
        webhooks: Manner,
    },
    Dispute {
        amount_minor: i64,
    },
    Decide {
        won: bool,
    },
    /// Tell once more how it stands.
    Tell {
        #[serde(default)]
        webhooks: Manner,
    },
    /// The next answers of the API about it are lost: what was asked is done.
    LoseAnswers {
        count: u32,
    },
}

async fn act_for_tests(
    shared: web::Data<Shared>,
    request: HttpRequest,
    id: web::Path<String>,
    body: web::Json<TestBody>,
) -> Answer {
    if !shared.tests {
        return Err(Failed::new(StatusCode::NOT_FOUND, "tests are not served here"));
    }
    admit(&shared, &request)?;
    let (act, manner) = match body.into_inner() {
        TestBody::Pay { webhooks } => (Act::Pay, webhooks),
        TestBody::Decline { webhooks } => (Act::Decline, webhooks),
        TestBody::Dispute { amount_minor } => (Act::Dispute(amount_minor), Manner::default()),
        TestBody::Decide { won } => (Act::Decide { won }, Manner::default()),
        TestBody::Tell { webhooks } => {
            let reference = reference(&shared, &id)?;
            let state = shared.books.read(&reference).await.map_err(|error| Failed::store(&error))?;
            tell(&shared, &id, (&reference, &state), webhooks).await;
            return Ok(HttpResponse::NoContent().finish());
        }
        TestBody::LoseAnswers { count } => {
            shared.lose_answers(&id, count);
            return Ok(HttpResponse::NoContent().finish());
        }
    };
    let (reference, state) = take(&shared, &id, &act, manner).await?;
    Ok(HttpResponse::Ok().json(Shown::of(&id, &reference, &state)))
}
