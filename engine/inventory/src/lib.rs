//! The inventory of one event: a pure, synchronous, deterministic state machine.
