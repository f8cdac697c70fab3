//! Deciding: the only place that refuses. Everything is validated here, in a fixed order: the idempotency key, the
//! authority, the phase, then what the command itself demands. Nothing of the state changes.

mod access;
mod authority;
mod claim;
mod late;
mod order;
mod organizer;
mod place;
mod quote;
mod refund;
mod scans;
mod seats;
mod stock;
mod ticket;
mod waitlist;

use crate::keys::Seen;
use crate::mutant::{KEY_EVENTS, Mutant};
use crate::{
    Command, CommandBody, ConfigError, Decision, EventBody, Inventory, Phase, PhaseCommand, Rejection,
    RequestError, Timestamp, admits,
};

pub(crate) use stock::Scratch;

impl Inventory {
    /// Decides a command with scratch memory of its own.
    pub(crate) fn decide_with(
        &self,
        scratch: &mut Scratch,
        now: Timestamp,
        command: &Command,
    ) -> Result<Decision, Rejection> {
        if let Some(key) = &command.key {
            match self.keys.seen(key, now) {
                Seen::Never => {}
                Seen::Same(sequence)
                    if self.mutation.is(Mutant::KeyForgotten)
                        && self.sequence > sequence.plus(KEY_EVENTS) => {}
                Seen::Same(sequence) => return Ok(Decision::Repeated(sequence)),
                Seen::Other => return Err(Rejection::KeyReused),
                Seen::TooOld => return Err(Rejection::KeyExpired),
            }
        }
        authority::check(command.authority, &command.body)?;
        self.check_phase(&command.body)?;
        self.decide_body(scratch, now, command).map(Decision::Accepted)
    }

    fn decide_body(
        &self,
        scratch: &mut Scratch,
        now: Timestamp,
        command: &Command,
    ) -> Result<EventBody, Rejection> {
        let authority = command.authority;
        match &command.body {
            CommandBody::Configure { expected_version, config } => {
                self.decide_configure(*expected_version, config)
            }
            CommandBody::ChangePhase { to } => self.decide_change_phase(*to),
            CommandBody::PlaceHold(request) => self.decide_place(scratch, now, authority, request),
            CommandBody::RenewHold { hold } => self.decide_renew(now, authority, *hold),
            CommandBody::ReleaseHold { hold } => self.decide_release(authority, *hold),
            CommandBody::BeginPayment { hold, provider, extra_subjects } => {
                self.decide_begin_payment(now, authority, *hold, *provider, extra_subjects)
            }
            CommandBody::PaymentFailed { order, attempt } => self.decide_payment_failed(*order, *attempt),
            CommandBody::Confirm { order, payment, attempt } => {
                self.decide_confirm(authority, *order, *payment, *attempt)
            }
            CommandBody::RefundTickets { order, tickets, amount, reason, units } => {
                self.decide_refund(*order, tickets, *amount, *reason, *units)
            }
            CommandBody::SellLate(sale) => self.decide_sell_late(scratch, sale),
            CommandBody::SetDispute { order, dispute } => self.decide_dispute(*order, *dispute),
            CommandBody::Kill(units) => self.decide_kill(units),
            CommandBody::Restore(units) => self.decide_restore(units),
            CommandBody::ReleaseChannel { channel } => self.decide_release_channel(*channel),
            CommandBody::TransferTicket { ticket, to } => self.decide_transfer(authority, *ticket, *to),
            CommandBody::CheckIn { ticket, generation, gate } => {
                self.decide_check_in(now, *ticket, *generation, *gate)
            }
            CommandBody::CheckOut { ticket, generation, gate } => {
                self.decide_check_out(now, *ticket, *generation, *gate)
            }
            CommandBody::ReissueTicket { ticket } => self.decide_reissue(authority, *ticket),
            CommandBody::RecordScans { device, scans } => self.decide_scans(now, *device, scans),
            CommandBody::JoinWaitlist(request) => self.decide_join(request),
            CommandBody::LeaveWaitlist { entry } => self.decide_leave(authority, *entry),
        }
    }

    /// The table *phase × command*.
    fn check_phase(&self, body: &CommandBody) -> Result<(), Rejection> {
        let command = body.kind().ok_or(Rejection::InvalidRequest(RequestError::NoSuchPhaseChange))?;
        let goes_on = self.mutation.is(Mutant::PausedSells)
            && (self.phase, command) == (Phase::Paused, PhaseCommand::PlaceHold);
        if admits(self.phase, command) || goes_on {
            return Ok(());
        }
        let opens_at = match self.phase {
            Phase::Draft | Phase::Scheduled => {
                self.config.schedule.presale_at.or(self.config.schedule.on_sale_at)
            }
            _ => None,
        };
        Err(Rejection::WrongPhase { phase: self.phase, command, opens_at })
    }

    fn decide_change_phase(&self, to: Phase) -> Result<EventBody, Rejection> {
        if self.version == 0 && to != Phase::Cancelled {
            return Err(Rejection::InvalidConfig(ConfigError {
                path: String::new(),
                problem: "the event has no configuration yet; configure it first".to_owned(),
            }));
        }
        Ok(EventBody::PhaseChanged { to })
    }
}
