//! Requests for holds: mostly sensible ones, with every mistake in between.

use tessera_inventory::{
    AccessCode, CategoryId, ChannelId, Config, EXTRA_SUBJECTS_MAX, LineRequest, Phase, PlaceHold, SeatIndex,
    SectionId, Subject, Subjects, TicketTypeId, Want, Wishes,
};
use tessera_naive::hall::Place;

use super::View;
use crate::catalogue::draw::{NO_CODE, TYPE_CODE, channel_code};
use crate::catalogue::{SUBJECTS, subject};
use crate::prng::Prng;

/// What a buyer, or the box office for one, wants to hold; nothing before there is anything to be seen.
pub(super) fn hold(
    prng: &mut Prng,
    view: View<'_>,
    primary: Subject,
    is_box_office: bool,
) -> Option<PlaceHold> {
    let Some(config) = view.model.config.as_deref() else {
        // Nothing is announced yet: the first type, whatever it will be.
        let line = LineRequest {
            ticket_type: Some(TicketTypeId(0)),
            expected_price_minor: None,
            want: Want::Quantity(1),
        };
        return Some(request(primary, vec![line]));
    };
    let count = match prng.between(0, 999) {
        0 if view.mix.strays > 0 => [0, 17][prng.index(2)],
        _ if prng.chance(view.mix.lines) => prng.between(2, 3),
        _ => 1,
    };
    let lines: Vec<LineRequest> = (0..count).map(|_| line(prng, view, config)).collect();
    let access_code = code(prng, view, config, &lines);
    let extra = fingerprints(prng, view);
    let duration_ms = prng.chance(view.mix.durations).then(|| {
        let longest = config.hold.duration_ms;
        if prng.chance(200) { prng.between(30_000, 2 * longest) } else { prng.between(60_000, longest) }
    });
    let channel = (is_box_office && prng.chance(800)).then(|| ChannelId(prng.small(3)));
    Some(PlaceHold {
        subjects: Subjects { primary, extra },
        access_code,
        channel,
        duration_ms,
        ..request(primary, lines)
    })
}

fn request(primary: Subject, lines: Vec<LineRequest>) -> PlaceHold {
    let subjects = Subjects { primary, extra: Vec::new() };
    PlaceHold {
        subjects,
        lines,
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    }
}

/// Who else a hold or a payment counts against.
pub(super) fn fingerprints(prng: &mut Prng, view: View<'_>) -> Vec<Subject> {
    if !prng.chance(view.mix.fingerprints) {
        return Vec::new();
    }
    let most = EXTRA_SUBJECTS_MAX as u64 + u64::from(prng.chance(50));
    (0..prng.between(1, most)).map(|_| subject(prng.index(SUBJECTS))).collect()
}

fn code(prng: &mut Prng, view: View<'_>, config: &Config, lines: &[LineRequest]) -> Option<AccessCode> {
    let types = lines.iter().filter_map(|line| config.ticket_types.get(line.ticket_type?.index()));
    let wants_hidden = types.into_iter().any(|known| known.access_code.is_some());
    let any = |prng: &mut Prng| Some(channel_code(prng.small(2)));
    match view.model.phase {
        _ if prng.chance(view.mix.codes) => {
            [Some(NO_CODE), Some(TYPE_CODE), any(prng), any(prng)][prng.index(4)]
        }
        _ if wants_hidden && prng.chance(900) => Some(TYPE_CODE),
        Phase::Presale if prng.chance(850) => any(prng),
        _ => None,
    }
}

fn line(prng: &mut Prng, view: View<'_>, config: &Config) -> LineRequest {
    let wants_standing = prng.chance(view.mix.standing);
    let suits = |at: &usize| config.ticket_types[*at].category.is_none() == wants_standing;
    let suiting: Vec<usize> = (0..config.ticket_types.len()).filter(suits).collect();
    let at = match suiting.len() {
        0 => prng.index(config.ticket_types.len()),
        count => suiting[prng.index(count)],
    };
    let known = &config.ticket_types[at];
    let is_stray = prng.chance(view.mix.strays / 8);
    let want = match known.category.is_some() != (is_stray && prng.chance(300)) {
        false => Want::Quantity(quantity(prng, is_stray)),
        true if prng.chance(view.mix.exact) => Want::Seats(seats(prng, view, known.category, is_stray)),
        true => together(prng, config, is_stray),
    };
    let is_any = matches!(want, Want::Together { .. }) && prng.chance(100);
    let id = if is_stray && prng.chance(150) { 9 } else { u16::try_from(at).unwrap_or(0) };
    let expected_price_minor =
        prng.chance(view.mix.prices).then(|| known.price_minor + i64::from(prng.chance(100)));
    LineRequest { ticket_type: (!is_any).then_some(TicketTypeId(id)), expected_price_minor, want }
}

fn quantity(prng: &mut Prng, is_stray: bool) -> u16 {
    let number = match prng.between(0, 9) {
        _ if is_stray && prng.chance(400) => [0, 60][prng.index(2)],
        0..5 => prng.between(1, 2),
        5..9 => prng.between(1, 4),
        _ => prng.between(4, 9),
    };
    u16::try_from(number).unwrap_or(1)
}

fn together(prng: &mut Prng, config: &Config, is_stray: bool) -> Want {
    let accessible = if prng.chance(100) { 1 + prng.small(2) } else { 0 };
    let most = u16::from(accessible) * (1 + u16::from(config.seating.companions_max));
    let quantity = match accessible {
        0 => quantity(prng, is_stray),
        _ if is_stray => 1 + quantity(prng, false),
        _ => u16::from(accessible).max(u16::try_from(prng.between(1, u64::from(most))).unwrap_or(1)),
    };
    let sections = u8::try_from(config.sections.len()).unwrap_or(1) + u8::from(is_stray);
    let wishes = Wishes {
        section: prng.chance(250).then(|| SectionId(u16::from(prng.small(sections)))),
        price_minor_max: prng.chance(150).then(|| prng.between(0, 60).cast_signed()),
        accessible,
        accept_split: prng.chance(500),
    };
    Want::Together { quantity, wishes }
}

/// Seats beside one another, mostly free ones, now and then with a stranger or a repetition.
fn seats(prng: &mut Prng, view: View<'_>, category: Option<CategoryId>, is_stray: bool) -> Vec<SeatIndex> {
    let places = view.model.hall().map(|hall| hall.places).unwrap_or_default();
    let takes_any = prng.chance(300);
    let suits = |place: &&Place| Some(place.seat.category) == category && (place.is_free || takes_any);
    let suiting: Vec<SeatIndex> = places.iter().filter(suits).map(|place| place.index).collect();
    if suiting.is_empty() {
        return vec![SeatIndex(0)];
    }
    let from = prng.index(suiting.len());
    let length = usize::try_from(prng.between(1, 4)).unwrap_or(1);
    let mut chosen: Vec<SeatIndex> = suiting.iter().skip(from).take(length).copied().collect();
    if is_stray {
        let stranger = SeatIndex(u32::try_from(prng.index(places.len() + 1)).unwrap_or(0));
        chosen.push(if prng.chance(500) { chosen[0] } else { stranger });
    }
    chosen
}
