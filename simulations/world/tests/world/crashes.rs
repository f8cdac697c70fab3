//! A short script, killed at every single step.

use tessera_world::{Crash, CrashPoint, Orphans, Plan};

use crate::survives;

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
