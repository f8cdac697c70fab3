//! Channels of short texts: SMS, notifications of browsers, Discord, Telegram.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use tessera_actors::{Channel, Clock, Letter, Reached, Sent};
use tessera_correspondence::{Class, Medium, PushSubscriptions, Want};
use tessera_inventory::Timestamp;
use tessera_messages::{
    Browser, Delivery, Discord, Notification, Push, Rendered, ShortText, Sms, Telegram, Urgency,
};

use super::composer::{Composed, Composer};
use super::{DISCORD_ACCOUNT, PUSH_ACCOUNT, TELEGRAM_ACCOUNT, TWILIO_ACCOUNT, later, refused, sent, untried};
use crate::ids;

/// How long a push service keeps a message for a browser that is away, in milliseconds, where it says nothing of a deadline.
const KEPT_MS: u64 = 3 * 86_400_000;

/// How old a message is of which it is looked first whether it has gone, in milliseconds: one that is begun is over by then, though what became
/// of it may be kept nowhere.
const GONE_AFTER_MS: u64 = 60_000;

/// One way to send short texts.
pub(super) enum Wire {
    /// By SMS.
    Sms(Sms),
    /// To browsers, and where they are.
    Push(Push, PushSubscriptions),
    /// To a channel of an organizer in Discord.
    Discord(Discord),
    /// By a bot in Telegram.
    Telegram(Arc<Telegram>),
}

/// A channel of short texts.
pub(super) struct Short {
    wire: Arc<Wire>,
    composer: Arc<Composer>,
    clock: Arc<dyn Clock>,
    per_second: u32,
}

impl Short {
    pub(super) fn new(wire: Wire, composer: Arc<Composer>, clock: Arc<dyn Clock>, per_second: u32) -> Short {
        Short { wire: Arc::new(wire), composer, clock, per_second }
    }
}

impl Channel for Short {
    fn medium(&self) -> Medium {
        self.wire.medium()
    }

    fn account(&self) -> &str {
        match *self.wire {
            Wire::Sms(_) => TWILIO_ACCOUNT,
            Wire::Push(..) => PUSH_ACCOUNT,
            Wire::Discord(_) => DISCORD_ACCOUNT,
            Wire::Telegram(_) => TELEGRAM_ACCOUNT,
        }
    }

    fn per_second(&self) -> u32 {
        self.per_second
    }

    fn address(&self, reached: &Reached) -> Option<String> {
        match *self.wire {
            Wire::Sms(_) => reached.phone.clone(),
            // Of several, each is written to; what is remembered of one of them says nothing of the others.
            Wire::Push(..) => reached.browsers.first().map(|browser| browser.endpoint.clone()),
            Wire::Discord(_) => reached.discord.clone(),
            Wire::Telegram(_) => reached.telegram.clone(),
        }
    }

    fn send(&self, letter: Letter) -> BoxFuture<'static, Sent> {
        let (wire, composer, clock) =
            (Arc::clone(&self.wire), Arc::clone(&self.composer), Arc::clone(&self.clock));
        async move {
            let prepared = match composer.prepare(&letter, wire.medium()).await {
                Ok(prepared) => prepared,
                Err(error) => return later(error.to_string()),
            };
            // Without papers it is made within some microseconds.
            let made = match composer.compose(&letter, &prepared) {
                Composed::Made(made) => made.rendered,
                Composed::Pointless => return Sent::Pointless,
                Composed::Failed(reason) => return untried(reason),
            };
            match &*wire {
                Wire::Sms(sms) => {
                    let text = ShortText {
                        to: letter.address,
                        text: made.text,
                        since: letter.want.place.at,
                        is_again: may_have_gone(&letter.want, clock.wall()),
                    };
                    sent(sms.send(&text, clock.wall()).await)
                }
                Wire::Push(push, browsers) => {
                    let name = composer.name(&letter.want);
                    notify(
                        push,
                        browsers,
                        &letter,
                        notification(&letter.want, made, name, clock.wall()),
                        clock.wall(),
                    )
                    .await
                }
                Wire::Discord(discord) => sent(discord.send(&letter.address, &made.text, clock.wall()).await),
                Wire::Telegram(bot) => sent(bot.send(&letter.address, &made.text, clock.wall()).await),
            }
        }
        .boxed()
    }
}

impl Wire {
    const fn medium(&self) -> Medium {
        match self {
            Wire::Sms(_) => Medium::Sms,
            Wire::Push(..) => Medium::Push,
            Wire::Discord(_) => Medium::Discord,
            Wire::Telegram(_) => Medium::Telegram,
        }
    }
}

/// Whether a message may have been taken, and the answer lost. One that is sent again begins with no attempts, under the time that it had.
fn may_have_gone(want: &Want, now: Timestamp) -> bool {
    want.attempts > 0 || want.place.at.plus_ms(GONE_AFTER_MS) <= now
}

