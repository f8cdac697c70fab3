//! Nodes of a cluster through the API of a server that is alone.

use serde_json::json;
use tessera_tests::{ADMIN_TOKEN, Sale, Server, standing};

const NODE: &str = "nod_01k4m6c0vceksvr2tvwm6y4zq1";

#[tokio::test]
async fn a_server_that_is_alone_has_no_nodes_and_moves_nothing() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    let alone = server.get("/v1/nodes").bearer(ADMIN_TOKEN).expect(200).await;
    assert_eq!(alone.json, json!({"me": null, "is_doubtful": false, "items": []}));
    let drain = server.post(&format!("/v1/nodes/{NODE}/drain")).bearer(ADMIN_TOKEN);
    assert_eq!(drain.refused(422, "invalid_request").await.text("reason"), "no_cluster");
    let to = json!({"node": NODE});
    let moved = server.post(&sale.path("/move")).bearer(ADMIN_TOKEN).json(&to);
    assert_eq!(moved.refused(422, "invalid_request").await.text("reason"), "no_cluster");
    server.post("/v1/nodes/node1/drain").bearer(ADMIN_TOKEN).refused(404, "node_not_found").await;
}

#[tokio::test]
async fn nodes_are_for_the_administrator() {
    let server = Server::start().await;
    let sale = Sale::open(&server, &standing(10)).await;
    server.get("/v1/nodes").refused(401, "credential_missing").await;
    for key in [&sale.key, &server.buyer().await] {
        server.get("/v1/nodes").bearer(key).refused(403, "forbidden").await;
        server.post(&format!("/v1/nodes/{NODE}/drain")).bearer(key).refused(403, "forbidden").await;
        let moved = server.post(&sale.path("/move")).bearer(key).json(&json!({"node": NODE}));
        moved.refused(403, "forbidden").await;
    }
}
