//! Sequences of commands against the inventory engine; every invariant is checked after each step.

mod config;

use std::num::NonZeroU16;

use arbitrary::{Result, Unstructured};
use tessera_inventory::{
    AccessCode, Authority, ChannelId, ClaimNumber, Command, CommandBody, IdempotencyKey, LineRequest,
    Payment, Phase, PlaceHold, PoolId, ProviderId, RefundAmount, RefundReason, RefundedUnits, SeatIndex,
    SectionId, Subject, Subjects, TicketRef, TicketTypeId, Timestamp, Units, Want, Wishes,
};

use crate::scene::{BEGINNING, Scene};

/// Most steps of one input: more teach nothing that two inputs do not.
const STEPS_MAX: usize = 250;
/// Longest wait of one step, in milliseconds.
const WAIT_MS_MAX: u64 = 20 * 60_000;
/// People of a scene.
const SUBJECTS: u8 = 6;

/// Bytes as a sequence of commands.
///
/// # Panics
/// When a promise is broken.
pub fn run(bytes: &[u8]) {
    played(bytes).restart();
}

/// The scene after this input.
pub(crate) fn played(bytes: &[u8]) -> Scene {
    let mut scene = Scene::new();
    // An input that ends in the middle of a step is one without that step.
    let _ = play(&mut scene, &mut Unstructured::new(bytes));
    scene
}

/// How many events the engine logged for this input: what says whether a corpus is worth its time.
#[must_use]
pub fn events(bytes: &[u8]) -> u64 {
    played(bytes).engine.sequence().0
}

fn play(scene: &mut Scene, bytes: &mut Unstructured<'_>) -> Result<()> {
    open(scene, bytes)?;
    let mut last = None;
    for _ in 0..STEPS_MAX {
        if bytes.is_empty() {
            break;
        }
        step(scene, bytes, &mut last)?;
    }
    Ok(())
}

fn open(scene: &mut Scene, bytes: &mut Unstructured<'_>) -> Result<()> {
    let config = config::config(bytes)?;
    for body in [
        CommandBody::Configure { expected_version: 0, config: config.into() },
        CommandBody::ChangePhase { to: Phase::OnSale },
    ] {
        // A configuration may be refused: then everything after it must be.
        let _ = scene.ask(&Command { authority: Authority::Organizer, key: None, body });
    }
    Ok(())
}

fn step(scene: &mut Scene, bytes: &mut Unstructured<'_>, last: &mut Option<Command>) -> Result<()> {
    match bytes.int_in_range(0..=15_u8)? {
        0 => scene.wait(bytes.int_in_range(0..=WAIT_MS_MAX)?),
        1 => scene.restart(),
        2 => {
            if let Some(command) = &*last {
                let _ = scene.ask(command);
            }
        }
        _ => {
            let body = body(scene, bytes)?;
            let authority = authority(scene, &body, bytes)?;
            let command = Command { authority, key: key(bytes)?, body };
            let _ = scene.ask(&command);
            *last = Some(command);
        }
    }
    Ok(())
}

fn subject(bytes: &mut Unstructured<'_>) -> Result<Subject> {
    let number = u128::from(bytes.int_in_range(0..=SUBJECTS - 1)?);
    Ok(Subject((number + 1) << 64 | (number * 7 + 3)))
}

/// By the right that the command asks for, mostly.
fn authority(scene: &Scene, body: &CommandBody, bytes: &mut Unstructured<'_>) -> Result<Authority> {
    if bytes.ratio(1_u8, 12_u8)? {
        let stranger = Authority::Subject(subject(bytes)?);
        let anyone = [Authority::Organizer, Authority::Scanner, Authority::System, stranger];
        return bytes.choose(&anyone).copied();
    }
    let owner = |claim: ClaimNumber| {
        let view = scene.engine.claim(claim);
        view.map_or(Authority::Organizer, |view| Authority::Subject(view.subject))
    };
    Ok(match body {
        CommandBody::PlaceHold(place) if place.channel.is_none() => {
            Authority::Subject(place.subjects.primary)
        }
        CommandBody::RenewHold { hold }
        | CommandBody::ReleaseHold { hold }
        | CommandBody::BeginPayment { hold, .. }
        | CommandBody::Confirm { order: hold, payment: Payment::Free, .. } => owner(*hold),
        CommandBody::TransferTicket { ticket, .. } => owner(ticket.order),
        // What a provider tells of an attempt.
        CommandBody::Confirm { payment: Payment::Captured { .. }, attempt: Some(_), .. } => Authority::System,
        _ => Authority::Organizer,
    })
}

fn key(bytes: &mut Unstructured<'_>) -> Result<Option<IdempotencyKey>> {
    if bytes.ratio(1_u8, 8_u8)? {
        return Ok(None);
    }
    let minted_at = if bytes.ratio(1_u8, 4_u8)? {
        let ms = bytes.int_in_range(0..=4 * WAIT_MS_MAX)?;
        Some(Timestamp((BEGINNING.0 - 2 * WAIT_MS_MAX) + ms))
    } else {
        None
    };
    Ok(Some(IdempotencyKey {
        // A keyed hash differs in all of its bits.
        digest: u128::from(bytes.arbitrary::<u16>()?).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        fingerprint: bytes.int_in_range(0..=1)?,
        minted_at,
    }))
}

