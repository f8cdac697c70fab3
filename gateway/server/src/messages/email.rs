//! E-mail as a channel.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_actors::{Channel, Letter, Reached, Sent, Spawn};
use tessera_correspondence::Medium;
use tessera_messages::{Mail, Smtp};
use tokio::sync::{Semaphore, oneshot};

use super::SMTP_ACCOUNT;
use super::composer::{Composed, Composer};
use super::{later, sent, untried};

/// Messages that are made at once: each takes a core for a moment, its papers for some milliseconds.
const MADE_AT_ONCE_MAX: usize = 2;

/// E-mail by one relay.
pub(super) struct Email {
    relay: Arc<Smtp>,
    composer: Arc<Composer>,
    spawn: Arc<dyn Spawn>,
    turns: Arc<Semaphore>,
    per_second: u32,
}

impl Email {
    pub(super) fn new(
        relay: Arc<Smtp>,
        composer: Arc<Composer>,
        spawn: Arc<dyn Spawn>,
        per_second: u32,
    ) -> Email {
        Email { relay, composer, spawn, turns: Arc::new(Semaphore::new(MADE_AT_ONCE_MAX)), per_second }
    }
}

impl Channel for Email {
    fn medium(&self) -> Medium {
        Medium::Email
    }

    fn account(&self) -> &str {
        SMTP_ACCOUNT
    }

    fn per_second(&self) -> u32 {
        self.per_second
    }

    fn address(&self, reached: &Reached) -> Option<String> {
        reached.email.clone()
    }

    fn send(&self, letter: Letter) -> BoxFuture<'static, Sent> {
        let (relay, composer) = (Arc::clone(&self.relay), Arc::clone(&self.composer));
        let (spawn, turns) = (Arc::clone(&self.spawn), Arc::clone(&self.turns));
        async move {
            let prepared = match composer.prepare(&letter, Medium::Email).await {
                Ok(prepared) => prepared,
                Err(error) => return later(error.to_string()),
            };
            // The semaphore is never closed: without a turn it would be made all the same.
            let turn = turns.acquire_owned().await;
            let (sender, made) = oneshot::channel();
            let maker = Arc::clone(&composer);
            spawn.spawn_blocking(Box::new(move || {
                let composed = maker.compose(&letter, &prepared);
                let _ = sender.send((composed, letter));
            }));
            // It panicked, or this process ends.
            let Ok((composed, letter)) = made.await else {
                return untried("the message could not be made: a defect of the server".to_owned());
            };
            drop(turn);
            match composed {
                Composed::Made(made) => {
                    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(letter.want.place.at.0);
                    let made = *made;
                    let mail = Mail {
                        name: composer.name(&letter.want),
                        date: at,
                        to: letter.address,
                        subject: made.rendered.subject,
                        text: made.rendered.text,
                        html: made.rendered.html,
                        attachments: made.attachments,
                        unsubscribe: made.opt_out,
                    };
                    sent(relay.send(mail).await)
                }
                Composed::Pointless => Sent::Pointless,
                Composed::Failed(reason) => untried(reason),
            }
        }
        .boxed()
    }
}
