//! The last passage of each ticket that passed a gate, and the devices that told of some.

use std::collections::BTreeMap;

use crate::Timestamp;
use crate::digest::{Kind, Mix};
use crate::entry::Scan;

/// A ticket that passed a gate. Who is in is said by the passage with the largest [`Passage::rank`]: a register in which every order
/// of uploads ends the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    pub(crate) at: Timestamp,
    pub(crate) gate: u16,
    /// 0: online. Such a passage is later than every scan that was recorded before it, so it needs no number.
    pub(crate) device: u32,
    /// Among the scans of the device; 0 online.
    pub(crate) number: u64,
    pub(crate) inward: bool,
}

impl Passage {
    /// One that the log decided.
    pub(crate) fn online(at: Timestamp, gate: u16, inward: bool) -> Passage {
        Passage { at, gate, device: 0, number: 0, inward }
    }

    /// One that a device tells of.
    pub(crate) fn scanned(device: u32, scan: &Scan) -> Passage {
        Passage { at: scan.at, gate: scan.gate, device, number: scan.number, inward: scan.inward }
    }

    /// The larger one is the later one.
    pub(crate) fn rank(&self) -> (Timestamp, u32, u64) {
        (self.at, self.device, self.number)
    }

    /// Whether it is one of those that there were before devices: in, online. They are mixed, and stand in an image, as they did then.
    pub(crate) fn is_plain(&self) -> bool {
        self.inward && self.device == 0
    }

    /// Adds it to the mix of its ticket.
    pub(crate) fn mix(&self, mix: Mix) -> Mix {
        let outward = u64::from(!self.inward) << 16;
        let mix = mix.word(self.at.0).word(u64::from(self.gate) | outward | u64::from(self.device) << 32);
        if self.device == 0 { mix } else { mix.word(self.number) }
    }
}

/// What is known of a device that recorded scans of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// Number of the next scan; those below were recorded.
    pub(crate) next: u64,
    /// When the last one was made.
    pub(crate) last_at: Timestamp,
}

impl Device {
    /// One that recorded none.
    pub(crate) const NEW: Device = Device { next: 1, last_at: Timestamp(0) };
}

/// The devices that recorded scans.
#[derive(Clone, Debug, Default)]
pub(crate) struct Devices {
    devices: BTreeMap<u32, Device>,
    sum: u128,
}

impl Devices {
    pub(crate) fn get(&self, device: u32) -> Option<Device> {
        self.devices.get(&device).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    pub(crate) fn set(&mut self, device: u32, known: Device) {
        if let Some(before) = self.devices.insert(device, known) {
            self.sum = self.sum.wrapping_sub(mix(device, before));
        }
        self.sum = self.sum.wrapping_add(mix(device, known));
    }

    /// Every device, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Device)> {
        self.devices.iter().map(|(&device, &known)| (device, known))
    }

    /// The digest's share of the devices, kept incrementally; nothing where there are none.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the devices, from scratch.
    pub(crate) fn fresh_sum(&self) -> u128 {
        self.iter().fold(0, |sum, (device, known)| sum.wrapping_add(mix(device, known)))
    }
}

fn mix(device: u32, known: Device) -> u128 {
    Mix::new(Kind::Device).word(device.into()).word(known.next).word(known.last_at.0).finish()
}
