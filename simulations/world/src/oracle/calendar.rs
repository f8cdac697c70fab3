//! What buyers were told about openings: no sale opens or closes, and no channel is released, early, neither in logged time nor,
//! by more than the stated bound, in the time of the world.

use std::sync::Arc;

use tessera_inventory::{Config, Event, EventBody, Phase, TicketTypeId, Timestamp};

use super::{Decided, Violation, broken};
use crate::catalogue::WALL_BASE_MS;

/// The calendar of the event as it is configured.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    config: Option<Arc<Config>>,
}

impl Calendar {
    pub(super) fn event(&mut self, event: &Event, decided: Decided) -> Result<(), Violation> {
        match &event.body {
            EventBody::Configured { config, .. } => self.config = Some(Arc::clone(config)),
            EventBody::SaleWindowChanged { ticket_type, open } if event.key.is_none() => {
                return check(event, self.window_of(*ticket_type, *open), decided);
            }
            EventBody::PhaseChanged { to } if event.key.is_none() => {
                let schedule = self.config.as_ref().map(|config| config.schedule).unwrap_or_default();
                let wanted = match to {
                    Phase::Presale => schedule.presale_at,
                    Phase::OnSale => schedule.on_sale_at,
                    Phase::Closed => schedule.closes_at,
                    _ => None,
                };
                return check(event, wanted, decided);
            }
            EventBody::ChannelReleased { channel } if event.key.is_none() => {
                let known = self.config.as_ref().and_then(|config| config.channels.get(channel.index()));
                return check(event, known.and_then(|channel| channel.release_at), decided);
            }
            _ => {}
        }
        Ok(())
    }

    /// When a type begins or ceases to sell. One that was to wait and waits for no time any more begins at once.
    fn window_of(&self, ticket_type: TicketTypeId, open: bool) -> Option<Timestamp> {
        let ticket_type = self.config.as_ref()?.ticket_types.get(ticket_type.index())?;
        let window = &ticket_type.window;
        if open { window.opens_at.or(Some(Timestamp(0))) } else { window.closes_at }
    }
}

/// What time did, against when it was to do so.
fn check(event: &Event, wanted: Option<Timestamp>, decided: Decided) -> Result<(), Violation> {
    let Some(wanted) = wanted else {
        return Err(broken("time does what is configured", format!("{event:?}")));
    };
    let wanted_us = wanted.0.saturating_sub(WALL_BASE_MS) * 1_000;
    let early_us = wanted_us.saturating_sub(decided.at_us);
    if event.at < wanted || early_us > decided.early_us_max() {
        let detail = format!("wanted at {wanted}, {early_us} us early: {event:?}");
        return Err(broken("no sale opens or closes early", detail));
    }
    Ok(())
}
