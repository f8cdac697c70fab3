//! The swarm: each seed draws which faults are on and how hard, and what kind of world meets them.

use tessera_inventory::Phase;
use tessera_store::memory::AppendFault;

use super::{Duty, Media, Mix, Network, Orphans, Plan, Venue};
use crate::disturbance::Disturbance;
use crate::prng::Prng;

/// Most nodes of a world.
const NODES_MAX: u64 = 5;
/// Most buyers of a world: each person is up to two of them.
const BUYERS_MAX: u64 = 24;
/// Most things that go wrong at a chosen time.
const DISTURBANCES_MAX: u64 = 40;
/// Of a thousand worlds, so many keep their log in the product's journal.
const JOURNALS: u64 = 40;
const SECOND_US: u64 = 1_000_000;

impl Plan {
    /// The world of this seed.
    #[must_use]
    pub fn drawn(seed: u64) -> Plan {
        let prng = &mut Prng::new(seed ^ 0x5eed);
        let nodes = usize::try_from(prng.between(1, NODES_MAX)).unwrap_or(1);
        let faults_end_us = prng.between(30, 300) * SECOND_US;
        let append_fault_kinds = append_fault_kinds(prng);
        let (wishes, think_us_max) = pace(prng);
        let mut odds = |on: u64, per_mille_max: u64| {
            if prng.chance(on) { prng.between(1, per_mille_max) } else { 0 }
        };
        let append_faults = if append_fault_kinds.is_empty() { 0 } else { odds(700, 300) };
        let (stale_routes, snapshots, reused_keys) = (odds(500, 400), odds(600, 1_000), odds(500, 60));
        let network = Network { lost: odds(500, 120), duplicated: odds(500, 120), delayed: odds(500, 300) };
        let (garbled_reads, table_faults) = (odds(300, 200), odds(500, 300));
        let rests = odds(400, 500);
        Plan {
            nodes,
            buyers: usize::try_from(prng.between(2, BUYERS_MAX)).unwrap_or(2),
            wishes,
            doors: 0,
            think_us_max,
            venue: if prng.chance(100) { Venue::Small(20) } else { Venue::Drawn(prng.next()) },
            mix: Mix::drawn(prng),
            duties: duties(prng),
            append_faults,
            append_fault_kinds,
            stale_routes,
            network,
            store_delay_us_max: [500, 3_000, 30_000, 400_000][prng.index(4)],
            faults_end_us,
            script: script(prng, nodes, faults_end_us),
            orphans: [Orphans::Land, Orphans::Lost, Orphans::Late, Orphans::Any][prng.index(4)],
            crash: None,
            record_bytes_max: [1, 150, 600, tessera_writer::RECORD_BYTES_MAX][prng.index(4)],
            snapshots,
            reused_keys,
            receipts: prng.chance(500),
            media: if prng.chance(JOURNALS) { Media::Journal } else { Media::Service },
            garbled_reads,
            table_faults,
            rests,
            ownership: None,
            paying: None,
            mutant: None,
            keep_trace: false,
        }
        .perhaps_owned(seed)
        .perhaps_crowded(seed)
        .perhaps_paid(seed)
    }
}

/// Holds that each buyer asks for, and how long it thinks between requests: few and slowly, or in some worlds in haste and so many that
/// everything comes back again and again.
fn pace(prng: &mut Prng) -> (u32, u64) {
    let (least, most, think_us_max) =
        if prng.chance(200) { (40, 300, prng.between(100_000, 3_000_000)) } else { (2, 24, 59_000_000) };
    (u32::try_from(prng.between(least, most)).unwrap_or(2), think_us_max)
}

fn append_fault_kinds(prng: &mut Prng) -> Vec<AppendFault> {
    let all = [
        AppendFault::UnknownApplied,
        AppendFault::UnknownNotApplied,
        AppendFault::UnknownAppliedLater,
        AppendFault::TakenOver,
        AppendFault::Fatal,
    ];
    all.into_iter().filter(|_| prng.chance(500)).collect()
}

/// Some of the kinds of disturbances, at any time before the faults end.
fn script(prng: &mut Prng, nodes: usize, faults_end_us: u64) -> Vec<(u64, Disturbance)> {
    let weights = Disturbance::weights(prng);
    let count = if prng.chance(850) { prng.between(1, DISTURBANCES_MAX) } else { 0 };
    let drawn = (0..count).filter_map(|_| {
        let disturbance = Disturbance::draw_of(prng, nodes, &weights)?;
        Some((prng.between(0, faults_end_us - 1), disturbance))
    });
    drawn.collect()
}

/// The event is configured, mostly opened, and then changed in any way; in the end it may be closed or cancelled.
fn duties(prng: &mut Prng) -> Vec<Duty> {
    let mut duties = vec![Duty::Configure];
    duties.extend(prng.chance(500).then_some(Duty::Phase(Phase::Scheduled)));
    duties.extend(prng.chance(200).then_some(Duty::Phase(Phase::Presale)));
    duties.push(Duty::Phase(Phase::OnSale));
    let some = |prng: &mut Prng, weight| if prng.chance(600) { weight } else { 0 };
    let weights = [
        (Duty::Edit, some(prng, 8)),
        (Duty::Raise, some(prng, 3)),
        (Duty::Kill, some(prng, 6)),
        (Duty::Restore, some(prng, 6)),
        (Duty::ReleaseChannel, some(prng, 2)),
        (Duty::Phase(Phase::Paused), some(prng, 3)),
        (Duty::Phase(Phase::Draft), some(prng, 1)),
        (Duty::Phase(Phase::OnSale), 1),
    ];
    for _ in 0..prng.between(0, 24) {
        let duty = prng.weighted(&weights);
        duties.extend(duty);
        // What was paused goes on.
        duties.extend((duty == Some(Duty::Phase(Phase::Paused))).then_some(Duty::Phase(Phase::OnSale)));
    }
    let end = prng.weighted(&[(Some(Phase::Closed), 2), (Some(Phase::Cancelled), 2), (None, 6)]).flatten();
    duties.extend(end.map(Duty::Phase));
    duties
}
