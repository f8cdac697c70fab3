//! Calling a provider.

use std::sync::Arc;

use tessera_payments::{Answer, Fact, Operation, Payment, ProviderKey, Want, provider_key};

use crate::blocking::{Panicked, caught};
use crate::payments::{CALL_MS_MAX, ProviderCall};
use crate::shared::Shared;

/// What is waited beyond the longest call, in milliseconds: then a provider that does not end by itself is left alone.
const BEYOND_MS: u64 = 5_000;

/// What the provider of a payment answers.
pub(super) async fn call(
    shared: &Shared,
    payment: &Payment,
    operation: Operation,
    key: ProviderKey,
) -> Answer {
    let answer = answer(shared, payment, operation, key).await;
    shared.money.meters.called(payment.provider, operation, &answer);
    answer
}

/// What the provider of a payment says of it when it is asked; nothing, where it does not answer.
pub(in crate::payments) async fn look_up(shared: &Shared, payment: &Payment) -> Vec<Fact> {
    let installation = shared.money.desk_options().installation;
    let key = provider_key(installation, payment.id, Operation::LookUp, 0);
    match call(shared, payment, Operation::LookUp, key).await {
        Answer::Facts(facts) | Answer::Declined { facts, .. } => facts,
        Answer::Later { .. } | Answer::Unknown | Answer::NotOurs { .. } => Vec::new(),
    }
}

async fn answer(shared: &Shared, payment: &Payment, operation: Operation, key: ProviderKey) -> Answer {
    let Some(provider) = shared.money.providers.get(&payment.provider) else {
        let number = payment.provider.0;
        return Answer::NotOurs { detail: format!("no provider {number} is set up").into() };
    };
    let id = payment.id;
    let contact = match operation {
        Operation::Create => match shared.money.contacts.load(id.event, id.order).await {
            Ok(contact) => contact,
            Err(error) => {
                tracing::warn!(payment = %id, %error, "a contact could not be read; the payment is created later");
                return Answer::Later { not_before: None };
            }
        },
        _ => None,
    };
    let refund_minor = |number: &u64| payment.refunds.get(number).map_or(0, |refund| refund.amount_minor);
    let called = ProviderCall {
        payment: id,
        reference: payment.facts.reference.clone(),
        operation,
        key,
        amount_minor: match &operation {
            Operation::Refund { number } => refund_minor(number),
            _ => payment.amount_minor,
        },
        currency: payment.currency,
        grace_until: match payment.want {
            Want::Authorise { grace_until } => Some(grace_until),
            Want::Capture | Want::Release { .. } => None,
        },
        contact,
    };
    let provider = Arc::clone(provider);
    within(shared, async move { provider.call(called).await }, Answer::Unknown).await
}

/// What a provider says to something, or `otherwise` where it does not come to its end.
pub(super) async fn within<T>(shared: &Shared, asked: impl Future<Output = T>, otherwise: T) -> T {
    tokio::select! {
        biased;
        said = caught(asked) => said.unwrap_or_else(|Panicked { reason }| {
            tracing::error!(reason, "a call to a provider panicked");
            otherwise
        }),
        () = shared.environment.sleep_ms(CALL_MS_MAX + BEYOND_MS) => otherwise,
    }
}
