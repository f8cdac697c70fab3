//! Random histories of one order: lost calls, answers and records, webhooks late, doubled and lost, desks that die, two desks at once.

use std::collections::BTreeMap;

use tessera_payments::{Abilities, Mutant};

use crate::books::check;
use crate::log::{Hold, Log};
use crate::provider::{KEY_LIFE, Provider};
use crate::world::{Act, Faults, World};
use crate::{DAY, MINUTE, PRICE, Rng, SECOND};

/// Nothing goes wrong by chance after this time.
const FAULTS_UNTIL: u64 = 200_000 * SECOND;

/// The world of this seed, in the end.
pub(crate) fn history(seed: u64, mutant: Option<Mutant>) -> World {
    let mut rng = Rng(seed);
    let plain = Abilities { key_life_ms: KEY_LIFE, calls_per_second: 50, ..Abilities::new() };
    let abilities = mutant.map_or(plain, |mutant| plain.mutated(mutant));
    let mut provider = Provider::new(rng.happens(60));
    provider.refunds_slowly = rng.happens(30);
    let seats = if rng.happens(30) { 2 } else { 1 };
    let mut world = World::new(provider, Log::new(rng.happens(50)), abilities, seats);
    let loss = rng.one_of(&[0, 10, 40]);
    world.faults = Some(Faults { rng: Rng(seed ^ 0xf00d), loss, until: FAULTS_UNTIL });
    let grace_ms = rng.one_of(&[30, 900]) * SECOND;
    world.act_at(0, Act::Begin { grace_ms });
    let any = |rng: &mut Rng, seconds: u64| rng.below(seconds * SECOND);
    for attempt in [1, 1, 2, 2, 3] {
        let amount = rng.happens(8).then(|| rng.one_of(&[PRICE - 700, PRICE + 700]));
        let act = if rng.happens(75) { Act::Pay { attempt, amount } } else { Act::Decline { attempt } };
        world.act_at(any(&mut rng, 1_200), act);
    }
    for _ in 0..rng.below(3) {
        world.act_at(any(&mut rng, 900), Act::Retry { grace_ms });
    }
    // The log ends a hold when its time is up.
    world.act_at(grace_ms + any(&mut rng, 10), Act::Expire);
    world.act_at(3_600 * SECOND, Act::Expire);
    if rng.happens(20) {
        world.act_at(any(&mut rng, 2_000), Act::Cancel);
    }
    for _ in 0..rng.below(3) {
        let amount = rng.one_of(&[PRICE, PRICE / 2, 1_000]);
        world.act_at(any(&mut rng, 90_000), Act::Refund { amount });
    }
    if rng.happens(20) {
        world.act_at(any(&mut rng, 3_000), Act::Lapse);
    }
    for _ in 0..rng.below(6) {
        let seat = usize::try_from(rng.below(seats as u64)).unwrap();
        world.act_at(any(&mut rng, 100_000), Act::Crash { seat });
    }
    if rng.happens(15) {
        let won = rng.happens(50);
        for days in [4, 9] {
            world.act_at(days * DAY, Act::Dispute { won });
        }
    }
    for days in [1, 6] {
        world.act_at(days * DAY + 30 * MINUTE, Act::DayPasses);
    }
    // Whatever is still set aside lapses in the end.
    world.act_at(8 * DAY, Act::Lapse);
    world.run();
    world
}

#[test]
fn every_history_ends_settled_with_every_capture_in_one_sale_or_given_back() {
    let mut ends = BTreeMap::<&str, u32>::new();
    for seed in 0..1_500 {
        let world = history(seed, None);
        check(&world).unwrap_or_else(|wrong| panic!("seed {seed}: {wrong}"));
        let end = match world.log.hold {
            Hold::Paid(_) if world.log.unpaid => "unpaid",
            Hold::Paid(_) if world.log.refunded > 0 => "refunded",
            Hold::Paid(1) => "paid",
            Hold::Paid(_) => "paid by another attempt",
            Hold::Held | Hold::InFlight(_) => "open",
            Hold::Ended => "ended",
        };
        *ends.entry(end).or_default() += 1;
    }
    for end in ["unpaid", "refunded", "paid", "paid by another attempt", "ended"] {
        assert!(ends.get(end).copied() >= Some(10), "{end} hardly occurs: {ends:?}");
    }
}

#[test]
fn a_history_is_the_same_every_time() {
    for seed in 0..20 {
        let ends: Vec<_> = (0..2).map(|_| format!("{:?}", history(seed, None).rows)).collect();
        assert_eq!(ends[0], ends[1], "seed {seed}");
    }
}
