//! The sale as all connections share it, and the waves that come to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::buyer::Till;
use crate::client::Server;
use crate::error::DemoError;
use crate::mix::{Mix, Wave};
use crate::pick::Blocks;
use crate::setup::Credentials;
use crate::tally::Tally;
use crate::venue::Venue;

/// What every connection needs to know.
#[derive(Debug)]
pub struct Sale {
    /// Where it happens.
    pub server: Server,
    /// The event.
    pub event: String,
    /// Its venue.
    pub venue: Venue,
    /// Its buyers.
    pub mix: Mix,
    /// Where seats are picked.
    pub blocks: Blocks,
    /// Who may do what.
    pub credentials: Credentials,
    /// Decides everything but timing.
    pub seed: u64,
    /// When the seconds of the report begin to count.
    pub began: Instant,
    /// The newest seat map, one byte a seat.
    pub map: watch::Receiver<Arc<Vec<u8>>>,
    /// Counters for the progress.
    pub live: Live,
}

/// Counters that move during the sale.
#[derive(Debug, Default)]
pub struct Live {
    /// Replies to buyers.
    pub replies: AtomicU64,
    /// Accepted holds.
    pub accepted: AtomicU64,
    /// Refused holds.
    pub refused: AtomicU64,
    /// Buyers who have left.
    pub served: AtomicU32,
}

/// What one wave was like.
#[derive(Clone, Copy, Debug)]
pub struct WaveFigures {
    /// Which.
    pub wave: Wave,
    /// Its buyers.
    pub buyers: u32,
    /// How long it took.
    pub took: Duration,
    /// Replies to it.
    pub replies: u64,
    /// Holds it got.
    pub accepted: u64,
    /// Holds it was refused.
    pub refused: u64,
}

impl Sale {
    /// A path under the event.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/events/{}{rest}", self.event)
    }
}

/// Let a wave through as fast as the server takes it, over all connections at once.
///
/// # Errors
/// [`DemoError`] when the server is gone.
pub async fn run_wave(sale: &Arc<Sale>, wave: Wave, tills: &mut Vec<Till>) -> Result<WaveFigures, DemoError> {
    let begun = Instant::now();
    let before = counts(&sale.live);
    let buyers = sale.mix.wave(wave);
    let next = Arc::new(AtomicU32::new(buyers.start));
    let mut tasks: JoinSet<Result<Till, DemoError>> = JoinSet::new();
    for mut till in tills.drain(..) {
        let (sale, next, end) = (Arc::clone(sale), Arc::clone(&next), buyers.end);
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return Ok(till);
                }
                till.serve(number).await?;
                sale.live.served.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(till) = tasks.join_next().await {
        tills.push(till??);
    }
    let after = counts(&sale.live);
    Ok(WaveFigures {
        wave,
        buyers: buyers.end - buyers.start,
        took: begun.elapsed(),
        replies: after[0] - before[0],
        accepted: after[1] - before[1],
        refused: after[2] - before[2],
    })
}

fn counts(live: &Live) -> [u64; 3] {
    [&live.replies, &live.accepted, &live.refused].map(|counter| counter.load(Ordering::Relaxed))
}

/// Merge what all tills heard.
#[must_use]
pub fn close_tills(tills: Vec<Till>, began: Instant) -> Tally {
    let mut all = Tally::new(began);
    tills.into_iter().for_each(|till| all.merge(till.tally));
    all
}
