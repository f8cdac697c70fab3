//! What each event does to the rows, inside one transaction.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use tessera_inventory::{
    ClaimNumber, ConflictKind, Dispute, Event, EventBody, EventId, Scan, ScansRecorded, Sequence, TicketRef,
    Timestamp,
};
use tessera_store::keys::{
    EntryChangeKey, EntryConflictKey, EntryScanKey, EntryStatisticsKey, EntryTicketKey, PassageRank,
};
use tessera_store::{StoreError, Transaction};
use tessera_tickets::{Passage, double_admissions};

use super::row::{Conflict, ConflictSide, Counts, ScanRow, Standing, TicketRow, side, whole_order};
use crate::damage::damaged;

/// Passages of a ticket that are judged, the last ones: who passes more often than that is no guest.
pub(super) const PASSAGES_JUDGED_MAX: usize = 200;
/// How often scans of a ticket are read for them, each time twice as many: 12,600 of them, what was refused among them, so that no ticket that
/// somebody shows all day makes a transaction too long.
pub(super) const SCAN_PAGES_MAX: usize = 6;
const MINUTE_MS: u64 = 60_000;

/// Folds events into rows. Rows that changed are kept until [`Fold::finish`].
pub(super) struct Fold {
    transaction: Box<dyn Transaction>,
    event: EventId,
    tickets: BTreeMap<TicketRef, TicketRow>,
    /// Tickets that changed, with the sequence that changed them last.
    changed: BTreeMap<TicketRef, Sequence>,
    /// Tickets that passed a gate, with the sequence that told of it last.
    passed: BTreeMap<TicketRef, Sequence>,
    counts: BTreeMap<EntryStatisticsKey, Counts>,
}

impl Fold {
    pub(super) fn new(transaction: Box<dyn Transaction>, event: EventId) -> Fold {
        Fold {
            transaction,
            event,
            tickets: BTreeMap::new(),
            changed: BTreeMap::new(),
            passed: BTreeMap::new(),
            counts: BTreeMap::new(),
        }
    }

    pub(super) async fn apply(&mut self, sequence: Sequence, event: &Event) -> Result<(), StoreError> {
        match &event.body {
            EventBody::TicketsRefunded { order, tickets, .. } => {
                self.refund(sequence, *order, tickets).await?;
            }
            EventBody::OrderDisputed { order, dispute, revoked } => {
                let opened = if *dispute == Dispute::Open { sequence.0 } else { 0 };
                self.change(sequence, whole_order(*order)).await?.dispute_sequence = opened;
                self.refund(sequence, *order, revoked).await?;
            }
            EventBody::TicketTransferred { ticket, generation, .. }
            | EventBody::TicketReissued { ticket, generation } => {
                let row = self.change(sequence, *ticket).await?;
                (row.generation, row.code_sequence) = ((*generation).into(), sequence.0);
            }
            EventBody::CheckedIn { ticket, gate, list } => {
                self.online(sequence, (event.at, *ticket), (*gate, *list, true)).await?;
            }
            EventBody::CheckedOut { ticket, gate, list, stamped } => {
                self.online(sequence, (event.at, *ticket), (*gate, *list, false)).await?;
                if !stamped {
                    // As the log has it: who went out then is as if never in.
                    self.change(sequence, *ticket).await?.last = None;
                }
            }
            EventBody::ScansRecorded(record) => self.scans(sequence, record).await?,
            _ => {}
        }
        Ok(())
    }

    /// Write the rows that changed, and judge what passed.
    pub(super) async fn finish(mut self) -> Result<Box<dyn Transaction>, StoreError> {
        for (ticket, sequence) in std::mem::take(&mut self.passed) {
            self.judge(sequence, ticket).await?;
        }
        for (ticket, sequence) in &self.changed {
            let Some(row) = self.tickets.get_mut(ticket) else { continue };
            let change = |sequence| EntryChangeKey { event: self.event, sequence, ticket: *ticket }.pack();
            if row.changed_at > 0 {
                self.transaction.clear(&change(Sequence(row.changed_at)));
            }
            row.changed_at = sequence.0;
            let value = row.encode_to_vec();
            self.transaction.set(&change(*sequence), &value);
            self.transaction.set(&EntryTicketKey { event: self.event, ticket: *ticket }.pack(), &value);
        }
        for (key, counts) in &self.counts {
            self.transaction.set(&key.pack(), &counts.encode_to_vec());
        }
        Ok(self.transaction)
    }

