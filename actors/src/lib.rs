//! The supervision tree: thin shells around the sans-I/O machines.
//!
//! Start at [`Platform`] (the tree) and [`InventoryRouter`] (the way in). `ARCHITECTURE.md` draws it.

mod answer;
mod blocking;
mod cluster;
mod directory;
mod environment;
mod followers;
mod health;
mod ingress;
mod inventory;
mod limits;
mod messages;
mod meters;
mod payments;
mod platform;
mod published;
mod receipts;
mod recent_events;
mod refused_queue;
mod reply_desk;
mod router;
mod shared;
mod slot;
mod status;
mod supervision;
mod timeline;
mod waitlist;
mod webhooks;
mod witness;

pub use answer::{ActivateError, Answer, NotExecuted, ReconcileError, Reconciled, StartError};
pub use cluster::{
    ClusterOptions, ClusterStatus, Forwarded, ForwardedAsk, NodeError, NodeStatus, Peer, Peers, ServePeers,
    Told,
};
pub use environment::{Clock, Environment, Random, Spawn, TokioSpawn};
pub use limits::{
    ACTIVATION_ATTEMPTS_MAX, ACTIVATIONS_AT_ONCE_MAX, CHANGES_MAX, CHECKPOINTS_LISTED_AT_ONCE_MAX,
    DOUBTED_CLOCKS_LISTED_MAX, FROZEN_VIEWS_MAX, LOG_READ_BYTES_MAX, Limits, RECENT_EVENTS_MAX,
    REFUSED_WAITING_MAX, ROOM_IDLE_MS_MIN, STORE_HANGS_MS, STUCK_FOLLOWERS_MAX, WAKE_UPS_MAX,
    WITNESSED_CHECKED_AT_ONCE_MAX,
};
pub use messages::{
    BACK_OFF_S, Channel, LANE_IN_FLIGHT_MAX, LANE_UNDER_WAY_MAX, Letter, Messaging, Reached, Replaced,
    SLOW_AFTER_MS, Sent, ShownOrder,
};
pub use payments::{
    About, CALL_MS_MAX, Genuine, Heard, Provider, ProviderCall, RowsWritten, Till, Ways, Whose,
};
pub use platform::{Platform, Services};
pub use published::Published;
pub use receipts::ReceiptAnswer;
pub use reply_desk::ReplyDesk;
pub use router::InventoryRouter;
pub use status::{PlatformStatus, StuckFollower, SupervisorStatus};
pub use timeline::{Timeline, TracedTurn};
pub use webhooks::{
    ASKED_PAUSE_S_MAX, ENDPOINT_IN_FLIGHT_MAX, GONE, IN_FLIGHT_MAX, Names, PROBE_AFTER_S, Posted, Postman,
    RETRY_AFTER_S, RETRY_JITTER_SHARE, TOLD_BEFORE_MS,
};
