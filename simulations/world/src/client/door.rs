//! A gate with a device: it lets people in and out online, or writes down what it scans and tells it later: in parts, once more, or with
//! a mistake.

use tessera_inventory::{
    Authority, ClaimNumber, CommandBody, Rejection, SCANS_MAX, Scan, TicketRef, Timestamp,
};
use tessera_naive::Model;

use super::{View, stray};
use crate::catalogue::crowd::GATES;
use crate::prng::Prng;

/// How wrong a device may be about the time of a scan that it tells, in milliseconds: it tells late, and its clock may be ahead.
const LATE_MS: u64 = 90_000;
const AHEAD_MS: u64 = 5_000;

/// What a device has written down.
#[derive(Clone, Debug)]
pub(super) struct Door {
    device: u32,
    /// Every scan, the first is number 1.
    written: Vec<Scan>,
    /// So many were recorded, as far as it knows.
    told: usize,
}

impl Door {
    pub(super) fn new(device: u32) -> Door {
        Door { device, written: Vec::new(), told: 0 }
    }

    pub(super) fn has_told(&self) -> bool {
        self.told >= self.written.len()
    }

    /// The next thing that it asks, if `goes_on`; in the end it tells what it has not told yet.
    pub(super) fn next(&mut self, prng: &mut Prng, view: View<'_>, goes_on: bool) -> CommandBody {
        if !goes_on {
            return self.upload(self.told, self.written.len().min(self.told + SCANS_MAX));
        }
        for _ in 0..prng.between(0, 5) {
            self.write_down(prng, view);
        }
        if self.written.is_empty() || !prng.chance(view.mix.offline) {
            let ticket = ticket(prng, view.model);
            return stray::entrance(prng, view, ticket);
        }
        match prng.between(0, 19) {
            // What was told before, or a part of it, with or without what is new.
            0..4 => {
                let from = prng.index(self.told + 1);
                self.upload(
                    from,
                    from + 1 + prng.index(self.written.len() - from.min(self.written.len() - 1)),
                )
            }
            4 => self.upload(0, self.written.len()),
            5 if prng.chance(view.mix.strays) => self.mistaken(prng),
            // All that is new, or a part.
            6..11 => self.upload(self.told, self.told + 1 + prng.index(4)),
            _ => self.upload(self.told, self.written.len()),
        }
    }

    /// The scans of these positions. One that is to have none tells the last once more.
    fn upload(&self, from: usize, to: usize) -> CommandBody {
        let to = to.clamp(1, self.written.len().max(1));
        let from = from.min(to - 1).max(to.saturating_sub(SCANS_MAX));
        let scans = self.written.get(from..to).unwrap_or_default().to_vec();
        CommandBody::RecordScans { device: self.device, scans }
    }

    fn mistaken(&self, prng: &mut Prng) -> CommandBody {
        let device = self.device;
        let mut scans = self.written.clone();
        match prng.between(0, 4) {
            0 => scans.clear(),
            1 => scans.iter_mut().for_each(|scan| scan.number *= 2),
            // A gap.
            2 => scans.iter_mut().for_each(|scan| scan.number += self.told as u64 + 1),
            3 => {
                let first = scans[0];
                scans = (1..).take(SCANS_MAX + 1).map(|number| Scan { number, ..first }).collect();
            }
            _ => return CommandBody::RecordScans { device: 0, scans },
        }
        CommandBody::RecordScans { device, scans }
    }

    /// Somebody comes, with any ticket; the device lets in whom it takes for good, or does not.
    fn write_down(&mut self, prng: &mut Prng, view: View<'_>) {
        let ticket = ticket(prng, view.model);
        let known = view.model.claims.get(&ticket.order.0);
        let known = known.and_then(|claim| claim.tickets.get(usize::from(ticket.index)));
        let is_in = known.is_some_and(|ticket| ticket.is_in().is_some());
        let generation = known.map_or(0, |ticket| ticket.generation);
        self.written.push(Scan {
            number: self.written.len() as u64 + 1,
            at: Timestamp(view.now.0 + AHEAD_MS - prng.between(0, LATE_MS)),
            gate: u16::from(prng.small(GATES)),
            ticket,
            generation: generation.saturating_sub(u8::from(prng.chance(200))),
            inward: is_in == prng.chance(300),
            admitted: prng.chance(850),
            list: None,
        });
    }

    /// What it has told was recorded, now or before.
    pub(super) fn recorded(&mut self, scans: &[Scan]) {
        let last = scans.last().and_then(|scan| usize::try_from(scan.number).ok());
        self.told = self.told.max(last.unwrap_or(0)).min(self.written.len());
    }

    /// It is told where to go on.
    pub(super) fn refused(&mut self, rejection: &Rejection) {
        if let Rejection::ScanNumbers { next } = rejection {
            let told = usize::try_from(next.saturating_sub(1)).unwrap_or(0);
            self.told = told.min(self.written.len());
        }
    }
}

/// Who scans.
pub(super) const DOOR: Authority = Authority::Scanner;

/// A ticket of somebody who comes: of the newest orders mostly, so that devices meet the same; now and then one that is not there.
fn ticket(prng: &mut Prng, model: &Model) -> TicketRef {
    let sold = model.claims.values().rev().filter(|claim| !claim.tickets.is_empty());
    let newest: Vec<_> = sold.take(if prng.chance(700) { 3 } else { usize::MAX }).collect();
    if newest.is_empty() || prng.chance(30) {
        return TicketRef { order: ClaimNumber(model.sequence() + 1), index: 0 };
    }
    let claim = newest[prng.index(newest.len())];
    let index = u16::try_from(prng.index(claim.tickets.len())).unwrap_or(0);
    TicketRef { order: ClaimNumber(claim.number), index }
}
