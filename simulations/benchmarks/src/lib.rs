//! Benchmarks of the engine, the writer, the store and the HTTP surface.
