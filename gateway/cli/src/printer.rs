//! The log of an event as JSON, a line for each record and one for each event in it.

use std::sync::Arc;

use tessera_inventory::{Config, EventBody, EventId};
use tessera_projections::installation::Installation;
use tessera_records::for_each;
use tessera_server::auth::{Keys, SECRET_BYTES};
use tessera_server::feed;
use tessera_store::{LogRecord, StoreError};

use crate::failure::Failure;
use crate::output::{line, remark};
use crate::replay::{Companion, damaged};
use crate::store::Store;

/// Prints what a replay comes by. What follows a record that cannot be read is not printed, but its bounds are.
pub(crate) struct Printer {
    keys: Keys,
    event: EventId,
    /// The newest so far.
    config: Option<Arc<Config>>,
}

impl Printer {
    /// For the log of an event of this installation.
    pub(crate) async fn new(store: &Store, event: EventId) -> Result<Printer, Failure> {
        Ok(Printer { keys: keys(store).await?, event, config: None })
    }
}

/// What the identifiers of an installation are made with.
pub(crate) async fn keys(store: &Store) -> Result<Keys, Failure> {
    let secret = match Installation::find(store).await {
        Ok(Some(installation)) => installation.secret,
        // The log is another file, and may be whole.
        Ok(None) | Err(StoreError::Damaged { .. }) => {
            remark(
                "the installation's secret is lost: holds, orders and tickets have other identifiers here than they had",
            );
            [0; SECRET_BYTES]
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Keys::derive(&secret))
}

impl Companion for Printer {
    fn before(&mut self, record: &LogRecord) -> Result<(), Failure> {
        let LogRecord { first_sequence, last_sequence, epoch, chain, .. } = record;
        // Written by hand for the order of the fields, which people read.
        line(format_args!(
            "{{\"record\":{{\"first\":{first_sequence},\"last\":{last_sequence},\"epoch\":{epoch},\"chain\":\"{chain:?}\"}}}}"
        ));
        let printed = for_each(&record.bytes, |sequence, event| {
            if let EventBody::Configured { config, .. } = &event.body {
                self.config = Some(Arc::clone(config));
            }
            line(feed::item(&self.keys, self.event, self.config.as_deref(), sequence, &event));
        });
        printed.map(drop).map_err(|error| damaged(&error))
    }
}
