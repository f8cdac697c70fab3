//! Random requests for holds.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use tessera_inventory::{
    AccessCode, Authority, ChannelId, CommandBody, Config, LineRequest, Phase, PlaceHold, PromotionClaim,
    SeatIndex, SectionId, Subject, Subjects, TicketTypeId, Want, Wishes,
};
use tessera_naive::Model;

use crate::tariffs::promotion_code;
use crate::world::{NO_CODE, SUBJECTS, TYPE_CODE, channel_code, subject};

pub(super) fn place(model: &Model) -> BoxedStrategy<(CommandBody, Authority)> {
    let Some(config) = &model.config else {
        let nothing = request(subject(0), vec![], vec![], None, None, None);
        return Just((nothing, Authority::Organizer)).boxed();
    };
    let lines = prop_oneof![
        1 => Just(vec![]),
        60 => prop::collection::vec(line(model, config), 1),
        25 => prop::collection::vec(line(model, config), 2),
        15 => prop::collection::vec(line(model, config), 3),
        1 => prop::collection::vec(line(model, config), 17),
    ];
    let longest = config.hold.duration_ms;
    let duration = prop_oneof![
        20 => Just(None),
        4 => (60_000..=longest.max(60_000)).prop_map(Some),
        1 => (30_000_u64..400_000).prop_map(Some),
    ];
    let some = || subsequence((0..SUBJECTS).map(subject).collect::<Vec<_>>(), 1..4);
    let extra = prop_oneof![
        40 => Just(vec![]),
        10 => some(),
        1 => prop::collection::vec((0..SUBJECTS).prop_map(subject), 1..5),
    ];
    // Few buyers meet their limits sooner.
    let primary = prop_oneof![2 => 0..4_u128, 1 => 0..SUBJECTS].prop_map(subject);
    let hidden: Vec<bool> = config.ticket_types.iter().map(|known| known.access_code.is_some()).collect();
    let is_presale = model.phase == Phase::Presale;
    // Only the organizer may name a channel.
    let by_organizer = prop::bool::weighted(0.1).prop_flat_map(|by_organizer| {
        let named = if by_organizer { 0.3 } else { 0.01 };
        (Just(by_organizer), prop::option::weighted(named, (0_u8..3).prop_map(ChannelId)))
    });
    let pricing = (promotion(), prop::option::weighted(0.05, 0_i64..200));
    (primary, extra, lines, codes(), duration, by_organizer, pricing)
        .prop_map(move |(primary, extra, lines, codes, duration_ms, (by_organizer, channel), pricing)| {
            let named = lines.iter().filter_map(|line| line.ticket_type);
            let wants_hidden = named.filter_map(|id| hidden.get(id.index())).any(|&hidden| hidden);
            let code = if wants_hidden { codes.hidden } else { codes.public };
            let code = if is_presale && !wants_hidden { codes.presale } else { code };
            let authority = if by_organizer { Authority::Organizer } else { Authority::Subject(primary) };
            let body = request(primary, extra, lines, code, channel, duration_ms);
            (priced(body, pricing.0, pricing.1), authority)
        })
        .boxed()
}

fn request(
    primary: Subject,
    extra: Vec<Subject>,
    lines: Vec<LineRequest>,
    access_code: Option<AccessCode>,
    channel: Option<ChannelId>,
    duration_ms: Option<u64>,
) -> CommandBody {
    CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary, extra },
        lines,
        access_code,
        channel,
        duration_ms,
        promotion: None,
        expected_total_minor: None,
    })
}

/// Names a promotion in a request, and a total.
fn priced(body: CommandBody, promotion: Option<PromotionClaim>, total: Option<i64>) -> CommandBody {
    match body {
        CommandBody::PlaceHold(request) => {
            CommandBody::PlaceHold(PlaceHold { promotion, expected_total_minor: total, ..request })
        }
        other => other,
    }
}

/// Codes of promotions that there are, and of one that there is not, with and without a number.
fn promotion() -> impl Strategy<Value = Option<PromotionClaim>> {
    let claim = (0_usize..4, prop::option::weighted(0.4, 0_u32..5))
        .prop_map(|(number, serial)| PromotionClaim { code: AccessCode(promotion_code(number)), serial });
    prop::option::weighted(0.4, claim)
}

/// The code that is shown, depending on what is wanted.
#[derive(Clone, Debug)]
struct Codes {
    public: Option<AccessCode>,
    hidden: Option<AccessCode>,
    presale: Option<AccessCode>,
}

