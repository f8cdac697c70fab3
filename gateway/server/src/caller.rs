//! Who may call a controller: its second argument says so, and it is made only when the credential is right.

mod key_keeper;

use std::marker::PhantomData;
use std::num::NonZeroU128;
use std::rc::Rc;

use tessera_inventory::{Authority, ClaimNumber, EventId, Subject};
use tessera_projections::api_keys::SecretHash;
use tessera_projections::catalogue::CatalogueEvent;

use crate::auth::{BuyerToken, Credential, HOLD_SECRET_HEADER, Scope, TokenError};
use crate::auth::{forbidden, invalid_credential, missing_credential};
use crate::call::Call;
use crate::client_address;
use crate::code::Code;
use crate::follow::Watched;
use crate::problem::{self, Problem};
use crate::store_cache::LiveKey;

pub(crate) use self::key_keeper::KeyKeeper;

/// Who a request is counted against and whose idempotency keys it uses; stable across token refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Principal(pub(crate) u128);

/// Whose events someone acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tenant {
    /// Everyone's. Only the administrator's token gives this.
    All,
    /// Those of one organizer.
    Of(NonZeroU128),
}

impl Tenant {
    /// The number kept with what the tenant makes, and counted against; zero, which no organizer has, is the administrator.
    pub(crate) fn number(self) -> u128 {
        match self {
            Tenant::All => 0,
            Tenant::Of(organizer) => organizer.get(),
        }
    }

    /// The organizer; `None`: the administrator.
    pub(crate) fn organizer(self) -> Option<NonZeroU128> {
        NonZeroU128::new(self.number())
    }

    /// Whether what belongs to this organizer number is the tenant's own.
    fn owns(self, organizer: u128) -> bool {
        match self {
            Tenant::All => true,
            Tenant::Of(own) => own.get() == organizer,
        }
    }
}

/// Someone a controller may demand.
pub(crate) trait Caller: Sized {
    /// Verifies the credential of the request.
    async fn identify(call: &Call) -> Result<Self, Problem>;
}

/// Anyone at all; the controller looks at the credential itself where it needs one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anyone;

impl Caller for Anyone {
    async fn identify(_call: &Call) -> Result<Self, Problem> {
        Ok(Anyone)
    }
}

/// The administrator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Administrator;

impl Caller for Administrator {
    async fn identify(call: &Call) -> Result<Self, Problem> {
        match Credential::of(call.headers())? {
            Credential::Administrator(token) => administrator(call, token),
            Credential::Organizer(secret) => {
                organizer_key(call, secret).await?;
                Err(forbidden("administrator"))
            }
            Credential::Buyer(token) => {
                buyer(call, token)?;
                Err(forbidden("administrator"))
            }
            Credential::Absent => Err(missing_credential()),
        }
    }
}

/// A buyer, by a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buyer {
    pub(crate) subject: Subject,
    /// At whose events its token buys; `None`: at everyone's.
    organizer: Option<NonZeroU128>,
}

impl Buyer {
    pub(crate) fn principal(self) -> Principal {
        Principal(self.subject.0)
    }

    /// The right to buy at this event, which a token that another organizer had made does not give.
    pub(crate) async fn buys_at(self, call: &Call, event: EventId) -> Result<Access, Problem> {
        if let Some(organizer) = self.organizer
            && !Tenant::Of(organizer).owns(call.card(event).await?.organizer)
        {
            let detail = "this buyer token is for the events of another organizer";
            return Err(Problem::new(Code::Forbidden, detail).with("needed", "buyer"));
        }
        Ok(Access::of(self, event))
    }
}

impl Caller for Buyer {
    async fn identify(call: &Call) -> Result<Self, Problem> {
        match Credential::of(call.headers())? {
            Credential::Buyer(token) => buyer(call, token),
            Credential::Absent => Err(missing_credential()),
            Credential::Organizer(secret) => {
                organizer_key(call, secret).await?;
                Err(forbidden("buyer"))
            }
            Credential::Administrator(token) => {
                administrator(call, token)?;
                Err(forbidden("buyer"))
            }
        }
    }
}

