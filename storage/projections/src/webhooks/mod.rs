//! Webhooks: where organizers want to be told of what happens, what they have still to be told, and what became of it.

mod deliveries;
mod endpoint;
mod endpoints;
mod row;

pub use deliveries::{
    Asked, Attempt, Batch, Deliveries, Due, Followed, Outcome, Verdict, disabled_in, tell_in,
};
pub use endpoint::{Disabled, Endpoint, EndpointId, Secret, Why};
pub use endpoints::{Creation, WebhookEndpoints};
pub use row::{Delivery, Finished, Standing};

/// Most endpoints of one organizer.
pub const ENDPOINTS_MAX: usize = 16;
/// Most secrets of one endpoint that are valid at once; the oldest leaves.
pub const SECRETS_MAX: usize = 4;
/// Most deliveries of one endpoint that wait; beyond it the endpoint is disabled.
pub const PENDING_MAX: u64 = 100_000;
/// Most deliveries of one endpoint that may wait for people to add to them, and for an endpoint that was disabled to be told of what
/// happens again. The room above it is for what happens.
pub const PENDING_LOW: u64 = 50_000;
/// Deliveries of one endpoint that are kept after they ended, the youngest.
pub const FINISHED_KEPT: u64 = 1_000;
/// An endpoint none of whose deliveries succeeded for so long is disabled, in milliseconds: three days, as long as the schedule of
/// one message takes.
pub const FAILING_MS_MAX: u64 = 3 * 24 * 3_600_000;
/// Most bytes of what went wrong with an attempt that are kept.
pub const ERROR_BYTES_MAX: usize = 200;

// An endpoint that is told again has room for what happens.
const _: () = assert!(PENDING_LOW < PENDING_MAX);
