//! The follower's part: what the log has to say to people, in the transaction that moves its cursor.

use tessera_store::keys::MessageLane;
use tessera_store::{StoreError, Transaction};

use crate::broadcasts::{Broadcast, begin_in};
use crate::inbox::keep_in;
use crate::messages::want_in;
use crate::want::Want;

/// What a stretch of a log has to say to people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// To one person each.
    pub wants: Vec<Want>,
    /// To one each that has no inbox, or is not to find it there.
    pub aside: Vec<Want>,
    /// To everybody.
    pub broadcasts: Vec<Broadcast>,
}

impl Said {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wants.is_empty() && self.aside.is_empty() && self.broadcasts.is_empty()
    }
}

/// Writes what is to be said: into inboxes, but what is said aside, and so that it waits in each of `lanes`.
///
/// # Errors
/// As the transaction says.
pub async fn say_in(
    transaction: &mut dyn Transaction,
    said: &Said,
    lanes: &[MessageLane],
) -> Result<(), StoreError> {
    for want in &said.wants {
        keep_in(transaction, want).await?;
    }
    for want in said.wants.iter().chain(&said.aside) {
        for lane in lanes {
            want_in(transaction, lane, want).await?;
        }
    }
    for broadcast in &said.broadcasts {
        begin_in(transaction, broadcast).await?;
    }
    Ok(())
}
