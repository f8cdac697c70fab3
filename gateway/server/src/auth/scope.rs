//! What an organizer key may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One right of an organizer key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// Create, configure, open and close events; kill units; release channels.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// Read the organizer's events, holds and orders.
    #[serde(rename = "events:read")]
    EventsRead,
    /// Place holds for buyers whom the organizer names; confirm and refund orders.
    #[serde(rename = "orders:write")]
    OrdersWrite,
    /// Let tickets in and out.
    #[serde(rename = "check-ins:write")]
    CheckInsWrite,
    /// Make buyer tokens.
    #[serde(rename = "buyer-tokens:write")]
    BuyerTokensWrite,
    /// Make, change and remove webhook endpoints.
    #[serde(rename = "webhooks:write")]
    WebhooksWrite,
    /// Make, list and revoke the organizer's keys; none may do more than the key that makes it.
    #[serde(rename = "api-keys:write")]
    ApiKeysWrite,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 7] = [
        Scope::EventsWrite,
        Scope::EventsRead,
        Scope::OrdersWrite,
        Scope::CheckInsWrite,
        Scope::BuyerTokensWrite,
        Scope::WebhooksWrite,
        Scope::ApiKeysWrite,
    ];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Scope::EventsWrite => "events:write",
            Scope::EventsRead => "events:read",
            Scope::OrdersWrite => "orders:write",
            Scope::CheckInsWrite => "check-ins:write",
            Scope::BuyerTokensWrite => "buyer-tokens:write",
            Scope::WebhooksWrite => "webhooks:write",
            Scope::ApiKeysWrite => "api-keys:write",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A set of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// Whether the set has this scope.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// The scopes of the set.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        ScopeSet(scopes.into_iter().fold(0, |set, scope| set | (1 << scope as u8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_it_was_made_of() {
        let set: ScopeSet = [Scope::OrdersWrite, Scope::EventsRead].into_iter().collect();
        assert!(set.has(Scope::OrdersWrite) && set.has(Scope::EventsRead));
        assert!(!set.has(Scope::EventsWrite) && !ScopeSet::default().has(Scope::EventsRead));
        for scope in Scope::ALL {
            assert_eq!(Scope::find(scope.name()), Some(scope));
        }
    }
}
