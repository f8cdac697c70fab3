//! The sandbox's client before the sandbox.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tessera_actors::{Clock, Provider};
use tessera_sandbox::{Sandbox, SandboxClient, SandboxOptions};
use tessera_store::memory::MemoryStore;

use crate::ForwardClock;
use crate::provider::Told;
use crate::provider::conformance::Stage;

const SECRET: [u8; 32] = [9; 32];
/// Longest wait for a webhook, in tries of 10 ms.
const TRIES_MAX: usize = 1_000;

type Heard = Mutex<Vec<Told>>;

/// See the module.
pub struct SandboxStage {
    sandbox: Sandbox,
    clock: Arc<ForwardClock>,
    heard: Arc<Heard>,
}

impl SandboxStage {
    /// A new one.
    #[must_use]
    pub fn start() -> SandboxStage {
        let (clock, heard) = (Arc::new(ForwardClock::default()), Arc::<Heard>::default());
        let data = Arc::clone(&heard);
        let app =
            move || App::new().app_data(web::Data::from(Arc::clone(&data))).default_service(web::to(hear));
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", server.addrs()[0]);
        tokio::spawn(server.run());
        let options = SandboxOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            url: None,
            secret: SECRET,
            tests: true,
            workers: 1,
        };
        let shared = Arc::clone(&clock) as Arc<dyn Clock>;
        let sandbox = Sandbox::start(&options, Arc::new(MemoryStore::new()), shared).unwrap();
        sandbox.tell_to(url);
        SandboxStage { sandbox, clock, heard }
    }

    fn ask<'a>(&'a self, reference: &'a str, body: &Value) -> BoxFuture<'a, ()> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/v1/tests/payments/{reference}", self.sandbox.local());
        let request = client.post(url).bearer_auth(self.sandbox.token()).json(body);
        async move {
            // What is over takes nothing any more: 409.
            let status = request.send().await.unwrap().status().as_u16();
            assert!([200, 204, 409].contains(&status), "{status}");
        }
        .boxed()
    }
}

async fn hear(heard: web::Data<Heard>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let headers = request.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    heard.lock().unwrap().push(Told { headers, body: body.to_vec() });
    HttpResponse::Ok().finish()
}

impl Stage for SandboxStage {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(SandboxClient::new(self.sandbox.local(), &SECRET))
    }

    fn stranger(&self) -> Arc<dyn Provider> {
        Arc::new(SandboxClient::new(self.sandbox.local(), &[1; 32]))
    }

    fn clock(&self) -> &ForwardClock {
        &self.clock
    }

    fn pay<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()> {
        self.ask(reference, &json!({"act": "pay"}))
    }

    fn decline<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()> {
        self.ask(reference, &json!({"act": "decline"}))
    }

    fn dispute<'a>(&'a self, reference: &'a str, amount_minor: i64) -> BoxFuture<'a, ()> {
        self.ask(reference, &json!({"act": "dispute", "amount_minor": amount_minor}))
    }

    fn lose_dispute<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, ()> {
        self.ask(reference, &json!({"act": "decide", "won": false}))
    }

    fn lose_answers<'a>(&'a self, reference: &'a str, count: u32) -> BoxFuture<'a, ()> {
        self.ask(reference, &json!({"act": "lose_answers", "count": count}))
    }

    fn be_busy(&self, _count: u32) -> bool {
        false
    }

    fn told(&self, least: usize) -> BoxFuture<'_, Vec<Told>> {
        async move {
            for _ in 0..TRIES_MAX {
                let heard = self.heard.lock().unwrap().clone();
                if heard.len() >= least {
                    return heard;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            panic!("{least} webhooks never came");
        }
        .boxed()
    }

    fn captured_and_refunded(&self) -> Option<(i64, i64)> {
        None
    }
}
