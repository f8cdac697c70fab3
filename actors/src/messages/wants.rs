//! What the log has to say to people: one event after the other. The table is in `docs/adr/0019-notifications.md`, *Kinds*.

use std::collections::BTreeMap;

use tessera_correspondence::{
    Broadcast, BroadcastState, Kind, Recipient, Said, Want, organizer_subject, recipient_mark,
};
use tessera_inventory::{
    ClaimNumber, Event, EventBody, EventId, HoldPlaced, Origin, Phase, RefundReason, Sequence, Subject,
    TicketRef, Timestamp,
};
use tessera_store::keys::MessagePlace;

use crate::webhooks::TOLD_BEFORE_MS;

/// The shortest offer that is reminded of before it ends, in milliseconds: of a shorter one its buyer has just heard.
const REMINDED_OF_MS_MIN: u64 = 600_000;

/// What a stretch of a log is judged by.
pub(super) struct Known {
    pub(super) event: EventId,
    /// Whose event it is.
    pub(super) organizer: u128,
    pub(super) now: Timestamp,
    /// What happened before is said to nobody.
    pub(super) since: Timestamp,
    /// When the event starts.
    pub(super) starts_at: Timestamp,
    /// How long before that who has tickets is reminded; 0: never.
    pub(super) reminder_before_ms: u64,
    /// The holds of the orders that it is about.
    pub(super) holds: BTreeMap<ClaimNumber, HoldPlaced>,
}

/// The order whose hold says who is told, if the event has something to say of one.
pub(super) fn order_of(body: &EventBody) -> Option<ClaimNumber> {
    match body {
        // No money ever came: nothing is given back, and who has not paid knows.
        EventBody::TicketsRefunded { reason: RefundReason::Unpaid, .. } => None,
        EventBody::Confirmed { order, .. }
        | EventBody::TicketsRefunded { order, .. }
        | EventBody::OrderDisputed { order, .. }
        | EventBody::PaymentFailed { order, .. } => Some(*order),
        EventBody::SoldLate(sold) => Some(sold.order),
        EventBody::TicketTransferred { ticket, from: Some(_), .. } => Some(ticket.order),
        // An older log does not say who gave it away: with the first of its codes that was the buyer.
        EventBody::TicketTransferred { ticket, generation: 1, .. } => Some(ticket.order),
        _ => None,
    }
}

/// Whether an event has anything to say to anybody.
pub(super) fn says_something(body: &EventBody) -> bool {
    let is_offer = matches!(body, EventBody::HoldPlaced(hold) if hold.origin == Origin::Offer);
    let is_for_all = matches!(body, EventBody::PhaseChanged { to: Phase::Cancelled | Phase::OnSale });
    order_of(body).is_some() || matches!(body, EventBody::TicketTransferred { .. }) || is_offer || is_for_all
}

impl Known {
    /// What an event of the log has to say.
    pub(super) fn said(&self, sequence: Sequence, logged: &Event) -> Said {
        let mut said = Said::default();
        if logged.at.plus_ms(TOLD_BEFORE_MS) < self.since {
            return said;
        }
        match &logged.body {
            EventBody::Confirmed { order, .. } => {
                said.wants.extend(self.to_buyer(sequence, Kind::Confirmation, *order, &[]));
            }
            EventBody::SoldLate(sold) => {
                said.wants.extend(self.to_buyer(sequence, Kind::Confirmation, sold.order, &[]));
            }
            EventBody::TicketsRefunded { reason: RefundReason::Unpaid, .. } => {}
            EventBody::TicketsRefunded { order, tickets, .. } => {
                said.wants.extend(self.to_buyer(sequence, Kind::Refund, *order, tickets));
            }
            EventBody::OrderDisputed { order, dispute, revoked } => {
                let dispute = Some(*dispute);
                let to_buyer = self.to_buyer(sequence, Kind::Dispute, *order, revoked);
                said.wants.extend(to_buyer.map(|want| Want { dispute, ..want }));
                // Its team has no inbox here.
                let team = Recipient { subject: organizer_subject(self.organizer), order: None };
                let to_team = self.want(sequence, Kind::Dispute, team, Some((*order, &revoked[..])));
                said.aside.push(Want { dispute, ..to_team });
            }
            EventBody::PaymentFailed { order, .. } => {
                said.wants.extend(self.to_buyer(sequence, Kind::PaymentFailed, *order, &[]));
            }
            EventBody::HoldPlaced(hold) if hold.origin == Origin::Offer => {
                said.wants.push(self.offer(sequence, Kind::Offer, hold));
                said.aside.extend(self.hold_ending(sequence, hold, logged.at));
            }
            EventBody::TicketTransferred { ticket, to, from, generation } => {
                let about = [ticket.index];
                let to_giver = self.to_giver(sequence, *ticket, *from, *generation);
                // Who hands a ticket to itself hears of it once.
                said.wants.extend(to_giver.filter(|want| want.recipient.subject != *to));
                let recipient = Recipient { subject: *to, order: None };
                let shown = Some((ticket.order, &about[..]));
                said.wants.push(self.want(sequence, Kind::Transfer, recipient, shown));
            }
            EventBody::PhaseChanged { to: Phase::Cancelled } => {
                let cancelled = vec![("change".to_owned(), "cancelled".to_owned())];
                said.broadcasts.push(self.to_all(sequence, Kind::Change, cancelled));
            }
            EventBody::PhaseChanged { to: Phase::OnSale } => said.broadcasts.extend(self.reminder()),
            _ => {}
        }
        said
    }

