//! What clients do, and how often.

use crate::prng::Prng;

/// How much clients do of each thing. Weights compete within their group; 0 is what this world does not know. What is "of a thousand"
/// is an odds of its own.
#[derive(Clone, Debug)]
pub struct Mix {
    /// Wanting a quantity, of a thousand lines of any kind; the others want seats.
    pub standing: u64,
    /// Of a thousand wishes for seats, so many are for exact ones; the others for the best together.
    pub exact: u64,
    /// Of a thousand requests, so many have several lines.
    pub lines: u64,
    /// Of a thousand requests, so many show a code that they need not show.
    pub codes: u64,
    /// Of a thousand requests, so many count against more subjects.
    pub fingerprints: u64,
    /// Of a thousand lines, so many tell a price, right or wrong.
    pub prices: u64,
    /// Of a thousand requests, so many tell how long they want to hold.
    pub durations: u64,
    /// Of a thousand keys, so many tell when they were minted.
    pub minted: u64,
    /// Of a thousand requests, so many fit nothing: another's claim, a wrong state, no right.
    pub strays: u64,
    /// Of a thousand requests, so many are the organizer's holds in a channel.
    pub box_office: u64,
    /// What is done with a hold: begin payment, release, renew, read, forget.
    pub holding: [u64; 5],
    /// What is done with a payment in flight: confirm, fail, forget.
    pub paying: [u64; 3],
    /// What is done with tickets: refund to sale, refund and withdraw, transfer, let in or out, forget.
    pub bought: [u64; 5],
    /// Of a thousand times that something is sold out, so many join those who wait for it, and a quarter as many of those who want
    /// something new.
    pub waits: u64,
    /// What is done while waiting: look, leave, forget.
    pub waiting: [u64; 3],
    /// What is done with an offer: accept, decline, look and come back, forget.
    pub offered: [u64; 4],
    /// Of a thousand offers that were accepted or declined, so many are accepted or declined once more.
    pub again: u64,
    /// Of a thousand transfers, so many are new codes for the same holder instead.
    pub reissues: u64,
    /// Of a thousand things that a gate does, so many are told later by its device; the others are asked at once.
    pub offline: u64,
}

impl Mix {
    /// Mostly sensible buyers of everything that named cases sell.
    #[must_use]
    pub fn usual() -> Mix {
        Mix {
            standing: 700,
            exact: 500,
            lines: 0,
            codes: 0,
            fingerprints: 0,
            prices: 0,
            durations: 0,
            minted: 0,
            strays: 0,
            box_office: 0,
            holding: [35, 20, 15, 10, 20],
            paying: [60, 30, 10],
            bought: [10, 5, 20, 0, 65],
            waits: 0,
            waiting: [40, 10, 10],
            offered: [40, 10, 10, 10],
            again: 0,
            reissues: 0,
            offline: 0,
        }
    }

    /// A subset of everything.
    pub(crate) fn drawn(prng: &mut Prng) -> Mix {
        let mut odds = |per_mille_max: u64| if prng.chance(600) { prng.between(1, per_mille_max) } else { 0 };
        let (lines, codes, fingerprints, prices) = (odds(500), odds(200), odds(300), odds(700));
        let (durations, minted, strays, box_office) = (odds(300), odds(500), odds(250), odds(150));
        let mut weights = || odds(30);
        let holding = [20 + weights(), weights(), weights(), weights(), weights()];
        let paying = [20 + weights(), weights(), weights()];
        let bought = [weights(), weights(), weights(), weights(), 5 + weights()];
        let (standing, exact) = (prng.between(0, 1_000), prng.between(0, 1_000));
        Mix {
            standing,
            exact,
            lines,
            codes,
            fingerprints,
            prices,
            durations,
            minted,
            strays,
            box_office,
            holding,
            paying,
            bought,
            ..Mix::usual()
        }
    }
}
