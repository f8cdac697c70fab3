//! Devices that scan at gates, by organizer.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::{DEVICES_MAX, Timestamp};
use tessera_store::keys::EntryDeviceKey;
use tessera_store::{StoreError, Table, Transaction, transact};

use crate::api_keys::ApiKeyId;
use crate::damage::damaged;

/// Most devices that an organizer has in its life: rows stay, so that a number is known for what it was.
#[allow(clippy::cast_possible_truncation)] // see below
pub const ORGANIZER_DEVICES_MAX: u32 = DEVICES_MAX as u32;
const _: () = assert!(DEVICES_MAX <= u32::MAX as usize);

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDevice {
    /// The 128 bits of its organizer's id.
    pub organizer: u128,
    /// Its number among those of the organizer, from 1.
    pub number: u32,
    /// Shown to people.
    pub name: String,
    /// The API key that it has.
    pub key: ApiKeyId,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it uploaded last.
    pub contact_at: Option<Timestamp>,
    /// How far its clock was ahead of the server's then, in milliseconds, by its own word.
    pub offset_ms: i64,
}

/// Devices, over a table.
#[derive(Clone)]
pub struct EntryDevices {
    table: Arc<dyn Table>,
}

#[derive(Clone, PartialEq, Message)]
struct DeviceRow {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(bytes = "vec", tag = "2")]
    key: Vec<u8>,
    #[prost(uint64, tag = "3")]
    created_at_ms: u64,
    #[prost(uint64, optional, tag = "4")]
    contact_at_ms: Option<u64>,
    #[prost(sint64, tag = "5")]
    offset_ms: i64,
}

impl EntryDevices {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> EntryDevices {
        EntryDevices { table }
    }

    /// Keeps a new device, whose number is the next one; `None` where its organizer has had [`ORGANIZER_DEVICES_MAX`]. Whoever asks again
    /// with the same key gets the same device.
    ///
    /// # Errors
    /// As the table says.
    pub async fn register(
        &self,
        organizer: u128,
        name: &str,
        key: ApiKeyId,
        now: Timestamp,
    ) -> Result<Option<EntryDevice>, StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            let counted = EntryDeviceKey { organizer, number: 0 }.pack();
            let count = match transaction.get(&counted).await? {
                Some(value) => count_of(&value)?,
                None => 0,
            };
            if let Some(last) =
                read(transaction.as_mut(), organizer, count).await?.filter(|last| last.key == key)
            {
                // An earlier attempt of unknown outcome had landed.
                return Ok((transaction, Some(last)));
            }
            if count >= ORGANIZER_DEVICES_MAX {
                return Ok((transaction, None));
            }
            let device = EntryDevice {
                organizer,
                number: count + 1,
                name: name.to_owned(),
                key,
                created_at: now,
                contact_at: None,
                offset_ms: 0,
            };
            transaction.set(&counted, &device.number.to_be_bytes());
            transaction.set(&key_of(&device), &encode(&device));
            Ok((transaction, Some(device)))
        })
        .await
    }

    /// A device of an organizer.
    ///
    /// # Errors
    /// As the table says, and [`StoreError::Damaged`] for a row that cannot be read.
    pub async fn get(&self, organizer: u128, number: u32) -> Result<Option<EntryDevice>, StoreError> {
        read(self.table.begin().await?.as_mut(), organizer, number).await
    }

    /// Notes that a device has uploaded.
    ///
    /// # Errors
    /// As the table says.
    pub async fn contacted(
        &self,
        organizer: u128,
        number: u32,
        now: Timestamp,
        offset_ms: i64,
    ) -> Result<(), StoreError> {
        transact(self.table.as_ref(), |mut transaction| async move {
            if let Some(mut device) = read(transaction.as_mut(), organizer, number).await? {
                device.contact_at = Some(now);
                device.offset_ms = offset_ms;
                transaction.set(&key_of(&device), &encode(&device));
            }
            Ok((transaction, ()))
        })
        .await
    }
}

fn key_of(device: &EntryDevice) -> Vec<u8> {
    EntryDeviceKey { organizer: device.organizer, number: device.number }.pack()
}

fn count_of(value: &[u8]) -> Result<u32, StoreError> {
    let bytes = value.try_into().map_err(|_| damaged("the count of devices cannot be read".to_owned()))?;
    Ok(u32::from_be_bytes(bytes))
}

fn encode(device: &EntryDevice) -> Vec<u8> {
    DeviceRow {
        name: device.name.clone(),
        key: device.key.0.to_vec(),
        created_at_ms: device.created_at.0,
        contact_at_ms: device.contact_at.map(|at| at.0),
        offset_ms: device.offset_ms,
    }
    .encode_to_vec()
}

async fn read(
    transaction: &mut dyn Transaction,
    organizer: u128,
    number: u32,
) -> Result<Option<EntryDevice>, StoreError> {
    if number == 0 {
        return Ok(None);
    }
    let Some(value) = transaction.get(&EntryDeviceKey { organizer, number }.pack()).await? else {
        return Ok(None);
    };
    let unreadable = || damaged(format!("the row of device {number} cannot be read"));
    let row = DeviceRow::decode(&*value).map_err(|_| unreadable())?;
    Ok(Some(EntryDevice {
        organizer,
        number,
        name: row.name,
        key: ApiKeyId(row.key.try_into().map_err(|_| unreadable())?),
        created_at: Timestamp(row.created_at_ms),
        contact_at: row.contact_at_ms.map(Timestamp),
        offset_ms: row.offset_ms,
    }))
}
