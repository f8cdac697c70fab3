//! The product's encoder, at which a handler of the writer panics when the world says so: in the middle of a turn.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;

use tessera_inventory::{Event, Sequence};
use tessera_records::RecordEncoder;
use tessera_writer::Encode;

/// What such a panic carries: any other is a defect.
pub(crate) struct Planned;

/// Whether the next encoding panics.
pub(crate) type Fuse = Rc<Cell<bool>>;

/// The encoder of a writer in the world.
#[derive(Debug, Default)]
pub(crate) struct WorldEncoder {
    inner: RecordEncoder,
    fuse: Fuse,
}

impl WorldEncoder {
    pub(crate) fn with(fuse: &Fuse) -> WorldEncoder {
        WorldEncoder { inner: RecordEncoder::default(), fuse: Rc::clone(fuse) }
    }
}

impl Encode for WorldEncoder {
    fn encode(&mut self, first: Sequence, events: &[Arc<Event>], out: &mut Vec<u8>) {
        if self.fuse.take() {
            // Without the hook that would print it.
            resume_unwind(Box::new(Planned));
        }
        self.inner.encode(first, events, out);
    }
}
