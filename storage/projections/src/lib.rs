//! Projections of the log, and the repositories that read them.
