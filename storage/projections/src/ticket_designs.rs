//! How the tickets of an event look: what its organizer adds to what every ticket says.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::EventId;
use tessera_store::{StoreError, Table, keys::TicketDesignKey, transact};

use crate::damage::damaged;

/// The design of an event's tickets. Without one they have neither logo nor note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketDesign {
    /// A PNG or a JPEG; empty: none.
    pub logo: Vec<u8>,
    /// Below what every ticket says; empty: nothing.
    pub note: String,
}

/// The designs of all events, over a table.
#[derive(Clone)]
pub struct TicketDesigns {
    table: Arc<dyn Table>,
}

impl TicketDesigns {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> TicketDesigns {
        TicketDesigns { table }
    }

    /// The design of an event.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for a row that cannot be read.
    pub async fn find(&self, event: EventId) -> Result<TicketDesign, StoreError> {
        let mut transaction = self.table.begin().await?;
        let Some(row) = transaction.get(&TicketDesignKey { event }.pack()).await? else {
            return Ok(TicketDesign::default());
        };
        let unreadable = |_| damaged(format!("the design of the tickets of {event:?} cannot be read"));
        let DesignRow { logo, note } = DesignRow::decode(row.as_slice()).map_err(unreadable)?;
        Ok(TicketDesign { logo, note })
    }

    /// Replaces the design of an event.
    ///
    /// # Errors
    /// As the table says.
    pub async fn replace(&self, event: EventId, design: &TicketDesign) -> Result<(), StoreError> {
        let TicketDesign { logo, note } = design.clone();
        let row = &DesignRow { logo, note }.encode_to_vec();
        transact(self.table.as_ref(), |mut transaction| async move {
            transaction.set(&TicketDesignKey { event }.pack(), row);
            Ok((transaction, ()))
        })
        .await
    }
}

#[derive(Clone, PartialEq, Message)]
struct DesignRow {
    #[prost(bytes = "vec", tag = "1")]
    logo: Vec<u8>,
    #[prost(string, tag = "2")]
    note: String,
}