    /// The row of a ticket, which the event of this sequence changes.
    async fn change(&mut self, sequence: Sequence, ticket: TicketRef) -> Result<&mut TicketRow, StoreError> {
        self.read(ticket).await?;
        self.changed.insert(ticket, sequence);
        Ok(self.tickets.entry(ticket).or_default())
    }

    async fn read(&mut self, ticket: TicketRef) -> Result<TicketRow, StoreError> {
        if let Some(row) = self.tickets.get(&ticket) {
            return Ok(*row);
        }
        let key = EntryTicketKey { event: self.event, ticket }.pack();
        let row = match self.transaction.get(&key).await? {
            Some(value) => TicketRow::decode(&*value)
                .map_err(|_| damaged(format!("the row of the ticket {ticket:?} cannot be read")))?,
            None => TicketRow::default(),
        };
        self.tickets.insert(ticket, row);
        Ok(row)
    }

    async fn refund(
        &mut self,
        sequence: Sequence,
        order: ClaimNumber,
        tickets: &[u16],
    ) -> Result<(), StoreError> {
        for &index in tickets {
            self.change(sequence, TicketRef { order, index }).await?.refund_sequence = sequence.0;
        }
        Ok(())
    }

    /// A passage that the log decided.
    async fn online(
        &mut self,
        sequence: Sequence,
        (at, ticket): (Timestamp, TicketRef),
        (gate, list, inward): (u16, Option<u8>, bool),
    ) -> Result<(), StoreError> {
        let number = sequence.0;
        let scan = Scan { number, at, gate, ticket, generation: 0, inward, admitted: true, list };
        self.scan(sequence, 0, &scan, true).await
    }

    async fn scans(&mut self, sequence: Sequence, record: &ScansRecorded) -> Result<(), StoreError> {
        let of = |kind| record.conflicts.iter().filter(move |conflict| conflict.kind == kind);
        let unknown: BTreeSet<u16> = of(ConflictKind::UnknownTicket).map(|conflict| conflict.scan).collect();
        for (position, scan) in (0..).zip(&record.scans) {
            self.scan(sequence, record.device, scan, !unknown.contains(&position)).await?;
        }
        // Double admissions are judged over all passages, not by what the log knew then.
        for conflict in &record.conflicts {
            let scan = record.scans.get(usize::from(conflict.scan)).ok_or_else(|| {
                damaged(format!("sequence {sequence}: a conflict is of a scan that is not there"))
            })?;
            if conflict.kind != ConflictKind::DoubleAdmission {
                self.contradicted(sequence, record.device, scan, conflict.kind).await?;
            }
        }
        Ok(())
    }

    async fn scan(
        &mut self,
        sequence: Sequence,
        device: u32,
        scan: &Scan,
        is_known: bool,
    ) -> Result<(), StoreError> {
        let Scan { number, at, gate, ticket, inward, .. } = *scan;
        let key = EntryScanKey { event: self.event, ticket, at, device, number };
        self.transaction.set(&key.pack(), &ScanRow::of(scan, sequence).encode_to_vec());
        self.count(scan).await?;
        if scan.admitted && is_known {
            let passage = Passage { at_ms: at.0, device, number, gate, inward };
            self.change(sequence, ticket).await?.pass(&passage);
            self.passed.insert(ticket, sequence);
        }
        Ok(())
    }

    async fn count(&mut self, scan: &Scan) -> Result<(), StoreError> {
        let key = EntryStatisticsKey {
            event: self.event,
            list: scan.list.map_or(0, |list| u16::from(list) + 1),
            gate: scan.gate,
            minute: scan.at.0 / MINUTE_MS,
        };
        let mut counts = match self.counts.get(&key) {
            Some(counts) => *counts,
            None => match self.transaction.get(&key.pack()).await? {
                Some(value) => Counts::read(&value)?,
                None => Counts::default(),
            },
        };
        match (scan.admitted, scan.inward) {
            (true, true) => counts.inwards += 1,
            (true, false) => counts.outwards += 1,
            (false, _) => counts.refused += 1,
        }
        self.counts.insert(key, counts);
        Ok(())
    }

