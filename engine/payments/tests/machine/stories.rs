//! Stories of one order, each with what a buyer or an organizer would notice in the end.

use std::collections::BTreeMap;

use tessera_payments::{Abilities, Alarm, DeskAlert, Mutant, Status};

use crate::books::check;
use crate::log::{Hold, Log, Logged};
use crate::provider::{KEY_LIFE, Provider};
use crate::world::{Act, Plan, World};
use crate::{DAY, HOUR, MINUTE, PRICE, SECOND};

/// What happens, and how it must end.
pub(crate) struct Story {
    pub(crate) name: &'static str,
    authorises: bool,
    stock: bool,
    slow_refunds: bool,
    no_hooks: bool,
    hooks_late_ms: u64,
    unanswered: (&'static str, u32),
    acts: Vec<(u64, Act)>,
    sold: bool,
    /// What the provider keeps.
    kept: i64,
    /// How often money goes back.
    refunds: usize,
}

impl Story {
    fn new(name: &'static str, acts: &[(u64, Act)]) -> Story {
        let mut all = vec![(0, Act::Begin { grace_ms: 15 * MINUTE })];
        all.extend(acts);
        Story {
            name,
            authorises: true,
            stock: true,
            slow_refunds: false,
            no_hooks: false,
            hooks_late_ms: 0,
            unanswered: ("", 0),
            acts: all,
            sold: true,
            kept: PRICE,
            refunds: 0,
        }
    }

    fn ends(self, sold: bool, kept: i64, refunds: usize) -> Story {
        Story { sold, kept, refunds, ..self }
    }

    /// Run it.
    pub(crate) fn run(&self, plan: &Plan, mutant: Option<Mutant>) -> World {
        let plain = Abilities { key_life_ms: KEY_LIFE, calls_per_second: 50, ..Abilities::new() };
        let abilities = mutant.map_or(plain, |mutant| plain.mutated(mutant));
        let mut provider = Provider::new(self.authorises);
        provider.refunds_slowly = self.slow_refunds;
        let mut world = World::new(provider, Log::new(self.stock), abilities, 1);
        let unanswered = BTreeMap::from([self.unanswered]);
        let (no_hooks, hooks_late_ms) = (self.no_hooks, self.hooks_late_ms);
        world.plan = Plan { no_hooks, hooks_late_ms, unanswered, ..plan.clone() };
        for (ms, act) in &self.acts {
            world.act_at(*ms, *act);
        }
        world.run();
        world
    }

