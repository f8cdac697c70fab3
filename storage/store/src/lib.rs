//! Log and Table: the store's two traits, its keys, its memory implementation and its conformance suite.
