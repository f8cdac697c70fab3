//! Clients that buy through the balancer while something breaks, and the judge of what they were told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::balancer::balance;
use super::{Nodes, STATE_MAX};
use crate::crowd::{Connections, Crowd, Progress, Told};
use crate::kill::{compare, counters_agree, purchases, refusals_were_true, sell_out, tickets_are_as_told};
use crate::server::{Sale, get};

/// Clients at once.
pub(super) const CLIENTS: usize = 12;
/// Units for sale: more than are bought.
const CAPACITY: u32 = 1_000_000;

/// The clients of one run.
pub(super) struct Load {
    port: u16,
    pub(super) sale: Arc<Sale>,
    crowd: Crowd,
    tokens: Vec<String>,
}

impl Load {
    pub(super) async fn begin(nodes: &Nodes) -> Load {
        let port = balance(nodes.addresses.map(|addresses| addresses.http).to_vec()).await;
        let sale = Arc::new(Sale::open(port, CAPACITY).await);
        let tokens = sale.buyers(port, CLIENTS).await;
        nodes.settled().await;
        let crowd = Crowd::send(port, &sale, &tokens, Connections::Fresh);
        Load { port, sale, crowd, tokens }
    }

    pub(super) fn progress(&self) -> Progress {
        self.crowd.progress()
    }

    /// Wait for so many purchases more: how long there was none at worst.
    pub(super) async fn more(&mut self, count: u64) -> Duration {
        let mut seen = self.progress().purchases;
        let (end_at, mut longest) = (seen + count, Duration::ZERO);
        while seen < end_at {
            let began = Instant::now();
            let next = self.crowd.until(|progress| progress.purchases > seen);
            assert!(timeout(STATE_MAX, next).await.is_ok(), "nobody was served for {STATE_MAX:?}");
            longest = longest.max(began.elapsed());
            seen = self.progress().purchases;
        }
        longest
    }

    /// A fault lasts so long, during which nobody is told of a purchase, but for answers that were on their way.
    pub(super) async fn stands_still(&mut self, lasts: Duration) {
        let at_most = self.progress().purchases + CLIENTS as u64;
        let more = self.crowd.until(|progress| progress.purchases > at_most);
        assert!(timeout(lasts, more).await.is_err(), "somebody was served though nothing could be stored");
    }

    /// Sell out, and judge what every client was told: G1 to G3, and no refusal was wrong.
    pub(super) async fn judge(self, nodes: &Nodes) {
        let Load { port, sale, mut crowd, tokens } = self;
        nodes.shown_everywhere(&sale).await;
        sell_out(&mut crowd, &sale, port).await;
        let Progress { not_executed, unknown, .. } = crowd.progress();
        let told = crowd.end().await;
        // What is read comes from any node.
        nodes.shown_everywhere(&sale).await;
        let feed = sale.changes(port).await;
        let all: Vec<&Told> = told.iter().flatten().collect();
        let purchases = purchases(all.iter().copied());
        compare(&purchases, &feed);
        refusals_were_true(&all, &feed, sale.capacity);
        counters_agree(&purchases, &get(port, &sale.path("/availability"), &sale.key).await, sale.capacity);
        tickets_are_as_told(&told, &tokens, &sale, port).await;
        let replayed: u32 = purchases.iter().map(|purchase| purchase.replayed).sum();
        eprintln!(
            "{} purchases, {} refusals, {replayed} answers given again; on the way not executed {not_executed} times, unknown {unknown} times",
            purchases.len(),
            all.len() - purchases.len()
        );
    }
}
