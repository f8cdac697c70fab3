//! The supervision tree: thin shells around the sans-I/O machines.
