//! Whether a webhook is PayPal's own: it is asked, with the body spliced in byte by byte, since what it signed are these bytes.
//! <https://developer.paypal.com/api/rest/webhooks/rest/>

use serde_json::json;
use serde_json::value::RawValue;
use tessera_actors::Genuine;
use tessera_inventory::Timestamp;
use tessera_outbound::{Bytes, Method};
use tessera_payments::Answer;

use crate::facts::parse_time;
use crate::http::{Account, Http};
use crate::objects::Verification;

/// The headers that say how it was signed, and what PayPal calls them when it is asked.
const PARTS: [(&str, &str); 5] = [
    ("paypal-auth-algo", "auth_algo"),
    ("paypal-cert-url", "cert_url"),
    ("paypal-transmission-id", "transmission_id"),
    ("paypal-transmission-sig", "transmission_sig"),
    ("paypal-transmission-time", "transmission_time"),
];
/// The headers alone.
pub(crate) const HEADERS: [&str; 5] = [PARTS[0].0, PARTS[1].0, PARTS[2].0, PARTS[3].0, PARTS[4].0];

/// How PayPal signs.
const ALGORITHM: &str = "SHA256withRSA";
/// Where its certificates are: at a host below this one.
const DOMAIN: &str = ".paypal.com";
/// So far the time of a transmission may be from ours, in milliseconds: a day. What is sent again is another transmission.
const AWAY_MS_MAX: u64 = 86_400_000;

/// Whether it may be PayPal's, as far as that is seen without asking: what cannot be is not kept at all.
pub(crate) fn is_possible(headers: &[(String, String)], now: Timestamp) -> bool {
    let header =
        |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let is_near = |at: Timestamp| at.0.abs_diff(now.0) <= AWAY_MS_MAX;
    header("paypal-auth-algo") == Some(ALGORITHM)
        && header("paypal-cert-url").is_some_and(is_at_paypal)
        && header("paypal-transmission-time").and_then(parse_time).is_some_and(is_near)
}

/// Whether it is `https://NAME.paypal.com/…`.
fn is_at_paypal(url: &str) -> bool {
    let host = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')).map(|(host, _)| host);
    let name = host.and_then(|host| host.strip_suffix(DOMAIN));
    let is_named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(is_named))
}

/// What PayPal is asked; `None`: the webhook is not signed at all, or is no JSON.
pub(crate) fn question(headers: &[(String, String)], body: &[u8], webhook_id: &str) -> Option<String> {
    let event = std::str::from_utf8(body).ok()?;
    serde_json::from_str::<&RawValue>(event).ok()?;
    let mut question = format!("{{\"webhook_id\":{}", json!(webhook_id));
    for (header, name) in PARTS {
        let (_, value) = headers.iter().find(|(found, _)| found == header)?;
        question.push_str(&format!(",\"{name}\":{}", json!(value)));
    }
    Some(format!("{question},\"webhook_event\":{event}}}"))
}

pub(crate) async fn ask(account: &Account, question: String) -> Genuine {
    let (http, path) = (Http::new(account), "/v1/notifications/verify-webhook-signature");
    let answered = http.send(Method::POST, path, None, Bytes::from(question)).await;
    let said = answered.map(|body| serde_json::from_slice::<Verification>(&body));
    match said {
        Ok(Ok(Verification { verification_status: Some(status) })) if status == "SUCCESS" => Genuine::Yes,
        // It does not understand what it is asked: it has not sent that.
        Ok(Ok(Verification { verification_status: Some(_) })) | Err(Answer::Declined { .. }) => Genuine::No,
        _ => Genuine::Ask,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_paypals_is_told_apart_without_asking() {
        const DAY_MS: u64 = 86_400_000;
        let now = Timestamp(1_795_946_400_500);
        let good = [
            ("paypal-auth-algo", "SHA256withRSA"),
            ("paypal-cert-url", "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"),
            ("paypal-transmission-time", "2026-11-29T10:00:00Z"),
        ];
        let is_possible = |changed: (&str, &str), now: u64| {
            let value = |(name, value): (&str, &str)| {
                let value = if name == changed.0 { changed.1 } else { value };
                (name.to_owned(), value.to_owned())
            };
            is_possible(&good.map(value), Timestamp(now))
        };
        assert!(is_possible(("", ""), now.0));
        assert!(is_possible(("", ""), now.0 + DAY_MS - 500) && !is_possible(("", ""), now.0 + DAY_MS));
        assert!(is_possible(("", ""), now.0 - DAY_MS) && !is_possible(("", ""), now.0 - DAY_MS - 501));
        for changed in [
            ("paypal-auth-algo", "SHA1withRSA"),
            ("paypal-cert-url", "http://api.paypal.com/cert"),
            ("paypal-cert-url", "https://paypal.com.example/cert"),
            ("paypal-cert-url", "https://.paypal.com/cert"),
            ("paypal-cert-url", "https://example/.paypal.com/cert"),
            ("paypal-cert-url", "https://a@b.paypal.com/cert"),
            ("paypal-cert-url", "https://api.paypal.com"),
            ("paypal-cert-url", ""),
            ("paypal-transmission-time", "yesterday"),
            ("paypal-transmission-time", "1795946400000"),
        ] {
            assert!(!is_possible(changed, now.0), "{changed:?}");
        }
        assert!(!super::is_possible(&[], now), "nothing says that it is signed");
    }

    #[test]
    fn the_body_is_asked_about_byte_by_byte() {
        let headers: Vec<_> =
            HEADERS.iter().map(|name| ((*name).to_owned(), format!("\"{name}\""))).collect();
        let body = br#"{ "id":"WH-1",  "amount": 1.50, "name":"\u00e9" }"#;
        let asked = question(&headers, body, "W1").unwrap();
        assert!(
            asked.ends_with(&format!(",\"webhook_event\":{}}}", std::str::from_utf8(body).unwrap())),
            "{asked}"
        );
        let json: serde_json::Value = serde_json::from_str(&asked).unwrap();
        assert_eq!((&json["webhook_id"], &json["auth_algo"]), (&json!("W1"), &json!("\"paypal-auth-algo\"")));
        assert_eq!(question(&headers[1..], body, "W1"), None);
        assert_eq!(question(&headers, b"{", "W1"), None);
    }
}
