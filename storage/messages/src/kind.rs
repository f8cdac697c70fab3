//! What messages are about, how urgent they are, and through what they go.

use tessera_store::keys::MessageLane;

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $number:literal, $text:literal, $class:ident, $opt_out:literal;)*) => {
        /// What a message is about. Its number is stored: never changed, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$meta])* $name = $number),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Kind] = &[$(Kind::$name),*];

            /// Its name in the API.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$name => $text),* }
            }

            /// How urgent it is.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Kind::$name => Class::$class),* }
            }

            /// Whether people may say that they do not want to hear it.
            #[must_use]
            pub const fn may_be_refused(self) -> bool {
                match self { $(Kind::$name => $opt_out),* }
            }
        }
    };
}

kinds! {
    /// An order is paid: its tickets.
    Confirmation = 1, "confirmation", Urgent, false;
    /// Units are held for somebody of the waitlist.
    Offer = 2, "offer", Urgent, false;
    /// Tickets were refunded.
    Refund = 3, "refund", Usual, false;
    /// A ticket was handed on.
    Transfer = 5, "transfer", Usual, false;
    /// The event takes place otherwise, or not at all.
    Change = 6, "change", Bulk, false;
    /// The event is near.
    Reminder = 7, "reminder", Bulk, true;
    /// A payment failed.
    PaymentFailed = 8, "payment_failed", Usual, true;
    /// The organizer has something urgent to say to everybody.
    Emergency = 10, "emergency", Emergency, false;
    /// The organizer has something to say to everybody.
    Announcement = 11, "announcement", Bulk, true;
}

impl Kind {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The kind of this number.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.number() == number)
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// How urgent a message is. Its number is stored: never changed, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Before everything else; it has half of every round to itself.
    Emergency = 0,
    /// Somebody waits for it.
    Urgent = 1,
    /// Nobody waits for it.
    Usual = 2,
    /// Many at once.
    Bulk = 3,
}

impl Class {
    /// Every class, the most urgent first.
    pub const ALL: [Class; 4] = [Class::Emergency, Class::Urgent, Class::Usual, Class::Bulk];

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Through what a message goes. Its number is stored: never changed, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// E-mail.
    Email = 1,
    /// The inbox of the buyer, here.
    Inbox = 2,
    /// SMS.
    Sms = 3,
    /// A notification of the buyer's browser.
    Push = 4,
    /// A channel of the organizer in Discord: what everybody is told, once.
    Discord = 5,
    /// A chat of the buyer with a bot in Telegram.
    Telegram = 6,
}

impl Medium {
    /// Every one.
    pub const ALL: [Medium; 6] =
        [Medium::Email, Medium::Inbox, Medium::Sms, Medium::Push, Medium::Discord, Medium::Telegram];

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Medium::Email => "email",
            Medium::Inbox => "inbox",
            Medium::Sms => "sms",
            Medium::Push => "push",
            Medium::Discord => "discord",
            Medium::Telegram => "telegram",
        }
    }

    /// Whether a message of a kind goes to a person through it. SMS cost money: they are for what cannot wait.
    #[must_use]
    pub const fn carries(self, kind: Kind) -> bool {
        match self {
            Medium::Email | Medium::Inbox | Medium::Push | Medium::Telegram => true,
            Medium::Sms => matches!(kind, Kind::Confirmation | Kind::Offer | Kind::Change | Kind::Emergency),
            Medium::Discord => false,
        }
    }

    /// Whether what everybody is told is said there once, for all to see.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Medium::Discord)
    }

    /// Whether its addresses are URLs that strangers gave: who takes messages there may be anybody, and may hang.
    #[must_use]
    pub const fn is_of_strangers(self) -> bool {
        matches!(self, Medium::Push | Medium::Discord)
    }

    /// Whether what goes there is a short text, without files and without looks.
    #[must_use]
    pub const fn is_short(self) -> bool {
        matches!(self, Medium::Sms | Medium::Push | Medium::Discord | Medium::Telegram)
    }

    /// The one of this number.
    #[must_use]
    pub fn numbered(number: u8) -> Option<Medium> {
        Medium::ALL.into_iter().find(|medium| medium.number() == number)
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Medium> {
        Medium::ALL.into_iter().find(|medium| medium.name() == name)
    }
}

/// The lane of an account of a medium.
#[must_use]
pub fn lane_of(medium: Medium, account: &str) -> MessageLane {
    MessageLane { channel: medium.number(), account: account.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_number_and_name() {
        for kind in Kind::ALL.iter().copied() {
            assert_eq!(Kind::numbered(kind.number()), Some(kind));
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!((Kind::numbered(0), Kind::named("spam")), (None, None));
        for medium in Medium::ALL {
            assert_eq!(Medium::numbered(medium.number()), Some(medium));
            assert_eq!(Medium::named(medium.name()), Some(medium));
        }
        assert!(Kind::ALL.iter().all(|kind| !kind.may_be_refused() || kind.class() >= Class::Usual));
    }
}
