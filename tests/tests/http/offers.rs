//! Ticket types, pools, channels and kills as lists.

use serde_json::{Value, json};
use tessera_tests::{Sale, Server, hall, standing};

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn ticket_types_say_what_can_be_bought_and_those_by_a_code_are_the_organizers() {
    let server = Server::start().await;
    let mut configuration = standing(10);
    configuration["ticket_types"][1]["access_code"] = "GUESTS".into();
    configuration["ticket_types"][0]["per_subject_max"] = 4.into();
    let sale = Sale::open(&server, &configuration).await;
    sale.hold(&server, &server.buyer().await, "Standing", 3).await;
    let path = sale.path("/ticket-types");
    let public = server.get(&path).expect(200).await;
    assert_eq!(
        public.json["items"],
        json!([{"name": "Standing", "price": {"amount": 4500, "currency": "EUR"}, "open": true, "available": 7,
            "per_order_min": 1, "per_order_max": 6, "per_subject_max": 4, "draws_on": ["Floor"], "by_code": false}])
    );
    let own = server.get(&path).bearer(&sale.key).expect(200).await;
    assert_eq!(names(&own.json), ["Standing", "Free"]);
    assert_eq!(own.json["items"][1]["by_code"], true);
    let etag = public.header("etag").to_owned();
    server.get(&path).header("if-none-match", &etag).expect(304).await;
    server.get(&path).bearer(&sale.key).header("if-none-match", &etag).expect(200).await;
}

#[tokio::test]
async fn pools_and_channels_are_listed() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    sale.hold(&server, &server.buyer().await, "Standing", 2).await;
    let pools = server.get(&sale.path("/pools")).expect(200).await;
    let floor = json!({"name": "Floor", "capacity": 100, "free": 98, "held": 2, "sold": 0, "killed": 0});
    assert_eq!(pools.json["items"], json!([floor]));
    let channels = server.get(&sale.path("/channels")).bearer(&sale.key).expect(200).await;
    let allotment = json!({"pool": "Floor", "quantity": 20, "left": 20, "held": 0, "sold": 0});
    assert_eq!(channels.json["items"], json!([{"name": "Sponsor", "allotments": [allotment]}]));
    assert!(!String::from_utf8_lossy(&channels.bytes).contains("SPONSOR"), "a code is not shown");
    let draft = Sale::draft(&server, &hall(1)).await;
    server.get(&draft.path("/pools")).refused(404, "event_not_found").await;
    server.get(&draft.path("/pools")).bearer(&draft.key).expect(200).await;
}

#[tokio::test]
async fn a_channel_says_what_of_its_allotment_is_held_sold_and_left() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &hall(1)).await;
    let allotment = async || {
        let list = server.get(&sale.path("/channels")).bearer(&sale.key).expect(200).await;
        list.json["items"][0]["allotments"][0].clone()
    };
    let stands = async |left: u32, held: u32, sold: u32| {
        let expected = json!({"pool": "Floor", "quantity": 20, "left": left, "held": held, "sold": sold});
        assert_eq!(allotment().await, expected);
    };
    let buyer = server.buyer().await;
    let hold = async |quantity: u32| {
        let lines =
            json!({"lines": [{"ticket_type": "Standing", "quantity": quantity}], "access_code": "SPONSOR"});
        server.post(&sale.path("/holds")).bearer(&buyer).json(&lines).expect(201).await
    };
    let (released, paid) = (hold(3).await, hold(2).await);
    // Who shows no code draws on nobody's allotment.
    sale.hold(&server, &server.buyer().await, "Standing", 2).await;
    stands(15, 5, 0).await;
    let release = server.post(&sale.path(&format!("/holds/{}/release", released.text("id"))));
    release.header("x-hold-secret", &released.text("secret")).expect(200).await;
    stands(18, 2, 0).await;
    let order = server.post(&sale.path("/orders")).bearer(&buyer).json(&json!({"hold": paid.text("id")}));
    let order = sale.path(&format!("/orders/{}", order.expect(201).await.text("id")));
    stands(18, 2, 0).await;
    let confirm = server.post(&format!("{order}/confirm")).bearer(&sale.key);
    let paid = confirm.json(&json!({"payment": "offline"})).expect(200).await;
    stands(18, 0, 2).await;
    // One ticket comes back to the channel, the other is withdrawn when it comes back.
    for (ticket, units) in [(0, "restock"), (1, "kill")] {
        let refund = server.post(&format!("{order}/refunds")).bearer(&sale.key);
        let ticket = &paid.json["tickets"][ticket]["id"];
        refund.json(&json!({"tickets": [ticket], "units": units})).expect(200).await;
    }
    stands(19, 0, 0).await;
    server.post(&sale.path("/channels/Sponsor/release")).bearer(&sale.key).expect(200).await;
    assert_eq!(allotment().await, json!({"pool": "Floor", "quantity": 20, "left": 0}));
}

#[tokio::test]
async fn kills_are_listed_page_by_page() {
    let mut settings = Server::settings();
    // It asks until the map has followed.
    settings.rate_limit.caller_per_second = 0;
    let server = Server::start_with(settings).await;
    let sale = Sale::open(&server, &hall(1)).await;
    let kill = |units: &Value| server.post(&sale.path("/kills")).bearer(&sale.key).json(units);
    kill(&json!({"pool": "Floor", "quantity": 10})).expect(200).await;
    let last = kill(&json!({"seats": [3, 4, 19]})).expect(200).await.number("sequence");
    let read = |query: &str| server.get(&sale.path(&format!("/kills{query}"))).bearer(&sale.key);
    // The map may trail, but not for long.
    let first = loop {
        let page = read("?limit=2").expect(200).await;
        if page.number("sequence") >= last {
            break page;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(first.json["pools"], json!([{"pool": "Floor", "quantity": 10}]));
    assert_eq!(first.json["seats"], json!([3, 4]));
    let next = first.text("next");
    let second = read(&format!("?limit=2&cursor={next}")).expect(200).await;
    assert_eq!((&second.json["seats"], &second.json["next"]), (&json!([19]), &Value::Null));
    read("?cursor=nonsense").refused(422, "invalid_value").await;
}
