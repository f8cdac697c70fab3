//! The client library's network thread: one in a process, started once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use foundationdb::FdbResult;
use foundationdb::api::{FdbApiBuilder, NetworkAutoStop};
use foundationdb::options::NetworkOption;
use tessera_store::StoreError;

/// The library can be started once in the life of a process.
static STARTED: AtomicBool = AtomicBool::new(false);

/// Faults that the client library makes up, for tests: reads and commits fail that need not ("client buggify").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientFaults {
    /// How likely each place that can fail is one that does in this process, in percent.
    pub places_percent: u8,
    /// How likely such a place fails each time, in percent.
    pub failures_percent: u8,
}

/// The running network thread. Clones share it; it ends when the last of them is dropped, which every database and everything under way is,
/// so that the library is never used after its end.
#[derive(Clone)]
pub struct Network {
    _thread: Arc<NetworkAutoStop>,
}

impl Network {
    /// Starts the network thread.
    ///
    /// # Errors
    /// [`StoreError::Fatal`] where this process has started it before, or where the client library refuses.
    pub fn start(faults: Option<ClientFaults>) -> Result<Network, StoreError> {
        if STARTED.swap(true, Ordering::AcqRel) {
            let reason = "FoundationDB's client can be started once in a process".to_owned();
            return Err(StoreError::Fatal { reason });
        }
        let thread = boot(faults).map_err(|error| StoreError::Fatal {
            reason: format!("FoundationDB's client does not start: {error} ({})", error.code()),
        })?;
        Ok(Network { _thread: Arc::new(thread) })
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

fn boot(faults: Option<ClientFaults>) -> FdbResult<NetworkAutoStop> {
    let mut network = FdbApiBuilder::default().build()?;
    if let Some(ClientFaults { places_percent, failures_percent }) = faults {
        let places = NetworkOption::ClientBuggifySectionActivatedProbability(places_percent.into());
        let failures = NetworkOption::ClientBuggifySectionFiredProbability(failures_percent.into());
        for option in [NetworkOption::ClientBuggifyEnable, places, failures] {
            network = network.set_option(option)?;
        }
    }
    // SAFETY: what it returns must be dropped before the process ends. It lives in an `Arc` that databases and futures share and no
    // static or leaked value has; `main` drops the runtime with all of them before it returns.
    #[allow(unsafe_code)]
    unsafe {
        network.boot()
    }
}
