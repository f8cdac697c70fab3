//! Buyers who pay at providers: every capture ends in a ticket or in one refund, whatever is lost, late, said twice or forgotten.

use tessera_inventory::Phase;
use tessera_world::{Duty, Mix, Paying, Plan, Venue, run};

use crate::{report, survives};

/// A short sale in which nearly everybody pays, and some is given back.
fn short(paying: Paying) -> Plan {
    let mix =
        Mix { holding: [90, 5, 5, 0, 0], paying: [90, 5, 5], bought: [40, 20, 10, 0, 30], ..Mix::usual() };
    let duties = vec![Duty::Configure, Duty::Phase(Phase::Scheduled), Duty::Phase(Phase::OnSale)];
    let venue = Venue::Small(20);
    Plan { buyers: 3, wishes: 4, mix, duties, venue, keep_trace: true, ..Plan::calm().paid(paying) }
}

#[test]
fn everybody_pays_and_nothing_goes_wrong() {
    let tally = survives(0..20, &short(Paying::calm())).tally;
    assert!(tally.of("paid at a provider") > 20, "{}", tally.table());
}

#[test]
fn money_is_where_it_belongs_after_every_storm() {
    let mut tally = tessera_world::Tally::default();
    for seed in 0..100 {
        tally += &survives(seed..seed + 1, &Plan::stormy(seed).paid(Paying::stormy())).tally;
        tally += &survives(seed..seed + 1, &Plan::drawn(seed).paid(Paying::stormy())).tally;
    }
    for name in [
        "paid at a provider",
        "late money sold",
        "unpaid sale taken back",
        "dispute told",
        "answer of a provider lost",
        "process of payments restarted",
        "follower of payments overtaken",
    ] {
        assert!(tally.of(name) > 0, "{name}: {}", tally.table());
    }
}

/// Everything in memory is dropped at each step in turn; the rows stay.
#[test]
fn dropped_at_every_step_money_is_where_it_belongs() {
    let rare = Paying { lapses: 300, disputes: 500, slow_refunds: 500, late_payers: 300, ..Paying::calm() };
    let plan = |crash| short(Paying { crash, ..rare });
    let steps = run(5, &plan(None)).unwrap_or_else(|failure| panic!("{}", report(5, &failure))).money_steps;
    assert!(steps > 100, "the script has only {steps} steps");
    for at in 1..=steps {
        survives(5..6, &plan(Some(at)));
    }
}

/// What desks put out, and what comes to them, happens twice each time.
#[test]
fn said_twice_at_every_step_money_is_where_it_belongs() {
    survives(0..20, &short(Paying { repeats: 1_000, ..Paying::calm() }));
    survives(0..20, &short(Paying { repeats: 1_000, processes: 2, ..Paying::stormy() }));
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..3 {
        let plan = Plan::stormy(seed).paid(Paying::stormy());
        let runs: Vec<_> = (0..2).map(|_| run(seed, &plan).unwrap()).collect();
        assert_eq!(runs[0], runs[1], "seed {seed}");
    }
}