    /// An admission that contradicts the log.
    async fn contradicted(
        &mut self,
        sequence: Sequence,
        device: u32,
        scan: &Scan,
        kind: ConflictKind,
    ) -> Result<(), StoreError> {
        let row = self.read(scan.ticket).await?;
        let other = match kind {
            ConflictKind::AfterRefund => ConflictSide::Event(Sequence(row.refund_sequence)),
            ConflictKind::OldCode => ConflictSide::Event(Sequence(row.code_sequence)),
            ConflictKind::InDispute => {
                let order = self.read(whole_order(scan.ticket.order)).await?;
                ConflictSide::Event(Sequence(order.dispute_sequence))
            }
            ConflictKind::DoubleAdmission | ConflictKind::WrongGate | ConflictKind::UnknownTicket => {
                ConflictSide::None
            }
        };
        let key = EntryConflictKey {
            event: self.event,
            ticket: scan.ticket,
            conflict: kind as u16,
            second: (scan.at, device, scan.number),
            first: (Timestamp(0), 0, 0),
        };
        let passage =
            Passage { at_ms: scan.at.0, device, number: scan.number, gate: scan.gate, inward: scan.inward };
        let admission = side(&passage);
        let conflict = Conflict { key, kind, admission, other, standing: Standing::Open, sequence };
        self.transaction.set(&key.pack(), &conflict.encode());
        Ok(())
    }

    /// Judges the passages of a ticket anew.
    async fn judge(&mut self, sequence: Sequence, ticket: TicketRef) -> Result<(), StoreError> {
        let (passages, oldest) = self.last_passages(ticket).await?;
        let found = double_admissions(&passages);
        let conflict = ConflictKind::DoubleAdmission as u16;
        let (begin, end) = EntryConflictKey::range_of_kind(self.event, ticket, conflict);
        let mut known = BTreeMap::new();
        for (key, value) in self.transaction.range(&begin, &end, PASSAGES_JUDGED_MAX, true).await? {
            let one = Conflict::read(EntryConflictKey::unpack(&key)?, &value)?;
            known.insert((one.key.first, one.key.second), one);
        }
        for (first, second) in found {
            let sides = (rank(&first), rank(&second));
            let before = known.remove(&sides);
            if before.is_some_and(|one| one.standing == Standing::Open) {
                continue;
            }
            let key =
                EntryConflictKey { event: self.event, ticket, conflict, second: sides.1, first: sides.0 };
            let (admission, other) = (side(&second), side(&first));
            let kind = ConflictKind::DoubleAdmission;
            self.put(&Conflict { key, kind, admission, other, standing: Standing::Open, sequence });
        }
        for one in known.into_values().filter(|one| one.standing == Standing::Open) {
            // What is older than what was judged stands as it did.
            if oldest.is_none_or(|oldest| one.key.first >= oldest) {
                self.put(&Conflict { standing: Standing::Withdrawn, sequence, ..one });
            }
        }
        Ok(())
    }

    /// The last passages of a ticket, however often it was refused between them; and from where on they are all there are, unless that is
    /// from the first on.
    async fn last_passages(
        &mut self,
        ticket: TicketRef,
    ) -> Result<(Vec<Passage>, Option<PassageRank>), StoreError> {
        let (begin, mut end) = EntryScanKey::range(self.event, ticket);
        let mut passages = Vec::new();
        let mut oldest = None;
        for page in 0..SCAN_PAGES_MAX {
            let limit = PASSAGES_JUDGED_MAX << page;
            let rows = self.transaction.range(&begin, &end, limit, true).await?;
            let is_last = rows.len() < limit;
            for (key, value) in rows {
                let scan = EntryScanKey::unpack(&key)?;
                oldest = Some((scan.at, scan.device, scan.number));
                passages.extend(ScanRow::passage(&scan, &value)?);
                if passages.len() == PASSAGES_JUDGED_MAX {
                    return Ok((passages, oldest));
                }
                end = key;
            }
            if is_last {
                return Ok((passages, None));
            }
        }
        Ok((passages, oldest))
    }

    fn put(&mut self, conflict: &Conflict) {
        self.transaction.set(&conflict.key.pack(), &conflict.encode());
    }
}

fn rank(passage: &Passage) -> PassageRank {
    (Timestamp(passage.at_ms), passage.device, passage.number)
}
