//! The limit of open files: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open beside connections: the store, its index, listeners, logs.
pub const FILES_BESIDE_CONNECTIONS: u64 = 1_024;

/// Raises what the process may open to what the system lets it, and says how many that is; `None`: any number. A login
/// usually gives 1024 and allows many more.
pub fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // An unlimited one is the highest there is.
    if current.is_none() || current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, ?current, "the limit of open files could not be raised");
            current
        }
    }
}

/// Raises it, and warns when these connections and the files beside them do not fit.
pub(crate) fn raise_for(connections: u64) {
    let wanted = connections.saturating_add(FILES_BESIDE_CONNECTIONS);
    if let Some(limit) = raise().filter(|limit| *limit < wanted) {
        tracing::warn!(
            limit,
            wanted,
            "fewer files may be open than http.connections_max times workers needs; raise the hard limit \
             (ulimit -Hn, LimitNOFILE=), or lower the setting"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_allows_is_taken() {
        let allowed = getrlimit(Resource::Nofile).maximum;
        assert_eq!(raise(), allowed);
        assert_eq!(getrlimit(Resource::Nofile).current, allowed);
        assert_eq!(raise(), allowed, "again");
    }
}
