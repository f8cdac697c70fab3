//! What followers have made of the log, against what the naive model tells.

use std::sync::{Arc, PoisonError};

use futures::executor::block_on;
use tessera_inventory::{Event, Sequence, Subject};
use tessera_naive::Model;
use tessera_projections::orders::Order;
use tessera_store::StoreError;

use super::{Followers, RELAY, is_projection, orders};
use crate::catalogue::{EVENT, SUBJECTS, subject};
use crate::oracle::{Violation, broken};

/// Orders of one page: few, so that there are several.
const LISTED_AT_ONCE: usize = 3;

fn unread(error: &StoreError) -> Violation {
    broken("what followers have written can be read", error.to_string())
}

impl Followers {
    /// No cursor goes back, and none stands beyond what was passed on.
    pub(super) fn nothing_goes_back(&mut self) -> Result<(), Violation> {
        let orders = block_on(self.orders.sequence(EVENT)).map_err(|error| unread(&error))?;
        let relayed = block_on(self.cursors.read(EVENT, RELAY)).map_err(|error| unread(&error))?.sequence;
        let before = std::mem::replace(&mut self.seen, [orders, relayed]);
        if orders < before[0] || relayed < before[1] {
            let detail = format!("from {before:?} to {orders} and {relayed}");
            return Err(broken("who was overtaken moves nothing", detail));
        }
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = (before[1].0 + 1..=relayed.0).find(|sequence| !effects.contains_key(sequence));
        match missing {
            Some(missing) => {
                let detail = format!("the cursor stands at {relayed}, event {missing} had no effect");
                Err(broken("every effect happens before its cursor", detail))
            }
            None => Ok(()),
        }
    }

    /// Whether all of them stand at the end of the log.
    pub(crate) fn have_seen(&self, through: Sequence) -> bool {
        self.seen == [through; 2]
    }

    /// Whether this one does.
    pub(crate) fn has_seen(&self, follower: usize, through: Sequence) -> bool {
        self.seen[usize::from(!is_projection(follower))] == through
    }

    /// The world is over: every event was passed on, and each subject finds its orders as the log and the model tell them.
    pub(crate) fn finish(&self, events: &[Arc<Event>], model: &Model) -> Result<(), Violation> {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(missing) = (1..=model.sequence()).find(|sequence| !effects.contains_key(sequence)) {
            return Err(broken("every event is passed on", format!("event {missing} had no effect")));
        }
        let told = orders::all(events, model);
        for order in &told {
            let found = block_on(self.orders.get(EVENT, order.number)).map_err(|error| unread(&error))?;
            same(found.as_ref(), Some(order))?;
        }
        (0..SUBJECTS).map(subject).try_for_each(|subject| {
            let (found, wanted) = (self.listed(subject)?, orders::seen_by(&told, subject));
            (0..found.len().max(wanted.len())).try_for_each(|at| same(found.get(at), wanted.get(at)))
        })
    }

    /// All pages of a subject's list.
    fn listed(&self, subject: Subject) -> Result<Vec<Order>, Violation> {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = block_on(self.orders.list(EVENT, subject, after, LISTED_AT_ONCE));
            let page = page.map_err(|error| unread(&error))?;
            listed.extend(page.orders);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(listed),
            }
        }
    }
}

fn same(found: Option<&Order>, wanted: Option<&Order>) -> Result<(), Violation> {
    if found == wanted {
        return Ok(());
    }
    Err(broken("orders are those of the log", format!("{found:?} is not {wanted:?}")))
}
