//! The supervision tree: thin shells around the sans-I/O machines.

mod answer;
mod environment;
mod limits;
mod platform;
mod published;
mod router;
mod status;

pub use answer::{ActivateError, Answer, NotExecuted, StartError};
pub use environment::{Clock, Environment, Random, Spawn, TokioSpawn};
pub use limits::{ACTIVATIONS_AT_ONCE_MAX, CHANGES_MAX, LOG_READ_BYTES_MAX, Limits, WAKE_UPS_MAX};
pub use platform::Platform;
pub use published::Published;
pub use router::InventoryRouter;
pub use status::{PlatformStatus, SupervisorStatus};
