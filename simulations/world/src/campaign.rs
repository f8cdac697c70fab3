//! Many seeds, on one thread or several, and what they came to.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tessera_world::{Failure, Tally, run};

use crate::Arguments;

/// After so many seeds everything must have happened: three minutes of one core run more of them.
const SEEDS_COVERED: u64 = 1_000;

/// What the seeds so far came to.
#[derive(Debug)]
pub(crate) struct Campaign {
    from: u64,
    seeds: u64,
    steps: u64,
    attempts: u64,
    events: u64,
    simulated_us: u64,
    seconds: f64,
    tally: Tally,
    failures: Vec<(u64, Box<Failure>)>,
    is_mutant: bool,
}

impl Campaign {
    #[allow(clippy::disallowed_methods, reason = "the budget is in real time; the world itself has none")]
    pub(crate) fn run(arguments: &Arguments) -> Result<Campaign, String> {
        arguments.plan(arguments.from)?;
        let began = Instant::now();
        let campaign = Mutex::new(Campaign {
            from: arguments.from,
            seeds: 0,
            steps: 0,
            attempts: 0,
            events: 0,
            simulated_us: 0,
            seconds: 0.0,
            tally: Tally::default(),
            failures: Vec::new(),
            is_mutant: arguments.mutant.is_some(),
        });
        let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let work = || {
            while !is_over.load(Ordering::Relaxed) && began.elapsed().as_secs() < arguments.time_budget {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= arguments.seeds {
                    break;
                }
                let seed = arguments.from.wrapping_add(at);
                let Ok(plan) = arguments.plan(seed) else { break };
                let outcome = run(seed, &plan);
                is_over.fetch_or(outcome.is_err(), Ordering::Relaxed);
                campaign.lock().unwrap_or_else(PoisonError::into_inner).add(seed, outcome);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..arguments.threads.max(1) {
                scope.spawn(work);
            }
            work();
        });
        let mut campaign = campaign.into_inner().unwrap_or_else(PoisonError::into_inner);
        campaign.seconds = began.elapsed().as_secs_f64();
        campaign.failures.sort_by_key(|(seed, _)| *seed);
        Ok(campaign)
    }

    fn add(&mut self, seed: u64, outcome: Result<tessera_world::Summary, Box<Failure>>) {
        self.seeds += 1;
        match outcome {
            Ok(summary) => {
                self.steps += summary.steps;
                self.attempts += summary.attempts;
                self.events += summary.events;
                self.simulated_us += summary.simulated_us;
                self.tally += &summary.tally;
            }
            Err(failure) => self.failures.push((seed, failure)),
        }
    }

    pub(crate) fn first_failure(&self) -> Option<&(u64, Box<Failure>)> {
        self.failures.first()
    }

    /// What was run, and how often everything happened.
    pub(crate) fn report(&self) -> String {
        let simulated_seconds = self.simulated_us as f64 / 1e6;
        let mut report = self.tally.table();
        let _ = writeln!(
            report,
            "{} seeds from {}: {:.1} simulated hours, {} commands, {} events, {} steps in {:.0} s: {:.0} times real time",
            self.seeds,
            self.from,
            simulated_seconds / 3_600.0,
            self.attempts,
            self.events,
            self.steps,
            self.seconds,
            simulated_seconds / self.seconds.max(f64::MIN_POSITIVE),
        );
        report
    }

    /// A campaign of some length in which something never happened says nothing about it.
    pub(crate) fn check_coverage(&self) -> Result<(), String> {
        let missing = self.tally.missing();
        if missing.is_empty() || self.is_mutant {
            return Ok(());
        }
        if self.seeds < SEEDS_COVERED {
            println!("coverage not judged: {} seeds, of {SEEDS_COVERED} at least", self.seeds);
            return Ok(());
        }
        Err(format!(
            "in {} seeds these never happened: {}; a world that never meets them proves nothing about them",
            self.seeds,
            missing.join(", ")
        ))
    }
}
