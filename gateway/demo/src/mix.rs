//! The mix of buyers: what each of them wants and does, decided by the seed alone.

use crate::random::Random;
use crate::venue::Venue;

/// Share of the buyers that come in the presale, of a thousand.
pub const PRESALE_PERMILLE: u32 = 20;
/// Share that takes units first and abandons them, of a thousand.
pub const ABANDONING_PERMILLE: u32 = 30;
/// Share that comes late, when abandoned units return, of a thousand.
pub const LATE_PERMILLE: u32 = 100;

/// When a buyer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wave {
    /// In the presale; some of them without a code.
    Presale,
    /// First in the on-sale; lets its hold expire.
    Abandoning,
    /// In the flash.
    Rush,
    /// When abandoned units return.
    Late,
}

/// One line of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Units of a standing type.
    Quantity {
        /// Position of the type.
        ticket_type: usize,
        /// How many.
        quantity: u16,
    },
    /// Adjacent seats picked from the seat map.
    Seats {
        /// Position of the type.
        ticket_type: usize,
        /// How many.
        quantity: u16,
        /// Decides which, together with the map that the buyer sees.
        pick: u64,
    },
    /// The best together.
    Together {
        /// Position of the type; `None`: any.
        ticket_type: Option<usize>,
        /// How many.
        quantity: u16,
        /// Only in this section.
        section: Option<usize>,
        /// At most this unit price.
        price_max: Option<i64>,
        /// Wheelchair spaces among them.
        accessible: u8,
        /// Whether parts will do.
        accept_split: bool,
    },
}

/// What a buyer does with its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// Sends once.
    None,
    /// Sends the same again after the reply.
    Afterwards,
    /// Sends the same twice at once, over two connections.
    AtOnce,
}

/// What a buyer does with its hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Pays.
    Pay,
    /// Renews, then pays.
    RenewAndPay,
    /// Its first payment fails, the second succeeds.
    FailThenPay,
    /// Gives it back.
    Release,
    /// Walks away.
    Abandon,
}

/// One buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// What it wants: one line or two.
    pub wants: Vec<Want>,
    /// The code it shows.
    pub access_code: Option<String>,
    /// Sends a price that is wrong, as from a page that is out of date, and then the right one.
    pub stale_price: bool,
    /// What it does with its key.
    pub duplicate: Duplicate,
    /// What it does with its hold.
    pub ending: Ending,
    /// Asks for more than its limit allows, once it has paid.
    pub greedy: bool,
}

/// The waves of a sale, and the kinds of ticket types that its buyers choose from.
#[derive(Clone, Debug)]
pub struct Mix {
    seed: u64,
    buyers: u32,
    standing: Vec<usize>,
    overlapping: Vec<usize>,
    coded: Vec<usize>,
    seated: Vec<usize>,
    prices: Vec<i64>,
    per_order_max: Vec<u16>,
    codes: Vec<Option<String>>,
    coded_seated: Vec<bool>,
    sections: usize,
    channel_code: Option<String>,
}

impl Mix {
    /// The mix for a venue.
    #[must_use]
    pub fn new(venue: &Venue, seed: u64, buyers: u32) -> Self {
        let types = &venue.ticket_types;
        let of = |wanted: &dyn Fn(usize) -> bool| {
            (0..types.len()).filter(|index| wanted(*index)).collect::<Vec<_>>()
        };
        let open = |index: usize| types[index].access_code.is_none();
        Mix {
            seed,
            buyers,
            standing: of(&|index| {
                open(index) && types[index].category.is_none() && types[index].draws_on.len() == 1
            }),
            overlapping: of(&|index| {
                open(index) && types[index].category.is_none() && types[index].draws_on.len() > 1
            }),
            coded: of(&|index| !open(index)),
            seated: of(&|index| open(index) && types[index].category.is_some()),
            prices: types.iter().map(|ticket_type| ticket_type.price).collect(),
            per_order_max: types.iter().map(|ticket_type| ticket_type.per_order_max).collect(),
            codes: types.iter().map(|ticket_type| ticket_type.access_code.clone()).collect(),
            coded_seated: types.iter().map(|ticket_type| ticket_type.category.is_some()).collect(),
            sections: venue.sections.len(),
            channel_code: venue.channels.first().map(|channel| channel.code.clone()),
        }
    }

    /// The buyers of a wave, by number.
    #[must_use]
    pub fn wave(&self, wave: Wave) -> std::ops::Range<u32> {
        let share =
            |permille: u32| u32::try_from(u64::from(self.buyers) * u64::from(permille) / 1_000).unwrap_or(0);
        let presale = share(PRESALE_PERMILLE);
        let abandoning = presale + share(ABANDONING_PERMILLE);
        let late = self.buyers - share(LATE_PERMILLE);
        match wave {
            Wave::Presale => 0..presale,
            Wave::Abandoning => presale..abandoning,
            Wave::Rush => abandoning..late,
            Wave::Late => late..self.buyers,
        }
    }

