//! What providers told by webhooks and is not handled yet: read, found by our own name for the payment or by the provider's, and laid on the
//! desk of the payment.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use ractor::ActorRef;
use tessera_inventory::Timestamp;
use tessera_money::Lane;
use tessera_money::provider_events::{Cursor, ProviderEvent, ProviderEvents, Standing, Waiting};
use tessera_payments::{Fact, Input, Payment, PaymentId, ProviderEventId, ProviderId};
use tessera_store::StoreError;

use super::DeskMessage;
use super::calls::within;
use crate::payments::{About, Genuine, Heard, Provider, Whose};
use crate::shared::Shared;

/// Events that are looked at in one go.
const PAGE: usize = 64;
/// Events that are read, and about which providers are asked, at once.
const HEARD_AT_ONCE: usize = 16;
/// Pages that one look over all that waits has at most: what is unknown beyond is looked at as some of it is given up.
const PAGES_MAX: usize = 64;
/// An event about a payment that nobody knows is given up after so long, in milliseconds: no key of a creation is used longer, so that nothing can
/// be learnt any more that it is about.
const UNKNOWN_MS: u64 = 86_400_000;

/// What nobody can read, and what a provider told that is not set up any more, is given up after so long, in milliseconds: long enough for somebody
/// to see to it. What is given up is handled: what it said is dropped.
const UNREAD_MS: u64 = 7 * 86_400_000;

/// What came is not there in the order in which it came: so long before the newest a look begins, in milliseconds. Longer than an event takes to be
/// kept; what takes longer is found by the look at everything.
const LOOK_BACK_MS: u64 = 2_000;

/// Events of a lane that are remembered as looked at; what is forgotten is looked at once more, which does no harm.
const RECENT_MAX: usize = 4_096;

/// Names of payments nobody knows that are remembered; what is told under others is found by the next look at everything.
const UNKNOWN_MAX: usize = 4_096;

/// How far a lane has heard its providers.
#[derive(Debug, Default)]
pub(super) struct Listening {
    is_reading: bool,
    /// What to look at once more after the look that is under way.
    again: Option<Since>,
    /// When the newest came that was looked at.
    seen: Option<Timestamp>,
    /// What was looked at, or laid on the desk, since shortly before that.
    recent: BTreeSet<(Timestamp, ProviderEventId)>,
    /// Who calls a payment so that was not known.
    unknown: BTreeSet<(ProviderId, Box<str>)>,
}

/// Where a look begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Since {
    /// With what came since the last look, in whatever order.
    Seen,
    /// With the oldest.
    Oldest,
}

/// What a look found.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    seen: Option<Timestamp>,
    recent: BTreeSet<(Timestamp, ProviderEventId)>,
    unknown: BTreeSet<(ProviderId, Box<str>)>,
}

