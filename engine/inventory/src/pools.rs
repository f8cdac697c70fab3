//! Pools: counters of units, and the shares of channels in them.

use std::collections::BTreeMap;

use crate::digest::{Kind, Mix};
use crate::returned::Source;
use crate::seating::ReleasedChannels;
use crate::{ChannelId, Config, Counters, PoolId};

/// One pool. Invariant I1: `general + shares + held + sold + killed` is the configured capacity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    /// Free for everyone.
    pub(crate) general: u32,
    /// In live holds and payments in flight.
    pub(crate) held: u32,
    /// Sold.
    pub(crate) sold: u32,
    /// Withdrawn.
    pub(crate) killed: u32,
    /// Kills that wait for held and sold units to return; never more than those.
    pub(crate) kill_debt: u32,
    /// Free for one unreleased channel each, by channel.
    pub(crate) shares: Vec<Share>,
    mixed: u128,
}

/// What one unreleased channel has of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) channel: ChannelId,
    /// Free for it.
    pub(crate) free: u32,
    /// What it has out. It follows from claims and orders: neither the digest nor an image has it.
    pub(crate) out: Out,
}

/// Units out of a pool under the code of a channel: a part of what is held and sold there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Out {
    pub(crate) held: u32,
    pub(crate) sold: u32,
}

/// The pools of one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools {
    list: Vec<Pool>,
    sum: u128,
}

impl Pool {
    /// From the columns of an image: general free, held, sold, killed, kill debt.
    pub(crate) fn from_parts(words: [u32; 5]) -> Self {
        let [general, held, sold, killed, kill_debt] = words;
        Pool { general, held, sold, killed, kill_debt, shares: Vec::new(), mixed: 0 }
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            free: self.general + self.shares.iter().map(|share| share.free).sum::<u32>(),
            held: self.held,
            sold: self.sold,
            killed: self.killed,
        }
    }

    /// Units that a hold with this channel's code may take: the channel's share if it has one, else the general ones.
    #[inline]
    pub(crate) fn free_for(&self, channel: Option<ChannelId>) -> u32 {
        match channel.and_then(|channel| self.shares.iter().find(|share| share.channel == channel)) {
            Some(share) => share.free,
            None => self.general,
        }
    }

    /// The counter that a hold with this channel's code draws on.
    #[inline]
    fn source(&mut self, channel: Option<ChannelId>) -> &mut u32 {
        let share = match channel {
            Some(channel) => self.shares.iter().position(|share| share.channel == channel),
            None => None,
        };
        match share {
            Some(at) => &mut self.shares[at].free,
            None => &mut self.general,
        }
    }

    /// Where units under a channel's code are counted while it has a share here.
    #[inline]
    fn out(&mut self, channel: Option<ChannelId>) -> Option<&mut Out> {
        let channel = channel?;
        self.shares.iter_mut().find(|share| share.channel == channel).map(|share| &mut share.out)
    }

    /// Takes units from those that are held or sold; whoever does puts them somewhere else.
    pub(crate) fn take_back(&mut self, quantity: u32, source: Source, channel: Option<ChannelId>) {
        let taken_from = source.of(&mut self.held, &mut self.sold);
        assert!(*taken_from >= quantity, "more units return to a pool than left it");
        *taken_from -= quantity;
        if let Some(out) = self.out(channel) {
            let counted = source.of(&mut out.held, &mut out.sold);
            assert!(*counted >= quantity, "more units return to a channel than left it");
            *counted -= quantity;
        }
    }

    /// Puts units, already taken from `held` or `sold`, where they belong: to the kill debt first.
    pub(crate) fn put_back(&mut self, quantity: u32, channel: Option<ChannelId>) {
        let killed = quantity.min(self.kill_debt);
        self.kill_debt -= killed;
        self.killed += killed;
        *self.source(channel) += quantity - killed;
    }

    /// Withdraws units that were already taken from `held` or `sold`; a debt that can no longer be paid lapses.
    pub(crate) fn withdraw(&mut self, quantity: u32) {
        self.killed += quantity;
        self.kill_debt = self.kill_debt.min(self.held + self.sold);
    }

    /// The mix of its contents.
    fn mix(&self, pool: usize) -> u128 {
        // A word a counter: a load that spans two counters just stored would wait for both stores to reach the cache.
        let counters = [self.general, self.held, self.sold, self.killed, self.kill_debt];
        let start = Mix::new(Kind::Pool).word(pool as u64);
        let mut mix = counters.iter().fold(start, |mix, &counter| mix.word(u64::from(counter)));
        for share in &self.shares {
            mix = mix.pair(share.free, u32::from(share.channel.0));
        }
        mix.finish()
    }
}

