//! A configuration as a message, and back.

mod hall;
mod tariff;

use prost::Message;
use tessera_inventory::{
    AccessCode, Category, CategoryId, Channel, Config, HoldPolicy, Point, Pool, PoolId, SaleWindow, Schedule,
    SeatingPolicy, TicketKind, TicketType, Timestamp,
};

use crate::{
    RecordError, entry,
    error::malformed,
    waitlist,
    wide::{halves, narrow, narrow_option, whole},
    wire,
};

/// A whole configuration by itself, outside of any event.
#[must_use]
pub fn encode_config(config: &Config) -> Vec<u8> {
    to_wire(config).encode_to_vec()
}

/// The configuration that `bytes` are.
///
/// # Errors
/// [`RecordError`] where they say no configuration, or more than this binary knows of.
pub fn decode_config(bytes: &[u8]) -> Result<Config, RecordError> {
    let message = wire::Config::decode(bytes)?;
    if message.encoded_len() != bytes.len() {
        return Err(malformed("a configuration says nothing that this binary does not know"));
    }
    from_wire(message)
}

/// The message that says `config`.
pub(crate) fn to_wire(config: &Config) -> wire::Config {
    let mut message = wire::Config {
        currency: config.currency.to_vec(),
        pools: config
            .pools
            .iter()
            .map(|pool| wire::Pool { name: pool.name.to_string(), capacity: pool.capacity })
            .collect(),
        categories: config.categories.iter().map(category_message).collect(),
        sections: config.sections.iter().map(ToString::to_string).collect(),
        channels: config.channels.iter().map(channel_message).collect(),
        ticket_types: config.ticket_types.iter().map(ticket_type_message).collect(),
        units_per_subject_max: config.units_per_subject_max,
        hold_duration_ms: config.hold.duration_ms,
        hold_renewals_max: config.hold.renewals_max.into(),
        hold_life_ms_max: config.hold.life_ms_max,
        hold_grace_ms: config.hold.grace_ms,
        stranding_allowed: config.seating.stranding_allowed,
        companions_max: config.seating.companions_max.into(),
        accessible_released: config.seating.accessible_released,
        presale_at_ms: milliseconds(config.schedule.presale_at),
        on_sale_at_ms: milliseconds(config.schedule.on_sale_at),
        closes_at_ms: milliseconds(config.schedule.closes_at),
        tariff: config.tariff.as_deref().map(tariff::to_wire),
        entry: entry::lists_to_wire(&config.entry),
        waitlist: config.waitlist.as_deref().map(waitlist::policy_to_wire),
        ..wire::Config::default()
    };
    hall::put_rows(&mut message, &config.rows);
    message
}

/// The configuration that `message` says.
pub(crate) fn from_wire(mut message: wire::Config) -> Result<Config, RecordError> {
    let rows = hall::rows(&mut message)?;
    Ok(Config {
        currency: message.currency.try_into().map_err(|_| malformed("a currency is three letters"))?,
        pools: message
            .pools
            .into_iter()
            .map(|pool| Pool { name: pool.name.into(), capacity: pool.capacity })
            .collect(),
        categories: message.categories.into_iter().map(category).collect(),
        sections: message.sections.into_iter().map(Into::into).collect(),
        rows,
        channels: message.channels.into_iter().map(channel).collect::<Result<_, _>>()?,
        ticket_types: message.ticket_types.into_iter().map(ticket_type).collect::<Result<_, _>>()?,
        units_per_subject_max: message.units_per_subject_max,
        hold: HoldPolicy {
            duration_ms: message.hold_duration_ms,
            renewals_max: narrow(message.hold_renewals_max, "renewals are at most 255")?,
            life_ms_max: message.hold_life_ms_max,
            grace_ms: message.hold_grace_ms,
        },
        seating: SeatingPolicy {
            stranding_allowed: message.stranding_allowed,
            companions_max: narrow(message.companions_max, "companions are at most 255")?,
            accessible_released: message.accessible_released,
        },
        schedule: Schedule {
            presale_at: message.presale_at_ms.map(Timestamp),
            on_sale_at: message.on_sale_at_ms.map(Timestamp),
            closes_at: message.closes_at_ms.map(Timestamp),
        },
        tariff: message.tariff.map(|tariff| tariff::from_wire(tariff).map(Box::new)).transpose()?,
        entry: entry::lists_from_wire(message.entry)?,
        waitlist: message
            .waitlist
            .map(|policy| waitlist::policy_from_wire(&policy).map(Box::new))
            .transpose()?,
    })
}

