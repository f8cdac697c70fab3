//! The cluster as one process of the world knows it.

use tessera_cluster::{Member, Members, Membership, NodeId, Standing};
use tessera_writer::Monotonic;

/// A process: it is registered under one id after another.
pub(crate) struct Process {
    /// `None` while it does not run.
    pub(crate) membership: Option<Membership>,
    /// The nodes, when they were listed last.
    pub(crate) members: Option<Members>,
    /// The registration under which it believes to own the event.
    pub(crate) owns: Option<NodeId>,
    /// To whom it is giving the event.
    pub(crate) gives_to: Option<NodeId>,
    /// Who owns the event, as far as it has heard.
    pub(crate) knows: Option<NodeId>,
    /// A claim is under way.
    pub(crate) claims: bool,
    /// A look at the owner is under way.
    pub(crate) looks: bool,
    /// Grows whenever the process ends: what was meant for an earlier life is lost.
    pub(crate) life: u64,
    /// Counts its timers: a new one replaces the one before.
    pub(crate) timers: u64,
    /// By how many millionths its clock is faster than time.
    drift_ppm: i64,
}

/// Where all clocks of processes begin, in microseconds.
const ORIGIN_US: i128 = 1_000_000;
const MILLION: i128 = 1_000_000;

impl Process {
    pub(super) fn new(drift_ppm: i64) -> Process {
        Process {
            membership: None,
            members: None,
            owns: None,
            gives_to: None,
            knows: None,
            claims: false,
            looks: false,
            life: 0,
            timers: 0,
            drift_ppm,
        }
    }

    /// Its monotonic clock, which counts leases.
    pub(crate) fn clock(&self, now_us: u64) -> Monotonic {
        let passed = i128::from(now_us) * (MILLION + i128::from(self.drift_ppm)) / MILLION;
        Monotonic(u64::try_from(ORIGIN_US + passed).unwrap_or(u64::MAX))
    }

    /// The time of the world at which its clock says so.
    pub(crate) fn world_us(&self, at: Monotonic) -> u64 {
        let passed = (i128::from(at.0) - ORIGIN_US).max(0);
        // Rounded up: a timer that fires early would be armed once more.
        let world = passed * MILLION / (MILLION + i128::from(self.drift_ppm)) + 1;
        u64::try_from(world).unwrap_or(u64::MAX)
    }

    /// The id that it is registered under, when it has heard so.
    pub(crate) fn me(&self) -> Option<NodeId> {
        let registered = self.membership.as_ref().and_then(Membership::node);
        registered.filter(|me| self.members.as_ref().is_some_and(|members| members.me == Some(*me)))
    }

    /// Whether it is the one to take an event that nobody owns.
    pub(crate) fn is_placed_here(&self) -> bool {
        let me = self.me();
        let place = self.members.as_ref().and_then(|members| members.place(crate::catalogue::EVENT));
        me.is_some() && place == me
    }

    /// The node that should have the event rather than this one: it ranks first, or this one drains.
    pub(crate) fn better_place(&self) -> Option<NodeId> {
        let members = self.members.as_ref()?;
        members.first_for(crate::catalogue::EVENT).filter(|first| Some(*first) != self.me())
    }

    /// Whether it has said that it takes no more.
    pub(crate) fn drains(&self) -> bool {
        let mine = self.members.as_ref().zip(self.me()).and_then(|(members, me)| members.find(me));
        mine.is_some_and(|mine: &Member| mine.row.standing == Standing::Draining)
    }

    /// Everything in its memory is gone.
    pub(super) fn forget(&mut self) {
        *self = Process { life: self.life + 1, timers: self.timers + 1, ..Process::new(self.drift_ppm) };
    }
}
