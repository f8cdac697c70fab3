//! `cargo run -p tessera-tests --example golden -- FOLDER`: makes the golden data directory of a release, which every later release must
//! open, replay and digest equally (`tests/golden/README.md`). Zeros at the end of a file are left out; `files.txt` has the lengths.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)] // a program for developers

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tessera_actors::{Answer, InventoryRouter, Limits, Platform, Services};
use tessera_embedded::{EmbeddedStore, Options};
use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, Config, EventId, HoldPolicy, IdempotencyKey, LineRequest,
    Payment, Phase, PlaceHold, Pool, PoolId, SaleWindow, Schedule, SeatingPolicy, Subject, Subjects,
    TicketType, TicketTypeId, Timestamp, Want,
};
use tessera_projections::receipts::{DRAFT_LOG_BYTES, Receipts, Signer};
use tessera_proof::Place;
use tessera_server::environment;
use tessera_server::receipt::{KeysDocument, ReceiptDocument};
use tessera_store::Log;
use tessera_store::snapshot::SnapshotRepository;
use tessera_writer::Ask;

/// Small, so that a few sales fill some.
const SEGMENT_BYTES: u64 = 16 << 10;
const EVENTS: [EventId; 3] = [EventId(UUID_V7 | 1), EventId(UUID_V7 | 2), EventId(UUID_V7 | 3)];
const UUID_V7: u128 = 0x0198_0000_0000_7000_8000_0000_0000_0000;
const BUYERS: u128 = 60;
/// The installation that signs.
const INSTALLATION: u128 = 77;
const PATIENCE: Duration = Duration::from_secs(30);

fn config() -> Config {
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "Floor".into(), capacity: 100 }],
        categories: Vec::new(),
        sections: Vec::new(),
        rows: Arc::from([]),
        channels: Vec::new(),
        ticket_types: vec![TicketType {
            name: "Standing".into(),
            price_minor: 0,
            window: SaleWindow::default(),
            per_order_min: 1,
            per_order_max: 10,
            per_subject_max: None,
            access_code: None,
            category: None,
            draws_on: vec![PoolId(0)],
            kind: tessera_inventory::TicketKind::Admission,
        }],
        units_per_subject_max: Some(10),
        hold: HoldPolicy::default(),
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
        schedule: Schedule::default(),
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}

async fn ask(router: &InventoryRouter, event: EventId, command: Command) -> ClaimNumber {
    match router.ask(event, Ask::Command(Box::new(command)), PATIENCE).await {
        Answer::Accepted { sequence, .. } => ClaimNumber(sequence.0),
        other => panic!("{other:?}"),
    }
}

fn buyer(number: u128, step: u128, body: CommandBody) -> Command {
    let key = IdempotencyKey { digest: number << 8 | step, fingerprint: 7, minted_at: None };
    Command { authority: Authority::Subject(Subject(number)), key: Some(key), body }
}

fn place(number: u128, quantity: u16) -> CommandBody {
    let lines = vec![LineRequest {
        ticket_type: Some(TicketTypeId(0)),
        expected_price_minor: Some(0),
        want: Want::Quantity(quantity),
    }];
    let subjects = Subjects { primary: Subject(number), extra: Vec::new() };
    CommandBody::PlaceHold(PlaceHold {
        subjects,
        lines,
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    })
}

/// Holds, of which a third is released, a third confirmed, and a third left alone; and a refusal, which is answered.
async fn sell(router: &InventoryRouter, event: EventId) -> Place {
    for body in [
        CommandBody::Configure { expected_version: 0, config: Arc::new(config()) },
        CommandBody::ChangePhase { to: Phase::OnSale },
    ] {
        ask(router, event, Command { authority: Authority::Organizer, key: None, body }).await;
    }
    for number in 1..=BUYERS {
        let hold = ask(router, event, buyer(number, 1, place(number, 1))).await;
        match number % 3 {
            0 => drop(ask(router, event, buyer(number, 2, CommandBody::ReleaseHold { hold })).await),
            1 => {
                let begin = CommandBody::BeginPayment { hold, provider: None, extra_subjects: Vec::new() };
                ask(router, event, buyer(number, 2, begin)).await;
                let confirm = CommandBody::Confirm { order: hold, payment: Payment::Free, attempt: None };
                ask(router, event, buyer(number, 3, confirm)).await;
            }
            _ => {}
        }
    }
    let too_many = buyer(BUYERS + 1, 1, place(BUYERS + 1, 11));
    match router.ask(event, Ask::Command(Box::new(too_many)), PATIENCE).await {
        Answer::Rejected { place, .. } => Place::Refused { epoch: place.epoch.0, number: place.number },
        other => panic!("{other:?}"),
    }
}