impl Pools {
    /// The pools of a first configuration, everything free.
    pub(crate) fn new(config: &Config) -> Self {
        let mut pools = Pools::default();
        pools.reconfigure(None, config, ReleasedChannels::NONE, &Drawn::default());
        pools
    }

    /// From the columns of an image.
    pub(crate) fn from_parts(list: Vec<Pool>) -> Self {
        let mut pools = Pools { list, sum: 0 };
        for at in 0..pools.list.len() {
            pools.remix(at);
        }
        pools
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Pool> {
        self.list.iter()
    }

    #[inline]
    pub(crate) fn get(&self, pool: PoolId) -> &Pool {
        &self.list[pool.index()]
    }

    /// Changes one pool; the digest follows.
    #[inline]
    pub(crate) fn edit(&mut self, pool: PoolId, change: impl FnOnce(&mut Pool)) {
        change(&mut self.list[pool.index()]);
        self.remix(pool.index());
    }

    fn remix(&mut self, at: usize) {
        let mixed = self.list[at].mix(at);
        self.sum = self.sum.wrapping_sub(self.list[at].mixed).wrapping_add(mixed);
        self.list[at].mixed = mixed;
    }

    /// Free units become held.
    #[inline]
    pub(crate) fn take(&mut self, pool: PoolId, channel: Option<ChannelId>, quantity: u32) {
        self.edit(pool, |pool| {
            let free = pool.source(channel);
            assert!(*free >= quantity, "a hold takes more than is free");
            *free -= quantity;
            pool.held += quantity;
            if let Some(out) = pool.out(channel) {
                out.held += quantity;
            }
        });
    }

    /// Held units become sold.
    pub(crate) fn sell(&mut self, pool: PoolId, channel: Option<ChannelId>, quantity: u32) {
        self.edit(pool, |pool| {
            pool.take_back(quantity, Source::Held, channel);
            pool.sold += quantity;
            if let Some(out) = pool.out(channel) {
                out.sold += quantity;
            }
        });
    }

    /// Takes what is free of the general share now; the rest waits for its return.
    pub(crate) fn kill(&mut self, pool: PoolId, quantity: u32) {
        self.edit(pool, |pool| {
            let now = quantity.min(pool.general);
            pool.general -= now;
            pool.killed += now;
            pool.kill_debt += quantity - now;
            assert!(pool.kill_debt <= pool.held + pool.sold, "a kill waits for units that do not exist");
        });
    }

    /// Undoes kills: those that wait first.
    pub(crate) fn restore(&mut self, pool: PoolId, quantity: u32) {
        self.edit(pool, |pool| {
            let waiting = quantity.min(pool.kill_debt);
            pool.kill_debt -= waiting;
            assert!(pool.killed >= quantity - waiting, "more units are restored than were killed");
            pool.killed -= quantity - waiting;
            pool.general += quantity - waiting;
        });
    }

    /// What is left of a channel's shares becomes free for everyone.
    pub(crate) fn release(&mut self, channel: ChannelId) {
        for at in 0..self.list.len() {
            let pool = &mut self.list[at];
            if let Some(share) = pool.shares.iter().position(|share| share.channel == channel) {
                pool.general += pool.shares.remove(share).free;
                self.remix(at);
            }
        }
    }

    /// Follows a configuration that `validate` found to fit.
    pub(crate) fn reconfigure(
        &mut self,
        old: Option<&Config>,
        new: &Config,
        released: ReleasedChannels,
        drawn: &Drawn,
    ) {
        self.list.resize_with(new.pools.len(), Pool::default);
        for at in 0..self.list.len() {
            let plan = self.list[at].plan(at, old, new, released, drawn);
            let pool = &mut self.list[at];
            pool.general = counter(plan.general);
            pool.killed = plan.killed;
            let share = |&(channel, free): &(ChannelId, i64)| Share {
                channel,
                free: counter(free),
                out: drawn.out(channel, at),
            };
            pool.shares = plan.shares.iter().map(share).collect();
            self.remix(at);
        }
    }

    /// Counts what channels have out, which an image does not say.
    pub(crate) fn recount(&mut self, drawn: &Drawn) {
        for (at, pool) in self.list.iter_mut().enumerate() {
            pool.shares.iter_mut().for_each(|share| share.out = drawn.out(share.channel, at));
        }
    }

    /// The digest's share of the pools, kept incrementally.
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The digest's share of the pools, from scratch.
    pub(crate) fn fresh_sum(&self) -> u128 {
        self.list.iter().enumerate().fold(0_u128, |sum, (at, pool)| sum.wrapping_add(pool.mix(at)))
    }
}

/// Units that live claims and orders under the codes of channels have out of each pool, counted from scratch: for a change of the
/// configuration, after an import, and to check the counters.
#[derive(Debug, Default)]
pub(crate) struct Drawn(BTreeMap<(ChannelId, usize), Out>);

impl Drawn {
    /// Counts units out of pools.
    pub(crate) fn add(&mut self, channel: ChannelId, pools: &[PoolId], units: Out) {
        for pool in pools {
            let out = self.0.entry((channel, pool.index())).or_default();
            out.held += units.held;
            out.sold += units.sold;
        }
    }