    /// The wave that a buyer belongs to.
    #[must_use]
    pub fn wave_of(&self, buyer: u32) -> Wave {
        [Wave::Presale, Wave::Abandoning, Wave::Rush]
            .into_iter()
            .find(|wave| self.wave(*wave).contains(&buyer))
            .unwrap_or(Wave::Late)
    }

    /// One buyer, by number.
    #[must_use]
    pub fn buyer(&self, number: u32) -> Buyer {
        let wave = self.wave_of(number);
        let mut random = Random::new(self.seed, u64::from(number));
        let (wants, access_code) = self.wants(wave, &mut random);
        let abandoning = wave == Wave::Abandoning;
        Buyer {
            wants,
            access_code,
            stale_price: !abandoning && random.percent(1),
            duplicate: match random.below(100) {
                0..4 => Duplicate::Afterwards,
                4..7 => Duplicate::AtOnce,
                _ => Duplicate::None,
            },
            ending: if abandoning { Ending::Abandon } else { ending(&mut random) },
            greedy: !abandoning && random.percent(4),
        }
    }

    fn wants(&self, wave: Wave, random: &mut Random) -> (Vec<Want>, Option<String>) {
        if wave == Wave::Presale {
            return match self.coded_want(random) {
                Some((want, code)) if random.percent(80) => (vec![want], Some(code)),
                _ => (vec![self.seat_wish(random)], None),
            };
        }
        // exact seats, together, standing, overlapping quota, two lines, channel, coded
        match random.weighted(&[24, 44, 18, 7, 2, 3, 2]) {
            0 => (vec![self.exact_seats(random)], None),
            2 => (vec![self.standing(&self.standing, 4, random)], None),
            3 => (vec![self.standing(&self.overlapping, 2, random)], None),
            4 => (vec![self.standing(&self.standing, 2, random), self.together(2, random)], None),
            5 => (vec![self.sponsored(random)], self.channel_code.clone()),
            6 => match self.coded_want(random) {
                Some((want, code)) => (vec![want], Some(code)),
                None => (vec![self.seat_wish(random)], None),
            },
            _ => (vec![self.seat_wish(random)], None),
        }
    }

    fn quantity(&self, ticket_type: usize, most: u16, random: &mut Random) -> u16 {
        let most = usize::from(most.min(self.per_order_max[ticket_type]).max(1));
        u16::try_from(1 + random.below(most)).unwrap_or(1)
    }

    /// A standing type of one kind; any other that is open when the venue has none.
    fn standing(&self, kind: &[usize], most: u16, random: &mut Random) -> Want {
        let kind = if kind.is_empty() { &self.standing } else { kind };
        let Some(ticket_type) = kind.get(random.below(kind.len())).copied() else {
            return self.together(2, random);
        };
        Want::Quantity { ticket_type, quantity: self.quantity(ticket_type, most, random) }
    }

    fn exact_seats(&self, random: &mut Random) -> Want {
        let Some(ticket_type) = self.seated.get(random.below(self.seated.len())).copied() else {
            return self.standing(&self.standing, 4, random);
        };
        Want::Seats { ticket_type, quantity: self.quantity(ticket_type, 4, random), pick: random.draw() }
    }

    fn seat_wish(&self, random: &mut Random) -> Want {
        if self.seated.is_empty() {
            return self.standing(&self.standing, 4, random);
        }
        // 1 to 6 together: pairs and fours most of all
        let quantity = [1, 2, 3, 4, 5, 6][random.weighted(&[12, 42, 12, 20, 7, 7])];
        self.together(quantity, random)
    }

    fn together(&self, quantity: u16, random: &mut Random) -> Want {
        let chosen = self.seated.get(random.below(self.seated.len())).copied();
        let ceiling = random.percent(15);
        let price_max = match chosen {
            Some(ticket_type) if ceiling => Some(self.prices[ticket_type]),
            _ => None,
        };
        let accessible = random.percent(2);
        // A buyer with a ceiling, a section or a wheelchair asks for any type that fits.
        let section = random.percent(12).then(|| random.below(self.sections));
        let any_type = price_max.is_some() || accessible || section.is_some();
        Want::Together {
            ticket_type: if any_type { None } else { chosen },
            quantity: if accessible { 2 } else { quantity },
            section,
            price_max,
            accessible: u8::from(accessible),
            accept_split: random.percent(20),
        }
    }

