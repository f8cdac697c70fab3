//! The columns of what passed the gates.

use std::collections::BTreeMap;

use super::import::{Imported, Words, bits16, bits32};
use crate::orders::TicketSlot;
use crate::passages::{Device, Passage};
use crate::{DEVICES_MAX, Image, Inventory, Timestamp};

impl Inventory {
    pub(super) fn export_entry(&self, image: &mut Image) {
        for (&ticket, passage) in self.orders.passages() {
            let place = u64::from(ticket) | u64::from(passage.gate) << 32;
            if passage.is_plain() {
                image.checked_in.extend([place, passage.at.0]);
            } else {
                let inward = u64::from(passage.inward) << 48;
                let words = [place | inward, passage.at.0, passage.device.into(), passage.number];
                image.passages.extend(words);
            }
        }
        image.devices = self
            .devices
            .iter()
            .flat_map(|(device, known)| [device.into(), known.next, known.last_at.0])
            .collect();
    }

    pub(super) fn import_devices(&mut self, image: &Image) -> Imported<()> {
        let mut words = Words::new("devices", &image.devices);
        let mut before = 0;
        while !words.is_empty() {
            let device = words.next()?;
            words.ensure(device > before && device <= u32::MAX.into())?;
            before = device;
            let known = Device { next: words.next()?, last_at: Timestamp(words.next()?) };
            words.ensure(known.next > 1)?;
            self.devices.set(bits32(device, 0), known);
        }
        words.ensure(self.devices.len() <= DEVICES_MAX)
    }
}

/// The last passages, of both columns.
pub(super) fn passages(image: &Image) -> Imported<BTreeMap<TicketSlot, Passage>> {
    let tickets = image.tickets.len();
    let mut passages = BTreeMap::new();
    let mut words = Words::new("checked_in", &image.checked_in);
    while !words.is_empty() {
        let (place, at) = (words.next()?, Timestamp(words.next()?));
        words.ensure((bits32(place, 0) as usize) < tickets)?;
        passages.insert(bits32(place, 0), Passage::online(at, bits16(place, 32), true));
    }
    let mut words = Words::new("passages", &image.passages);
    while !words.is_empty() {
        let (place, at) = (words.next()?, Timestamp(words.next()?));
        let (device, number) = (words.next()?, words.next()?);
        let inward = bits16(place, 48);
        words.ensure((bits32(place, 0) as usize) < tickets && inward <= 1 && device <= u32::MAX.into())?;
        let (gate, device) = (bits16(place, 32), bits32(device, 0));
        let passage = Passage { at, gate, device, number, inward: inward == 1 };
        words.ensure(!passage.is_plain() && (device != 0 || number == 0))?;
        words.ensure(passages.insert(bits32(place, 0), passage).is_none())?;
    }
    Ok(passages)
}
