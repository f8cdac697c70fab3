//! What providers told by webhooks and is not handled yet: read, found by our own name for the payment or by the provider's, and laid on the
//! desk of the payment.

use std::collections::BTreeSet;
use std::sync::Arc;

use ractor::ActorRef;
use tessera_money::Lane;
use tessera_money::provider_events::{ProviderEvent, Standing, Waiting};
use tessera_payments::{Input, Payment, ProviderId};
use tessera_store::StoreError;

use super::DeskMessage;
use crate::payments::{About, Heard};
use crate::shared::Shared;

/// Events that are looked at in one go.
const PAGE: usize = 64;
/// Pages that one look over all that waits has at most: what is unknown beyond is looked at as some of it is given up.
const PAGES_MAX: usize = 64;
/// An event about a payment that nobody knows is given up after so long, in milliseconds: no key of a creation is used longer, so that nothing can
/// be learnt any more that it is about.
const UNKNOWN_MS: u64 = 86_400_000;

/// Names of payments nobody knows that are remembered; what is told under others is found by the next look at everything.
const UNKNOWN_MAX: usize = 4_096;

/// How far a lane has heard its providers.
#[derive(Debug, Default)]
pub(super) struct Listening {
    is_reading: bool,
    /// What to look at once more after the look that is under way.
    again: Option<Since>,
    /// The newest that was looked at.
    seen: Option<Waiting>,
    /// Who calls a payment so that was not known.
    unknown: BTreeSet<(ProviderId, Box<str>)>,
}

/// Where a look begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Since {
    /// After the newest that was looked at.
    Seen,
    /// With the oldest.
    Oldest,
}

/// What a look found.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    seen: Option<Waiting>,
    unknown: BTreeSet<(ProviderId, Box<str>)>,
}

impl Listening {
    /// Look at what waits, beside the desk: one look at a time.
    pub(super) fn look(
        &mut self,
        shared: &Arc<Shared>,
        myself: &ActorRef<DeskMessage>,
        lane: Lane,
        since: Since,
    ) {
        if self.is_reading {
            self.again = self.again.max(Some(since));
            return;
        }
        self.is_reading = true;
        let seen = self.seen.clone().filter(|_| since == Since::Seen);
        let (shared, myself) = (Arc::clone(shared), myself.clone());
        shared.environment.spawn.clone().spawn(Box::pin(async move {
            let mut looked = Looked { seen, ..Looked::default() };
            if let Err(error) = look(&shared, &myself, lane, &mut looked).await {
                tracing::warn!(%error, "what providers told could not be read; it is read later");
            }
            let _ = myself.cast(DeskMessage::Looked(lane, looked));
        }));
    }

    /// A look is over. What to look at next, if something came meanwhile.
    pub(super) fn looked(&mut self, looked: Looked) -> Option<Since> {
        self.is_reading = false;
        self.seen = looked.seen.or(self.seen.take());
        let room = UNKNOWN_MAX.saturating_sub(self.unknown.len());
        self.unknown.extend(looked.unknown.into_iter().take(room));
        self.again.take()
    }

    /// Whether something was told about one of these payments before its name was known.
    pub(super) fn waits_for(&mut self, rows: &[Payment]) -> bool {
        if self.unknown.is_empty() {
            return false;
        }
        let names = rows.iter().filter_map(|row| Some((row.provider, row.facts.reference.clone()?)));
        names.filter(|name| self.unknown.remove(name)).count() > 0
    }
}

async fn look(
    shared: &Arc<Shared>,
    myself: &ActorRef<DeskMessage>,
    lane: Lane,
    looked: &mut Looked,
) -> Result<(), StoreError> {
    for _ in 0..PAGES_MAX {
        let page = shared.money.events.due(lane, looked.seen.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        for waiting in page {
            if let Some(event) = shared.money.events.load(&waiting.id).await? {
                hear(shared, myself, event, looked).await?;
            }
            looked.seen = Some(waiting);
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

/// One event that waits.
async fn hear(
    shared: &Arc<Shared>,
    myself: &ActorRef<DeskMessage>,
    event: ProviderEvent,
    looked: &mut Looked,
) -> Result<(), StoreError> {
    let ProviderEvent { id, received_at, standing, body, .. } = event;
    // Whether it is genuine is not known: nothing is done until its provider was asked.
    let Some(provider) =
        shared.money.providers.get(&id.provider).filter(|_| standing != Standing::Unverified)
    else {
        return Ok(());
    };
    let events = &shared.money.events;
    let Some(Heard { about, facts, .. }) = provider.read(&body) else {
        tracing::warn!(provider = provider.name(), event = %id.event, "what a provider told cannot be read");
        return events.stand(&id, Standing::Unparsed).await;
    };
    let Some(about) = about else { return events.stand(&id, Standing::Handled).await };
    if let Some(payment) = find(shared, id.provider, &about).await? {
        let lane = Lane::of(payment.id.event);
        let input = Input::Told { payment: Box::new(payment), facts, handled: Some(id) };
        let _ = myself.cast(DeskMessage::Told { lane, input, received_at });
        return Ok(());
    }
    if received_at.plus_ms(UNKNOWN_MS) <= shared.environment.clock.wall() {
        tracing::info!(provider = provider.name(), event = %id.event, "a provider told of a payment that is not ours");
        return events.stand(&id, Standing::Handled).await;
    }
    looked.unknown.extend(about.reference.map(|reference| (id.provider, reference)));
    if standing == Standing::Unknown { Ok(()) } else { events.stand(&id, Standing::Unknown).await }
}

/// The payment that it is about, by our own name for it, else by the provider's.
async fn find(shared: &Shared, provider: ProviderId, about: &About) -> Result<Option<Payment>, StoreError> {
    let payments = &shared.money.payments;
    let referred = match (about.payment, &about.reference) {
        (Some(id), _) => Some(id),
        (None, Some(reference)) => payments.referred(provider, reference).await?,
        (None, None) => None,
    };
    let Some(id) = referred else { return Ok(None) };
    // Nobody speaks for another provider.
    Ok(payments.load(id).await?.filter(|payment| payment.provider == provider))
}