fn codes() -> impl Strategy<Value = Codes> {
    let channel = || (0_u8..2).prop_map(|channel| Some(channel_code(channel)));
    let public =
        prop_oneof![40 => Just(None), 12 => channel(), 2 => Just(Some(TYPE_CODE)), 1 => Just(Some(NO_CODE))];
    let hidden = prop_oneof![10 => Just(Some(TYPE_CODE)), 1 => Just(None), 1 => channel()];
    let presale = prop_oneof![1 => Just(None), 6 => channel()];
    (public, hidden, presale).prop_map(|(public, hidden, presale)| Codes { public, hidden, presale })
}

fn line(model: &Model, config: &Config) -> BoxedStrategy<LineRequest> {
    let seats = u32::try_from(model.seats().len()).unwrap();
    let places = model.hall().map(|hall| hall.places).unwrap_or_default();
    let known: Vec<(u16, i64, Option<Vec<u32>>)> = (0_u16..)
        .zip(&config.ticket_types)
        .map(|(id, known)| {
            let of_category = |category| {
                let suits = places.iter().filter(|place| place.seat.category == category);
                suits.map(|place| place.index.0).collect()
            };
            (id, known.price_minor, known.category.map(of_category))
        })
        .collect();
    let companions_max = config.seating.companions_max;
    select(known)
        .prop_flat_map(move |(id, price, own)| {
            let price = prop_oneof![
                10 => Just(None),
                5 => Just(Some(price)),
                1 => (0_i64..3).prop_map(move |off| Some(price + off)),
            ];
            let named = prop_oneof![40 => Just(Some(id)), 1 => Just(None), 1 => (0_u16..9).prop_map(Some)];
            (named, price, want(own.as_deref(), seats, companions_max), prop::bool::weighted(0.2))
        })
        .prop_map(|(named, expected_price_minor, want, is_any)| {
            let is_any = is_any && matches!(want, Want::Together { .. });
            LineRequest {
                ticket_type: named.filter(|_| !is_any).map(TicketTypeId),
                expected_price_minor,
                want,
            }
        })
        .boxed()
}

/// What a line wants of a type with the seats `own`, or of a standing one.
fn want(own: Option<&[u32]>, seats: u32, companions_max: u8) -> BoxedStrategy<Want> {
    let quantity = prop_oneof![60 => 1_u16..5, 8 => 5_u16..9, 1 => Just(0), 1 => 20_u16..60].boxed();
    let standing = quantity.clone().prop_map(Want::Quantity);
    let of_type = own.filter(|own| !own.is_empty()).map(<[u32]>::to_vec);
    let run = run(of_type.unwrap_or_else(|| (0..seats).collect()), seats);
    let together = prop_oneof![
        5 => together(quantity, Just(0)),
        1 => (1_u8..3).prop_flat_map(move |spaces| {
            let most = u16::from(spaces) * (1 + u16::from(companions_max));
            together((u16::from(spaces)..=most).boxed(), Just(spaces))
        }),
        1 => together((1_u16..6).boxed(), 0_u8..3),
    ];
    if own.is_some() {
        prop_oneof![12 => together, 10 => run, 1 => standing].boxed()
    } else {
        prop_oneof![22 => standing, 1 => together, 1 => run].boxed()
    }
}

fn together(
    quantity: BoxedStrategy<u16>,
    accessible: impl Strategy<Value = u8> + 'static,
) -> BoxedStrategy<Want> {
    let section = prop_oneof![16 => Just(None), 6 => (0_u16..2).prop_map(Some), 1 => Just(Some(2))];
    let ceiling = prop::option::weighted(0.15, 0_i64..60);
    (quantity, section, ceiling, accessible, any::<bool>())
        .prop_map(|(quantity, section, price_minor_max, accessible, accept_split)| {
            let section = section.map(SectionId);
            Want::Together { quantity, wishes: Wishes { section, price_minor_max, accessible, accept_split } }
        })
        .boxed()
}

/// Seats beside each other, now and then with a stranger or a repetition.
fn run(own: Vec<u32>, seats: u32) -> BoxedStrategy<Want> {
    let strangers = prop_oneof![15 => Just(vec![]), 1 => prop::collection::vec(0..seats + 1, 1..3)];
    (any::<Index>(), 1_usize..5, strangers)
        .prop_map(move |(start, length, strangers)| {
            let from = if own.is_empty() { 0 } else { start.index(own.len()) };
            let run = own.iter().skip(from).take(length).copied();
            Want::Seats(run.chain(strangers).map(SeatIndex).collect())
        })
        .boxed()
}
