//! The schedule of a run, drawn before it begins: who comes when, and with how many tokens. The server has no say in it.

use tessera_demo::random::Random;

use crate::scenario::Scenario;

/// Tells the draw of who comes from the draw of when.
const BEHAVIOURS_ROLE: u64 = 0x626568;
/// See [`BEHAVIOURS_ROLE`]; the position of the behaviour is added.
const ARRIVALS_ROLE: u64 = 0x6172_7200;

/// One buyer session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it is due, in microseconds since the run began.
    pub due_us: u64,
    /// Position of its behaviour.
    pub behaviour: usize,
    /// Number of its first token; those of a bot follow one another.
    pub buyer: u32,
}

/// Everybody who comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they are due.
    pub arrivals: Vec<Arrival>,
    /// Tokens that are needed.
    pub tokens: u32,
}

impl Plan {
    /// Draw the schedule of a scenario.
    #[must_use]
    pub fn draw(scenario: &Scenario, seed: u64) -> Self {
        let weights: Vec<usize> =
            scenario.behaviours.iter().map(|behaviour| behaviour.share as usize).collect();
        let mut random = Random::new(seed, BEHAVIOURS_ROLE);
        let mut counts = vec![0_u32; weights.len()];
        (0..scenario.crowd.buyers).for_each(|_| counts[random.weighted(&weights)] += 1);
        let mut arrivals = Vec::with_capacity(scenario.crowd.buyers as usize);
        for (behaviour, (facts, count)) in scenario.behaviours.iter().zip(counts).enumerate() {
            let mut random = Random::new(seed, ARRIVALS_ROLE + behaviour as u64);
            let times = scenario.crowd.profile.draw(count, facts.arrives_s, &mut random);
            arrivals.extend(times.into_iter().map(|due_us| Arrival { due_us, behaviour, buyer: 0 }));
        }
        arrivals.sort_by_key(|arrival| (arrival.due_us, arrival.behaviour));
        let mut tokens = 0;
        for arrival in &mut arrivals {
            arrival.buyer = tokens;
            tokens += u32::from(scenario.behaviours[arrival.behaviour].identities());
        }
        Plan { arrivals, tokens }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::path::Path;

    use super::*;

    fn scenario() -> Scenario {
        let text = "name='n'\ndescription='d'\n[event]\nvenue='arena'\n[crowd]\nbuyers=2000\nduration_s=60\n\
            arrivals={profile='spike',share=0.5,within_s=5}\n[[behaviours]]\nkind='decisive'\nshare=3\n\
            [[behaviours]]\nkind='bot'\nshare=1\nidentities=4\narrives_s=[0,10]\n";
        Scenario::read(text, Path::new("test.toml")).unwrap()
    }

    #[test]
    fn a_seed_decides_the_whole_schedule() {
        assert_eq!(Plan::draw(&scenario(), 5), Plan::draw(&scenario(), 5));
        assert_ne!(Plan::draw(&scenario(), 5), Plan::draw(&scenario(), 6));
    }

    #[test]
    fn everybody_comes_once_in_order_and_bots_have_tokens_of_their_own() {
        let plan = Plan::draw(&scenario(), 1);
        assert_eq!(plan.arrivals.len(), 2_000);
        assert!(plan.arrivals.windows(2).all(|pair| pair[0].due_us <= pair[1].due_us));
        let bots: Vec<&Arrival> = plan.arrivals.iter().filter(|arrival| arrival.behaviour == 1).collect();
        assert!((420..580).contains(&bots.len()), "{} bots of an expected 500", bots.len());
        assert!(bots.iter().all(|bot| bot.due_us <= 10_000_000), "they come in their window");
        let needed = 2_000 + 3 * bots.len();
        assert_eq!(plan.tokens as usize, needed);
        let mut owners = vec![0_u32; needed];
        for arrival in &plan.arrivals {
            let many = if arrival.behaviour == 1 { 4 } else { 1 };
            (0..many).for_each(|token| owners[(arrival.buyer + token) as usize] += 1);
        }
        assert!(owners.iter().all(|count| *count == 1), "each token has one owner");
    }
}