    /// To whom units are held that it has waited for, about that.
    fn offer(&self, sequence: Sequence, kind: Kind, hold: &HoldPlaced) -> Want {
        let recipient = Recipient { subject: hold.subjects.primary, order: None };
        let want = self.want(sequence, kind, recipient, Some((ClaimNumber(sequence.0), &[])));
        Want { expires_at: Some(hold.deadline_at), ..want }
    }

    /// What reminds of an offer when two thirds of its time are over. In the inbox is the offer, with its deadline.
    fn hold_ending(&self, sequence: Sequence, hold: &HoldPlaced, placed_at: Timestamp) -> Option<Want> {
        let good_ms = hold.deadline_at.0.saturating_sub(placed_at.0);
        let due_at = placed_at.plus_ms(good_ms / 3 * 2);
        let want = self.offer(sequence, Kind::HoldEnding, hold);
        // It waits from then on: until then it is not late.
        let place = MessagePlace { at: due_at, ..want.place };
        let is_wanted = good_ms >= REMINDED_OF_MS_MIN && due_at > self.now;
        is_wanted.then_some(Want { place, due_at, ..want })
    }

    /// Who gave a ticket away: its buyer is reached as it said at the order, anybody else as it said of itself.
    fn to_giver(
        &self,
        sequence: Sequence,
        ticket: TicketRef,
        from: Option<Subject>,
        generation: u8,
    ) -> Option<Want> {
        let buyer = self.holds.get(&ticket.order).map(|hold| hold.subjects.primary);
        let giver = from.or(buyer.filter(|_| generation == 1))?;
        let order = (Some(giver) == buyer).then_some(ticket.order);
        let about = Some((ticket.order, &[ticket.index][..]));
        let want = self.want(sequence, Kind::Transfer, Recipient { subject: giver, order }, about);
        Some(Want { is_giver: true, ..want })
    }

    fn to_buyer(&self, sequence: Sequence, kind: Kind, order: ClaimNumber, tickets: &[u16]) -> Option<Want> {
        let subject: Subject = self.holds.get(&order)?.subjects.primary;
        let recipient = Recipient { subject, order: Some(order) };
        Some(self.want(sequence, kind, recipient, Some((order, tickets))))
    }

    fn want(
        &self,
        sequence: Sequence,
        kind: Kind,
        recipient: Recipient,
        shown: Option<(ClaimNumber, &[u16])>,
    ) -> Want {
        let place = MessagePlace {
            at: self.now,
            event: self.event,
            sequence,
            recipient: recipient_mark(recipient.subject),
            kind: kind.number(),
        };
        Want {
            place,
            kind,
            recipient,
            order: shown.map(|(order, _)| order),
            tickets: shown.map(|(_, tickets)| tickets.to_vec()).unwrap_or_default(),
            dispute: None,
            is_giver: false,
            expires_at: None,
            due_at: self.now,
            attempts: 0,
            last_error: None,
        }
    }