/// Who places a hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Placer {
    /// A buyer, for itself.
    Buyer(Buyer),
    /// A box office, for a buyer whom it names.
    Organizer(Organizer<OrdersWrite>),
}

impl Caller for Placer {
    async fn identify(call: &Call) -> Result<Self, Problem> {
        match Credential::of(call.headers())? {
            Credential::Buyer(token) => buyer(call, token).map(Placer::Buyer),
            _ => Organizer::identify(call).await.map(Placer::Organizer),
        }
    }
}

/// Who reads what is a buyer's own, or of an event of the organizer's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asker {
    /// A buyer, about itself.
    Buyer(Buyer),
    /// An organizer, about everyone.
    Organizer(Organizer<EventsRead>),
}

impl Caller for Asker {
    async fn identify(call: &Call) -> Result<Self, Problem> {
        match Credential::of(call.headers())? {
            Credential::Buyer(token) => buyer(call, token).map(Asker::Buyer),
            _ => Organizer::identify(call).await.map(Asker::Organizer),
        }
    }
}

/// A right that a route demands of an organizer key.
pub(crate) trait Right: 'static {
    const SCOPE: Scope;
}

macro_rules! rights {
    ($($name:ident: $scope:ident),*) => {$(
        /// The right of this scope.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl Right for $name {
            const SCOPE: Scope = Scope::$scope;
        }
    )*};
}
rights! {
    EventsWrite: EventsWrite, EventsRead: EventsRead, OrdersWrite: OrdersWrite, CheckInsWrite: CheckInsWrite,
    BuyersWrite: BuyerTokensWrite, WebhooksWrite: WebhooksWrite
}

/// An organizer whose key has the right, or the administrator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Organizer<R: Right> {
    /// Whose events.
    pub(crate) tenant: Tenant,
    /// The number of the device at a gate whose key it is, where it is one's.
    pub(crate) device: Option<u32>,
    right: PhantomData<R>,
}

impl<R: Right> Organizer<R> {
    fn new(tenant: Tenant, device: Option<u32>) -> Organizer<R> {
        Organizer { tenant, device, right: PhantomData }
    }

    pub(crate) fn principal(self) -> Principal {
        Principal(self.tenant.number())
    }

    /// The right to the event of the path, which must be the organizer's own.
    pub(crate) async fn own_event(self, call: &Call) -> Result<Access, Problem> {
        Access::own(call, self.tenant, call.event()?).await
    }

    /// The right to an event of the catalogue, which must be the organizer's own.
    pub(crate) fn own(self, card: &CatalogueEvent) -> Result<Access, Problem> {
        Access::owning(self.tenant, card)
    }
}

impl<R: Right> Caller for Organizer<R> {
    async fn identify(call: &Call) -> Result<Self, Problem> {
        match Credential::of(call.headers())? {
            Credential::Organizer(secret) => {
                let key = organizer(call, secret, R::SCOPE).await?;
                Ok(Organizer::new(Tenant::Of(key.organizer), key.device))
            }
            Credential::Administrator(token) => {
                administrator(call, token)?;
                Ok(Organizer::new(Tenant::All, None))
            }
            Credential::Buyer(token) => {
                buyer(call, token)?;
                Err(forbidden(R::SCOPE.name()))
            }
            Credential::Absent => Err(missing_credential()),
        }
    }
}

/// An organizer with the right, or nobody in particular.
impl<R: Right> Caller for Option<Organizer<R>> {
    async fn identify(call: &Call) -> Result<Self, Problem> {
        match Credential::of(call.headers())? {
            Credential::Absent => Ok(None),
            _ => Organizer::identify(call).await.map(Some),
        }
    }
}

/// Someone who reads what the public may see; an organizer sees drafts of its own, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader {
    tenant: Option<Tenant>,
    principal: Option<Principal>,
    /// The organizer key that it came with.
    key: Option<SecretHash>,
}

impl Reader {
    /// Who it is; `None` for someone without a credential.
    pub(crate) fn principal(self) -> Option<Principal> {
        self.principal
    }