fn provider(bytes: &mut Unstructured<'_>) -> Result<Option<ProviderId>> {
    Ok(NonZeroU16::new(bytes.int_in_range(0..=2)?).map(ProviderId))
}

fn attempt(bytes: &mut Unstructured<'_>) -> Result<Option<u8>> {
    let attempt = bytes.int_in_range(0..=7_u8)?;
    // Mostly none is named; 0 and 4 never were.
    Ok((attempt <= 4).then_some(attempt))
}

/// A claim that is there, mostly.
fn claim(scene: &Scene, bytes: &mut Unstructured<'_>) -> Result<ClaimNumber> {
    let last = scene.engine.sequence().0;
    let back = u64::from(bytes.int_in_range(0..=31_u8)?);
    let wanted = (last + 1).saturating_sub(back);
    let is_there = |number: &u64| scene.engine.claim(ClaimNumber(*number)).is_some();
    let there = if bytes.ratio(1_u8, 16_u8)? { None } else { (0..=wanted).rev().find(is_there) };
    Ok(ClaimNumber(there.unwrap_or(wanted)))
}

fn body(scene: &Scene, bytes: &mut Unstructured<'_>) -> Result<CommandBody> {
    Ok(match bytes.int_in_range(0..=31_u8)? {
        0..=8 | 28..=30 => CommandBody::PlaceHold(place(scene, bytes)?),
        9 => CommandBody::RenewHold { hold: claim(scene, bytes)? },
        10 | 11 => CommandBody::ReleaseHold { hold: claim(scene, bytes)? },
        12..=15 => {
            let count = bytes.int_in_range(0..=4_u8)?.saturating_sub(2);
            let extra_subjects = (0..count).map(|_| subject(bytes)).collect::<Result<_>>()?;
            CommandBody::BeginPayment {
                hold: claim(scene, bytes)?,
                provider: provider(bytes)?,
                extra_subjects,
            }
        }
        16 => CommandBody::PaymentFailed { order: claim(scene, bytes)?, attempt: attempt(bytes)? },
        17..=19 => CommandBody::Confirm {
            order: claim(scene, bytes)?,
            payment: payment(bytes)?,
            attempt: attempt(bytes)?,
        },
        20 => CommandBody::RefundTickets {
            order: claim(scene, bytes)?,
            tickets: (0..bytes.int_in_range(0..=3_u8)?).map(|_| index(bytes)).collect::<Result<_>>()?,
            amount: RefundAmount::Full,
            reason: RefundReason::Organizer,
            units: *bytes.choose(&[RefundedUnits::Restock, RefundedUnits::Kill])?,
        },
        21 => CommandBody::Kill(units(bytes)?),
        22 => CommandBody::Restore(units(bytes)?),
        23 => CommandBody::ReleaseChannel { channel: ChannelId(bytes.int_in_range(0..=3)?) },
        24 => CommandBody::TransferTicket { ticket: ticket(scene, bytes)?, to: subject(bytes)? },
        25 => {
            let (ticket, generation, gate) =
                (ticket(scene, bytes)?, bytes.int_in_range(0..=2)?, bytes.arbitrary()?);
            if bytes.arbitrary()? {
                CommandBody::CheckIn { ticket, generation, gate }
            } else {
                CommandBody::CheckOut { ticket, generation, gate }
            }
        }
        26 => CommandBody::ChangePhase { to: phase(bytes)? },
        _ => {
            let version = scene.engine.config().map_or(0, |(version, _)| version);
            let expected_version = if bytes.ratio(1_u8, 8_u8)? { bytes.arbitrary()? } else { version };
            CommandBody::Configure { expected_version, config: config::changed(scene, bytes)?.into() }
        }
    })
}

fn phase(bytes: &mut Unstructured<'_>) -> Result<Phase> {
    use Phase::{Cancelled, Closed, Draft, OnSale, Paused, Presale, Scheduled};
    // Nothing is sold after some of them.
    let ends = [Paused, Closed, Cancelled, Draft];
    if bytes.ratio(1_u8, 8_u8)? {
        bytes.choose(&ends).copied()
    } else {
        bytes.choose(&[OnSale, OnSale, Scheduled, Presale]).copied()
    }
}

fn index(bytes: &mut Unstructured<'_>) -> Result<u16> {
    if bytes.ratio(1_u8, 16_u8)? { bytes.arbitrary() } else { bytes.int_in_range(0..=5) }
}

fn ticket(scene: &Scene, bytes: &mut Unstructured<'_>) -> Result<TicketRef> {
    Ok(TicketRef { order: claim(scene, bytes)?, index: index(bytes)? })
}

