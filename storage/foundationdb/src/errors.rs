//! What FoundationDB's errors mean here, in one table.
//!
//! Sources: names and numbers are those of `flow/include/flow/error_definitions.h`; which ones say that a commit did not happen is
//! `fdb_error_predicate(RETRYABLE_NOT_COMMITTED)` in `bindings/c/fdb_c.cpp` and the list at the end of `tryCommit` in
//! `fdbclient/NativeAPI.actor.cpp`, all of release 7.4.6. `fdb_error_predicate(MAYBE_COMMITTED)` is not believed: it is false for 1031 and
//! 1101, after which a commit may have happened, too. Whatever is not in the table may have happened.

/// What an error says to whoever met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Of a commit: something that was read has changed since. Nothing was written, and nothing of this attempt will be.
    Conflict,
    /// The read version is no longer kept, or not known yet. Nothing was written: go on with a fresh one.
    Outdated,
    /// The cluster takes no more at the moment. Nothing was written: the same again, later.
    Busy,
    /// A commit may have been carried out, or may still be: submit the same bytes again. Of a read: the same again.
    Unknown,
    /// Over a limit of the server, which our own checks should have found. Nothing was written.
    TooLarge,
    /// The same would fail for ever: a defect of ours, a client that does not fit the cluster, or one without a right to it.
    Fatal,
}

/// Every error that means something of its own: number, name, meaning.
const TABLE: [(i32, &str, Meaning); 42] = [
    (1020, "not_committed", Meaning::Conflict),
    (1007, "transaction_too_old", Meaning::Outdated),
    (1009, "future_version", Meaning::Outdated),
    (1037, "process_behind", Meaning::Busy),
    (1038, "database_locked", Meaning::Busy),
    (1042, "commit_proxy_memory_limit_exceeded", Meaning::Busy),
    (1051, "batch_transaction_throttled", Meaning::Busy),
    (1078, "grv_proxy_memory_limit_exceeded", Meaning::Busy),
    (1213, "tag_throttled", Meaning::Busy),
    (1223, "proxy_tag_throttled", Meaning::Busy),
    (1235, "transaction_throttled_hot_shard", Meaning::Busy),
    (1242, "transaction_rejected_range_locked", Meaning::Busy),
    (1021, "commit_unknown_result", Meaning::Unknown),
    (1022, "commit_unknown_result_fatal", Meaning::Unknown),
    (1025, "transaction_cancelled", Meaning::Unknown),
    (1026, "connection_failed", Meaning::Unknown),
    (1030, "request_maybe_delivered", Meaning::Unknown),
    (1031, "transaction_timed_out", Meaning::Unknown),
    (1039, "cluster_version_changed", Meaning::Unknown),
    (1100, "broken_promise", Meaning::Unknown),
    (1101, "operation_cancelled", Meaning::Unknown),
    (2101, "transaction_too_large", Meaning::TooLarge),
    (2102, "key_too_large", Meaning::TooLarge),
    (2103, "value_too_large", Meaning::TooLarge),
    (1515, "no_cluster_file_found", Meaning::Fatal),
    (2000, "client_invalid_operation", Meaning::Fatal),
    (2002, "commit_read_incomplete", Meaning::Fatal),
    (2004, "key_outside_legal_range", Meaning::Fatal),
    (2005, "inverted_range", Meaning::Fatal),
    (2006, "invalid_option_value", Meaning::Fatal),
    (2007, "invalid_option", Meaning::Fatal),
    (2010, "read_version_already_set", Meaning::Fatal),
    (2011, "version_invalid", Meaning::Fatal),
    (2017, "used_during_commit", Meaning::Fatal),
    (2018, "invalid_mutation_type", Meaning::Fatal),
    (2025, "network_cannot_be_restarted", Meaning::Fatal),
    (2104, "connection_string_invalid", Meaning::Fatal),
    (2108, "unsupported_operation", Meaning::Fatal),
    (2125, "incompatible_client", Meaning::Fatal),
    (2203, "api_version_not_supported", Meaning::Fatal),
    (6000, "permission_denied", Meaning::Fatal),
    (6001, "unauthorized_attempt", Meaning::Fatal),
];

impl Meaning {
    /// What the error with this number means.
    #[must_use]
    pub fn of(code: i32) -> Meaning {
        TABLE.iter().find(|(number, ..)| *number == code).map_or(Meaning::Unknown, |(.., meaning)| *meaning)
    }

    /// Whether a commit that ended with it is known to have written nothing, now and later.
    #[must_use]
    pub fn nothing_was_written(self) -> bool {
        match self {
            Meaning::Conflict | Meaning::Outdated | Meaning::Busy | Meaning::TooLarge => true,
            Meaning::Unknown | Meaning::Fatal => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `RETRYABLE_NOT_COMMITTED` of `fdb_error_predicate`, release 7.4.6.
    const RETRYABLE_NOT_COMMITTED: [i32; 12] =
        [1020, 1007, 1009, 1038, 1078, 1042, 1235, 1051, 1037, 1213, 1223, 1242];

    #[test]
    fn only_what_the_client_library_knows_not_to_be_committed_is_taken_for_that() {
        let limits = [2101, 2102, 2103];
        let not_written: BTreeSet<i32> =
            (0..7_000).filter(|code| Meaning::of(*code).nothing_was_written()).collect();
        assert_eq!(not_written, RETRYABLE_NOT_COMMITTED.into_iter().chain(limits).collect());
    }

    #[test]
    fn what_may_have_been_committed_is_submitted_again() {
        // 1031, 1039 and 1101 make no promise that the commit is over; 1000 and 9999 stand for all that nobody has looked at.
        for code in [1021, 1031, 1039, 1101, 1025, 1026, 1030, 1100, 1000, 9999] {
            assert_eq!(Meaning::of(code), Meaning::Unknown, "{code}");
        }
    }

    #[test]
    fn each_error_stands_once_in_the_table() {
        let numbers: BTreeSet<i32> = TABLE.iter().map(|(number, ..)| *number).collect();
        let names: BTreeSet<&str> = TABLE.iter().map(|(_, name, _)| *name).collect();
        assert_eq!((numbers.len(), names.len()), (TABLE.len(), TABLE.len()));
    }
}