    fn to_all(&self, sequence: Sequence, kind: Kind, variables: Vec<(String, String)>) -> Broadcast {
        Broadcast {
            event: self.event,
            run: Broadcast::run_of(sequence),
            kind,
            variables,
            request: 0,
            created_at: self.now,
            not_before: self.now,
            expires_at: None,
            state: BroadcastState::Running,
            cursor: None,
            orders: 0,
            recipients: 0,
        }
    }

    /// The run that reminds of an event, one however often its sale opens.
    fn reminder(&self) -> Option<Broadcast> {
        let reminder = self.to_all(Sequence::ZERO, Kind::Reminder, Vec::new());
        timed(reminder, self.starts_at, self.reminder_before_ms)
    }
}

/// A reminder so long before its event starts; `None`: nobody is reminded.
pub(super) fn timed(reminder: Broadcast, starts_at: Timestamp, before_ms: u64) -> Option<Broadcast> {
    let not_before = Timestamp(starts_at.0.saturating_sub(before_ms));
    let is_wanted = before_ms > 0 && reminder.created_at < starts_at;
    is_wanted.then_some(Broadcast { not_before, expires_at: Some(starts_at), ..reminder })
}

#[cfg(test)]
mod tests {
    use tessera_inventory::{Dispute, Payment, RefundedUnits, SoldLate, Subjects};

    use super::*;

    const NOW: Timestamp = Timestamp(10_000_000);
    const HOUR_MS: u64 = 3_600_000;

    fn hold(subject: u128, origin: Origin) -> HoldPlaced {
        HoldPlaced {
            subjects: Subjects { primary: Subject(subject), extra: Vec::new() },
            deadline_at: Timestamp(11_000_000),
            life_ends_at: Timestamp(12_000_000),
            channel: None,
            origin,
            lines: Vec::new(),
            quote: None,
            entry: None,
        }
    }

    fn known() -> Known {
        Known {
            event: EventId(1),
            organizer: 5,
            now: NOW,
            since: Timestamp(9_000_000),
            starts_at: Timestamp(NOW.0 + 48 * HOUR_MS),
            reminder_before_ms: 24 * HOUR_MS,
            holds: BTreeMap::from([(ClaimNumber(3), hold(7, Origin::Direct))]),
        }
    }

    fn check(at: u64, body: &EventBody, expected: &[(Kind, u128, Option<u64>, &[u16])]) {
        let said = known().said(Sequence(9), &Event { at: Timestamp(at), key: None, body: body.clone() });
        let found: Vec<_> = said
            .wants
            .iter()
            .map(|want| {
                let recipient = want.recipient;
                (want.kind, recipient.subject.0, recipient.order.map(|order| order.0), &want.tickets[..])
            })
            .collect();
        assert_eq!(found, expected);
        assert!(said.is_empty() || says_something(body));
    }

    #[test]
    fn who_is_told_what() {
        let order = ClaimNumber(3);
        let confirmed = EventBody::Confirmed { order, payment: Payment::Free, attempt: None };
        check(NOW.0, &confirmed, &[(Kind::Confirmation, 7, Some(3), &[])]);
        check(8_939_999, &confirmed, &[]); // before messages were written
        let late = SoldLate { order, hold: hold(7, Origin::Direct), payment: Payment::Free, attempt: 1 };
        check(NOW.0, &EventBody::SoldLate(Box::new(late)), &[(Kind::Confirmation, 7, Some(3), &[])]);
        let refunded = |tickets: Vec<u16>, reason| EventBody::TicketsRefunded {
            order,
            tickets,
            units: RefundedUnits::Restock,
            amount_minor: None,
            reason,
        };
        let organizer = refunded(vec![0, 2], RefundReason::Organizer);
        check(NOW.0, &organizer, &[(Kind::Refund, 7, Some(3), &[0, 2])]);
        check(NOW.0, &refunded(Vec::new(), RefundReason::Goodwill), &[(Kind::Refund, 7, Some(3), &[])]);
        check(NOW.0, &refunded(vec![0, 2], RefundReason::Unpaid), &[]);
        let failed = EventBody::PaymentFailed { order, attempt: None };
        check(NOW.0, &failed, &[(Kind::PaymentFailed, 7, Some(3), &[])]);
        check(NOW.0, &EventBody::HoldPlaced(hold(8, Origin::Direct)), &[]);
        check(NOW.0, &EventBody::HoldPlaced(hold(8, Origin::Offer)), &[(Kind::Offer, 8, None, &[])]);
        let ticket = TicketRef { order, index: 2 };
        let transferred = |generation, from: Option<u128>| EventBody::TicketTransferred {
            ticket,
            to: Subject(9),
            generation,
            from: from.map(Subject),
        };
        let by_buyer = [(Kind::Transfer, 7, Some(3), &[2][..]), (Kind::Transfer, 9, None, &[2][..])];
        let by_another = [(Kind::Transfer, 8, None, &[2][..]), (Kind::Transfer, 9, None, &[2][..])];
        check(NOW.0, &transferred(1, Some(7)), &by_buyer);
        check(NOW.0, &transferred(2, Some(7)), &by_buyer); // it had another code before
        check(NOW.0, &transferred(2, Some(8)), &by_another);
        check(NOW.0, &transferred(1, None), &by_buyer); // of an older log
        check(NOW.0, &transferred(2, None), &by_another[1..]);
        check(NOW.0, &transferred(1, Some(9)), &by_another[1..]); // to itself
    }

