//! The inventory supervisor and what it keeps up: one shell per active event, its shadow, and the wake-ups of idle events.

mod activation;
mod ended;
mod frozen;
mod hanging;
mod performer;
mod publisher;
mod quarantines;
mod recovery;
mod roster;
mod shadow;
mod shell;
mod supervisor;
mod timer;
mod wake_up_rows;
mod wake_ups;
mod went_back;

pub(crate) use self::activation::Failure;
pub(crate) use self::ended::Ended;
pub(crate) use self::frozen::FrozenViews;
pub(crate) use self::publisher::Publisher;
pub(crate) use self::quarantines::lift as lift_quarantine;
pub(crate) use self::recovery::{decode, newest_replay, replay_on};
pub(crate) use self::shadow::Shadow;
pub(crate) use self::shell::ShellMessage;
pub(crate) use self::supervisor::{InventoryMessage, InventorySupervisor};
pub(crate) use self::timer::Timer;
pub(crate) use self::went_back::{check_all as check_witnessed, reconcile};