fn notification(want: &Want, made: Rendered, name: String, now: Timestamp) -> Notification {
    let kept_until = want.expires_at.unwrap_or(now.plus_ms(KEPT_MS));
    Notification {
        name,
        title: made.subject,
        text: made.text.trim().to_owned(),
        kind: want.kind.name(),
        event: ids::event(want.place.event).to_string(),
        keep_s: kept_until.0.saturating_sub(now.0).min(KEPT_MS) / 1_000,
        urgency: match want.kind.class() {
            Class::Emergency | Class::Urgent => Urgency::High,
            Class::Usual => Urgency::Normal,
            Class::Bulk => Urgency::Low,
        },
    }
}

/// Writes to every browser of the recipient; those that are gone are forgotten.
async fn notify(
    push: &Push,
    browsers: &PushSubscriptions,
    letter: &Letter,
    notification: Notification,
    now: Timestamp,
) -> Sent {
    let subject = letter.want.recipient.subject;
    let tried = join_all(letter.reached.browsers.iter().map(|found| {
        let (endpoint, key, secret) = (found.endpoint.clone(), found.key, found.secret);
        let (browser, notification) = (Browser { endpoint, key, secret }, &notification);
        async move {
            let delivery = push.send(&browser, notification, now).await;
            let is_gone = matches!(
                delivery,
                Delivery::Refused { is_address_dead: true, .. }
                    | Delivery::Untried { is_address_dead: true, .. }
            );
            if is_gone && let Err(error) = browsers.remove(subject, Some(&browser.endpoint)).await {
                tracing::warn!(%error, "a browser that is gone could not be forgotten");
            }
            delivery
        }
    }))
    .await;
    together(tried)
}

/// What came of a message to several browsers of one person: whoever has it on one has it. Otherwise it is tried again where that may help.
fn together(tried: Vec<Delivery>) -> Sent {
    let rank = |delivery: &Delivery| match delivery {
        Delivery::Taken => 0,
        Delivery::Busy { .. } => 1,
        Delivery::Failed { .. } => 2,
        Delivery::Refused { .. } => 3,
        Delivery::Untried { .. } => 4,
    };
    match tried.into_iter().min_by_key(rank) {
        // It is forgotten, and may say so again: there is nothing to be remembered of its address.
        Some(Delivery::Refused { reason, .. }) => refused(reason),
        Some(Delivery::Untried { reason, .. }) => untried(reason),
        Some(delivery) => sent(delivery),
        None => untried("its browsers were forgotten meanwhile".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tessera_correspondence::{Kind, Recipient};
    use tessera_inventory::{EventId, Sequence, Subject};
    use tessera_store::keys::MessagePlace;

    use super::*;

    #[test]
    fn it_is_looked_whether_a_message_has_gone_that_was_tried_or_is_old() {
        let begun = Timestamp(1_000);
        let (event, sequence) = (EventId(1), Sequence(2));
        let want = Want {
            place: MessagePlace { at: begun, event, sequence, recipient: 3, kind: Kind::Offer.number() },
            kind: Kind::Offer,
            recipient: Recipient { subject: Subject(4), order: None },
            order: None,
            tickets: Vec::new(),
            dispute: None,
            is_giver: false,
            expires_at: None,
            due_at: begun,
            attempts: 0,
            last_error: None,
        };
        assert!(!may_have_gone(&want, begun.plus_ms(GONE_AFTER_MS - 1)));
        assert!(may_have_gone(&want, begun.plus_ms(GONE_AFTER_MS)));
        assert!(may_have_gone(&Want { attempts: 1, ..want }, begun));
    }

    #[test]
    fn who_has_a_message_on_one_browser_has_it() {
        let gone = || Delivery::Refused { reason: "410".to_owned(), is_address_dead: true };
        let failed = || Delivery::Failed { reason: "500".to_owned(), is_account: false };
        let until = Timestamp(9);
        let busy = || Delivery::Busy { reason: "429".to_owned(), until, is_account: false };
        assert_eq!(together(vec![gone(), Delivery::Taken, failed()]), Sent::Taken);
        assert!(matches!(together(vec![gone(), failed()]), Sent::Failed { .. }));
        assert!(matches!(together(vec![failed(), busy()]), Sent::Busy { .. }));
        let all_gone = Sent::Refused { reason: "410".to_owned(), is_address_dead: false };
        assert_eq!(together(vec![gone(), gone()]), all_gone);
        let keyless = || Delivery::Untried { reason: "no key".to_owned(), is_address_dead: true };
        assert_eq!(together(vec![keyless(), gone()]), all_gone);
        let none_tried = Sent::Untried { reason: "no key".to_owned(), is_address_dead: false };
        assert_eq!(together(vec![keyless()]), none_tried);
    }
}
