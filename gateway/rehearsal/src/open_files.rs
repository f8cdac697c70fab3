//! The limit of open files: every socket is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::RehearsalError;

/// Files that are open beside sockets: standard streams, event queues of the threads, the recording, a temporary store's listing.
const FILES_BESIDE_SOCKETS: u64 = 128;

/// Raise the soft limit so that so many sockets may be open.
///
/// # Errors
/// [`RehearsalError::OpenFiles`] when the hard limit is too low.
pub fn raise_for(sockets: u32) -> Result<(), RehearsalError> {
    let wanted = u64::from(sockets) + FILES_BESIDE_SOCKETS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|limit| limit >= wanted) {
        return Ok(());
    }
    let too_low = |limit| RehearsalError::OpenFiles { wanted, sockets, limit };
    if let Some(limit) = maximum.filter(|limit| *limit < wanted) {
        return Err(too_low(limit));
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
        .map_err(|_| too_low(current.unwrap_or(0)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn what_the_hard_limit_allows_is_taken_and_what_it_does_not_is_told() {
        raise_for(8_000).unwrap();
        let allowed = getrlimit(Resource::Nofile);
        assert!(allowed.current.is_none_or(|limit| limit >= 8_000 + FILES_BESIDE_SOCKETS));
        if let Some(limit) = allowed.maximum.filter(|limit| *limit < u64::from(u32::MAX)) {
            let error = raise_for(u32::MAX).unwrap_err().to_string();
            assert!(error.contains(&limit.to_string()) && error.contains("ulimit -Hn"), "{error}");
        }
    }
}
