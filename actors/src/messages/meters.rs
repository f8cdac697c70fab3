//! Metrics of messages to people.

use std::sync::Arc;

use metrics::{Counter, Gauge, counter, gauge};
use tessera_correspondence::Ended;

use super::Channel;

/// Handles of the metrics of each channel.
pub(crate) struct MessageMeters(Vec<ChannelMeters>);

/// Those of one channel.
pub(crate) struct ChannelMeters {
    delivered: Counter,
    failed: Counter,
    dead: Counter,
    overtaken: Counter,
    no_address: Counter,
    pub(crate) oldest: Gauge,
    pub(crate) paused: Gauge,
}

impl MessageMeters {
    pub(crate) fn new(channels: &[Arc<dyn Channel>]) -> MessageMeters {
        MessageMeters(channels.iter().map(|channel| ChannelMeters::new(channel.medium().name())).collect())
    }

    /// Of the channel at this position.
    pub(crate) fn of(&self, position: usize) -> Option<&ChannelMeters> {
        self.0.get(position)
    }
}

impl ChannelMeters {
    fn new(channel: &'static str) -> ChannelMeters {
        let counter = |outcome: &'static str| counter!("tessera_messages_total", "channel" => channel, "outcome" => outcome);
        ChannelMeters {
            delivered: counter("delivered"),
            failed: counter("failed"),
            dead: counter("dead"),
            overtaken: counter("overtaken"),
            no_address: counter("no_address"),
            oldest: gauge!("tessera_message_oldest_waiting_timestamp_seconds", "channel" => channel),
            paused: gauge!("tessera_message_account_paused", "channel" => channel),
        }
    }

    /// Counts how a message ended; `None`: it is tried again.
    pub(crate) fn count(&self, ended: Option<Ended>) {
        let counter = match ended {
            None => &self.failed,
            Some(Ended::Delivered) => &self.delivered,
            Some(Ended::Dead) => &self.dead,
            Some(Ended::Overtaken) => &self.overtaken,
            Some(Ended::NoAddress) => &self.no_address,
        };
        counter.increment(1);
    }
}
