//! What a code or a role opens: hidden types, the presale, a channel.

use crate::windows::Window;
use crate::{
    AccessCode, Authority, ChannelId, Inventory, Phase, PlaceHold, Rejection, RequestError, TicketType,
    TicketTypeId,
};

/// What the caller of a hold may see and draw on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    code: Option<AccessCode>,
    is_organizer: bool,
    /// A channel is named, or the code is that of one, released or not.
    knows_channel: bool,
    /// The unreleased channel that the hold draws on.
    pub(super) channel: Option<ChannelId>,
}

impl Access {
    pub(super) fn is_organizer(&self) -> bool {
        self.is_organizer
    }
}

impl Inventory {
    /// What a hold that was placed before may draw on now: what it was opened by then opens it again.
    pub(super) fn access_again(&self, channel: Option<ChannelId>) -> Access {
        let is_left =
            |id: &ChannelId| id.index() < self.config.channels.len() && !self.released.contains(*id);
        Access { code: None, is_organizer: true, knows_channel: true, channel: channel.filter(is_left) }
    }

    /// What the code shown opens, and the channel that the organizer named; a code that opens nothing is refused.
    pub(super) fn access(&self, authority: Authority, request: &PlaceHold) -> Result<Access, Rejection> {
        let (code, named) = (request.access_code, request.channel);
        if named.is_some_and(|id| id.index() >= self.config.channels.len() || self.released.contains(id)) {
            return Err(Rejection::InvalidRequest(RequestError::UnknownChannel));
        }
        let mut channels = (0_u8..).map(ChannelId).zip(&self.config.channels);
        let of_code =
            code.and_then(|code| channels.find(|(_, channel)| channel.code == code).map(|(id, _)| id));
        let opens_type = || self.config.ticket_types.iter().any(|known| known.access_code == code);
        if code.is_some() && of_code.is_none() && !opens_type() {
            return Err(Rejection::AccessCodeRequired);
        }
        let channel = named.or(of_code);
        Ok(Access {
            code,
            is_organizer: authority == Authority::Organizer,
            knows_channel: channel.is_some(),
            channel: channel.filter(|&id| !self.released.contains(id)),
        })
    }

    /// The ticket type, if it sells to this caller now.
    pub(super) fn sold_type(&self, id: TicketTypeId, access: &Access) -> Result<&TicketType, Rejection> {
        let Some(ticket_type) = self.config.ticket_type(id) else {
            return Err(Rejection::InvalidRequest(RequestError::UnknownTicketType));
        };
        let opened = match ticket_type.access_code {
            Some(needed) => access.code == Some(needed),
            None => self.phase != Phase::Presale || access.knows_channel,
        };
        if !opened && !access.is_organizer {
            return Err(Rejection::AccessCodeRequired);
        }
        match self.windows.get(id) {
            Window::Open => Ok(ticket_type),
            Window::Before => {
                Err(Rejection::NotOnSale { ticket_type: id, opens_at: ticket_type.window.opens_at })
            }
            Window::After => Err(Rejection::NotOnSale { ticket_type: id, opens_at: None }),
        }
    }
}
