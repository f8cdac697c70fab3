//! Which events are active: read by every request without locks.

use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use papaya::HashMap;
use tessera_inventory::EventId;

use crate::slot::Slot;

/// Active events. Written by the inventory supervisor alone.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    slots: HashMap<EventId, Arc<Slot>, BuildHasherDefault<DefaultHasher>>,
}

impl Directory {
    pub(crate) fn find(&self, event: EventId) -> Option<Arc<Slot>> {
        self.slots.pin().get(&event).cloned()
    }

    pub(crate) fn insert(&self, slot: Arc<Slot>) {
        self.slots.pin().insert(slot.event, slot);
    }

    pub(crate) fn remove(&self, event: EventId) -> Option<Arc<Slot>> {
        self.slots.pin().remove(&event).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Slot>> {
        self.slots.pin().values().cloned().collect()
    }
}
