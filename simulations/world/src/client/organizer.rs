//! The organizer's commands, made when their time comes.

use std::sync::Arc;

use tessera_inventory::{ChannelId, CommandBody, PoolId, SeatIndex, Units};

use super::View;
use crate::catalogue;
use crate::plan::{Duty, Venue};
use crate::prng::Prng;

pub(super) fn fulfil(prng: &mut Prng, view: View<'_>, duty: Duty) -> CommandBody {
    let model = view.model;
    match (duty, &model.config) {
        (Duty::Phase(to), _) => CommandBody::ChangePhase { to },
        (Duty::Raise, Some(config)) => CommandBody::Configure {
            expected_version: model.version,
            config: catalogue::raised(config).into(),
        },
        (Duty::Edit, Some(config)) => {
            let stale = u32::from(prng.chance(100));
            let mut edited = catalogue::edit::edited(prng, config);
            if view.mix.waits + view.mix.offline > 0 && prng.chance(400) {
                catalogue::crowd::edit(prng, &mut edited);
            }
            CommandBody::Configure { expected_version: model.version + stale, config: Arc::new(edited) }
        }
        (Duty::Configure | Duty::Raise | Duty::Edit, _) => {
            let config = match view.venue {
                Venue::Small(capacity) => catalogue::small(capacity),
                Venue::Lined(capacity, order) => catalogue::lined(capacity, order),
                Venue::Drawn(number) => catalogue::draw::config(&mut Prng::new(number)),
            };
            CommandBody::Configure { expected_version: model.version, config: Arc::new(config) }
        }
        (Duty::Kill, _) => CommandBody::Kill(units(prng, view, false)),
        (Duty::Restore, _) => CommandBody::Restore(units(prng, view, true)),
        (Duty::ReleaseChannel, _) => CommandBody::ReleaseChannel { channel: ChannelId(prng.small(2)) },
    }
}

/// Some units, of those that are withdrawn or of any.
fn units(prng: &mut Prng, view: View<'_>, killed: bool) -> Units {
    let model = view.model;
    let seats: Vec<SeatIndex> = if killed {
        model.killed_seats.iter().chain(&model.seats_to_kill).copied().collect()
    } else {
        model.seats()
    };
    if !seats.is_empty() && prng.chance(500) {
        let count = prng.between(1, 2);
        return Units::Seats((0..count).map(|_| seats[prng.index(seats.len())]).collect());
    }
    let pool = PoolId(u16::try_from(prng.index(model.pools.len().max(1))).unwrap_or(0));
    Units::Pool { pool, quantity: u32::try_from(prng.between(1, 3)).unwrap_or(1) }
}
