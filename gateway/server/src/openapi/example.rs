//! What the examples of the document are made of.

use serde_json::{Value, json};

pub(super) const EVENT: &str = "evt_01m7xr7tgxfr59g2y38sxnz8tg";
pub(super) const HOLD: &str = "hld_3c9pkv0e5gg008000000000096";
pub(super) const ORDER: &str = "ord_3c9pkv0e5gg008000000000096";
pub(super) const ENTRY: &str = "wle_3c9pkv0e5gg008000000000096";
pub(super) const TICKET: &str = "tkt_3c9pkv0e5gg008000000000096";
pub(super) const RECEIPT: &str = "rct_3c9pkv0e5gg008000000000096";
pub(super) const KEY: &str = "key_5rs9a8d2vkfm5bqk2j4q4y6h0c";
pub(super) const ORGANIZER: &str = "org_2jv7k5d1s8g6m9qk2j4q4y6h0c";
pub(super) const NODE: &str = "nod_01k4m6c0vceksvr2tvwm6y4zq1";
pub(super) const PAYMENT: &str = "0192f0c17a3b7cde8f0123456789abcd-1240-1";
pub(super) const REFUND_RUN: &str = "rfr_3x7k2m9d4vkfm5bqk2j4q4y6h0";
pub(super) const PAYOUT: &str = "pyo_01m7xr7tgxfr59g2y38sxnz8tg";
pub(super) const WEBHOOK_ENDPOINT: &str = "whk_5rs9a8d2vkfm5bqk2j4q4y6h0c";
pub(super) const MESSAGE: &str = "msg_01m7xr7tgxfr59g2y38sxnz8tg_1236_5rs9a8d2vkfm5bqk2j4q4y6h0c";
const AT: &str = "2027-01-01T10:00:00Z";
const SECRET: &str = "3f1c0a9e5b7d4826";

pub(super) fn money(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

pub(super) fn venue() -> Value {
    json!({
        "currency": "EUR",
        "pools": [{"name": "Floor", "capacity": 5000}],
        "categories": [{"name": "Lower tier", "focal_point": {"x_mm": 0, "y_mm": 12000}}],
        "sections": ["A"],
        "rows": [{"section": "A", "label": "1", "blocks": [
            {"from": 1, "to": 14, "x_mm": -7000, "y_mm": 15000, "step_x_mm": 500, "category": "Lower tier", "accessible": [1], "companion": [2]}]}],
        "channels": [{"name": "Sponsor", "code": "SPONSOR", "allotments": [{"pool": "Floor", "quantity": 200}], "release_at": AT}],
        "ticket_types": [
            {"name": "Standing", "price": 4500, "per_order_min": 1, "per_order_max": 6, "draws_on": ["Floor"]},
            {"name": "Lower tier", "price": 9000, "category": "Lower tier"}],
        "units_per_subject_max": 8,
        "hold": {"duration_s": 600, "renewals_max": 2, "life_s_max": 1800, "grace_s": 900},
    })
}

pub(super) fn event() -> Value {
    json!({"id": EVENT, "name": "Club night", "starts_at": "2027-03-01T20:00:00Z", "zone": "Europe/Berlin", "organizer": ORGANIZER,
        "phase": "on_sale", "configuration_version": 1, "sequence": 2})
}

pub(super) fn listed_event() -> Value {
    json!({"id": EVENT, "name": "Club night", "starts_at": "2027-03-01T20:00:00Z", "zone": "Europe/Berlin", "organizer": ORGANIZER})
}

pub(super) fn lines() -> Value {
    json!([{"ticket_type": "Lower tier", "quantity": 2, "price": money(9000), "seats": [4, 5]}])
}

pub(super) fn hold(secret: bool) -> Value {
    let mut hold = json!({"id": HOLD, "state": "held", "origin": "direct", "sequence": 1234, "deadline_at": AT, "renewals": 0, "lines": lines(),
        "total": money(18000)});
    if secret {
        hold["secret"] = SECRET.into();
        hold["life_ends_at"] = AT.into();
    }
    hold
}

pub(super) fn order(state: &str) -> Value {
    let mut order = json!({"id": ORDER, "hold": HOLD, "state": state, "sequence": 1235, "total": money(18000), "lines": lines(),
        "tickets": []});
    if state == "paid" {
        let ticket = |seat: u32| json!({"id": TICKET, "code": SECRET, "line": 0, "seat": seat, "generation": 0, "refunded": false});
        order["payment"] = "offline".into();
        order["tickets"] = json!([ticket(4), ticket(5)]);
    } else {
        order["grace_until"] = AT.into();
    }
    order
}

pub(super) fn availability() -> Value {
    json!({
        "event": EVENT, "sequence": 1234, "at": AT, "phase": "on_sale", "configuration_version": 1,
        "pools": [{"name": "Floor", "free": 4000, "held": 600, "sold": 400, "killed": 0}],
        "categories": [{"name": "Lower tier", "free": 12, "held": 2, "sold": 0, "killed": 0}],
        "ticket_types": [{"name": "Standing", "available": 4000, "price": money(4500), "open": true}],
        "live_holds": 301, "orders": 200,
    })
}

pub(super) fn change() -> Value {
    json!({"sequence": 1234, "at": AT, "type": "hold_placed", "hold": HOLD, "deadline_at": AT, "life_ends_at": AT, "channel": null,
        "lines": lines()})
}

pub(super) fn at() -> Value {
    AT.into()
}

/// The text of a QR; it opens no door.
pub(super) fn qr() -> Value {
    format!("T1:{}", "0".repeat(135)).into()
}