    /// It has ended as it must.
    pub(crate) fn judge(&self, world: &World) -> Result<(), String> {
        check(world)?;
        let is_sold = matches!(world.log.hold, Hold::Paid(_)) && !world.log.unpaid;
        let kept: i64 = world.provider.payments.values().map(|paid| paid.captured - paid.refunded()).sum();
        // How many attempts a buyer could pay is another thing where a desk was away meanwhile.
        let given: usize = world.provider.payments.values().map(|paid| paid.refunds.len()).sum();
        let refunds = if world.plan.crash_at.is_some() { self.refunds } else { given };
        let (found, expected) = ((is_sold, kept, refunds), (self.sold, self.kept, self.refunds));
        if found == expected { Ok(()) } else { Err(format!("ended {found:?} instead of {expected:?}")) }
    }
}

const PAYS: (u64, Act) = (10 * SECOND, Act::Pay { attempt: 1, amount: None });
/// As late as the hold lives.
const PAYS_LATE: (u64, Act) = (50 * SECOND, Act::Pay { attempt: 1, amount: None });
const ENDS: (u64, Act) = (50 * SECOND + 20, Act::Expire);
const DAY_PASSES: (u64, Act) = (2 * HOUR, Act::DayPasses);

/// The stories.
pub(crate) fn stories() -> Vec<Story> {
    let mut stories = without_refund();
    stories.extend(with_refund());
    stories
}

/// The buyer keeps its ticket, or never pays.
fn without_refund() -> Vec<Story> {
    vec![
        Story::new("pay", &[PAYS, DAY_PASSES]),
        Story { authorises: false, ..Story::new("pay, charged at once", &[PAYS, DAY_PASSES]) },
        Story::new("decline", &[(10 * SECOND, Act::Decline { attempt: 1 })]).ends(false, 0, 0),
        Story {
            authorises: false,
            hooks_late_ms: 2 * HOUR,
            ..Story::new("late, sold anew", &[PAYS_LATE, ENDS])
        },
        Story { no_hooks: true, ..Story::new("lost webhook", &[PAYS, (14 * MINUTE, Act::Expire)]) },
        Story { unanswered: ("capture", 3), ..Story::new("capture unanswered", &[PAYS, DAY_PASSES]) },
        Story { unanswered: ("confirm", 3), ..Story::new("confirmation unanswered", &[PAYS, DAY_PASSES]) },
        Story { unanswered: ("create", 3), ..Story::new("creation unanswered", &[PAYS, DAY_PASSES]) },
        Story::new(
            "dispute",
            &[
                PAYS,
                DAY_PASSES,
                (9 * DAY, Act::Dispute { won: false }),
                (20 * DAY, Act::Dispute { won: false }),
            ],
        ),
    ]
}

/// Money goes back, or is let go.
fn with_refund() -> Vec<Story> {
    vec![
        Story {
            authorises: false,
            hooks_late_ms: 2 * HOUR,
            stock: false,
            ..Story::new("late, given back", &[PAYS_LATE, ENDS])
        }
        .ends(false, 0, 1),
        Story {
            authorises: false,
            hooks_late_ms: DAY,
            ..Story::new(
                "two attempts",
                &[
                    PAYS,
                    (10 * SECOND + 50, Act::Retry { grace_ms: 15 * MINUTE }),
                    (11 * SECOND, Act::Pay { attempt: 2, amount: None }),
                    (20 * MINUTE, Act::Expire),
                ],
            )
        }
        .ends(true, PRICE, 1),
        Story {
            no_hooks: true,
            unanswered: ("refund", 10_000),
            ..Story::new("refund a day later", &[PAYS, (2 * DAY, Act::Refund { amount: 4_000 })])
        }
        .ends(true, 6_000, 1),
        Story {
            slow_refunds: true,
            no_hooks: true,
            ..Story::new(
                "slow refund of all",
                &[
                    PAYS,
                    (HOUR, Act::Refund { amount: 4_000 }),
                    (HOUR, Act::Refund { amount: 6_000 }),
                    (3 * DAY, Act::DayPasses),
                ],
            )
        }
        .ends(true, 0, 2),
        Story { stock: false, ..Story::new("void", &[PAYS_LATE, ENDS]) }.ends(false, 0, 0),
        Story::new("capture lost", &[PAYS, (10 * SECOND + 70, Act::Lapse)]).ends(false, 0, 0),
        Story::new("called off", &[PAYS_LATE, (50 * SECOND + 52, Act::Cancel)]).ends(false, 0, 0),
        Story {
            authorises: false,
            ..Story::new(
                "too little",
                &[
                    (10 * SECOND, Act::Pay { attempt: 1, amount: Some(PRICE - 1) }),
                    (15 * MINUTE, Act::Expire),
                ],
            )
        }
        .ends(false, 0, 1),
        Story {
            authorises: false,
            ..Story::new("too much", &[(10 * SECOND, Act::Pay { attempt: 1, amount: Some(PRICE + 500) })])
        }
        .ends(true, PRICE, 1),
    ]
}

/// The story of this name.
pub(crate) fn story(name: &str) -> Story {
    stories().into_iter().find(|story| story.name == name).expect("a story")
}

#[test]
fn every_story_ends_as_it_must() {
    for story in stories() {
        let world = story.run(&Plan::default(), None);
        story.judge(&world).unwrap_or_else(|wrong| panic!("{}: {wrong}", story.name));
    }
}

#[test]
fn a_paid_order_is_confirmed_before_the_webhook_is_recorded_and_takes_three_events() {
    let world = story("pay").run(&Plan::default(), None);
    let [(_, Logged::Begun { .. }), (sold_at, Logged::Sold { attempt: 1 })] = world.log.events[..] else {
        panic!("{:?}", world.log.events)
    };
    // Paid at 11 s, the webhook takes 50 ms, the ask 5.
    assert_eq!(sold_at.0, 11 * SECOND + 55, "and not the 4 ms of a record later");
}

#[test]
fn what_an_operator_must_look_at_is_told_once() {
    let told = |name: &str| {
        let mut found = Vec::new();
        for alert in story(name).run(&Plan::default(), None).alerts {
            match alert {
                DeskAlert::Payment { alarm, .. } => found.push(alarm),
                DeskAlert::ProviderRefuses { .. } => panic!("it does not"),
            }
        }
        found
    };
    assert_eq!(told("pay"), []);
    assert_eq!(told("too little"), [Alarm::Short]);
    assert_eq!(told("too much"), [Alarm::Excess]);
    assert_eq!(told("dispute"), [Alarm::Disputed]);
    assert_eq!(told("capture lost"), [Alarm::Unpaid]);
}

#[test]
fn scenario_41_a_refund_that_nobody_answers_for_a_day_is_found_and_not_made_again() {
    let world = story("refund a day later").run(&Plan::default(), None);
    assert!(world.now.0 > 2 * DAY + KEY_LIFE * 5 / 6, "it was looked for only when its key was old");
    let paid = world.provider.payments.values().next().expect("a payment");
    assert_eq!((paid.status, paid.refunded(), paid.refunds.len()), (Status::Captured, 4_000, 1));
}
