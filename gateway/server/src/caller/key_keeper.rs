//! Who keeps organizer keys.

use std::num::NonZeroU128;

use super::{Caller, Tenant, administrator, buyer, organizer_key};
use crate::auth::{Credential, Scope, ScopeSet, forbidden, missing_credential};
use crate::call::Call;
use crate::problem::Problem;

/// The administrator keeps the keys of everyone; an organizer whose key has the right keeps its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyKeeper {
    tenant: Tenant,
    /// What its own key may do; the administrator needs none.
    scopes: ScopeSet,
}

impl KeyKeeper {
    /// Whose keys; `None`: those of everyone.
    pub(crate) fn organizer(self) -> Option<NonZeroU128> {
        self.tenant.organizer()
    }

    /// Nobody makes a key that may do more than its own.
    pub(crate) fn may_give(self, scopes: ScopeSet) -> Result<(), Problem> {
        match scopes.iter().find(|scope| self.tenant != Tenant::All && !self.scopes.has(*scope)) {
            Some(beyond) => Err(forbidden(beyond.name())),
            None => Ok(()),
        }
    }
}

impl Caller for KeyKeeper {
    async fn identify(call: &Call) -> Result<Self, Problem> {
        let right = Scope::ApiKeysWrite;
        match Credential::of(call.headers())? {
            Credential::Organizer(secret) => {
                let key = organizer_key(call, secret).await?;
                let keeper = KeyKeeper { tenant: Tenant::Of(key.organizer), scopes: key.scopes };
                if key.scopes.has(right) { Ok(keeper) } else { Err(forbidden(right.name())) }
            }
            Credential::Administrator(token) => {
                administrator(call, token)?;
                Ok(KeyKeeper { tenant: Tenant::All, scopes: ScopeSet::default() })
            }
            Credential::Buyer(token) => {
                buyer(call, token)?;
                Err(forbidden(right.name()))
            }
            Credential::Absent => Err(missing_credential()),
        }
    }
}
