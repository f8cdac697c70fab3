//! Every metric of the way between nodes. Handles are made once; nothing is looked up per ask.
//!
//! The recorder must be installed before the handles are made, or the metrics go nowhere.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use tessera_actors::Forwarded;
use tessera_writer::Monotonic;

/// Handles of every metric.
pub(crate) struct Meters {
    answered: Counter,
    not_owner: Counter,
    not_sent: Counter,
    unanswered: Counter,
    seconds: Histogram,
    /// Streams to other nodes.
    pub(crate) streams_out: Gauge,
    /// Streams from other nodes.
    pub(crate) streams_in: Gauge,
    /// Asks to other nodes that wait for their answer.
    pub(crate) asks_out: Gauge,
}

impl Meters {
    pub(crate) fn new() -> Meters {
        let forwarded = |outcome| counter!("tessera_forwarded_total", "outcome" => outcome);
        Meters {
            answered: forwarded("answered"),
            not_owner: forwarded("not_owner"),
            not_sent: forwarded("not_sent"),
            unanswered: forwarded("unanswered"),
            seconds: histogram!("tessera_forward_seconds"),
            streams_out: gauge!("tessera_peer_streams", "direction" => "out"),
            streams_in: gauge!("tessera_peer_streams", "direction" => "in"),
            asks_out: gauge!("tessera_peer_asks_in_flight"),
        }
    }

    /// Count what became of an ask; the time it took counts where the other node was heard.
    #[allow(clippy::cast_precision_loss)] // microseconds of one ask
    pub(crate) fn forwarded(&self, forwarded: &Forwarded, began: Monotonic, now: Monotonic) {
        let took = now.0.saturating_sub(began.0) as f64 / 1e6;
        match forwarded {
            Forwarded::Answer(_) => {
                self.answered.increment(1);
                self.seconds.record(took);
            }
            Forwarded::NotOwner { .. } => {
                self.not_owner.increment(1);
                self.seconds.record(took);
            }
            Forwarded::NotSent => self.not_sent.increment(1),
            Forwarded::Unanswered => self.unanswered.increment(1),
        }
    }
}
