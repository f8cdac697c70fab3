//! The demo: a flash sale driven over real HTTP, with its report.
