//! The demo from its first call to its report.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::aftermath;
use crate::arena::ARENA;
use crate::buyer::Till;
use crate::check::{Evidence, check, ended};
use crate::client::{Call, Connection, Server};
use crate::error::DemoError;
use crate::feed::{Change, Reader};
use crate::mix::{Mix, Wave};
use crate::papers::Papers;
use crate::pick::Blocks;
use crate::progress::{Progress, Show};
use crate::report::{Figures, Report, number};
use crate::sale::{Live, Sale, WaveFigures, close_tills, run_wave};
use crate::setup::{self, Organizer};
use crate::tally::Tally;
use crate::venue::{self, Venue};
use crate::watcher::{Watcher, watch_sale};
use crate::wire::{Availability, SeatMap};

/// From the creation of the event to the release of its channels.
const CHANNEL_RELEASE_AFTER: SignedDuration = SignedDuration::from_secs(45);
/// From now to the day of the event.
const STARTS_AFTER: SignedDuration = SignedDuration::from_hours(24 * 30);
/// What the event is called.
const EVENT_NAME: &str = "Flash sale at the arena";
/// Longest wait of one look at the feed.
const FEED_WAIT: Duration = Duration::from_millis(500);
/// How often the documents are read again until they stand at the end of the feed.
const QUIET_TRIES: u32 = 40;

/// What to do.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Where the server listens, such as `http://127.0.0.1:8080`.
    pub base_url: String,
    /// The administrator's token.
    pub administrator_token: String,
    /// How many buyers come.
    pub buyers: u32,
    /// Decides everything but timing.
    pub seed: u64,
    /// Connections that they come over.
    pub connections: usize,
    /// The venue file; `None`: the shipped arena.
    pub venue: Option<String>,
    /// How progress is shown.
    pub show: Show,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct DemoOutcome {
    /// The event, for a look at its log.
    pub event: String,
    /// Items of its log.
    pub sequence: u64,
    /// Everything to print.
    pub report: Report,
    /// What buyers paid and did not get back, in minor units, where that follows from prices alone.
    pub revenue_minor: Option<i64>,
    /// What one buyer keeps, if anybody has paid.
    pub papers: Option<Papers>,
}

impl DemoOutcome {
    /// Whether every invariant held.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.report.all_held()
    }
}

impl fmt::Display for DemoOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report.fmt(f)
    }
}

/// Drive the flash sale against a running server and check it from the outside.
///
/// # Errors
/// [`DemoError`] when the server is gone, or refuses the set-up. A broken invariant is not an error: it is in the report.
pub async fn run(options: DemoOptions) -> Result<DemoOutcome, DemoError> {
    let began = Instant::now();
    let progress = Arc::new(Progress::new(options.show, options.buyers));
    let prepared = prepare(&options, &progress).await?;
    let done = drive(&options, prepared, &progress).await;
    progress.finish();
    let done = done?;
    progress.stage("checking every reply against the change feed");
    let tally = done.tally;
    let mut checked = check(&Evidence {
        venue: &done.sale.venue,
        items: &done.feed.items,
        acknowledgements: &tally.acknowledgements,
        refusals: &tally.refusals,
        unacknowledged: &[],
        organizer_is_known: true,
        is_quiet: true,
        availabilities: &done.watcher.seen.availabilities,
        seat_map: Some(&done.seat_map),
    });
    let ended = ended(&checked, &tally);
    checked.findings.extend(ended);
    checked.findings.push(crate::check::Finding {
        name: "documents never go back on a connection".into(),
        numbers: format!(
            "{} changed, {} not modified",
            done.watcher.seen.availabilities.len(),
            done.watcher.seen.unchanged
        ),
        count: done.watcher.seen.went_back.len() as u64,
        broken: done.watcher.seen.went_back.clone(),
    });
    let report = Report::new(&Figures {
        event: &done.sale.event,
        seed: options.seed,
        connections: options.connections,
        took: began.elapsed(),
        venue: &done.sale.venue,
        waves: &done.waves,
        tally: &tally,
        checked: &checked,
        last: &done.last,
        items: done.feed.items.len(),
    });
    let sequence = done.feed.items.last().map_or(0, |item| item.sequence);
    let revenue_minor = done.sale.venue.revenue_minor(&checked.sold_by_type);
    let event = done.sale.event.clone();
    Ok(DemoOutcome { event, sequence, report, revenue_minor, papers: done.papers })
}

/// Everything that stands before the first buyer comes.
struct Prepared {
    sale: Arc<Sale>,
    map: watch::Sender<Arc<Vec<u8>>>,
    organizer: Organizer,
    tally: Tally,
}

/// Everything that is known when the last one has left.
struct Done {
    sale: Arc<Sale>,
    waves: Vec<WaveFigures>,
    tally: Tally,
    feed: Reader,
    watcher: Watcher,
    last: Availability,
    seat_map: SeatMap,
    papers: Option<Papers>,
}

