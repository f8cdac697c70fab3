//! The appends of a model as numbers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tessera_inventory::Sequence;
use tessera_writer::Head;

use crate::event::{Buyer, placed};

/// What a writer, or a claim, gives to the store: decided once, the same bytes at every attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Append {
    pub(crate) expected: Head,
    pub(crate) next: Head,
    pub(crate) record: Arc<[u8]>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AppendId(u16);

/// An append, and what is in it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) append: Append,
    /// Whose holds are in its record, at which sequences.
    pub(crate) placed: Vec<(Sequence, Buyer)>,
}

impl Known {
    /// Where its record stands in the log; `None`: it moves only the head.
    pub(crate) fn first(&self) -> Option<Sequence> {
        (!self.append.record.is_empty()).then(|| self.append.expected.sequence.plus(1))
    }
}

/// All that were ever made.
#[derive(Debug, Default)]
pub(crate) struct Appends(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    known: Vec<Arc<Known>>,
    ids: HashMap<Append, AppendId>,
}

impl Appends {
    pub(crate) fn id(&self, append: Append) -> AppendId {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Shelf { known, ids } = &mut *shelf;
        if let Some(id) = ids.get(&append) {
            return *id;
        }
        #[allow(clippy::cast_possible_truncation)] // a model makes some hundreds
        let id = AppendId(known.len() as u16);
        let placed = placed(&append.record);
        known.push(Arc::new(Known { append: append.clone(), placed }));
        ids.insert(append, id);
        id
    }

    pub(crate) fn get(&self, id: AppendId) -> Arc<Known> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&shelf.known[usize::from(id.0)])
    }
}
