//! Messages to people: the follower writes what is to be said to each (`wants`, `follower`), the courier sends what waits, one lane for each
//! account of a channel (`courier`, `lane`, `round`), and broadcasts go along the orders of an event (`runs`). When something is sent is decided
//! without I/O (`decide`).

mod courier;
mod decide;
mod follower;
mod lane;
mod letter;
mod meters;
mod moved;
mod round;
mod runs;
mod wants;

use std::sync::Arc;

use futures::future::BoxFuture;
use tessera_correspondence::{Medium, PushSubscription, Want, lane_of};
use tessera_inventory::{ClaimView, Config, Timestamp};
use tessera_projections::catalogue::CatalogueEvent;
use tessera_store::keys::MessageLane;

pub(crate) use courier::{MessageCourier, MessageCourierMessage};
pub use decide::BACK_OFF_S;
pub(crate) use follower::{NotificationFollower, NotificationPlace};
pub(crate) use meters::MessageMeters;
pub use moved::Replaced;
pub(crate) use moved::replace;

/// How messages of one kind travel, and how they look. The composition root has them.
pub trait Channel: Send + Sync + 'static {
    /// Through what.
    fn medium(&self) -> Medium;

    /// The account: a relay, a sender, a bot.
    fn account(&self) -> &str;

    /// Most messages a second.
    fn per_second(&self) -> u32;

    /// Where it reaches whom these people are, if it does.
    fn address(&self, reached: &Reached) -> Option<String>;

    /// One attempt to deliver. It ends by itself within a bounded time.
    fn send(&self, letter: Letter) -> BoxFuture<'static, Sent>;

    /// Its lane.
    fn lane(&self) -> MessageLane {
        lane_of(self.medium(), self.account())
    }
}

/// How somebody is reached, as it stands now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// Where e-mail goes.
    pub email: Option<String>,
    /// In the international form.
    pub phone: Option<String>,
    /// As the person writes it.
    pub name: Option<String>,
    /// The language and region that it reads.
    pub locale: Option<String>,
    /// The browsers that take messages.
    pub browsers: Vec<PushSubscription>,
    /// The chat with the bot in Telegram.
    pub telegram: Option<String>,
    /// Of an organizer: the webhook of a channel in Discord.
    pub discord: Option<String>,
}

/// A message with everything that it may say.
#[derive(Clone, Debug)]
pub struct Letter {
    /// What is to be said to whom.
    pub want: Want,
    /// Where it goes.
    pub address: String,
    /// How the recipient is called and what it reads.
    pub reached: Reached,
    /// The event that it is about.
    pub card: CatalogueEvent,
    /// The order that it shows, where its kind shows one.
    pub order: Option<ShownOrder>,
    /// What a broadcast says, by name.
    pub said: Vec<(String, String)>,
}

/// An order as a message shows it.
#[derive(Clone, Debug)]
pub struct ShownOrder {
    /// The order.
    pub view: Box<ClaimView>,
    /// The configuration, for its names.
    pub config: Arc<Config>,
    /// Its version.
    pub version: u32,
}

/// What came of one attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was taken.
    Taken,
    /// It will never be taken.
    Refused {
        /// Why, for the organizer.
        reason: String,
        /// Whether nothing will be taken for this address.
        is_address_dead: bool,
    },
    /// It cannot be sent at all: nobody was asked, so that nothing is known of the account.
    Untried {
        /// Why, for the organizer.
        reason: String,
        /// Whether nothing can be sent to this address.
        is_address_dead: bool,
    },
    /// It may be taken later.
    Failed {
        /// Why, for the organizer.
        reason: String,
        /// Whether that was not about this message: nothing else will be taken now either.
        is_account: bool,
        /// Until when the account asks to be left alone.
        not_before: Option<Timestamp>,
    },
    /// It was certainly not taken, since it was not its turn: it, or with `is_account` everything, waits until then.
    Busy {
        /// Why, for the organizer.
        reason: String,
        /// Until when.
        until: Timestamp,
        /// Whether nothing else will be taken now either.
        is_account: bool,
    },
    /// There is nothing left to be said.
    Pointless,
}

/// What messages to people take.
#[derive(Clone)]
pub struct Messaging {
    /// Through what they go, besides the inbox here.
    pub channels: Vec<Arc<dyn Channel>>,
    /// How long before the start of an event who has tickets is reminded, in milliseconds; 0: never.
    pub reminder_before_ms: u64,
}

/// Places of a lane: messages that are under way at once; one while its account fails.
pub const LANE_IN_FLIGHT_MAX: usize = 8;
/// How long a message to an address that a stranger named (of a browser, of a webhook) holds a place, in milliseconds: who does not answer by
/// then is waited for beside the lane, so that it costs the others this much of one place of [`LANE_IN_FLIGHT_MAX`], and no more.
pub const SLOW_AFTER_MS: u64 = 1_000;
/// Messages of a lane that are under way at once with those that gave up their places.
pub const LANE_UNDER_WAY_MAX: usize = 64;
/// People to whom one step of a broadcast writes at most, beyond those of the last order that it looks at.
pub(crate) const BROADCAST_STEP: usize = 200;
/// The account of inboxes.
const INBOX_ACCOUNT: &str = "inbox";

/// The lane under which it is kept since when messages are written.
pub(crate) fn inbox_lane() -> MessageLane {
    lane_of(Medium::Inbox, INBOX_ACCOUNT)
}

/// What is shared of messages to people, where anybody is told anything.
pub(crate) struct People {
    pub(crate) messaging: Messaging,
    /// What happened before is said to nobody.
    pub(crate) since: Timestamp,
    pub(crate) meters: MessageMeters,
}

impl People {
    pub(crate) fn new(messaging: Messaging, since: Timestamp) -> People {
        let meters = MessageMeters::new(&messaging.channels);
        People { messaging, since, meters }
    }

    /// The lanes in which everything that is said waits.
    pub(crate) fn lanes(&self) -> Vec<MessageLane> {
        self.messaging.channels.iter().map(|channel| channel.lane()).collect()
    }
}
