//! What a buyer says at the till: through whom it pays, and how it is reached.

use std::borrow::Cow;

use serde::Deserialize;
use tessera_inventory::{ClaimNumber, ClaimState, ClaimView, EventId, PAYMENT_ATTEMPTS_MAX, ProviderId};
use tessera_money::contacts::Contact;
use tessera_store::keys::PaymentContactKey;
use utoipa::ToSchema;

use super::orders::BeginRequest;
use crate::call::Call;
use crate::caller::Access;
use crate::code::Code;
use crate::limits::{
    CONTACT_LOCALE_BYTES_MAX, CONTACT_NAME_BYTES_MAX, CONTACT_PHONE_DIGITS_MAX, EMAIL_BYTES_MAX,
    URL_BYTES_MAX,
};
use crate::problem::{self, Problem};

/// Through whom an order is paid.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderRequest)]
pub(crate) struct PaymentRequest<'a> {
    /// The name of a provider of this installation, such as `sandbox`.
    #[serde(borrow)]
    provider: Cow<'a, str>,
    /// Where the buyer's browser goes once it has paid, or turned away: `https://…`, or `http://…` on this machine.
    #[serde(borrow, default)]
    return_url: Option<Cow<'a, str>>,
    /// Where the buyer pays.
    #[serde(default)]
    mode: PaymentMode,
}

/// Where a buyer pays: at the provider's page, or at one of the organizer's own, which pays with `client_secret`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentMode {
    #[default]
    Page,
    Intent,
}

/// How a buyer is reached about an order. It can be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactRequest)]
pub(crate) struct ContactRequest<'a> {
    #[serde(borrow, default)]
    email: Option<Cow<'a, str>>,
    /// In the international form: `+` and digits.
    #[serde(borrow, default)]
    phone: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    /// A language tag, such as `de-CH`.
    #[serde(borrow, default)]
    locale: Option<Cow<'a, str>>,
}

impl PaymentRequest<'_> {
    /// The provider, which this process knows, and through which a buyer can pay so.
    pub(super) fn provider(&self, call: &Call) -> Result<ProviderId, Problem> {
        let found = call.gateway().platform.till().provider(&self.provider);
        let provider = found.ok_or_else(|| {
            let detail = "nobody is paid through a provider of this name here";
            Problem::field(Code::ProviderUnknown, "payment.provider", detail)
        })?;
        let (ways, invalid) = (provider.ways(), Code::InvalidValue);
        match self.mode {
            PaymentMode::Intent if !ways.own_page => {
                Err(Problem::field(invalid, "payment.mode", "page: this provider has no other way"))
            }
            PaymentMode::Page if ways.needs_return_url && self.return_url.is_none() => Err(Problem::field(
                invalid,
                "payment.return_url",
                "needed: the page of this provider leads there",
            )),
            _ => Ok(provider.id()),
        }
    }
}

/// Before the payment of a hold begins: its provider must take such an amount, and how the buyer is reached is kept, since what is called then needs
/// it. It is the hold of the caller.
pub(super) async fn keep(
    call: &Call,
    (event, hold): (EventId, ClaimNumber),
    access: &Access,
    request: &BeginRequest<'_>,
    currency: [u8; 3],
) -> Result<(), Problem> {
    let Some(contact) = contact(request)? else { return Ok(()) };
    let (_, view) = call.claim(event, hold).await?;
    let Some(view) = view.filter(|view| access.opens(view.subject) && can_be_paid(view)) else {
        // The command says why, and what was said of how the buyer is reached stays.
        return Ok(());
    };
    let till = call.gateway().platform.till();
    let total_minor = view.total_minor();
    let provider = request.payment.as_ref().and_then(|payment| till.provider(&payment.provider));
    if total_minor > 0 && provider.is_some_and(|provider| !provider.takes(currency, total_minor)) {
        let detail = "this provider takes no such amount in the currency of the event";
        return Err(Problem::field(Code::InvalidValue, "payment.provider", detail));
    }
    let key = PaymentContactKey { event, order: hold };
    let kept = till.contacts().keep(key, view.subject, &contact, call.gateway().now()).await;
    kept.map_err(|error| problem::store(&error))
}

/// Whether a payment can begin: none is under way, and there were not too many.
fn can_be_paid(hold: &ClaimView) -> bool {
    hold.state == ClaimState::Held && hold.attempts < PAYMENT_ATTEMPTS_MAX
}

