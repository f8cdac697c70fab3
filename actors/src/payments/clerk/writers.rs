//! How a refund run reaches the writers of events.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_inventory::{ClaimNumber, ClaimView, Command, EventId};
use tessera_money::refunding::{Said, Writers};
use tessera_writer::Ask;

use crate::shared::Shared;
use crate::{Answer, InventoryRouter};

/// How long the log may take to answer.
const ASK_LASTS: Duration = Duration::from_secs(10);

/// Through the router of this process.
pub(super) struct Router(pub(super) Arc<Shared>);

impl Writers for Router {
    fn ask(&self, event: EventId, command: Command) -> BoxFuture<'_, Said> {
        let router = InventoryRouter::new(Arc::clone(&self.0));
        async move {
            match router.ask(event, Ask::Command(Box::new(command)), ASK_LASTS).await {
                Answer::Accepted { event, .. } | Answer::Repeated { event, .. } => {
                    Said::Accepted(Box::new((*event).clone()))
                }
                Answer::Rejected { rejection, .. } => Said::Refused(rejection),
                Answer::Read { .. } | Answer::NotExecuted { .. } | Answer::OutcomeUnknown { .. } => {
                    Said::Unknown
                }
            }
        }
        .boxed()
    }

    fn read(&self, event: EventId, order: ClaimNumber) -> BoxFuture<'_, Option<Option<Box<ClaimView>>>> {
        let router = InventoryRouter::new(Arc::clone(&self.0));
        async move {
            match router.ask(event, Ask::Read(order), ASK_LASTS).await {
                Answer::Read { claim, .. } => Some(claim),
                _ => None,
            }
        }
        .boxed()
    }
}
