//! The OpenAPI document and the page that renders it. Every other test here checks its replies against the document.

use serde_json::Value;
use tessera_tests::{Contract, Server};

#[tokio::test]
async fn the_document_is_served_with_a_tag() {
    let server = Server::start().await;
    let document = server.get("/openapi.json").expect(200).await;
    assert_eq!(document.json["openapi"], "3.1.0");
    let etag = document.header("etag").to_owned();
    server.get("/openapi.json").header("if-none-match", &etag).expect(304).await;
}

/// The examples of a media type.
fn examples(media_type: &Value) -> Vec<&Value> {
    media_type.get("example").into_iter().collect()
}

#[tokio::test]
async fn every_example_has_its_schema() {
    let contract = Contract::served().await;
    let mut seen = 0;
    for (path, item) in contract.document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let body = operation.get("requestBody");
            let replies = operation["responses"].as_object().unwrap().values();
            for reply in replies.chain(body) {
                for (media_type, content) in reply["content"].as_object().into_iter().flatten() {
                    for example in examples(content) {
                        let what = format!("{method} {path} {media_type}");
                        contract.valid(&what, &content["schema"], example, true);
                        seen += 1;
                    }
                }
            }
        }
    }
    let problem = serde_json::json!({"$ref": "#/components/schemas/Problem"});
    for (code, example) in contract.document["components"]["examples"].as_object().unwrap() {
        contract.valid(code, &problem, &example["value"], true);
    }
    let parameters = contract.document["components"]["parameters"].as_object().unwrap();
    for (name, parameter) in parameters {
        contract.valid(name, &parameter["schema"], &parameter["example"], true);
    }
    assert!(seen > 50, "only {seen} examples");
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let server = Server::start().await;
    let page = server.get("/docs").expect(200).await;
    let text = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert!(!text.contains("://"), "no other host: {text}");
    let mut files = 0;
    for attribute in text.split(['"']).filter(|part| part.starts_with("/docs/files/")) {
        let file = server.get(attribute).expect(200).await;
        assert!(!file.bytes.is_empty() && !file.header("content-type").is_empty());
        let etag = file.header("etag").to_owned();
        server.get(attribute).header("if-none-match", &etag).expect(304).await;
        files += 1;
    }
    assert_eq!(files, 4);
    for name in ["index.html", "swagger-ui.css.map", "..", "nonsense"] {
        server.get(&format!("/docs/files/{name}")).expect(404).await;
    }
}

#[tokio::test]
async fn the_scanner_page_is_whole_and_needs_nothing_from_elsewhere() {
    let server = Server::start().await;
    let page = server.get("/scan").expect(200).await;
    let text = String::from_utf8(page.bytes.clone()).unwrap();
    assert!(page.header("content-type").starts_with("text/html") && !text.contains("://"));
    assert!(page.header("content-security-policy").contains("default-src 'none'; script-src 'self'"));
    assert!(page.header("permissions-policy").contains("camera=(self)"));
    let worker = server.get("/scan/files/worker.js").expect(200).await;
    assert_eq!(worker.header("service-worker-allowed"), "/scan");
    // What the worker keeps is what the page and its scripts name, each with a tag and a type.
    let kept = String::from_utf8(worker.bytes.clone()).unwrap();
    let kept: Vec<&str> = kept.split('"').filter(|path| path.starts_with("/scan")).collect();
    for path in text.split('"').filter(|part| part.starts_with("/scan/files/")) {
        assert!(kept.contains(&path), "{path} is not kept");
    }
    for path in &kept {
        let file = server.get(path).expect(200).await;
        server.get(path).header("if-none-match", file.header("etag")).expect(304).await;
        let Some((folder, _)) = path.rsplit_once('/').filter(|_| path.ends_with(".js")) else { continue };
        assert!(file.header("content-type").starts_with("text/javascript"));
        let script = String::from_utf8(file.bytes).unwrap();
        for import in script.split(['"', '\'']).filter(|part| part.ends_with(".js") && part.starts_with('.'))
        {
            let url = reqwest::Url::parse(&format!("http://host{folder}/")).unwrap().join(import).unwrap();
            assert!(kept.contains(&url.path()), "{path} loads {import}, which is not kept");
        }
    }
    assert_eq!(kept.len(), 25);
    for path in
        ["/scan/files/index.html", "/scan/files/..", "/scan/vendor/qr/LICENSE", "/scan/vendor/x/index.js"]
    {
        server.get(path).expect(404).await;
    }
}
