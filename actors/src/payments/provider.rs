//! What a payment provider is to the product: a name, what it can do, calls to it, and what it tells by webhooks.

use futures::FutureExt;
use futures::future::BoxFuture;
use tessera_inventory::Timestamp;
use tessera_ledger::Currency;
use tessera_money::contacts::Contact;
use tessera_payments::{Abilities, Answer, Fact, Operation, PaymentId, ProviderId, ProviderKey};

/// A payment provider. `docs/adr/0016-payments.md` says what is expected of one, `docs/providers.md` how one is written.
pub trait Provider: Send + Sync + 'static {
    /// Its number, which is stored with every payment.
    fn id(&self) -> ProviderId;

    /// What requests, addresses and settings call it: lower-case letters.
    fn name(&self) -> &'static str;

    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// How buyers pay through it.
    fn ways(&self) -> Ways {
        Ways::default()
    }

    /// Whether it takes payments of so much, in minor units.
    fn takes(&self, currency: Currency, amount_minor: i64) -> bool;

    /// Call it. It ends by itself within [`CALL_MS_MAX`].
    fn call(&self, call: ProviderCall) -> BoxFuture<'static, Answer>;

    /// The headers of a webhook that [`Provider::verify`] reads, in lower case: they are kept with its body.
    fn signed_headers(&self) -> &'static [&'static str];

    /// Whether a webhook is the provider's own.
    fn verify(&self, headers: &[(String, String)], body: &[u8], now: Timestamp) -> Genuine;

    /// What the body of a webhook says; `None`: it cannot be read.
    fn read(&self, body: &[u8]) -> Option<Heard>;

    /// Whether a webhook of which [`Provider::verify`] says [`Genuine::Ask`] is the provider's own, as it says itself; [`Genuine::Ask`] where it could
    /// not be asked. It ends by itself within [`CALL_MS_MAX`].
    fn ask_genuine(&self, _headers: Vec<(String, String)>, _body: Vec<u8>) -> BoxFuture<'static, Genuine> {
        std::future::ready(Genuine::No).boxed()
    }

    /// Whose payment it is that a webhook calls so, and whose own name it does not say. It ends by itself within [`CALL_MS_MAX`].
    #[allow(clippy::boxed_local)] // who answers keeps it
    fn ask_whose(&self, _reference: Box<str>) -> BoxFuture<'static, Whose> {
        std::future::ready(Whose::NotKnown).boxed()
    }
}

/// Longest call to a provider, in milliseconds. Then its outcome is unknown.
pub const CALL_MS_MAX: u64 = 20_000;

/// A call to a provider.
#[derive(Clone, Debug)]
pub struct ProviderCall {
    /// About which payment.
    pub payment: PaymentId,
    /// How the provider calls it, once it is known.
    pub reference: Option<Box<str>>,
    /// What is asked.
    pub operation: Operation,
    /// Under which key.
    pub key: ProviderKey,
    /// How much, in minor units: of the refund where one is asked for, otherwise of the payment.
    pub amount_minor: i64,
    /// Of what.
    pub currency: Currency,
    /// Until when the log waits for the money, if it still does.
    pub grace_until: Option<Timestamp>,
    /// How the buyer is reached, where that is known: only creation needs it.
    pub contact: Option<Contact>,
}

/// How buyers pay through a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// Also at a page of the organizer's own, which is given a secret.
    pub own_page: bool,
    /// Its own page cannot be made without an address to which the buyer returns.
    pub needs_return_url: bool,
}

/// Whose a payment is that a provider tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Ours.
    Ours(PaymentId),
    /// Of something else that is paid through the same account.
    NotOurs,
    /// It may be ours: the provider does not say, or not yet.
    NotKnown,
    /// The provider could not be asked.
    Later,
}

/// Whether a webhook is the provider's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Genuine {
    /// It is signed.
    Yes,
    /// It is not.
    No,
    /// Only the provider can say.
    Ask,
}

/// What a webhook says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The provider's own name for it, the same whenever it comes again.
    pub event: Option<Box<str>>,
    /// What it is about; `None`: nothing of ours.
    pub about: Option<About>,
    /// What it says of that.
    pub facts: Vec<Fact>,
}

/// What a webhook is about: our own name for it comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Our name, as the provider keeps it for us.
    pub payment: Option<PaymentId>,
    /// The provider's.
    pub reference: Option<Box<str>>,
}