fn payment(bytes: &mut Unstructured<'_>) -> Result<Payment> {
    Ok(match bytes.int_in_range(0..=3_u8)? {
        0 => Payment::Free,
        1 => Payment::Offline,
        _ => Payment::Captured { reference: u128::from(bytes.arbitrary::<u8>()?) },
    })
}

fn seats(bytes: &mut Unstructured<'_>) -> Result<Vec<SeatIndex>> {
    let count = bytes.int_in_range(0..=5_u8)?;
    let far = bytes.ratio(1_u8, 32_u8)?;
    let seat = |bytes: &mut Unstructured<'_>| {
        if far { bytes.arbitrary() } else { bytes.int_in_range(0..=63_u32) }
    };
    (0..count).map(|_| seat(bytes).map(SeatIndex)).collect()
}

fn units(bytes: &mut Unstructured<'_>) -> Result<Units> {
    if bytes.arbitrary()? {
        return seats(bytes).map(Units::Seats);
    }
    let quantity = if bytes.ratio(1_u8, 8_u8)? { bytes.arbitrary()? } else { bytes.int_in_range(0..=9)? };
    Ok(Units::Pool { pool: PoolId(bytes.int_in_range(0..=3)?), quantity })
}

fn place(scene: &Scene, bytes: &mut Unstructured<'_>) -> Result<PlaceHold> {
    let extra = if bytes.ratio(1_u8, 4_u8)? { bytes.int_in_range(0..=4_u8)? } else { 0 };
    let subjects = Subjects {
        primary: subject(bytes)?,
        extra: (0..extra).map(|_| subject(bytes)).collect::<Result<_>>()?,
    };
    let count = match bytes.int_in_range(0..=31_u8)? {
        0 => bytes.int_in_range(0..=20_u8)?,
        1..=8 => 2,
        _ => 1,
    };
    Ok(PlaceHold {
        subjects,
        lines: (0..count).map(|_| line(scene, bytes)).collect::<Result<_>>()?,
        access_code: code(bytes)?,
        channel: if bytes.ratio(1_u8, 8_u8)? { Some(ChannelId(bytes.int_in_range(0..=3)?)) } else { None },
        duration_ms: if bytes.ratio(1_u8, 8_u8)? { Some(bytes.arbitrary()?) } else { None },
        promotion: None,
        expected_total_minor: None,
    })
}

/// The codes of channels and of the hidden type, and one of nothing.
fn code(bytes: &mut Unstructured<'_>) -> Result<Option<AccessCode>> {
    let known = [0x100, 0x101, 0x200, 0x200, 0x999];
    if bytes.ratio(1_u8, 4_u8)? { Ok(Some(AccessCode(*bytes.choose(&known)?))) } else { Ok(None) }
}

/// A wish that suits its type, mostly.
fn line(scene: &Scene, bytes: &mut Unstructured<'_>) -> Result<LineRequest> {
    let types = scene.engine.config().map_or(&[][..], |(_, config)| &config.ticket_types);
    let last = u16::try_from(types.len()).unwrap_or(u16::MAX).saturating_sub(1);
    let ticket_type =
        if bytes.ratio(1_u8, 16_u8)? { bytes.arbitrary()? } else { bytes.int_in_range(0..=last)? };
    let is_seated = types.get(usize::from(ticket_type)).is_some_and(|known| known.category.is_some());
    let quantity = if bytes.ratio(1_u8, 8_u8)? { index(bytes)? } else { bytes.int_in_range(1..=3)? };
    let want = match (is_seated, bytes.int_in_range(0..=15_u8)?) {
        (_, 0) => Want::Quantity(quantity),
        (_, 1..=3) => Want::Seats(seats(bytes)?),
        (false, 4..) => Want::Quantity(quantity),
        (true, 4..=9) => {
            Want::Together { quantity, wishes: Wishes { accept_split: true, ..Wishes::default() } }
        }
        (true, 10..) => Want::Together { quantity, wishes: wishes(bytes)? },
    };
    let is_open = matches!(want, Want::Together { .. }) && bytes.ratio(1_u8, 4_u8)?;
    let ticket_type = if is_open { None } else { Some(TicketTypeId(ticket_type)) };
    let expected_price_minor = if bytes.ratio(1_u8, 16_u8)? { Some(bytes.arbitrary()?) } else { None };
    Ok(LineRequest { ticket_type, expected_price_minor, want })
}

fn wishes(bytes: &mut Unstructured<'_>) -> Result<Wishes> {
    Ok(Wishes {
        section: if bytes.ratio(1_u8, 4_u8)? { Some(SectionId(bytes.int_in_range(0..=2)?)) } else { None },
        price_minor_max: if bytes.ratio(1_u8, 4_u8)? { Some(bytes.int_in_range(0..=60)?) } else { None },
        accessible: bytes.int_in_range(0..=5_u8)?.saturating_sub(3),
        accept_split: bytes.arbitrary()?,
    })
}
