//! The writer's protocol machine: turns, lanes, append, resubmission, publication, without I/O.
