//! The two yardsticks: a bare no-op JSON route, and the same route behind a bare group commit.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use actix_web::{App, HttpResponse, HttpServer, web};
use tessera_benchmarks::Served;
use tokio::sync::oneshot;

/// Requests that wait for the committing thread at most.
const QUEUE_MAX: usize = 16_384;
/// Bytes written per request: about what a hold takes in the log.
const RECORD_BYTES: usize = 80;
/// Worker threads, as the product has by default on two cores.
const WORKERS: usize = 2;
/// A reply of the size of a placed hold's.
const REPLY: &str = r#"{"id":"hld_01jd9k3r5xe4h8m2n6p0q7s9tv","secret":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","state":"held","sequence":123456,"deadline_at":"2027-01-15T08:10:00.000Z","life_ends_at":"2027-01-15T08:30:00.000Z","renewals":0,"lines":[{"ticket_type":"Standing","quantity":1,"price":{"amount":4500,"currency":"EUR"}}],"total":{"amount":4500,"currency":"EUR"}}"#;

/// The server with the yardsticks, in a process of its own.
pub(crate) struct Bare(Served);

impl Bare {
    /// Start it; it ends when this is dropped.
    pub(crate) fn start(scratch: &Path) -> Bare {
        Bare(Served::start("the server of the yardsticks", |port| {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.arg("bare").arg(port.to_string()).arg(scratch);
            command
        }))
    }

    /// The address of one route.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.0.port())
    }
}

/// Serve the yardsticks until killed.
pub(crate) fn serve(port: &str, folder: &Path) {
    let (sender, receiver) = sync_channel(QUEUE_MAX);
    let journal = File::create(folder.join("probe.journal")).expect("a journal");
    std::thread::spawn(move || commit(journal, &receiver));
    let app = move || {
        App::new()
            .app_data(web::Data::new(sender.clone()))
            .route("/noop", web::post().to(noop))
            .route("/probe", web::post().to(probe))
    };
    let address = format!("127.0.0.1:{port}");
    let server = HttpServer::new(app).workers(WORKERS).bind(address).expect("the port is free").run();
    actix_web::rt::System::new().block_on(server).expect("the server runs");
}

type Waiting = oneshot::Sender<()>;

/// One thread: take what waits, write it, sync once, answer all.
fn commit(mut journal: File, receiver: &Receiver<Waiting>) {
    let mut batch = Vec::new();
    let mut bytes = Vec::new();
    while let Ok(first) = receiver.recv() {
        batch.push(first);
        batch.extend(receiver.try_iter());
        bytes.resize(batch.len() * RECORD_BYTES, 0x5A);
        journal.write_all(&bytes).expect("the journal is writable");
        journal.sync_data().expect("the journal syncs");
        for waiting in batch.drain(..) {
            waiting.send(()).ok();
        }
    }
}

async fn noop(_body: web::Bytes) -> HttpResponse {
    HttpResponse::Created().content_type("application/json").body(REPLY)
}

async fn probe(_body: web::Bytes, sender: web::Data<SyncSender<Waiting>>) -> HttpResponse {
    let (answer, answered) = oneshot::channel();
    match sender.try_send(answer) {
        Ok(()) => match answered.await {
            Ok(()) => HttpResponse::Created().content_type("application/json").body(REPLY),
            Err(_) => HttpResponse::InternalServerError().finish(),
        },
        Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
            HttpResponse::ServiceUnavailable().finish()
        }
    }
}