fn contact(request: &BeginRequest<'_>) -> Result<Option<Contact>, Problem> {
    let return_url = request.payment.as_ref().and_then(|payment| payment.return_url.as_deref());
    let by_own_page = request.payment.as_ref().is_some_and(|payment| payment.mode == PaymentMode::Intent);
    if request.contact.is_none() && request.payment.is_none() {
        return Ok(None);
    }
    let of = |part: fn(&ContactRequest<'_>) -> Option<String>| request.contact.as_ref().and_then(part);
    let contact = Contact {
        email: of(|contact| contact.email.as_deref().map(str::to_owned)),
        phone: of(|contact| contact.phone.as_deref().map(str::to_owned)),
        name: of(|contact| contact.name.as_deref().map(str::to_owned)),
        locale: of(|contact| contact.locale.as_deref().map(str::to_owned)),
        return_url: return_url.map(str::to_owned),
        by_own_page,
    };
    check(&contact)?;
    Ok(Some(contact))
}

fn check(contact: &Contact) -> Result<(), Problem> {
    let refuse =
        |field: &str, message: &str| Err(Problem::field(Code::InvalidValue, field, message.to_owned()));
    let breaks =
        |text: &Option<String>, is_good: fn(&str) -> bool| text.as_deref().is_some_and(|text| !is_good(text));
    if breaks(&contact.email, is_email) {
        return refuse("contact.email", "an address such as ada@example.com, of at most 254 bytes");
    }
    if breaks(&contact.phone, is_phone) {
        return refuse("contact.phone", "a number in the international form, such as +41791234567");
    }
    if breaks(&contact.name, |name| is_line(name, CONTACT_NAME_BYTES_MAX)) {
        return refuse("contact.name", "one line of 1 to 200 bytes");
    }
    if breaks(&contact.locale, |locale| is_line(locale, CONTACT_LOCALE_BYTES_MAX) && locale.is_ascii()) {
        return refuse("contact.locale", "a language tag such as de-CH");
    }
    if breaks(&contact.return_url, is_return_url) {
        return refuse("payment.return_url", "https://…, or http://… on this machine, of at most 2048 bytes");
    }
    Ok(())
}

/// One line without control characters.
pub(super) fn is_line(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
}

/// Something before and after one `@`: whether it exists, only mail can tell.
pub(super) fn is_email(text: &str) -> bool {
    let parts = text.split_once('@').filter(|(user, host)| !user.is_empty() && !host.is_empty());
    is_line(text, EMAIL_BYTES_MAX)
        && !text.contains(char::is_whitespace)
        && parts.is_some_and(|(_, host)| !host.contains('@'))
}

pub(super) fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (1..=CONTACT_PHONE_DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_return_url(text: &str) -> bool {
    let Ok(url) = text.parse::<actix_web::http::Uri>() else { return false };
    let host = url.host().unwrap_or_default();
    let is_here = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
    let is_safe = url.scheme_str() == Some("https") || (url.scheme_str() == Some("http") && is_here);
    is_line(text, URL_BYTES_MAX) && is_safe && !host.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(contact: &Contact) -> bool {
        check(contact).is_err()
    }

    #[test]
    fn what_nobody_can_be_reached_by_is_refused() {
        let email = |text: &str| Contact { email: Some(text.to_owned()), ..Contact::default() };
        assert!(!refused(&email("ada@example.com")) && !refused(&email("é+x@münchen.example")));
        let long = format!("{}@example.com", "a".repeat(250));
        for text in
            ["", "ada", "@example.com", "ada@", "a@b@c", "ada @example.com", "ada@example.com\n", &long]
        {
            assert!(refused(&email(text)), "{text}");
        }
        let phone = |text: &str| Contact { phone: Some(text.to_owned()), ..Contact::default() };
        assert!(!refused(&phone("+41791234567")));
        for text in ["", "+", "0791234567", "+4179 1234567", "+1234567890123456"] {
            assert!(refused(&phone(text)), "{text}");
        }
    }

    #[test]
    fn a_buyer_returns_to_a_safe_place() {
        let back = |text: &str| Contact { return_url: Some(text.to_owned()), ..Contact::default() };
        for text in ["https://shop.example/thanks?order=1", "http://localhost:3000/x", "http://127.0.0.1/"] {
            assert!(!refused(&back(text)), "{text}");
        }
        for text in
            ["", "http://shop.example/", "javascript:alert(1)", "//shop.example", "shop.example", "https://"]
        {
            assert!(refused(&back(text)), "{text}");
        }
    }
}
