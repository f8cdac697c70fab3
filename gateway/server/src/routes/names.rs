//! From the names of a request to the indices of the configuration.

use tessera_inventory::{ChannelId, Config, PoolId, RequestError, SectionId, TicketTypeId};

use crate::problem::{self, Problem};
use crate::refusal;

/// The ticket type of this name.
pub(crate) fn ticket_type(config: &Config, name: &str) -> Result<TicketTypeId, Problem> {
    position(config.ticket_types.iter().map(|one| &*one.name), name)
        .map(TicketTypeId)
        .ok_or_else(|| unknown(RequestError::UnknownTicketType, name))
}

/// The pool of this name.
pub(crate) fn pool(config: &Config, name: &str) -> Result<PoolId, Problem> {
    position(config.pools.iter().map(|one| &*one.name), name)
        .map(PoolId)
        .ok_or_else(|| unknown(RequestError::UnknownPool, name))
}

/// The section of this name.
pub(crate) fn section(config: &Config, name: &str) -> Result<SectionId, Problem> {
    position(config.sections.iter().map(|one| &**one), name)
        .map(SectionId)
        .ok_or_else(|| unknown(RequestError::UnknownSection, name))
}

/// The channel of this name.
pub(crate) fn channel(config: &Config, name: &str) -> Result<ChannelId, Problem> {
    position(config.channels.iter().map(|one| &*one.name), name)
        .map(ChannelId)
        .ok_or_else(|| unknown(RequestError::UnknownChannel, name))
}

fn position<'a, N: TryFrom<usize>>(mut names: impl Iterator<Item = &'a str>, name: &str) -> Option<N> {
    names.position(|one| one == name).and_then(|position| N::try_from(position).ok())
}

fn unknown(error: RequestError, name: &str) -> Problem {
    refusal::invalid_request(error).with("name", problem::echoed(name))
}
