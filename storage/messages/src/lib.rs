//! What is to be said to people and how they are reached, as it is stored: messages that wait, that have ended and that are dead, inboxes,
//! templates, contacts, broadcasts. One repository per aggregate; when a message is sent is decided by the actors, how it looks by the gateway.

mod account;
mod broadcasts;
mod contacts;
mod follow;
mod inbox;
mod kind;
mod messages;
mod push_subscriptions;
mod read;
mod record;
mod row;
mod suppressed;
mod templates;
mod want;

pub use account::Account;
pub use broadcasts::{Begun, Broadcast, BroadcastState, Broadcasts, Step, begin_next_in, move_reminder_in};
pub use contacts::{Contact, Contacts};
pub use follow::{Said, say_in};
pub use inbox::{Inbox, InboxItem};
pub use kind::{Class, Kind, Medium, lane_of};
pub use messages::{Due, Messages, Replayed};
pub use push_subscriptions::{PushSubscription, PushSubscriptions};
pub use record::{Outcome, Verdict};
pub use suppressed::Suppressed;
pub use templates::{Kept, Template, TemplateName, Templates};
pub use want::{Ended, Finished, Recipient, Want, order_mark, organizer_subject, recipient_mark};

/// Messages of one lane that were delivered, or ended otherwise than dead, and are kept: the youngest.
pub const FINISHED_KEPT: u64 = 1_000;
/// Dead letters of one lane that are kept: the youngest.
pub const DEAD_KEPT: u64 = 100_000;
/// Messages that an inbox holds; the oldest leave.
pub const INBOX_KEPT: usize = 50;
/// Versions of one template that are kept: the youngest.
pub const TEMPLATE_VERSIONS_KEPT: usize = 10;
/// Most rows of templates of one organizer, versions included.
pub const TEMPLATE_ROWS_MAX: usize = 2_000;
/// Most bytes of the text of an error that are kept.
pub const REASON_BYTES_MAX: usize = 200;
/// Browsers of one buyer that take messages; the oldest leaves.
pub const SUBSCRIPTIONS_MAX: usize = 8;
/// Broadcasts of one event that its organizer writes.
pub const BROADCASTS_MAX: usize = 200;
/// Broadcasts of one event that say that it takes place at another time or place: apart, so that emergencies always have room.
pub const MOVES_MAX: usize = 200;
/// Messages of class bulk that wait in a lane before a broadcast pages on: the others wait in its cursor.
pub const BULK_WAITING_MAX: usize = 2_000;
/// Dead letters that one call sends again.
pub const REPLAYED_AT_ONCE_MAX: usize = 500;
