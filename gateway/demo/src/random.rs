//! The demo's dice: SplitMix64 (Steele, Lea, Flood 2014), so that a seed means the same buyers on every machine.

/// A stream of numbers that a seed decides.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The stream of one buyer (or other role) under a seed.
    #[must_use]
    pub fn new(seed: u64, role: u64) -> Self {
        let mut random = Random { state: seed ^ role.wrapping_mul(0xD1B5_4A32_D192_ED03) };
        random.draw();
        random
    }

    /// The next 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.draw()) * (bound as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// The position of a weight, drawn in proportion to it.
    pub fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut ticket = self.below(weights.iter().sum());
        for (position, weight) in weights.iter().enumerate() {
            if ticket < *weight {
                return position;
            }
            ticket -= weight;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_role_decide_the_stream() {
        let draw = |seed, role| {
            let mut random = Random::new(seed, role);
            [random.draw(), random.draw()]
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn weights_are_drawn_in_proportion() {
        let mut random = Random::new(7, 7);
        let mut drawn = [0_u32; 3];
        (0..10_000).for_each(|_| drawn[random.weighted(&[10, 0, 90])] += 1);
        assert_eq!(drawn[1], 0);
        assert!((800..1_200).contains(&drawn[0]), "{drawn:?}");
    }
}
