//! Who waits: entries, and what wakes their lines.

use crate::claims::ExtraSubjects;
use crate::mutant::Mutant;
use crate::waitlist::{Entry, EntryNumber, Patience, WaitlistJoined};
use crate::{Inventory, PoolId, SeatIndex, TicketTypeId, Timestamp};

impl Inventory {
    pub(super) fn apply_waitlist_joined(&mut self, joined: &WaitlistJoined) {
        let subject = self.subjects.name(joined.subjects.primary);
        let mut extra = ExtraSubjects::NONE;
        for &subject in &joined.subjects.extra {
            extra.push(self.subjects.name(subject));
        }
        let mut choices = [None; crate::CHOICES_MAX];
        for (place, &choice) in choices.iter_mut().zip(&joined.choices) {
            *place = Some(choice);
        }
        let (price_max_minor, priority) = (joined.price_max_minor, joined.priority);
        let entry = Entry { subject, extra, choices, price_max_minor, priority };
        self.waitlist.insert(EntryNumber(self.sequence.0), entry, &self.config, &self.subjects);
    }

    /// Ends an entry.
    pub(super) fn leave_waitlist(&mut self, number: EntryNumber) {
        let entry = self.waitlist.remove(number, &self.subjects);
        entry.subjects().for_each(|slot| self.subjects.forget(slot));
    }

    pub(super) fn end_all_entries(&mut self) {
        while let Some(number) = self.waitlist.first() {
            self.leave_waitlist(number);
        }
    }

    /// Units of a pool came back.
    #[inline]
    pub(crate) fn wake_pool(&mut self, pool: PoolId) {
        if !self.mutation.is(Mutant::MarkForgotten) {
            self.waitlist.wake_pool(pool);
        }
    }

    /// A seat changed: a group beside it may fit now, also where the seat is gone, since it leaves another one alone no more.
    #[inline]
    pub(super) fn wake_seat(&mut self, seat: SeatIndex) {
        if self.waitlist.is_quiet() {
            return;
        }
        for category in self.seating.categories_beside(seat) {
            self.waitlist.wake_category(category);
        }
    }

    pub(super) fn apply_patience_ended(&mut self, id: TicketTypeId) {
        if let Some(patience) = &mut self.waitlist.line_mut(id).patience {
            patience.since = None;
        }
        self.waitlist.wake(id);
        self.plan();
    }

    /// Follows the heads of lines that keep units for them. Where none does, nothing is kept, and nothing is to do.
    pub(super) fn follow_patience(&mut self, at: Timestamp) {
        if !self.accumulates() {
            return;
        }
        let mut changed = false;
        for id in self.config.ticket_type_ids() {
            let before = self.waitlist.line(id).patience;
            let after = self.patience_of(id, before, at);
            changed |= before != after;
            self.waitlist.line_mut(id).patience = after;
        }
        if changed {
            self.plan();
        }
    }

    /// The patience of a line after an event: it begins when there is something to keep for the head, and anew with each head.
    fn patience_of(&self, id: TicketTypeId, before: Option<Patience>, at: Timestamp) -> Option<Patience> {
        let head = self.waitlist.line(id).head().filter(|_| self.serves(id))?.1.number();
        let known = before.filter(|patience| patience.head == head);
        known.or_else(|| (self.free_of(id) > 0).then_some(Patience { head, since: Some(at) }))
    }
}