    /// The event as the reader goes on watching it, for as long as its key lives.
    pub(crate) fn watching(self, call: &Call, event: EventId) -> Watched {
        Watched::new(Rc::clone(&call.worker), event, self.key)
    }

    /// The organizer key that it came with may have been revoked while it waited.
    pub(crate) async fn is_still_known(self, call: &Call) -> Result<(), Problem> {
        let Some(key) = self.key else { return Ok(()) };
        let found = call.gateway().api_keys.find(&key).await.map_err(|error| problem::store(&error))?;
        found.map(|_| ()).ok_or_else(invalid_credential)
    }

    /// Whether the event is the reader's own. The public's readers cost no look-up.
    pub(crate) async fn owns(self, call: &Call, event: EventId) -> Result<bool, Problem> {
        match self.tenant {
            None => Ok(false),
            // A node that does not reach the store need not ask it.
            Some(Tenant::All) => Ok(true),
            Some(tenant) => Ok(tenant.owns(call.card(event).await?.organizer)),
        }
    }
}

impl Caller for Reader {
    async fn identify(call: &Call) -> Result<Self, Problem> {
        Ok(match Credential::of(call.headers())? {
            Credential::Absent => Reader { tenant: None, principal: None, key: None },
            Credential::Buyer(token) => {
                let buyer = buyer(call, token)?;
                Reader { tenant: None, principal: Some(buyer.principal()), key: None }
            }
            Credential::Administrator(token) => {
                administrator(call, token)?;
                let principal = Some(Principal(Tenant::All.number()));
                Reader { tenant: Some(Tenant::All), principal, key: None }
            }
            Credential::Organizer(secret) => {
                let key = organizer_key(call, secret).await?;
                let tenant = Tenant::Of(key.organizer);
                Reader {
                    tenant: key.scopes.has(Scope::EventsRead).then_some(tenant),
                    principal: Some(Principal(tenant.number())),
                    key: Some(call.keys().api_key(secret)),
                }
            }
        })
    }
}

/// By what right someone acts on one event. It is made in this file only, after the credential and the tenant were checked,
/// and no command reaches a writer without one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    event: EventId,
    principal: Principal,
    authority: Authority,
}

impl Access {
    /// The caller's right to a hold or order of the event: its secret, a buyer token, or (with `scope`) its organizer's key. Whether
    /// a buyer's token is the right one is decided at the data. `absent` is the answer to a wrong secret.
    pub(crate) async fn to(
        call: &Call,
        event: EventId,
        number: ClaimNumber,
        scope: Option<Scope>,
        absent: fn() -> Problem,
    ) -> Result<Access, Problem> {
        if let Some(secret) = call.headers().get(HOLD_SECRET_HEADER) {
            let shown = secret.to_str().unwrap_or_default();
            let subject = call.keys().read_hold_secret(event, number, shown).ok_or_else(absent)?;
            call.counted(|limits| limits.caller(subject.0))?;
            // The principal of the buyer's tokens: a retry by the secret, after the token is over, finds the same reply.
            let principal = Principal(subject.0);
            return Ok(Access { event, principal, authority: Authority::Secret(subject) });
        }
        match (Credential::of(call.headers())?, scope) {
            (Credential::Buyer(token), _) => buyer(call, token).map(|buyer| Access::of(buyer, event)),
            (Credential::Organizer(secret), Some(scope)) => {
                let key = organizer(call, secret, scope).await?;
                Access::own(call, Tenant::Of(key.organizer), event).await
            }
            (Credential::Administrator(token), Some(_)) => {
                administrator(call, token)?;
                Access::own(call, Tenant::All, event).await
            }
            (Credential::Organizer(secret), None) => {
                organizer_key(call, secret).await?;
                Err(forbidden("buyer"))
            }
            (Credential::Administrator(token), None) => {
                administrator(call, token)?;
                Err(forbidden("buyer"))
            }
            (Credential::Absent, _) => Err(missing_credential()),
        }
    }

