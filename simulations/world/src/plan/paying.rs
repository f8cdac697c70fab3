//! Worlds in which buyers pay at providers.

use super::{Media, Plan};
use crate::prng::Prng;

/// Of a thousand worlds, so many have providers.
const PAID: u64 = 200;
const MINUTE_MS: u64 = 60_000;

/// One provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Till {
    /// It sets money aside; if not, whoever pays is charged.
    pub authorises: bool,
    /// What is not captured can be called off; if not, it ends by itself.
    pub voids: bool,
    /// How long it remembers a key, in milliseconds.
    pub key_life_ms: u64,
}

/// How buyers pay at providers, and what goes wrong there. What is "of a thousand" goes wrong until the faults end, if nothing else is said; what
/// buyers do, and what becomes of their money, goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paying {
    /// The providers, 1 and 2.
    pub tills: [Till; 2],
    /// Processes that look after payments, all of them at once.
    pub processes: usize,
    /// Of a thousand calls, so many are lost on their way there, and as many answers on their way back.
    pub lost: u64,
    /// Of a thousand calls, so many are told to come later.
    pub later: u64,
    /// Of a thousand things that webhooks are to tell, so many are never told. What nobody looks for is told in the end.
    pub untold: u64,
    /// Of a thousand of them, so many are told twice.
    pub twice: u64,
    /// Of a thousand webhooks, so many are late by up to two hours.
    pub late: u64,
    /// Of a thousand steps of a process, so many end in its death; it comes back.
    pub deaths: u64,
    /// Of a thousand outputs and inputs of a desk, so many happen twice.
    pub repeats: u64,
    /// Everything in the memory of processes and followers is dropped at the money's step of this number, from 1.
    pub crash: Option<u64>,
    /// Of a thousand buyers at a page, so many pay when the time may be over.
    pub late_payers: u64,
    /// Of a thousand, so many are declined for good.
    pub declined: u64,
    /// Of a thousand, so many go away.
    pub gone: u64,
    /// Of a thousand, so many pay another amount than the price.
    pub other_amount: u64,
    /// Of a thousand amounts that are set aside, so many lapse within minutes.
    pub lapses: u64,
    /// Of a thousand captures, so many are disputed.
    pub disputes: u64,
    /// Of a thousand refunds, so many take their time, and a tenth of these fails.
    pub slow_refunds: u64,
}

impl Paying {
    /// Everybody pays, nothing goes wrong.
    #[must_use]
    pub fn calm() -> Paying {
        let till = Till { authorises: true, voids: true, key_life_ms: 1_440 * MINUTE_MS };
        Paying {
            tills: [till, Till { authorises: false, ..till }],
            processes: 1,
            lost: 0,
            later: 0,
            untold: 0,
            twice: 0,
            late: 0,
            deaths: 0,
            repeats: 0,
            crash: None,
            late_payers: 0,
            declined: 0,
            gone: 0,
            other_amount: 0,
            lapses: 0,
            disputes: 0,
            slow_refunds: 0,
        }
    }

    /// Everything goes wrong now and then.
    #[must_use]
    pub fn stormy() -> Paying {
        let till = Till { authorises: true, voids: true, key_life_ms: 60 * MINUTE_MS };
        Paying {
            tills: [till, Till { authorises: false, voids: false, ..till }],
            processes: 2,
            lost: 100,
            later: 50,
            untold: 200,
            twice: 200,
            late: 200,
            deaths: 5,
            repeats: 50,
            crash: None,
            late_payers: 250,
            declined: 100,
            gone: 100,
            other_amount: 40,
            lapses: 100,
            disputes: 100,
            slow_refunds: 300,
        }
    }

    fn drawn(prng: &mut Prng) -> Paying {
        let mut till = || Till {
            authorises: prng.chance(650),
            voids: prng.chance(700),
            key_life_ms: [10, 60, 1_440][prng.index(3)] * MINUTE_MS,
        };
        let tills = [till(), till()];
        let processes = 1 + usize::from(prng.chance(400));
        let mut odds = |on: u64, per_mille_max: u64| {
            if prng.chance(on) { prng.between(1, per_mille_max) } else { 0 }
        };
        Paying {
            tills,
            processes,
            lost: odds(600, 250),
            later: odds(400, 150),
            untold: odds(600, 700),
            twice: odds(500, 500),
            late: odds(500, 500),
            deaths: odds(400, 20),
            repeats: odds(300, 200),
            crash: None,
            late_payers: odds(700, 500),
            declined: odds(500, 300),
            gone: odds(500, 200),
            other_amount: odds(300, 150),
            lapses: odds(400, 300),
            disputes: odds(400, 250),
            slow_refunds: odds(500, 600),
        }
    }
}

impl Plan {
    /// Buyers pay at providers. Nodes own the event as the plan says, without the protocol of a cluster: money takes days, and leases seconds.
    #[must_use]
    pub fn paid(self, paying: Paying) -> Plan {
        Plan { paying: Some(paying), ownership: None, media: Media::Service, ..self }
    }

    /// Some worlds are so, of those without the protocol of a cluster. What else was drawn for them stays.
    pub(super) fn perhaps_paid(self, seed: u64) -> Plan {
        let prng = &mut Prng::new(seed ^ 0x0ca5_u64.rotate_left(32));
        let is_apart = self.ownership.is_some() || self.media == Media::Journal;
        if is_apart || !prng.chance(PAID) {
            return self;
        }
        self.paid(Paying::drawn(prng))
    }

    /// The same world, in which buyers pay at providers, if they do not anyway.
    pub(crate) fn surely_paid(self) -> Plan {
        let paying = self.paying.unwrap_or_else(Paying::stormy);
        self.paid(paying)
    }
}