async fn prepare(options: &DemoOptions, progress: &Progress) -> Result<Prepared, DemoError> {
    let text = options.venue.as_deref().unwrap_or(ARENA);
    let venue = Venue::read(text)?;
    let server = Server::locate(&options.base_url).await?;
    let mut connection = Connection::new(&server);
    progress.stage(format!("waiting for the server at {}", server.address()));
    connection.call(&Call::get("/readyz".into())).await?;
    progress.stage("making keys and buyer tokens");
    let buyers = options.buyers.max(1);
    let told = |made| {
        progress.stage(format!("{} of {} buyer tokens", number(made as u64), number(u64::from(buyers))))
    };
    let quiet = |made: usize| {
        if made.is_multiple_of(20_000) {
            told(made)
        }
    };
    let credentials =
        setup::credentials(&mut connection, &options.administrator_token, buyers, quiet).await?;
    progress.stage("creating the event and its venue");
    let mut tally = Tally::new(Instant::now());
    let mut organizer = Organizer::new(connection, credentials.organizer.clone(), options.seed);
    let now = Timestamp::now();
    let configuration = venue::configuration(text, &(now + CHANNEL_RELEASE_AFTER).to_string())?;
    let starts_at = (now + STARTS_AFTER).to_string();
    let event = organizer.create_event(EVENT_NAME, configuration, &starts_at, &mut tally).await?;
    organizer.kill(&event, &venue, &mut tally).await?;
    organizer.change_phase(&event, "scheduled", &mut tally).await?;
    organizer.change_phase(&event, "presale", &mut tally).await?;
    let (map, seen) = watch::channel(Arc::new(vec![0; venue.seats.len()]));
    let sale = Arc::new(Sale {
        server,
        event,
        mix: Mix::new(&venue, options.seed, options.buyers),
        blocks: Blocks::new(&venue),
        venue,
        credentials,
        seed: options.seed,
        began: tally.began(),
        map: seen,
        live: Live::default(),
    });
    Ok(Prepared { sale, map, organizer, tally })
}

async fn drive(
    options: &DemoOptions,
    prepared: Prepared,
    progress: &Arc<Progress>,
) -> Result<Done, DemoError> {
    let Prepared { sale, map, mut organizer, mut tally } = prepared;
    let (stop, stopped) = watch::channel(false);
    let (holds, mut live_holds) = watch::channel(0);
    let watcher = Watcher::new(&sale.server, &sale.event);
    let watching = watch_sale(watcher, Arc::clone(&sale), map, Arc::clone(progress), holds, stopped);
    let watching = tokio::spawn(watching);
    let mut tills: Vec<Till> = (0..options.connections.max(1)).map(|_| Till::new(&sale)).collect();
    let mut waves = Vec::new();

    progress.stage("presale: the fan club, and some who are not in it");
    waves.push(run_wave(&sale, Wave::Presale, &mut tills).await?);
    organizer.change_phase(&sale.event, "on_sale", &mut tally).await?;
    progress.stage("on sale: the first buyers take units and walk away");
    waves.push(run_wave(&sale, Wave::Abandoning, &mut tills).await?);
    progress.stage("on sale: the flash");
    waves.push(run_wave(&sale, Wave::Rush, &mut tills).await?);
    organizer.restore(&sale.event, &sale.venue, &mut tally).await?;

    progress.stage("refunds, transfers and the gate, while abandoned holds run to their deadline");
    let paid = tills.iter().flat_map(|till| till.tally.paid.iter().cloned()).collect();
    let after = tokio::spawn(aftermath::run(Arc::clone(&sale), paid));
    let credential = sale.credentials.organizer.clone();
    let mut feed = Reader::new(Connection::new(&sale.server), credential, &sale.event);
    let mut first_look = 0;
    // Until units return, or nothing is held that could.
    while !expiry_seen(&feed, &mut first_look) {
        let nothing_new = feed.read(FEED_WAIT).await?;
        if nothing_new && *live_holds.borrow_and_update() == 0 {
            break;
        }
    }
    progress.stage("returned units: the late buyers");
    waves.push(run_wave(&sale, Wave::Late, &mut tills).await?);
    progress.stage("waiting for the last abandoned holds to run to their deadline");
    let (after, papers) = after.await??;
    tally.merge(after);
    while *live_holds.borrow_and_update() > 0 && live_holds.changed().await.is_ok() {}

    stop.send_replace(true);
    let mut watcher = watching.await??;
    progress.stage("reading the rest of the change feed");
    let (last, seat_map) = read_to_the_end(&mut feed, &mut watcher).await?;
    tally.merge(close_tills(tills, sale.began));
    Ok(Done { sale, waves, tally, feed, watcher, last, seat_map, papers })
}

/// Whether an expiry stands among the items that were not looked at before.
fn expiry_seen(feed: &Reader, looked: &mut usize) -> bool {
    let new = &feed.items[*looked..];
    *looked = feed.items.len();
    new.iter().any(|item| matches!(item.change, Change::Expired { .. }))
}

/// Read the feed and both documents until they stand at the same sequence.
async fn read_to_the_end(
    feed: &mut Reader,
    watcher: &mut Watcher,
) -> Result<(Availability, SeatMap), DemoError> {
    for _ in 0..QUIET_TRIES {
        while !feed.read(FEED_WAIT).await? {}
        watcher.availability().await?;
        watcher.seat_map().await?;
        let end = feed.items.last().map(|item| item.sequence);
        let shown = [
            watcher.seen.availabilities.last().map(|last| last.sequence),
            watcher.seen.seat_map.as_ref().map(|map| map.sequence),
        ];
        if shown.iter().all(|sequence| *sequence == end) {
            break;
        }
    }
    let nothing =
        || DemoError::Venue { detail: "the server never showed the availability and the seat map".into() };
    let last = watcher.seen.availabilities.last().cloned().ok_or_else(nothing)?;
    Ok((last, watcher.seen.seat_map.clone().ok_or_else(nothing)?))
}