fn milliseconds(at: Option<Timestamp>) -> Option<u64> {
    at.map(|at| at.0)
}

fn code_message(code: AccessCode) -> wire::Code {
    let (high, low) = halves(code.0);
    wire::Code { high, low }
}

fn code(message: wire::Code) -> AccessCode {
    AccessCode(whole(message.high, message.low))
}

fn category_message(category: &Category) -> wire::Category {
    wire::Category {
        name: category.name.to_string(),
        focal_x_mm: category.focal_point.x_mm,
        focal_y_mm: category.focal_point.y_mm,
    }
}

fn category(message: wire::Category) -> Category {
    let focal_point = Point { x_mm: message.focal_x_mm, y_mm: message.focal_y_mm };
    Category { name: message.name.into(), focal_point }
}

fn channel_message(channel: &Channel) -> wire::Channel {
    wire::Channel {
        name: channel.name.to_string(),
        code: Some(code_message(channel.code)),
        allotments: channel.allotments.iter().flat_map(|(pool, units)| [pool.0.into(), *units]).collect(),
        release_at_ms: milliseconds(channel.release_at),
    }
}

fn channel(message: wire::Channel) -> Result<Channel, RecordError> {
    let (pairs, rest) = message.allotments.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed("allotments are pairs of pool and units"));
    }
    Ok(Channel {
        code: code(message.code.ok_or(malformed("a channel has a code"))?),
        allotments: pairs
            .iter()
            .map(|[pool, units]| Ok((PoolId(narrow(*pool, "a pool is at most 65535")?), *units)))
            .collect::<Result<_, RecordError>>()?,
        release_at: message.release_at_ms.map(Timestamp),
        name: message.name.into(),
    })
}

fn ticket_type_message(ticket_type: &TicketType) -> wire::TicketType {
    let (kind, with_admission_max) = match ticket_type.kind {
        TicketKind::Admission => (wire::TicketKind::Admission, 0),
        TicketKind::AddOn { with_admission_max } => (wire::TicketKind::AddOn, with_admission_max.into()),
    };
    wire::TicketType {
        kind: kind.into(),
        with_admission_max,
        name: ticket_type.name.to_string(),
        price_minor: ticket_type.price_minor,
        opens_at_ms: milliseconds(ticket_type.window.opens_at),
        closes_at_ms: milliseconds(ticket_type.window.closes_at),
        per_order_min: ticket_type.per_order_min.into(),
        per_order_max: ticket_type.per_order_max.into(),
        per_subject_max: ticket_type.per_subject_max,
        access_code: ticket_type.access_code.map(code_message),
        category: ticket_type.category.map(|category| category.0.into()),
        draws_on: ticket_type.draws_on.iter().map(|pool| pool.0.into()).collect(),
    }
}

fn kind(message: &wire::TicketType) -> Result<TicketKind, RecordError> {
    let with_admission_max = narrow(message.with_admission_max, "a quantity is at most 65535")?;
    match (wire::TicketKind::try_from(message.kind), with_admission_max) {
        (Ok(wire::TicketKind::Admission), 0) => Ok(TicketKind::Admission),
        (Ok(wire::TicketKind::AddOn), _) => Ok(TicketKind::AddOn { with_admission_max }),
        _ => Err(malformed("a ticket is an admission or an add-on")),
    }
}

fn ticket_type(message: wire::TicketType) -> Result<TicketType, RecordError> {
    let draws_on = message.draws_on.iter();
    Ok(TicketType {
        kind: kind(&message)?,
        price_minor: message.price_minor,
        window: SaleWindow {
            opens_at: message.opens_at_ms.map(Timestamp),
            closes_at: message.closes_at_ms.map(Timestamp),
        },
        per_order_min: narrow(message.per_order_min, "a quantity is at most 65535")?,
        per_order_max: narrow(message.per_order_max, "a quantity is at most 65535")?,
        per_subject_max: message.per_subject_max,
        access_code: message.access_code.map(code),
        category: narrow_option(message.category, "a category is at most 65535")?.map(CategoryId),
        draws_on: draws_on
            .map(|&pool| narrow(pool, "a pool is at most 65535").map(PoolId))
            .collect::<Result<_, _>>()?,
        name: message.name.into(),
    })
}