    /// A sponsor's guest shows the code of the channel: standing units or seats, both partly kept for it.
    fn sponsored(&self, random: &mut Random) -> Want {
        if random.percent(60) { self.standing(&self.standing, 4, random) } else { self.seat_wish(random) }
    }

    fn coded_want(&self, random: &mut Random) -> Option<(Want, String)> {
        let ticket_type = self.coded.get(random.below(self.coded.len())).copied()?;
        let code = self.codes[ticket_type].clone()?;
        let quantity = self.quantity(ticket_type, 2, random);
        let want = if self.coded_seated[ticket_type] {
            Want::Together {
                ticket_type: Some(ticket_type),
                quantity,
                section: None,
                price_max: None,
                accessible: 0,
                accept_split: false,
            }
        } else {
            Want::Quantity { ticket_type, quantity }
        };
        Some((want, code))
    }
}

fn ending(random: &mut Random) -> Ending {
    [Ending::Pay, Ending::RenewAndPay, Ending::FailThenPay, Ending::Release][random.weighted(&[80, 4, 4, 12])]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::arena::ARENA;

    fn mix(seed: u64, buyers: u32) -> Mix {
        Mix::new(&Venue::read(ARENA).unwrap(), seed, buyers)
    }

    #[test]
    fn the_waves_divide_the_buyers() {
        for buyers in [0, 1, 99, 2_000, 100_000] {
            let mix = mix(1, buyers);
            let waves = [Wave::Presale, Wave::Abandoning, Wave::Rush, Wave::Late].map(|wave| mix.wave(wave));
            assert_eq!(waves[0].start, 0);
            assert!(waves.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!(waves[3].end, buyers);
        }
    }

    #[test]
    fn the_seed_decides_every_buyer() {
        let (mix_a, mix_b, other) = (mix(7, 1_000), mix(7, 1_000), mix(8, 1_000));
        assert!((0..1_000).all(|number| mix_a.buyer(number) == mix_b.buyer(number)));
        assert!((0..1_000).any(|number| mix_a.buyer(number) != other.buyer(number)));
    }

    #[test]
    fn every_kind_of_buyer_comes_to_a_sale_of_two_thousand() {
        let mix = mix(1, 2_000);
        let buyers: Vec<Buyer> = (0..2_000).map(|number| mix.buyer(number)).collect();
        let some = |what: &str, found: &dyn Fn(&Buyer) -> bool| {
            assert!(buyers.iter().any(found), "nobody {what}");
        };
        let has = |buyer: &Buyer, found: &dyn Fn(&Want) -> bool| buyer.wants.iter().any(found);
        some("stands", &|buyer| has(buyer, &|want| matches!(want, Want::Quantity { quantity: 4, .. })));
        some("is a student", &|buyer| {
            has(buyer, &|want| matches!(want, Want::Quantity { ticket_type: 1, .. }))
        });
        some("picks seats", &|buyer| has(buyer, &|want| matches!(want, Want::Seats { .. })));
        for size in 1..=6 {
            some("comes as a group", &|buyer| {
                has(buyer, &|want| matches!(want, Want::Together { quantity, .. } if *quantity == size))
            });
        }
        some("splits", &|buyer| {
            has(buyer, &|want| matches!(want, Want::Together { accept_split: true, .. }))
        });
        some("wants a section", &|buyer| {
            has(buyer, &|want| matches!(want, Want::Together { section: Some(_), .. }))
        });
        some("has a ceiling", &|buyer| {
            has(buyer, &|want| matches!(want, Want::Together { price_max: Some(_), .. }))
        });
        some("needs a wheelchair space", &|buyer| {
            has(buyer, &|want| matches!(want, Want::Together { accessible: 1, .. }))
        });
        some("has two lines", &|buyer| buyer.wants.len() == 2);
        for code in ["SPONSOR", "FANCLUB", "GUESTS"] {
            some("knows a code", &|buyer| buyer.access_code.as_deref() == Some(code));
        }
        for ending in
            [Ending::Pay, Ending::RenewAndPay, Ending::FailThenPay, Ending::Release, Ending::Abandon]
        {
            some("ends so", &|buyer| buyer.ending == ending);
        }
        for duplicate in [Duplicate::Afterwards, Duplicate::AtOnce] {
            some("sends twice", &|buyer| buyer.duplicate == duplicate);
        }
        some("is greedy", &|buyer| buyer.greedy);
        some("has a stale price", &|buyer| buyer.stale_price);
    }

    #[test]
    fn only_the_abandoning_wave_abandons() {
        let mix = mix(3, 5_000);
        for number in 0..5_000 {
            assert_eq!(mix.buyer(number).ending == Ending::Abandon, mix.wave_of(number) == Wave::Abandoning);
        }
    }
}