    #[test]
    fn an_offer_that_is_good_for_long_is_reminded_of_beside_the_inbox() {
        let check = |placed_at: u64, deadline_at: u64, expected: Option<u64>| {
            let offer = HoldPlaced { deadline_at: Timestamp(deadline_at), ..hold(8, Origin::Offer) };
            let logged = Event { at: Timestamp(placed_at), key: None, body: EventBody::HoldPlaced(offer) };
            let said = known().said(Sequence(9), &logged);
            let due: Vec<_> = said
                .aside
                .iter()
                .map(|want| (want.kind, want.due_at, want.place.at, want.order, want.expires_at))
                .collect();
            let of = |at| {
                let (at, order) = (Timestamp(at), Some(ClaimNumber(9)));
                (Kind::HoldEnding, at, at, order, Some(Timestamp(deadline_at)))
            };
            assert_eq!(due, expected.map(of).into_iter().collect::<Vec<_>>(), "{placed_at} {deadline_at}");
            assert_eq!(said.wants.len(), 1);
        };
        check(NOW.0, NOW.0 + 600_000, Some(NOW.0 + 400_000));
        check(NOW.0 - 1_000, NOW.0 + 7_199_000, Some(NOW.0 + 4_799_000));
        check(NOW.0, NOW.0 + 599_999, None);
        check(NOW.0 - 400_000, NOW.0 + 200_000, None); // told too late
    }

    #[test]
    fn the_buyer_and_the_team_are_told_how_a_dispute_stands() {
        let check = |dispute, revoked: &[u16]| {
            let body = EventBody::OrderDisputed { order: ClaimNumber(3), dispute, revoked: revoked.to_vec() };
            assert!(says_something(&body));
            let said = known().said(Sequence(9), &Event { at: NOW, key: None, body });
            let [to_buyer] = &said.wants[..] else { panic!("{:?}", said.wants) };
            let [to_team] = &said.aside[..] else { panic!("{:?}", said.aside) };
            assert_eq!(to_buyer.recipient, Recipient { subject: Subject(7), order: Some(ClaimNumber(3)) });
            assert_eq!(to_team.recipient, Recipient { subject: organizer_subject(5), order: None });
            for want in [to_buyer, to_team] {
                assert_eq!((want.kind, want.order), (Kind::Dispute, Some(ClaimNumber(3))));
                assert_eq!((want.dispute, &want.tickets[..]), (Some(dispute), revoked));
            }
        };
        check(Dispute::Open, &[]);
        check(Dispute::Won, &[]);
        check(Dispute::Lost, &[0, 2]);
    }

    #[test]
    fn everybody_is_told_of_a_cancellation_and_reminded_once() {
        let told = |to| {
            let body = EventBody::PhaseChanged { to };
            known().said(Sequence(9), &Event { at: NOW, key: None, body }).broadcasts
        };
        let cancelled = told(Phase::Cancelled).remove(0);
        assert_eq!((cancelled.kind, cancelled.run), (Kind::Change, Broadcast::run_of(Sequence(9))));
        let reminder = told(Phase::OnSale).remove(0);
        assert_eq!(reminder.run, Broadcast::run_of(Sequence::ZERO));
        assert_eq!(reminder.not_before, Timestamp(NOW.0 + 24 * HOUR_MS));
        assert_eq!(told(Phase::Paused), []);
    }
}
