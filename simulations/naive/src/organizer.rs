//! Phases, kills, channels.

use tessera_inventory::{
    ChannelId, ConfigError, EventBody, Phase, PoolId, Rejection, RequestError, SeatIndex, SeatState, Units,
};

use super::{Decided, Model};

fn invalid<T>(error: RequestError) -> Decided<T> {
    Err(vec![Rejection::InvalidRequest(error)])
}

impl Model {
    pub(crate) fn change_phase(&self, to: Phase) -> Decided<EventBody> {
        if self.version == 0 && to != Phase::Cancelled {
            let untold = ConfigError { path: String::new(), problem: String::new() };
            return Err(vec![Rejection::InvalidConfig(untold)]);
        }
        Ok(EventBody::PhaseChanged { to })
    }

    pub(crate) fn release_channel(&self, channel: ChannelId) -> Decided<EventBody> {
        let channels = self.config.as_ref().map_or(0, |config| config.channels.len());
        if channel.index() >= channels || self.released.contains(&channel.0) {
            return invalid(RequestError::UnknownChannel);
        }
        Ok(EventBody::ChannelReleased { channel })
    }

    pub(crate) fn kill(&self, units: &Units) -> Decided<EventBody> {
        match units {
            Units::Pool { pool, quantity } => {
                self.check_pool(*pool, *quantity)?;
                let state = &self.pools[pool.index()];
                // Free ones of the general share now, held and sold ones that no kill waits for when they return.
                let can_be = state.general + self.held_of(*pool) + self.sold_of(*pool) - state.to_kill;
                if *quantity > can_be {
                    return invalid(RequestError::TooManyUnits);
                }
            }
            Units::Seats(seats) => {
                self.check_seats(seats)?;
                let killed: Vec<SeatIndex> =
                    seats.iter().copied().filter(|&seat| self.is_killed(seat)).collect();
                if !killed.is_empty() {
                    return Err(vec![Rejection::SeatsTaken { seats: killed }]);
                }
            }
        }
        Ok(EventBody::UnitsKilled(units.clone()))
    }

    pub(crate) fn restore(&self, units: &Units) -> Decided<EventBody> {
        let (wanted, killed) = match units {
            Units::Pool { pool, quantity } => {
                self.check_pool(*pool, *quantity)?;
                let state = &self.pools[pool.index()];
                (*quantity, state.killed + state.to_kill)
            }
            Units::Seats(seats) => {
                self.check_seats(seats)?;
                let killed = seats.iter().filter(|&&seat| self.is_killed(seat)).count();
                (u32::try_from(seats.len()).unwrap(), u32::try_from(killed).unwrap())
            }
        };
        if wanted > killed {
            return Err(vec![Rejection::NothingToRestore { killed }]);
        }
        Ok(EventBody::UnitsRestored(units.clone()))
    }

    /// Killed, or to be killed when it returns.
    fn is_killed(&self, seat: SeatIndex) -> bool {
        self.seat_state(seat) == SeatState::Killed || self.seats_to_kill.contains(&seat)
    }

    fn check_pool(&self, pool: PoolId, quantity: u32) -> Decided<()> {
        let mut reasons = Vec::new();
        if pool.index() >= self.pools.len() {
            reasons.push(Rejection::InvalidRequest(RequestError::UnknownPool));
        }
        if quantity == 0 {
            reasons.push(Rejection::InvalidRequest(RequestError::ZeroQuantity));
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    fn check_seats(&self, seats: &[SeatIndex]) -> Decided<()> {
        let mut reasons = Vec::new();
        let mut distinct = seats.to_vec();
        distinct.sort();
        distinct.dedup();
        if seats.is_empty() {
            reasons.push(Rejection::InvalidRequest(RequestError::ZeroQuantity));
        }
        if seats.iter().any(|seat| !self.seats().contains(seat)) {
            reasons.push(Rejection::InvalidRequest(RequestError::UnknownSeat));
        }
        if distinct.len() < seats.len() {
            reasons.push(Rejection::InvalidRequest(RequestError::Duplicate));
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }
}
