//! The stable codes of problems. Each has its page in `docs/errors/`, which is part of the binary.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($name:ident($text:literal, $status:literal, $title:literal)),* $(,)?) => {
        /// A stable code of a problem; `docs/errors/` has a page for each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // each is documented by its page
        pub enum Code { $($name),* }

        impl Code {
            /// Every code.
            pub const ALL: &[Code] = &[$(Code::$name),*];

            /// The code as it stands in the problem.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Code::$name => $text),* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status_number(self) -> u16 {
                match self { $(Code::$name => $status),* }
            }

            /// A short summary that never changes for the code.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }

            /// Its page, in Markdown.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self { $(Code::$name => include_str!(concat!("../../../docs/errors/", $text, ".md"))),* }
            }
        }
    };
}

codes! {
    CredentialMissing("credential_missing", 401, "A credential is needed"),
    CredentialInvalid("credential_invalid", 401, "The credential is not valid"),
    CredentialExpired("credential_expired", 401, "The credential has expired"),
    Forbidden("forbidden", 403, "Not allowed"),
    AccessCodeRequired("access_code_required", 403, "An access code is needed"),
    EventNotFound("event_not_found", 404, "No such event"),
    HoldNotFound("hold_not_found", 404, "No such hold"),
    OrderNotFound("order_not_found", 404, "No such order"),
    TicketNotFound("ticket_not_found", 404, "No such ticket"),
    EntryNotFound("entry_not_found", 404, "No such entry of the waitlist"),
    ReceiptNotFound("receipt_not_found", 404, "No such receipt"),
    ApiKeyNotFound("api_key_not_found", 404, "No such key"),
    WebhookEndpointNotFound("webhook_endpoint_not_found", 404, "No such webhook endpoint"),
    TicketKeyNotFound("ticket_key_not_found", 404, "No such ticket key"),
    BroadcastNotFound("broadcast_not_found", 404, "No such broadcast"),
    NodeNotFound("node_not_found", 404, "No such node"),
    RouteNotFound("route_not_found", 404, "No such route"),
    MethodNotAllowed("method_not_allowed", 405, "The path does not know this method"),
    MalformedJson("malformed_json", 400, "The body is not JSON"),
    InvalidHeader("invalid_header", 400, "A header cannot be read"),
    UnsupportedMediaType("unsupported_media_type", 415, "The body must be JSON"),
    BodyTooLarge("body_too_large", 413, "The body is too large"),
    BodyTooSlow("body_too_slow", 408, "The body took too long"),
    HeaderTooLarge("header_too_large", 431, "The headers are too large"),
    UnknownField("unknown_field", 422, "A field is not known"),
    MissingField("missing_field", 422, "A field is missing"),
    WrongType("wrong_type", 422, "A field has the wrong type"),
    OutOfRange("out_of_range", 422, "A number is out of range"),
    InvalidValue("invalid_value", 422, "A value is not possible"),
    InvalidConfiguration("invalid_configuration", 422, "The configuration contradicts itself"),
    InvalidRequest("invalid_request", 422, "The request contradicts itself"),
    OrderSize("order_size", 422, "Too few or too many units"),
    KeyMissing("key_missing", 422, "An idempotency key is needed"),
    KeyMalformed("key_malformed", 422, "The idempotency key is malformed"),
    KeyReused("key_reused", 422, "The key was used for another request"),
    KeyExpired("key_expired", 409, "The key is too old"),
    SoldOut("sold_out", 409, "Sold out"),
    SeatsTaken("seats_taken", 409, "Seats are taken"),
    WaitlistAhead("waitlist_ahead", 409, "The waitlist is served first"),
    AlreadyWaiting("already_waiting", 409, "You wait already"),
    WaitlistClosed("waitlist_closed", 409, "Nobody can wait for this"),
    WaitlistFull("waitlist_full", 409, "The waitlist is full"),
    AvailableNow("available_now", 409, "It is available"),
    LimitExceeded("limit_exceeded", 409, "A limit per buyer is reached"),
    NotOnSale("not_on_sale", 409, "Not on sale"),
    PriceChanged("price_changed", 409, "The price has changed"),
    TotalChanged("total_changed", 409, "The total has changed"),
    PromotionUnknown("promotion_unknown", 409, "There is no such promotion"),
    PromotionClosed("promotion_closed", 409, "The promotion does not apply now"),
    PromotionExhausted("promotion_exhausted", 409, "The promotion is used up"),
    AddOnAlone("add_on_alone", 409, "An add-on needs an admission"),
    HoldExpired("hold_expired", 409, "The hold has expired"),
    StrandsSeat("strands_seat", 409, "A single seat would be left"),
    WrongPhase("wrong_phase", 409, "Not in this phase"),
    WrongState("wrong_state", 409, "Not in this state"),
    StaleVersion("stale_version", 409, "The configuration has moved on"),
    RenewalsExhausted("renewals_exhausted", 409, "No renewal is left"),
    PaymentAttemptsExhausted("payment_attempts_exhausted", 409, "No payment attempt is left"),
    OrganizerNotFound("organizer_not_found", 404, "No such organizer"),
    PayoutNotFound("payout_not_found", 404, "No such payout"),
    PayoutExceeded("payout_exceeded", 409, "More than the organizer is owed"),
    PayoutEnded("payout_ended", 409, "The payout has ended"),
    RefundRunNotFound("refund_run_not_found", 404, "No such refund run"),
    PaymentNotFound("payment_not_found", 404, "No such payment"),
    ProviderUnknown("provider_unknown", 422, "Nobody is paid through this provider"),
    SignatureInvalid("signature_invalid", 400, "The signature is not the provider's"),
    PaymentRequired("payment_required", 409, "A payment is needed"),
    NothingToRestore("nothing_to_restore", 409, "Fewer units are killed"),
    AlreadyCheckedIn("already_checked_in", 409, "The ticket is already in"),
    NotCheckedIn("not_checked_in", 409, "The ticket is not in"),
    NotAdmittedHere("not_admitted_here", 409, "Another gate or time admits it"),
    NoReEntry("no_re_entry", 409, "The ticket was in before"),
    ScanNumbers("scan_numbers", 409, "Scans are missing in between"),
    DeviceNotFound("device_not_found", 404, "No such device"),
    CodeRevoked("code_revoked", 409, "The code was replaced"),
    WrongKind("wrong_kind", 409, "A voucher admits nobody"),
    AmountExceeded("amount_exceeded", 409, "More than is left of the order"),
    InDispute("in_dispute", 409, "The payment is disputed"),
    TicketRefunded("ticket_refunded", 409, "The ticket was refunded"),
    TicketExpired("ticket_expired", 409, "The ticket is over"),
    TransfersExhausted("transfers_exhausted", 409, "No transfer is left"),
    TooManyRequests("too_many_requests", 429, "Too many requests"),
    TooManyStreams("too_many_streams", 503, "Too many streams are open"),
    NotExecuted("not_executed", 503, "Not executed"),
    StoreWentBack("store_went_back", 503, "The store went back"),
    OutcomeUnknown("outcome_unknown", 503, "The outcome is not known"),
    InternalError("internal_error", 500, "A defect of Tessera"),
}

impl Code {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.status_number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The code of this text.
    #[must_use]
    pub fn find(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.text() == text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_page_names_its_code_and_status_and_none_is_orphaned() {
        for code in Code::ALL {
            let page = code.page();
            assert!(page.starts_with(&format!("# {}\n", code.text())), "{}", code.text());
            assert!(page.contains(&format!("(HTTP {})", code.status_number())), "{}", code.text());
            assert!(page.contains("## What to do"), "{}", code.text());
            assert_eq!(code.status().as_u16(), code.status_number());
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            assert!(name == "README" || Code::find(name).is_some(), "orphaned page {name}");
        }
    }
}
