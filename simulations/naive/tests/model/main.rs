//! The engine against an obviously correct model: random small worlds, random commands, and after each the same answer,
//! the same counters, seats, claims and deadlines, and a replay that ends in the same state.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod commands;
mod crowd;
mod machine;
mod regressions;
mod tariffs;
mod waitlists;
mod world;

use proptest::test_runner::Config;
use proptest_state_machine::prop_state_machine;

use machine::EngineAgainstModel;

prop_state_machine! {
    #![proptest_config(Config { cases: 1_000, max_shrink_iters: 3_000, ..Config::default() })]

    #[test]
    fn the_engine_does_what_the_model_does(sequential 1..100 => EngineAgainstModel);
}
