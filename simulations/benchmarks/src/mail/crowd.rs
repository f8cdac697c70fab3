//! Holds that are offered in an open loop by the generator of rehearsals, a window of some seconds after the other.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use tessera_demo::client::Server;
use tessera_demo::venue::Venue;
use tessera_rehearsal::crowd::Crowd;
use tessera_rehearsal::notes::Notes;
use tessera_rehearsal::plan::{Arrival, Plan};
use tessera_rehearsal::scenario::Scenario;
use tessera_rehearsal::stage::{Clock, Stage};
use tessera_rehearsal::wishes::Menu;

/// What is measured, as the notes call it.
const OPERATION: &str = "place hold";
/// From the set-up of a window to its first arrival.
const LEAD: Duration = Duration::from_millis(200);
/// How long a client waits for its hold.
const PATIENCE: Duration = Duration::from_secs(10);
/// Percentiles, in hundredths of a percent.
const MEDIAN: u32 = 5_000;
const P99: u32 = 9_900;
const LONGEST: u32 = 10_000;

/// Whom the generator sends.
pub(crate) struct Crowds {
    stage: Arc<Stage>,
    scenario: Scenario,
    sockets: u32,
    /// Windows that were sent: each is drawn anew.
    windows: u64,
    /// The token of the next arrival, in turn.
    next: u32,
}

/// Latencies of holds, from when each was due, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) count: u64,
    /// Without an answer after every retry.
    pub(crate) unanswered: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

impl Crowds {
    /// Buyers of an event that is on sale, `rate` a second for `seconds` in each window. A token takes one unit whenever it is its turn:
    /// there are enough of them.
    pub(crate) fn new(
        server: Server,
        (event, configuration): (&str, &str),
        tokens: Vec<HeaderValue>,
        (rate, seconds): (u64, u64),
        sockets: u32,
    ) -> Crowds {
        let scenario = scenario(event, rate, seconds);
        let venue = Venue::read(configuration).expect("a venue");
        let menu = |behaviour| Menu::new(&venue, behaviour).expect("something to buy");
        let credential = tokens.first().expect("tokens").clone();
        let stage = Stage {
            server,
            event: event.to_owned(),
            menus: scenario.behaviours.iter().map(menu).collect(),
            venue,
            // Nobody pays, and nobody is let in.
            organizer: credential.clone(),
            scanner: credential,
            has_sandbox: false,
            tokens,
            behaviours: scenario.behaviours.clone(),
            patience: PATIENCE,
            seed: 1,
        };
        Crowds { stage: Arc::new(stage), scenario, sockets, windows: 0, next: 0 }
    }

    /// One window, to its last answer.
    pub(crate) fn send(&mut self) -> Notes {
        self.windows += 1;
        let plan = Plan::draw(&self.scenario, self.windows);
        let tokens = u32::try_from(self.stage.tokens.len()).expect("fewer tokens");
        let arrivals: Vec<Arrival> = plan
            .arrivals
            .iter()
            .map(|arrival| Arrival { buyer: (self.next + arrival.buyer) % tokens, ..*arrival })
            .collect();
        self.next = (self.next + plan.tokens) % tokens;
        let clock = Clock::beginning_in(LEAD);
        let mut crowd = Crowd::send(&self.stage, clock, &arrivals, self.sockets, 1).expect("a thread");
        let waiting = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        waiting.block_on(crowd.ended()).expect("it ends");
        let mut notes = crowd.into_notes();
        assert!(notes.defects.is_empty(), "{:?}", notes.defects);
        assert!(notes.refusals.is_empty(), "a hold was refused: {:?}", notes.refusals);
        // Nobody judges them.
        notes.history.clear();
        notes
    }
}

impl Figures {
    #[allow(clippy::cast_precision_loss)] // minutes at most
    pub(crate) fn of(notes: &Notes) -> Figures {
        let all = notes.operation_latencies();
        let found = all.iter().find(|one| one.operation == OPERATION).expect("holds were offered");
        let ms = |wanted: u32| {
            let at = found.percentiles.iter().find(|(percentile, _)| *percentile == wanted);
            at.map_or(f64::NAN, |(_, us)| *us as f64 / 1e3)
        };
        Figures {
            count: found.count,
            unanswered: found.unanswered,
            p50_ms: ms(MEDIAN),
            p99_ms: ms(P99),
            max_ms: ms(LONGEST),
        }
    }
}

/// Everybody takes a hold of one unit and walks away.
fn scenario(event: &str, rate: u64, seconds: u64) -> Scenario {
    let text = format!(
        "name = 'holds'\ndescription = 'one hold each'\n[event]\nid = '{event}'\n\
         [crowd]\nbuyers = {}\nduration_s = {seconds}\narrivals = {{profile = 'poisson'}}\n\
         [[behaviours]]\nkind = 'abandoner'\nshare = 1\ntries = 1\nunits = [1, 1]\nthink_s = [0.0, 0.0]\n",
        rate * seconds
    );
    Scenario::read(&text, Path::new("holds.toml")).expect("a good scenario")
}