    /// Checks what a request presents for a hold that its body names, before the body is read: a buyer token, or a hold's
    /// secret (`None`), which says nothing before its hold is known.
    pub(crate) async fn presented(call: &Call, event: EventId) -> Result<Option<Access>, Problem> {
        if call.headers().contains_key(HOLD_SECRET_HEADER) {
            return Ok(None);
        }
        Buyer::identify(call).await.map(|buyer| Some(Access::of(buyer, event)))
    }

    fn of(buyer: Buyer, event: EventId) -> Access {
        Access { event, principal: buyer.principal(), authority: Authority::Subject(buyer.subject) }
    }

    /// An organizer's right to an event of its own. A foreign organizer's event is not there.
    async fn own(call: &Call, tenant: Tenant, event: EventId) -> Result<Access, Problem> {
        Access::owning(tenant, &*call.card(event).await?)
    }

    fn owning(tenant: Tenant, card: &CatalogueEvent) -> Result<Access, Problem> {
        if !tenant.owns(card.organizer) {
            return Err(problem::event_not_found());
        }
        let principal = Principal(tenant.number());
        Ok(Access { event: card.event, principal, authority: Authority::Organizer })
    }

    /// The same with no more right than the door needs.
    pub(crate) fn at_the_door(self) -> Access {
        Access { authority: Authority::Scanner, ..self }
    }

    /// To which event.
    pub(crate) fn event(&self) -> EventId {
        self.event
    }

    /// Whose idempotency keys it uses.
    pub(crate) fn principal(&self) -> Principal {
        self.principal
    }

    /// What the engine is told.
    pub(crate) fn authority(&self) -> Authority {
        self.authority
    }

    /// Whether it is the organizer's.
    pub(crate) fn is_organizer(&self) -> bool {
        self.authority == Authority::Organizer
    }

    /// The buyer who acts; `None`: the organizer.
    pub(crate) fn subject(&self) -> Option<Subject> {
        match self.authority {
            Authority::Subject(subject) | Authority::Secret(subject) => Some(subject),
            Authority::Organizer | Authority::Scanner | Authority::System => None,
        }
    }

    /// Whether the right opens a claim of this subject.
    pub(crate) fn opens(&self, subject: Subject) -> bool {
        match self.authority {
            Authority::Subject(caller) | Authority::Secret(caller) => caller == subject,
            Authority::Organizer => true,
            Authority::Scanner | Authority::System => false,
        }
    }
}

fn administrator(call: &Call, token: &str) -> Result<Administrator, Problem> {
    if call.gateway().administrator.is(token) { Ok(Administrator) } else { Err(invalid_credential()) }
}

/// Whether the caller runs this installation: the administrator, or somebody on this machine.
pub(crate) fn is_operator(call: &Call) -> bool {
    client_address::is_local(&call.request) || is_administrator(call)
}

fn is_administrator(call: &Call) -> bool {
    matches!(Credential::of(call.headers()), Ok(Credential::Administrator(token)) if administrator(call, token).is_ok())
}

fn buyer(call: &Call, token: &str) -> Result<Buyer, Problem> {
    let token =
        BuyerToken::verify(call.keys(), token, call.gateway().now()).map_err(|error| match error {
            TokenError::Invalid => invalid_credential(),
            TokenError::Expired => Problem::new(
                Code::CredentialExpired,
                "get a new buyer token, or send the X-Hold-Secret of the hold",
            ),
        })?;
    call.counted(|limits| limits.caller(token.subject.0))?;
    Ok(Buyer { subject: token.subject, organizer: token.organizer })
}

/// A live key with this scope.
async fn organizer(call: &Call, secret: &str, scope: Scope) -> Result<LiveKey, Problem> {
    let key = organizer_key(call, secret).await?;
    if key.scopes.has(scope) { Ok(key) } else { Err(forbidden(scope.name())) }
}

async fn organizer_key(call: &Call, secret: &str) -> Result<LiveKey, Problem> {
    let hash = call.keys().api_key(secret);
    let key = call.gateway().api_keys.find(&hash).await.map_err(|error| problem::store(&error))?;
    let key = key.ok_or_else(invalid_credential)?;
    call.counted(|limits| limits.caller(key.organizer.get()))?;
    Ok(key)
}
