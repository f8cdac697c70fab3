//! A preloaded library that records unsynced writes and injects disk faults.
