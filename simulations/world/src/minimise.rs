//! Delta debugging over a plan: fewer clients, wishes, duties, disturbances and faults, as long as the same rule is broken.

use crate::disturbance::{Disturbance, Place};
use crate::plan::{Media, Mix, Network, Orphans, Paying, Plan};
use crate::world::{Failure, run};

/// Most runs of one search.
const RUNS_MAX: u32 = 3_000;

/// The shortest plan found that still breaks the same rule, with the failure and the trace.
#[must_use]
pub fn minimise(seed: u64, plan: &Plan, failure: &Failure) -> (Plan, Box<Failure>) {
    let mut search = Search { seed, rule: failure.violation.rule, plan: plan.clone(), runs: 0 };
    while search.round() {}
    let plan = Plan { keep_trace: true, ..search.plan };
    match run(seed, &plan) {
        Err(failure) => (plan, failure),
        // It has failed just so in the search: this is the first plan, which was not shortened.
        Ok(_) => (plan, Box::new(failure.clone())),
    }
}

struct Search {
    seed: u64,
    rule: &'static str,
    plan: Plan,
    runs: u32,
}

impl Search {
    /// Every kind of shortening once; whether any helped.
    fn round(&mut self) -> bool {
        let mut helped = false;
        helped |= self.shorten(|plan| &mut plan.script);
        helped |= self.shorten(|plan| &mut plan.duties);
        for lessen in lessenings() {
            let mut candidate = self.plan.clone();
            lessen(&mut candidate);
            helped |= format!("{candidate:?}") != format!("{:?}", self.plan) && self.accept(candidate);
        }
        helped && self.runs < RUNS_MAX
    }

    /// Take parts of a list away, halves first, then single ones.
    fn shorten<T: Clone>(&mut self, list: fn(&mut Plan) -> &mut Vec<T>) -> bool {
        let mut helped = false;
        let mut part = list(&mut self.plan).len().div_ceil(2);
        while part > 0 {
            let mut from = 0;
            while from < list(&mut self.plan).len() {
                let mut candidate = self.plan.clone();
                let end = list(&mut candidate).len().min(from + part);
                list(&mut candidate).drain(from..end);
                if self.accept(candidate) {
                    helped = true;
                } else {
                    from += part;
                }
            }
            part /= 2;
        }
        helped
    }

    fn accept(&mut self, candidate: Plan) -> bool {
        if self.runs >= RUNS_MAX {
            return false;
        }
        self.runs += 1;
        let fails = run(self.seed, &candidate).is_err_and(|failure| failure.violation.rule == self.rule);
        if fails {
            self.plan = candidate;
        }
        fails
    }
}

/// What may be made less of.
fn lessenings() -> Vec<fn(&mut Plan)> {
    vec![
        |plan| plan.buyers = plan.buyers.div_ceil(2),
        |plan| plan.buyers = plan.buyers.saturating_sub(1).max(1),
        |plan| plan.wishes = plan.wishes.div_ceil(2),
        |plan| plan.wishes = plan.wishes.saturating_sub(1).max(1),
        |plan| plan.mix = Mix::usual(),
        |plan| plan.mix.strays = 0,
        |plan| plan.mix.lines = 0,
        |plan| plan.mix.codes = 0,
        |plan| plan.mix.fingerprints = 0,
        |plan| plan.mix.prices = 0,
        |plan| plan.mix.durations = 0,
        |plan| plan.mix.minted = 0,
        |plan| plan.mix.box_office = 0,
        |plan| plan.mix.waits = 0,
        |plan| plan.mix.again = 0,
        |plan| plan.mix.reissues = 0,
        |plan| plan.mix.offline = 0,
        |plan| plan.doors = plan.doors.saturating_sub(1),
        |plan| plan.network = Network::default(),
        |plan| plan.network.lost = 0,
        |plan| plan.network.duplicated = 0,
        |plan| plan.network.delayed = 0,
        |plan| plan.append_faults = 0,
        |plan| plan.append_fault_kinds.truncate(1),
        |plan| plan.stale_routes = 0,
        |plan| plan.reused_keys = 0,
        |plan| plan.receipts = false,
        |plan| plan.snapshots = 0,
        |plan| plan.garbled_reads = 0,
        |plan| plan.table_faults = 0,
        |plan| plan.rests = 0,
        |plan| plan.ownership = None,
        |plan| plan.paying = None,
        |plan| plan.paying = plan.paying.map(|_| Paying::calm()),
        |plan| lessen(plan, |paying| (paying.lost, paying.later) = (0, 0)),
        |plan| lessen(plan, |paying| (paying.untold, paying.twice, paying.late) = (0, 0, 0)),
        |plan| lessen(plan, |paying| (paying.deaths, paying.repeats) = (0, 0)),
        |plan| lessen(plan, |paying| paying.processes = 1),
        |plan| lessen(plan, |paying| (paying.disputes, paying.slow_refunds) = (0, 0)),
        |plan| lessen(plan, |paying| (paying.lapses, paying.other_amount) = (0, 0)),
        |plan| lessen(plan, |paying| (paying.declined, paying.gone, paying.late_payers) = (0, 0, 0)),
        |plan| plan.orphans = Orphans::Land,
        |plan| plan.media = Media::Service,
        |plan| plan.record_bytes_max = tessera_writer::RECORD_BYTES_MAX,
        |plan| plan.store_delay_us_max = 500,
        shorter_storm,
        fewer_nodes,
    ]
}

fn lessen(plan: &mut Plan, less: fn(&mut Paying)) {
    plan.paying.iter_mut().for_each(less);
}

/// The faults end sooner, and nothing goes wrong afterwards.
fn shorter_storm(plan: &mut Plan) {
    plan.faults_end_us = (plan.faults_end_us / 2).max(10_000_000).min(plan.faults_end_us);
    plan.script.retain(|(at_us, _)| *at_us < plan.faults_end_us);
}

/// One node fewer, and nothing that happens to it.
fn fewer_nodes(plan: &mut Plan) {
    let last = plan.nodes.saturating_sub(1);
    if last == 0 {
        return;
    }
    plan.nodes = last;
    plan.script.retain(|(_, disturbance)| match *disturbance {
        Disturbance::Crash(node)
        | Disturbance::Panic(node)
        | Disturbance::Pause(node, _)
        | Disturbance::TakeOver(node)
        | Disturbance::HandOver(node)
        | Disturbance::LoseLease(node)
        | Disturbance::Skew(node, _)
        | Disturbance::Acknowledge(node)
        | Disturbance::Alone(node, ..) => node != last,
        Disturbance::Cut(from, to, _) => ![from, to].contains(&Place::Node(last)),
        Disturbance::Outage(_) | Disturbance::Disk(_) => true,
    });
}

#[cfg(test)]
mod tests {
    use super::shorter_storm;
    use crate::disturbance::Disturbance;
    use crate::plan::Plan;

    #[test]
    fn nothing_goes_wrong_after_the_faults_have_ended() {
        let script = vec![(1_000_000, Disturbance::Crash(0)), (50_000_000, Disturbance::Crash(0))];
        let mut plan = Plan { script, faults_end_us: 60_000_000, ..Plan::calm() };
        shorter_storm(&mut plan);
        assert_eq!(plan.faults_end_us, 30_000_000);
        assert_eq!(plan.script, [(1_000_000, Disturbance::Crash(0))]);
    }
}
