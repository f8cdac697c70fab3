//! An event on sale in a server.

use serde_json::{Value, json};

use crate::server::{Reply, Server};

/// An event of one organizer.
#[derive(Clone, Debug)]
pub struct Sale {
    /// Its identifier.
    pub event: String,
    /// An organizer key with every scope.
    pub key: String,
}

/// A venue of one standing pool, `Floor`, with a ticket type `Standing` at 45.00 and one `Free` at nothing; a subject may have
/// 8 units.
#[must_use]
pub fn standing(capacity: u32) -> Value {
    json!({
        "currency": "EUR",
        "pools": [{"name": "Floor", "capacity": capacity}],
        "ticket_types": [
            {"name": "Standing", "price": 4500, "per_order_min": 1, "per_order_max": 6, "draws_on": ["Floor"]},
            {"name": "Free", "price": 0, "per_order_min": 1, "per_order_max": 6, "draws_on": ["Floor"]}],
        "units_per_subject_max": 8
    })
}

/// A hall of one section `A` with `rows` rows of two blocks of ten seats, a type `Seat` at 90.00, a standing pool of 100 with the type
/// `Standing`, and a channel `Sponsor` (code `SPONSOR`) with 20 of them.
#[must_use]
pub fn hall(rows: u32) -> Value {
    let row = |number: u32| {
        let y_mm = 10_000 + 1_000 * number;
        let block = |from: u32, x_mm: i32| json!({"from": from, "to": from + 9, "x_mm": x_mm, "y_mm": y_mm, "step_x_mm": 500, "category": "Hall"});
        json!({"section": "A", "label": number.to_string(), "blocks": [block(1, -6_000), block(11, 1_000)]})
    };
    json!({
        "currency": "EUR",
        "pools": [{"name": "Floor", "capacity": 100}],
        "categories": [{"name": "Hall", "focal_point": {"x_mm": 0, "y_mm": 0}}],
        "sections": ["A"],
        "rows": (1..=rows).map(row).collect::<Vec<_>>(),
        "channels": [{"name": "Sponsor", "code": "SPONSOR", "allotments": [{"pool": "Floor", "quantity": 20}]}],
        "ticket_types": [
            {"name": "Seat", "price": 9000, "per_order_max": 10, "category": "Hall"},
            {"name": "Standing", "price": 4500, "per_order_max": 6, "draws_on": ["Floor"]}]
    })
}

impl Sale {
    /// Creates an event with this configuration and opens it.
    pub async fn open(server: &Server, configuration: &Value) -> Sale {
        let sale = Sale::draft(server, configuration).await;
        sale.phase(server, "on_sale").await;
        sale
    }

    /// Creates an event with this configuration.
    pub async fn draft(server: &Server, configuration: &Value) -> Sale {
        let key = server.organizer_key().await;
        let body = json!({
            "name": "Test", "starts_at": "2030-01-01T19:00:00Z", "zone": "Europe/Berlin", "configuration": configuration});
        let created = server.post("/v1/events").bearer(&key).json(&body).expect(201).await;
        Sale { event: created.text("id"), key }
    }

    /// Moves it to another phase.
    pub async fn phase(&self, server: &Server, to: &str) {
        server
            .post(&self.path("/phase-changes"))
            .bearer(&self.key)
            .json(&json!({"to": to}))
            .expect(200)
            .await;
    }

    /// A path below the event.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/events/{}{rest}", self.event)
    }

    /// Holds units of a standing type; must succeed.
    pub async fn hold(&self, server: &Server, buyer: &str, ticket_type: &str, quantity: u32) -> Reply {
        let body = json!({"lines": [{"ticket_type": ticket_type, "quantity": quantity}]});
        server.post(&self.path("/holds")).bearer(buyer).json(&body).expect(201).await
    }

    /// Holds and pays units of the type `Free`; the paid order.
    pub async fn buy_free(&self, server: &Server, buyer: &str, quantity: u32) -> Reply {
        let hold = self.hold(server, buyer, "Free", quantity).await.text("id");
        let order =
            server.post(&self.path("/orders")).bearer(buyer).json(&json!({"hold": hold})).expect(201).await;
        let confirm = self.path(&format!("/orders/{}/confirm", order.text("id")));
        server.post(&confirm).bearer(buyer).json(&json!({"payment": "free"})).expect(200).await
    }

    /// The availability document.
    pub async fn availability(&self, server: &Server) -> Value {
        server.get(&self.path("/availability")).expect(200).await.json
    }
}
