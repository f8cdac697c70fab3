//! What makes one installation itself: its id and the secret under its keyed hashes.

use std::fmt;

use prost::Message;
use tessera_store::{StoreError, Table, keys::InstallationKey, transact};

use crate::damage::damaged;

/// Length of the secret, in bytes.
pub const INSTALLATION_SECRET_BYTES: usize = 32;

/// The identity of an installation. The same for ever: keyed hashes in the log depend on the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Installation {
    /// Names the installation.
    pub id: u128,
    /// Keys every hash of a person, an idempotency key or a credential.
    pub secret: [u8; INSTALLATION_SECRET_BYTES],
}

impl Installation {
    /// The stored installation; `fresh`, drawn at random by the caller, becomes it where there is none yet.
    ///
    /// # Errors
    /// As the table says.
    pub async fn open(table: &dyn Table, fresh: &Installation) -> Result<Installation, StoreError> {
        transact(table, |mut transaction| async move {
            let key = InstallationKey.pack();
            let installation = match transaction.get(&key).await? {
                Some(row) => decode(&row)?,
                None => {
                    transaction.set(&key, &encode(fresh));
                    fresh.clone()
                }
            };
            Ok((transaction, installation))
        })
        .await
    }

    /// The stored installation; `None` where there is none yet, or where it was lost.
    ///
    /// # Errors
    /// As the table says.
    pub async fn find(table: &dyn Table) -> Result<Option<Installation>, StoreError> {
        let mut transaction = table.begin().await?;
        transaction.get(&InstallationKey.pack()).await?.map(|row| decode(&row)).transpose()
    }
}

impl fmt::Debug for Installation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "installation:{:032x}", self.id)
    }
}

#[derive(Clone, PartialEq, Message)]
struct InstallationRow {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    secret: Vec<u8>,
}

fn encode(installation: &Installation) -> Vec<u8> {
    let (id, secret) = (installation.id.to_be_bytes().to_vec(), installation.secret.to_vec());
    InstallationRow { id, secret }.encode_to_vec()
}

fn decode(row: &[u8]) -> Result<Installation, StoreError> {
    let unreadable = || damaged("the row of the installation cannot be read".to_owned());
    let row = InstallationRow::decode(row).map_err(|_| unreadable())?;
    let id = row.id.try_into().map_err(|_| unreadable())?;
    let secret = row.secret.try_into().map_err(|_| unreadable())?;
    Ok(Installation { id: u128::from_be_bytes(id), secret })
}
