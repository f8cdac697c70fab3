//! Chats with the bot in Telegram: a buyer asks for a link, opens it, presses *Start*, and Telegram tells us of which chat.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::channel_off;
use crate::auth::Keys;
use crate::call::Call;
use crate::caller::Buyer;
use crate::code::Code;
use crate::instant::Rfc3339;
use crate::limits::{BODY_DEADLINE, TELEGRAM_LINK_MS, TELEGRAM_UPDATE_BYTES_MAX};
use crate::messages::{Bot, read_telegram_link, telegram_link};
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// Begins what a person writes who opened a link.
const START: &str = "/start ";
/// Seconds after which it may be asked again whether Telegram is there.
const RETRY_AFTER_S: u32 = 5;

/// By which a buyer begins a chat with the bot.
#[derive(Serialize, ToSchema)]
#[schema(as = TelegramLink)]
pub(crate) struct LinkReply {
    /// To be opened where Telegram is.
    url: String,
    /// Until when.
    expires_at: Rfc3339,
}

/// What Telegram tells, as far as we look at it.
#[derive(Deserialize)]
struct Update {
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    text: Option<String>,
    chat: Chat,
    from: Option<Author>,
}

#[derive(Deserialize)]
struct Chat {
    id: i64,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Author {
    language_code: Option<String>,
}

/// `POST /v1/telegram-links`
pub(crate) async fn link(call: Call, buyer: Buyer) -> Answer {
    let bot = bot(&call)?;
    let name = bot.telegram.name().await.map_err(|reason| {
        tracing::warn!(reason, "Telegram could not be asked");
        let problem = Problem::new(Code::NotExecuted, "Telegram could not be asked");
        problem.with("reason", "telegram_away").retry_after(RETRY_AFTER_S)
    })?;
    let until = call.gateway().now().plus_ms(TELEGRAM_LINK_MS);
    let token = telegram_link(call.keys(), buyer.subject, until);
    let url = format!("https://t.me/{name}?start={token}");
    render::json(StatusCode::CREATED, &LinkReply { url, expires_at: Rfc3339(until) })
}

/// `DELETE /v1/telegram-links`
pub(crate) async fn unlink(call: Call, buyer: Buyer) -> Answer {
    let unlinked = call.gateway().people.contacts.link_telegram(buyer.subject, None).await;
    unlinked.map_err(|error| problem::store(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /v1/telegram-updates/{token}`: what Telegram tells. Its answer is what the bot says (*Making requests when getting updates*).
pub(crate) async fn hear(call: Call) -> Answer {
    let bytes = call.raw_body_up_to(TELEGRAM_UPDATE_BYTES_MAX, BODY_DEADLINE).await?;
    let nobody = || Problem::new(Code::RouteNotFound, "nobody is told anything here");
    let bot = bot(&call).map_err(|_| nobody())?;
    if !Keys::is_same(&bot.updates, call.parameter(0)) {
        return Err(nobody());
    }
    let wrong = |_| Problem::new(Code::MalformedJson, "this is no update of Telegram's");
    let Update { message } = serde_json::from_slice(&bytes).map_err(wrong)?;
    // What else people write is taken, and not answered.
    let said = message.and_then(|message| {
        let token = message.text.as_deref()?.strip_prefix(START)?.trim().to_owned();
        (message.chat.kind == "private").then_some((token, message))
    });
    let Some((token, message)) = said else { return Ok(HttpResponse::Ok().json(json!({}))) };
    let chat = message.chat.id;
    let subject = read_telegram_link(call.keys(), &token, call.gateway().now());
    if let Some(subject) = subject {
        let linked = call.gateway().people.contacts.link_telegram(subject, Some(&chat.to_string())).await;
        linked.map_err(|error| problem::store(&error))?;
    }
    let language = message.from.and_then(|from| from.language_code).unwrap_or_default();
    let text = answer(subject.is_some(), language.starts_with("de"));
    Ok(HttpResponse::Ok().json(json!({"method": "sendMessage", "chat_id": chat, "text": text})))
}

const fn answer(is_linked: bool, is_german: bool) -> &'static str {
    match (is_linked, is_german) {
        (true, false) => "You will be told here of your tickets.",
        (true, true) => "Sie erfahren hier, was Ihre Tickets betrifft.",
        (false, false) => "This link is too old. Please ask for another where you bought your tickets.",
        (false, true) => {
            "Dieser Link ist zu alt. Bitte holen Sie dort, wo Sie Ihre Tickets gekauft haben, einen neuen."
        }
    }
}

fn bot(call: &Call) -> Result<&Bot, Problem> {
    call.gateway().people.reach.bot.as_ref().ok_or_else(|| channel_off("telegram"))
}
