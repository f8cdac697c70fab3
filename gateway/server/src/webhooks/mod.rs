//! Webhooks: how messages look, how they are signed, and how they are sent. Where they wait and when they are tried again is the
//! supervision tree's business; `docs/webhooks.md` describes them.

mod message;
mod post;
mod signature;

use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use tessera_actors::{Clock, Names, Posted, Postman};
use tessera_inventory::{Config, Event, EventBody, EventId, Sequence};
use tessera_outbound::Client;
use tessera_projections::webhooks::{Attempt, Delivery, Endpoint, EndpointId};

pub(crate) use message::{MESSAGE_TYPES, Message, PING, TypeName, ping};
pub(crate) use signature::secret_text;

use crate::auth::Keys;
use crate::ids::{self, IdText, Kind};

/// Renders and sends messages.
pub(crate) struct Webhooks {
    keys: Keys,
    clock: Arc<dyn Clock>,
    client: Arc<Client>,
}

impl Webhooks {
    /// `private_targets`: whether messages may go to addresses that are not public.
    pub(crate) fn new(keys: Keys, clock: Arc<dyn Clock>, private_targets: bool) -> Webhooks {
        Webhooks { keys, clock, client: Arc::new(Client::new(private_targets)) }
    }
}

impl Postman for Webhooks {
    fn kind(&self, body: &EventBody) -> &'static str {
        message::kind(body)
    }

    fn message(&self, event: EventId, config: &Config, sequence: Sequence, logged: &Event) -> Vec<u8> {
        message::render(&self.keys, event, config, sequence, logged)
    }

    fn names(&self, id: EndpointId) -> Names {
        Names {
            endpoint: IdText::new(Kind::WebhookEndpoint, id.endpoint).to_string(),
            organizer: IdText::new(Kind::Organizer, id.organizer).to_string(),
        }
    }

    fn post(&self, endpoint: &Endpoint, delivery: &Delivery) -> BoxFuture<'static, Posted> {
        let at = self.clock.wall();
        let id = ids::message(endpoint.id.endpoint, &delivery.place);
        let signed = signature::Signed::new(id, at, &delivery.payload, endpoint.valid_secrets(at));
        let (client, clock) = (Arc::clone(&self.client), Arc::clone(&self.clock));
        let (url, payload) = (endpoint.url.clone(), delivery.payload.clone());
        async move {
            match post::post(&client, &url, &signed, payload).await {
                Ok(head) => Posted {
                    attempt: Attempt { at, status: Some(head.status.as_u16()), error: None },
                    not_before: head.not_before(clock.wall()),
                },
                Err(error) => Posted {
                    attempt: Attempt { at, status: None, error: Some(error.to_string()) },
                    not_before: None,
                },
            }
        }
        .boxed()
    }
}