    /// What a channel has out of a pool.
    pub(crate) fn out(&self, channel: ChannelId, pool: usize) -> Out {
        self.0.get(&(channel, pool)).copied().unwrap_or_default()
    }

    fn units(&self, channel: ChannelId, pool: usize) -> i64 {
        let Out { held, sold } = self.out(channel, pool);
        i64::from(held) + i64::from(sold)
    }
}

/// What a pool's counters become under another configuration; negative ones say that it does not fit.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) general: i64,
    pub(crate) killed: u32,
    pub(crate) shares: Vec<(ChannelId, i64)>,
}

impl Pool {
    /// What the counters become when `old` is replaced by `new`. Capacities and allotments move by their difference. What
    /// a capacity shrinks by beyond the free units, killed ones give: those are gone for good.
    pub(crate) fn plan(
        &self,
        at: usize,
        old: Option<&Config>,
        new: &Config,
        released: ReleasedChannels,
        drawn: &Drawn,
    ) -> Plan {
        let capacity_before = old.and_then(|old| old.pools.get(at)).map_or(0, |pool| pool.capacity);
        let mut general =
            i64::from(self.general) + i64::from(new.pools[at].capacity) - i64::from(capacity_before);
        let mut shares = Vec::new();
        for (index, channel) in (0_u8..).zip(&new.channels) {
            let id = ChannelId(index);
            if released.contains(id) {
                continue;
            }
            let free =
                self.shares.iter().find(|share| share.channel == id).map_or(0, |share| i64::from(share.free));
            let before = old.and_then(|old| old.channels.get(id.index())).and_then(|old| old.allotment(at));
            match channel.allotment(at) {
                Some(after) => {
                    let room = i64::from(after) - drawn.units(id, at);
                    let free_after = match before {
                        // Units of an allotment that were killed on their return are neither out nor free: a smaller
                        // allotment takes free ones, then those, and fits while it has room for what is out.
                        Some(before) => (free + i64::from(after) - i64::from(before)).max(room.min(0)),
                        // A fresh one counts what the channel's holds and orders have out: it comes back to the share.
                        None => room,
                    };
                    general -= free_after - free;
                    shares.push((id, free_after));
                }
                // An allotment that was taken away: what is left of it goes to everyone.
                None => general += free,
            }
        }
        let shrunk = i64::from(capacity_before) - i64::from(new.pools[at].capacity);
        let given = (-general).min(shrunk).clamp(0, i64::from(self.killed));
        let killed = counter(i64::from(self.killed) - given);
        Plan { general: general + given, killed, shares }
    }
}

/// A counter that `validate` found to be in range.
fn counter(value: i64) -> u32 {
    let Ok(value) = u32::try_from(value) else {
        panic!("a counter of a pool would leave its range: {value}");
    };
    value
}
