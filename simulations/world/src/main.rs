//! Runs seeds.
#![allow(clippy::print_stdout, reason = "a command speaks to its terminal")]
use tessera_world::{Plan, run};
fn main() {
    let words: Vec<u64> = std::env::args().skip(1).filter_map(|w| w.parse().ok()).collect();
    let mut sum = tessera_world::Tally::default();
    let (mut us, mut attempts) = (0, 0);
    let began = std::time::Instant::now();
    for seed in words[0]..words[1] {
        let mut plan = Plan::drawn(seed);
        plan.keep_trace = words.len() > 2;
        match run(seed, &plan) {
            Ok(s) => { sum += &s.tally; us += s.simulated_us; attempts += s.attempts; }
            Err(f) => { let t = f.trace.len().saturating_sub(80); println!("{}", f.trace[t..].join("\n")); println!("{plan:?}\n{seed} {f:?}", f = f.violation);  }
        }
    }
    println!("{} {}h {} {:.0}x", sum.table(), us / 3_600_000_000, attempts, us as f64 / 1e6 / began.elapsed().as_secs_f64());
    println!("{:?}", sum.missing());
}
