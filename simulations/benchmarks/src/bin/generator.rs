//! What the generator of `tessera simulate` can send from one core, against a no-op: buyers who ask for a hold once and are refused at once.
//!
//! `cargo run --release -p tessera-benchmarks --bin generator [-- --rate 30000 --seconds 10 --sockets 256]`
//! The no-op is a bare actix-web route in a process of its own, with one worker. Every request is a session of its own, with its draw, its key, its
//! record and its latency from the moment when it was due, as in a rehearsal: nothing is left out for the benchmark.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use tessera_benchmarks::{Served, number_argument, row, title};
use tessera_demo::client::Server;
use tessera_demo::setup::bearer;
use tessera_demo::venue::Venue;
use tessera_rehearsal::crowd::Crowd;
use tessera_rehearsal::notes::Notes;
use tessera_rehearsal::open_files;
use tessera_rehearsal::plan::Plan;
use tessera_rehearsal::scenario::Scenario;
use tessera_rehearsal::scenario::event::Event;
use tessera_rehearsal::stage::{Clock, Stage};
use tessera_rehearsal::wishes::Menu;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Requests a second, unless `--rate N` says otherwise: the target.
const RATE: u64 = 30_000;
/// Length of the run, unless `--seconds N` says otherwise.
const SECONDS: u64 = 10;
/// Sockets, unless `--sockets N` says otherwise.
const SOCKETS: u64 = 256;
/// The answer to everything, of the size of a refusal.
const REFUSAL: &str = r#"{"type":"/docs/errors/sold_out","title":"Sold out","status":409,"code":"sold_out","detail":"Ask for fewer, or for another type.","sequence":123456,"remaining":0,"may_return":true,"conflicts":[{"line":0,"pool":"Floor","reason":"sold_out"}]}"#;

/// The no-op, in a process of its own.
fn no_op() -> Served {
    Served::start("the no-op", |port| {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["no-op", &port.to_string()]);
        command
    })
}

fn serve(port: &str) {
    let refuse =
        |_: web::Bytes| async { HttpResponse::Conflict().content_type("application/json").body(REFUSAL) };
    let app = move || App::new().default_service(web::post().to(refuse));
    let server = HttpServer::new(app).workers(1).bind(format!("127.0.0.1:{port}")).expect("the port is free");
    actix_web::rt::System::new().block_on(server.run()).expect("the server runs");
}

/// Everybody asks once for a place on one floor.
fn scenario(rate: u64, seconds: u64) -> Scenario {
    let text = format!(
        "name = 'no-op'\ndescription = 'one request each'\n[event.hall]\nstanding = [{{name = 'Floor', units = 1000, price = 100}}]\n\
         [crowd]\nbuyers = {}\nduration_s = {seconds}\narrivals = {{profile = 'poisson'}}\n\
         [[behaviours]]\nkind = 'decisive'\nshare = 1\ntries = 1\n",
        rate * seconds
    );
    Scenario::read(&text, Path::new("no-op.toml")).expect("a good scenario")
}

fn stage(scenario: &Scenario, port: u16, tokens: u32) -> Stage {
    let Event::Created { configuration, .. } = &scenario.event else { panic!("a hall") };
    let venue = Venue::read(&configuration.to_string()).expect("a venue");
    let credential = bearer("tsb_0123456789abcdef0123456789abcdef0123456789abcdef").expect("a header");
    let menu = |behaviour| Menu::new(&venue, behaviour).expect("something to buy");
    Stage {
        server: Server::at(([127, 0, 0, 1], port).into(), "127.0.0.1").expect("a host"),
        event: "evt_01jd9k3r5xe4h8m2n6p0q7s9tv".to_owned(),
        menus: scenario.behaviours.iter().map(menu).collect(),
        venue,
        organizer: credential.clone(),
        scanner: credential.clone(),
        has_sandbox: false,
        tokens: vec![credential; tokens as usize],
        behaviours: scenario.behaviours.clone(),
        patience: Duration::from_secs(10),
        seed: 1,
    }
}

/// Processor seconds that this process has used.
fn processor_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    // User and system time, in hundredths of a second.
    fields[11..13].iter().map(|field| field.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|word| word == "no-op") {
        return serve(&arguments[2]);
    }
    let rate = number_argument("--rate").unwrap_or(RATE);
    let seconds = number_argument("--seconds").unwrap_or(SECONDS);
    let sockets = u32::try_from(number_argument("--sockets").unwrap_or(SOCKETS)).expect("fewer sockets");
    open_files::raise_for(sockets).expect("as many open files");
    let no_op = no_op();
    let scenario = scenario(rate, seconds);
    let plan = Plan::draw(&scenario, 1);
    let stage = Arc::new(stage(&scenario, no_op.port(), plan.tokens));
    let clock = Clock::beginning_in(Duration::from_millis(200));
    let (began, used) = (Instant::now(), processor_s());
    let mut crowd = Crowd::send(&stage, clock, &plan.arrivals, sockets, 1).expect("a thread");
    let waiting = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    waiting.block_on(crowd.ended()).expect("it ends");
    let (took, used) = (began.elapsed().as_secs_f64(), processor_s() - used);
    show(&crowd.into_notes(), rate, seconds, took, used);
}

#[allow(clippy::cast_precision_loss)]
fn show(notes: &Notes, rate: u64, seconds: u64, took: f64, used: f64) {
    let totals = &notes.totals;
    title(&format!("one generator thread, {rate} requests a second for {seconds} s, against a no-op"));
    row("answered", format!("{} of {}", totals.answered, rate * seconds));
    row("answered a second, until the last answer", format!("{:.0}", totals.answered as f64 / (took - 0.2)));
    row("processor of the generator", format!("{used:.2} s in {took:.2} s: {:.0} %", used / took * 100.0));
    row("processor for a request", format!("{:.1} µs", used / totals.sent.max(1) as f64 * 1e6));
    let lag_us = notes.finished_seconds().iter().map(|second| second.lag_us).max().unwrap_or(0);
    row("most that it was late", format!("{lag_us} µs"));
    for latency in notes.operation_latencies() {
        for (percentile, micros) in
            latency.percentiles.iter().filter(|(at, _)| [5_000, 9_900, 10_000].contains(at))
        {
            row(
                &format!("{}: {} % within", latency.operation, f64::from(*percentile) / 100.0),
                format!("{micros} µs"),
            );
        }
    }
}
