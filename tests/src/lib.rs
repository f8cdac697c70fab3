//! Tests that cross crates; one binary with a module per resource.
