//! What only the organizer asks: configuration, kills, channels.

use std::sync::Arc;

use crate::validate;
use crate::{
    ChannelId, Config, EventBody, Inventory, PoolId, Rejection, RequestError, SeatIndex, SeatState, Units,
};

impl Inventory {
    pub(super) fn decide_configure(
        &self,
        expected_version: u32,
        config: &Arc<Config>,
    ) -> Result<EventBody, Rejection> {
        if expected_version != self.version {
            return Err(Rejection::StaleVersion { current: self.version });
        }
        validate::check(config).map_err(Rejection::InvalidConfig)?;
        if !self.is_pristine() {
            validate::check_change(self, config).map_err(Rejection::InvalidConfig)?;
        }
        Ok(EventBody::Configured { version: self.version + 1, config: Arc::clone(config) })
    }

    pub(super) fn decide_kill(&self, units: &Units) -> Result<EventBody, Rejection> {
        match units {
            Units::Pool { pool, quantity } => {
                self.check_pool_units(*pool, *quantity)?;
                let state = self.pools.get(*pool);
                let killable = state.general + state.held + state.sold - state.kill_debt;
                if *quantity > killable {
                    return Err(Rejection::InvalidRequest(RequestError::TooManyUnits));
                }
            }
            Units::Seats(seats) => {
                self.check_seats(seats)?;
                let killed = |seat: &SeatIndex| self.is_killed(*seat);
                let taken: Vec<SeatIndex> = seats.iter().copied().filter(killed).collect();
                if !taken.is_empty() {
                    return Err(Rejection::SeatsTaken { seats: taken });
                }
            }
        }
        Ok(EventBody::UnitsKilled(units.clone()))
    }

    pub(super) fn decide_restore(&self, units: &Units) -> Result<EventBody, Rejection> {
        match units {
            Units::Pool { pool, quantity } => {
                self.check_pool_units(*pool, *quantity)?;
                let state = self.pools.get(*pool);
                let killed = state.killed + state.kill_debt;
                if *quantity > killed {
                    return Err(Rejection::NothingToRestore { killed });
                }
            }
            Units::Seats(seats) => {
                self.check_seats(seats)?;
                let killed = seats.iter().filter(|seat| self.is_killed(**seat)).count();
                if killed < seats.len() {
                    let killed = u32::try_from(killed).unwrap_or(u32::MAX);
                    return Err(Rejection::NothingToRestore { killed });
                }
            }
        }
        Ok(EventBody::UnitsRestored(units.clone()))
    }

    pub(super) fn decide_release_channel(&self, channel: ChannelId) -> Result<EventBody, Rejection> {
        if channel.index() >= self.config.channels.len() || self.released.contains(channel) {
            return Err(Rejection::InvalidRequest(RequestError::UnknownChannel));
        }
        Ok(EventBody::ChannelReleased { channel })
    }

    /// Killed, or to be killed on its return.
    fn is_killed(&self, seat: SeatIndex) -> bool {
        self.seating.state(seat) == SeatState::Killed || self.seats_to_kill.contains(seat)
    }

    fn check_pool_units(&self, pool: PoolId, quantity: u32) -> Result<(), Rejection> {
        if pool.index() >= self.pools.len() {
            return Err(Rejection::InvalidRequest(RequestError::UnknownPool));
        }
        if quantity == 0 {
            return Err(Rejection::InvalidRequest(RequestError::ZeroQuantity));
        }
        Ok(())
    }

    fn check_seats(&self, seats: &[SeatIndex]) -> Result<(), Rejection> {
        if seats.is_empty() {
            return Err(Rejection::InvalidRequest(RequestError::ZeroQuantity));
        }
        if seats.iter().any(|seat| seat.0 >= self.seating.seats()) {
            return Err(Rejection::InvalidRequest(RequestError::UnknownSeat));
        }
        let mut sorted = seats.to_vec();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Rejection::InvalidRequest(RequestError::Duplicate));
        }
        Ok(())
    }
}
