//! The writer's protocol machine: turns, lanes, append, resubmission, publication, without I/O.
//!
//! One [`Writer`] owns one event. It is made by an [`Activation`], takes [`Input`]s and puts out [`Output`]s, which the shell around
//! it performs in order. It never waits, never reads a clock and never decides a command twice.

mod activation;
mod clock;
mod encode;
mod head;
mod io;
mod lanes;
mod limits;
mod mutant;
mod options;
mod quarantine;
mod refusals;
mod turn;
mod writer;

pub use activation::{Activation, ActivationInput, ActivationOutput, ActivationStop, ReplayRecord};
pub use clock::{ClockReading, ClockState, ClockWitness};
pub use encode::{Encode, format_of};
pub use head::{BatchId, Chain, FORMAT_VERSION, Format, Head, OLDEST_FORMAT_VERSION};
pub use io::{
    Alert, AppendAnswer, Ask, Input, Lane, Monotonic, Output, RefusalPlace, Refused, Reply, Request,
    StopReason, StoreFailure,
};
pub use limits::*;
#[cfg(feature = "mutants")]
#[doc(hidden)]
pub use mutant::Mutant;
#[doc(hidden)]
pub use mutant::Mutation;
pub use options::WriterOptions;
pub use quarantine::{Quarantine, Verdict};
pub use writer::Writer;