/// The receipts of three decisions of an event, a line each.
async fn receipts_of(store: &EmbeddedStore, event: EventId, refused: Place) -> String {
    let head = store.head(event).await.unwrap().sequence.0;
    let receipts = Receipts::new(Arc::new(store.clone()));
    let mut lines = String::new();
    for place in [Place::Accepted { sequence: 1 }, Place::Accepted { sequence: head }, refused] {
        let page =
            receipts.page_with(event, place).await.unwrap().expect("it was signed before the drain ended");
        let records = store.read(event, page.after, DRAFT_LOG_BYTES).await.unwrap();
        let receipt = page.prove(event, place, &records).unwrap().unwrap();
        lines += &format!("{}\n", serde_json::to_string(&ReceiptDocument::of(&receipt)).unwrap());
    }
    lines
}

/// One line an event, and a snapshot of one; and the receipts, after a line with the public keys.
async fn make(directory: &Path) -> (String, String) {
    let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::default() };
    let store = EmbeddedStore::open(directory, &options).unwrap();
    let limits = Limits { snapshot_every_events: 50, follower_pause_ms: 0, ..Limits::default() };
    let environment = environment::system(tokio::runtime::Handle::current());
    let (log, table) = (Arc::new(store.clone()), Arc::new(store.clone()));
    let signer = Signer::open(table.clone(), INSTALLATION, &[7; 32], Timestamp(1)).await.unwrap();
    let signer = Arc::new(signer);
    let services = Services { signer: Some(Arc::clone(&signer)), ..Services::default() };
    let platform = Platform::start_with(environment, log, table, limits, services).await.unwrap();
    let (mut lines, mut refused) = (String::new(), Vec::new());
    for event in EVENTS {
        refused.push(sell(&platform.inventory(), event).await);
    }
    let snapshots = SnapshotRepository::new(Arc::new(store.clone()));
    while snapshots.pointer(EVENTS[0]).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    for event in EVENTS {
        let digest = platform.inventory().published(event).unwrap().digest;
        let head = store.head(event).await.unwrap();
        let chain: String = head.chain.0.iter().map(|byte| format!("{byte:02x}")).collect();
        lines += &format!("{:032x} {} {chain} {digest:?}\n", event.0, head.sequence);
    }
    platform.drain(PATIENCE).await;
    let keys = KeysDocument::of(INSTALLATION, &signer.public_keys());
    let mut receipts = format!("{}\n", serde_json::to_string(&keys).unwrap());
    for (event, refused) in EVENTS.into_iter().zip(refused) {
        receipts += &receipts_of(&store, event, refused).await;
    }
    (lines, receipts)
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()))
        } else {
            files.push(entry.path())
        }
    }
    files.sort();
    files
}

fn main() {
    let golden = PathBuf::from(std::env::args().nth(1).expect("the folder to make"));
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (events, receipts) = runtime.block_on(make(directory.path()));
    // The actors of the platform hold the store until they have ended.
    runtime.shutdown_timeout(PATIENCE);
    let mut lengths = String::new();
    for path in files_below(directory.path()) {
        let name = path.strip_prefix(directory.path()).unwrap();
        let bytes = fs::read(&path).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let copy = golden.join("data").join(name);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::write(copy, &bytes[..used]).unwrap();
        lengths += &format!("{} {}\n", name.display(), bytes.len());
    }
    fs::write(golden.join("files.txt"), lengths).unwrap();
    fs::write(golden.join("events.txt"), events).unwrap();
    fs::write(golden.join("receipts.jsonl"), receipts).unwrap();
}