/// An event that a provider has told just now, as it was read.
#[derive(Debug)]
pub(crate) struct HeardEvent {
    /// For which it was kept.
    pub(crate) lane: Lane,
    /// Its name.
    pub(crate) id: ProviderEventId,
    /// When it came.
    pub(crate) received_at: Timestamp,
    /// What it says.
    pub(crate) heard: Heard,
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
        let (seen, recent) = (self.seen, self.recent.clone());
        let (shared, myself) = (Arc::clone(shared), myself.clone());
        shared.environment.spawn.clone().spawn(Box::pin(async move {
            let mut looked = Looked { seen, recent, ..Looked::default() };
            if let Err(error) = look(&shared, &myself, (lane, since), &mut looked).await {
                tracing::warn!(%error, "what providers told could not be read; it is read later");
            }
            let _ = myself.cast(DeskMessage::Looked(lane, looked));
        }));
    }

    /// A look is over. What to look at next, if something came meanwhile.
    pub(super) fn looked(&mut self, looked: Looked) -> Option<Since> {
        self.is_reading = false;
        self.seen = self.seen.max(looked.seen);
        self.recent.extend(looked.recent);
        forget_old(&mut self.recent, self.seen);
        let room = UNKNOWN_MAX.saturating_sub(self.unknown.len());
        self.unknown.extend(looked.unknown.into_iter().take(room));
        self.again.take()
    }

    /// This one is on the desk: the next look passes it over. It does not say that what came before it was looked at.
    pub(super) fn heard(&mut self, received_at: Timestamp, id: &ProviderEventId) {
        self.recent.insert((received_at, id.clone()));
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_first();
        }
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
    (lane, since): (Lane, Since),
    looked: &mut Looked,
) -> Result<(), StoreError> {
    let from = looked.seen.filter(|_| since == Since::Seen);
    let mut cursor = from.map(|seen| Cursor::At(Timestamp(seen.0.saturating_sub(LOOK_BACK_MS))));
    for _ in 0..PAGES_MAX {
        let page = shared.money.events.due(lane, cursor.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        cursor = page.last().cloned().map(Cursor::After).or(cursor);
        let is_new = |one: &Waiting| {
            since == Since::Oldest || !looked.recent.contains(&(one.received_at, one.id.clone()))
        };
        let page: Vec<Waiting> = page.into_iter().filter(is_new).collect();
        let heard = page.into_iter().map(|waiting| {
            let (shared, myself) = (Arc::clone(shared), myself.clone());
            async move {
                let unknown = match shared.money.events.load(&waiting.id).await? {
                    Some(event) => hear(&shared, &myself, event).await?,
                    None => None,
                };
                Ok((waiting, unknown))
            }
        });
        let mut heard = futures::stream::iter(heard).buffered(HEARD_AT_ONCE);
        while let Some((waiting, unknown)) = heard.try_next().await? {
            looked.unknown.extend(unknown);
            looked.seen = looked.seen.max(Some(waiting.received_at));
            looked.recent.insert((waiting.received_at, waiting.id));
        }
        if is_last {
            break;
        }
    }
    Ok(())
}

/// What no look after this goes back to.
fn forget_old(recent: &mut BTreeSet<(Timestamp, ProviderEventId)>, seen: Option<Timestamp>) {
    let kept_from = seen.map_or(0, |seen| seen.0.saturating_sub(LOOK_BACK_MS));
    while recent.first().is_some_and(|(received_at, _)| received_at.0 < kept_from) {
        recent.pop_first();
    }
}

/// What follows from an event that was told just now: it is laid on the desk of its payment, and one that belongs to none that is known is seen to where
/// it waits.
pub(super) async fn told(shared: &Shared, event: HeardEvent) -> DeskMessage {
    let HeardEvent { lane, id, received_at, heard } = event;
    let known = match (shared.money.providers.get(&id.provider), &heard.about) {
        (Some(provider), Some(about)) => known(shared, &**provider, about).await,
        _ => Ok(None),
    };
    match known {
        Ok(Some(payment)) => laid(payment, heard.facts, (id, received_at)),
        Ok(None) => DeskMessage::Listen(lane),
        Err(error) => {
            tracing::warn!(%error, "what a provider told could not be heard; it is heard later");
            DeskMessage::Listen(lane)
        }
    }
}

fn laid(
    payment: Box<Payment>,
    facts: Vec<Fact>,
    (id, received_at): (ProviderEventId, Timestamp),
) -> DeskMessage {
    let lane = Lane::of(payment.id.event);
    DeskMessage::Told { lane, input: Input::Told { payment, facts, handled: Some(id) }, received_at }
}

/// Who calls a payment so that is not known.
type Unknown = Option<(ProviderId, Box<str>)>;

/// One event that waits.
async fn hear(
    shared: &Arc<Shared>,
    myself: &ActorRef<DeskMessage>,
    event: ProviderEvent,
) -> Result<Unknown, StoreError> {
    // Handled since the page was read: its body is gone, and there is nothing in it to warn of.
    if event.standing == Standing::Handled {
        return Ok(None);
    }
    let now = shared.environment.clock.wall();
    let is_given_up = event.received_at.plus_ms(UNREAD_MS) <= now;
    let Some(provider) = shared.money.providers.get(&event.id.provider) else {
        match event.standing {
            _ if !is_given_up => {}
            // Nobody is left who could say that it is genuine.
            Standing::Unverified => shared.money.events.forget(&event.id).await?,
            _ => shared.money.events.stand(&event.id, Standing::Handled).await?,
        }
        return Ok(None);
    };
    if event.standing == Standing::Unverified && !is_genuine(shared, provider, &event).await? {
        return Ok(None);
    }
    let ProviderEvent { id, received_at, standing, body, .. } = event;
    let events = &shared.money.events;
    let Some(Heard { about, facts, .. }) = provider.read(&body) else {
        unread(events, &id, standing, is_given_up).await?;
        return Ok(None);
    };
    let found = match about.as_ref() {
        Some(about) => find(shared, provider, about).await?,
        None => Found::NotOurs,
    };
    let is_old = received_at.plus_ms(UNKNOWN_MS) <= now;
    match found {
        Found::Payment(payment) => {
            let _ = myself.cast(laid(payment, facts, (id, received_at)));
            Ok(None)
        }
        Found::NotOurs => events.stand(&id, Standing::Handled).await.map(|()| None),
        Found::NotKnown if is_old => {
            tracing::info!(provider = provider.name(), event = %id.event, "a provider told of a payment that is not ours");
            events.stand(&id, Standing::Handled).await.map(|()| None)
        }
        Found::NotKnown => {
            if standing != Standing::Unknown {
                events.stand(&id, Standing::Unknown).await?;
            }
            let reference = about.and_then(|about| about.reference);
            Ok(reference.map(|reference| (id.provider, reference)))
        }
    }
}

/// Nobody can read an event: a later release may.
async fn unread(
    events: &ProviderEvents,
    id: &ProviderEventId,
    standing: Standing,
    is_given_up: bool,
) -> Result<(), StoreError> {
    let to = if is_given_up { Standing::Handled } else { Standing::Unparsed };
    if standing == to {
        return Ok(());
    }
    tracing::warn!(provider = %id.provider.0, event = %id.event, is_given_up, "what a provider told cannot be read");
    events.stand(id, to).await
}

/// Ask the provider whether an event is its own. What is not is forgotten; what could not be asked is asked again by the next look at everything.
async fn is_genuine(
    shared: &Shared,
    provider: &Arc<dyn Provider>,
    event: &ProviderEvent,
) -> Result<bool, StoreError> {
    let asked = provider.ask_genuine(event.headers.clone(), event.body.clone());
    let is_old = event.received_at.plus_ms(UNKNOWN_MS) <= shared.environment.clock.wall();
    match within(shared, asked, Genuine::Ask).await {
        Genuine::Yes => shared.money.events.stand(&event.id, Standing::Waits).await.map(|()| true),
        Genuine::Ask if !is_old => Ok(false),
        Genuine::Ask | Genuine::No => {
            tracing::warn!(provider = provider.name(), event = %event.id.event, "a provider did not tell this");
            shared.money.events.forget(&event.id).await.map(|()| false)
        }
    }
}

/// What an event is about.
enum Found {
    Payment(Box<Payment>),
    NotOurs,
    NotKnown,
}

/// The payment that it is about: by our own name for it, by the provider's, or as the provider says when it is asked.
async fn find(shared: &Shared, provider: &Arc<dyn Provider>, about: &About) -> Result<Found, StoreError> {
    let id = match (named(shared, &**provider, about).await?, &about.reference) {
        (Some(id), _) => id,
        (None, Some(reference)) => {
            match within(shared, provider.ask_whose(reference.clone()), Whose::Later).await {
                Whose::Ours(id) => id,
                Whose::NotOurs => return Ok(Found::NotOurs),
                Whose::NotKnown | Whose::Later => return Ok(Found::NotKnown),
            }
        }
        (None, None) => return Ok(Found::NotKnown),
    };
    Ok(load(shared, &**provider, id).await?.map_or(Found::NotKnown, Found::Payment))
}

/// The payment that it is about, as far as its row says.
async fn known(
    shared: &Shared,
    provider: &dyn Provider,
    about: &About,
) -> Result<Option<Box<Payment>>, StoreError> {
    match named(shared, provider, about).await? {
        Some(id) => load(shared, provider, id).await,
        None => Ok(None),
    }
}

/// Our own name for it.
async fn named(
    shared: &Shared,
    provider: &dyn Provider,
    about: &About,
) -> Result<Option<PaymentId>, StoreError> {
    match (about.payment, &about.reference) {
        (Some(id), _) => Ok(Some(id)),
        (None, Some(reference)) => shared.money.payments.referred(provider.id(), reference).await,
        (None, None) => Ok(None),
    }
}

/// Nobody speaks for another provider.
async fn load(
    shared: &Shared,
    provider: &dyn Provider,
    id: PaymentId,
) -> Result<Option<Box<Payment>>, StoreError> {
    let payment = shared.money.payments.load(id).await?;
    Ok(payment.filter(|payment| payment.provider == provider.id()).map(Box::new))
}
