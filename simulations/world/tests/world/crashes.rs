//! A short script, killed at every single step.

use tessera_world::{Crash, CrashPoint, Disturbance, Orphans, Plan};

use crate::survives;

/// Everybody who waits is told, nothing is said that is not so, and the writer that is built again goes on.
#[test]
fn scenario_22_after_a_panic_the_writer_is_rebuilt_from_the_log() {
    let script = (2..40).map(|n| (n * 1_000_000, Disturbance::Panic(0))).collect();
    let sum = survives(0..10, &Plan { script, buyers: 6, wishes: 8, ..Plan::calm() });
    assert!(sum.activations > 50 && sum.unsure > 0 && sum.accepted > 0, "{sum:?}");
}

#[test]
fn scenario_21_killed_at_every_step() {
    for orphans in [Orphans::Land, Orphans::Lost, Orphans::Late] {
        let mut nth = 1;
        loop {
            let crash = Some(Crash { point: CrashPoint::Step, nth });
            let plan = Plan { crash, orphans, buyers: 2, wishes: 2, keep_trace: true, ..Plan::calm() };
            if survives(5..6, &plan).crashes == 0 {
                break;
            }
            nth += 1;
        }
        assert!(nth > 60, "the script has only {nth} steps");
    }
}
