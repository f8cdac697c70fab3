//! The deterministic world: the writer's protocol over a faulty store, from one seed.
