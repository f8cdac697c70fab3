//! What a process, and its transactions, do in one step.

use tessera_cluster::{OwnerRow, Standing};
use tessera_store::keys::{NodeBeatKey, NodeKey, OwnerKey, WakeUpKey};

use super::transactions::{Call, id};
use super::{Action, Answer, Lease, LeaseRule, LeaseState, Node, Omitted, Registration, Sent, Wish};
use crate::event::EVENT;

impl Node {
    pub(super) fn slot(&mut self, is_lease: bool) -> &mut Option<Sent> {
        if is_lease { &mut self.lease } else { &mut self.ownership }
    }
}

impl Wish {
    pub(super) fn is_lease(self) -> bool {
        matches!(self, Wish::Renew | Wish::Evict(_) | Wish::Forget(_))
    }
}

impl Lease {
    /// What a registered process may wish now.
    pub(super) fn wishes_of(
        &self,
        state: &LeaseState,
        node: &Node,
        me: Registration,
        beat: u8,
        number: usize,
        actions: &mut Vec<Action>,
    ) {
        let mut wish = |wish| actions.push(Action::Begin(number, wish));
        let view = self.transactions.view(state.rows);
        if node.lease.is_none() {
            if beat < self.bounds.beats {
                wish(Wish::Renew);
            }
            for other in (1..=state.registered).filter(|other| *other != me) {
                if node.seen[usize::from(other)].is_some() {
                    wish(Wish::Evict(other));
                }
                if view.nodes.get(&other).is_some_and(|(standing, _)| *standing == Standing::Evicted) {
                    wish(Wish::Forget(other));
                }
            }
        }
        if let (None, Some(given)) = (&node.ownership, node.gives) {
            wish(given);
        } else if node.ownership.is_none() && state.changes < self.bounds.changes {
            if node.owns {
                wish(Wish::Release);
                (1..=state.registered).filter(|to| *to != me).for_each(|to| wish(Wish::Transfer(to)));
            } else if node.is_registered {
                wish(Wish::Claim);
            }
        }
        for other in (1..=state.registered).filter(|other| *other != me) {
            let beat = view.nodes.get(&other).map(|(_, beat)| *beat);
            let seen = node.seen[usize::from(other)].map(|(number, _)| number);
            if beat.is_some() && beat != seen {
                actions.push(Action::Look(number, other));
            }
        }
    }

    /// A transaction reads, and decides.
    pub(super) fn begin(&self, state: &mut LeaseState, node: usize, wish: Wish) {
        let Some((me, beat)) = state.nodes[node].me else { return };
        let seen = match wish {
            Wish::Evict(other) => state.nodes[node].seen[usize::from(other)],
            _ => None,
        };
        let (seen_number, renewed_when_seen) = seen.unwrap_or_default();
        match wish {
            Wish::Renew => state.nodes[node].me = Some((me, beat + 1)),
            Wish::Claim => state.changes += 1,
            Wish::Transfer(_) | Wish::Release => {
                // Not again, if it is the same that is not known yet.
                state.changes += u8::from(state.nodes[node].gives.is_none());
                state.nodes[node].owns = false;
                state.nodes[node].gives = Some(wish);
            }
            Wish::Evict(_) | Wish::Forget(_) => {}
        }
        let number = if wish == Wish::Renew { beat + 1 } else { seen_number };
        let call = Call { me, wish, number };
        let unread = self.omitted_keys(me, wish);
        let Some((answer, footprint)) = self.transactions.run(state.rows, call, &unread) else { return };
        let sent =
            Sent { by: me, wish, footprint, answer, renewed_when_seen, has_landed: false, is_doomed: false };
        let is_owner = self.transactions.view(state.rows).owner.is_some_and(|owner| owner.node == id(me));
        let is_unwritten = self.omitted == Omitted::OwnerWrittenByItsClaim && wish == Wish::Claim && is_owner;
        if is_unwritten || self.transactions.only_reads(footprint) {
            self.deliver(state, node, me, wish, answer);
        } else {
            *state.nodes[node].slot(wish.is_lease()) = Some(sent);
        }
    }

    /// The defect: a change of what stands there does not conflict.
    fn omitted_keys(&self, me: Registration, wish: Wish) -> Vec<Vec<u8>> {
        let node_key = |registration: Registration| NodeKey { node: id(registration).0 }.pack();
        let beat_key = |registration: Registration| NodeBeatKey { node: id(registration).0 }.pack();
        match (self.omitted, wish) {
            (Omitted::BeatByEviction, Wish::Evict(of)) => vec![beat_key(of)],
            (Omitted::RowByRenewal, Wish::Renew) => vec![node_key(me)],
            (Omitted::BeatByRenewal, Wish::Renew) => vec![beat_key(me)],
            (Omitted::OwnRowByClaim, Wish::Claim) => vec![node_key(me)],
            // Claims conflict by the wake-up of the event, too.
            (Omitted::OwnerByClaim, Wish::Claim) => {
                vec![OwnerKey { event: EVENT }.pack(), WakeUpKey { event: EVENT }.pack()]
            }
            (Omitted::OtherRowByTransfer, Wish::Transfer(to)) => vec![node_key(to)],
            _ => Vec::new(),
        }
    }

    pub(super) fn look(&self, state: &mut LeaseState, node: usize, registration: Registration) {
        let view = self.transactions.view(state.rows);
        let Some((_, number)) = view.nodes.get(&registration).copied() else { return };
        let position = usize::from(registration);
        state.nodes[node].seen[position] = Some((number, state.renewed[position]));
    }

    pub(super) fn land(&self, state: &mut LeaseState, node: usize, is_lease: bool) {
        let Some(mut sent) = state.nodes[node].slot(is_lease).take() else { return };
        if sent.is_doomed {
            self.seen.note("a transaction conflicts");
            return self.begin_again(state, node, sent.wish);
        }
        self.commit(state, &sent);
        sent.has_landed = true;
        *state.nodes[node].slot(is_lease) = Some(sent);
    }

    /// The same once more, at a new version: as `transact` does.
    fn begin_again(&self, state: &mut LeaseState, node: usize, wish: Wish) {
        if let (Wish::Renew, Some((me, beat))) = (wish, state.nodes[node].me) {
            state.nodes[node].me = Some((me, beat - 1));
        }
        state.changes -= u8::from(wish == Wish::Claim);
        self.begin(state, node, wish);
    }

    pub(super) fn lose_answer(&self, state: &mut LeaseState, node: usize, is_lease: bool, gives_up: bool) {
        state.faults += 1;
        let Some(sent) = state.nodes[node].slot(is_lease).take() else { return };
        let wish = sent.wish;
        self.let_fly(state, sent);
        if gives_up {
            state.nodes[node].gives = state.nodes[node].gives.filter(|given| *given != wish);
        } else {
            self.begin_again(state, node, wish);
        }
    }

    fn let_fly(&self, state: &mut LeaseState, sent: Sent) {
        if !sent.has_landed && !sent.is_doomed {
            state.flying.push(sent);
            state.flying.sort_unstable();
        }
    }

    pub(super) fn crash(&self, state: &mut LeaseState, node: usize) {
        state.faults += 1;
        let registrations = usize::from(self.bounds.registrations);
        let fresh = Node { seen: vec![None; registrations + 1], ..Node::default() };
        let gone = std::mem::replace(&mut state.nodes[node], fresh);
        for sent in [gone.lease, gone.ownership].into_iter().flatten() {
            self.let_fly(state, sent);
        }
    }

    pub(super) fn deliver(
        &self,
        state: &mut LeaseState,
        node: usize,
        by: Registration,
        wish: Wish,
        answer: Answer,
    ) {
        let here = &mut state.nodes[node];
        if here.me.is_none_or(|(me, _)| me != by) {
            return;
        }
        match (wish, answer) {
            (Wish::Renew, Answer::Lost) => {
                self.seen.note("a node learns that it was evicted");
                (here.me, here.is_registered) = (None, false);
                (here.owns, here.gives) = (false, None);
                let ownership = here.ownership.take();
                ownership.into_iter().for_each(|sent| self.let_fly(state, sent));
            }
            (Wish::Renew, Answer::Done) => here.is_registered = true,
            (Wish::Claim, answer) => {
                here.owns = answer == Answer::Done;
                self.seen.note(if here.owns { "an event is owned" } else { "a claim fails" });
            }
            (Wish::Transfer(_) | Wish::Release, _) => here.gives = None,
            (Wish::Evict(other), _) => here.seen[usize::from(other)] = None,
            (Wish::Renew | Wish::Forget(_), _) => {}
        }
    }

    /// The writes are there; whoever has read what they change cannot land any more.
    pub(super) fn commit(&self, state: &mut LeaseState, sent: &Sent) {
        self.check(state, sent);
        state.rows = self.transactions.apply(state.rows, sent.footprint);
        match sent.wish {
            Wish::Renew => state.renewed[usize::from(sent.by)] += 1,
            Wish::Forget(other) => state.renewed[usize::from(other)] = 0,
            _ => {}
        }
        let dooms = |other: &Sent| self.transactions.conflicts(other.footprint, sent.footprint);
        for node in &mut state.nodes {
            for other in [&mut node.lease, &mut node.ownership].into_iter().flatten() {
                other.is_doomed |= !other.has_landed && dooms(other);
            }
        }
        state.flying.retain(|other| !dooms(other));
    }

    /// What must be so when a transaction lands.
    fn check(&self, state: &mut LeaseState, sent: &Sent) {
        let LeaseState { rows, broken, renewed, .. } = state;
        let view = self.transactions.view(*rows);
        let owner_before = view.owner;
        let serves = |registration| view.serves(registration);
        match sent.wish {
            Wish::Renew => {
                // The first, or once more the first of a node that was forgotten before it heard that it is registered.
                let is_first = !view.nodes.contains_key(&sent.by);
                broken.note_unless(is_first || serves(sent.by), LeaseRule::EvictedIsTold);
            }
            Wish::Evict(other) => {
                self.seen.note("a node is evicted");
                let is_same = renewed[usize::from(other)] == sent.renewed_when_seen;
                broken.note_unless(is_same, LeaseRule::WhoRenewsStays);
            }
            Wish::Forget(_) => self.seen.note("a gone node is forgotten"),
            Wish::Claim => {
                let is_live = |owner: OwnerRow| view.node_serves(owner.node) && owner.node != id(sent.by);
                broken.note_unless(serves(sent.by), LeaseRule::EvictedClaimsNothing);
                broken.note_unless(!owner_before.is_some_and(is_live), LeaseRule::OwnedStays);
            }
            Wish::Transfer(to) => {
                self.seen.note("an event is given to another");
                broken.note_unless(serves(to), LeaseRule::GivenToWhoServes);
            }
            Wish::Release => self.seen.note("an event falls asleep"),
        }
        let after = self.transactions.apply(*rows, sent.footprint);
        if let (Some(before), Some(after)) = (owner_before, self.transactions.view(after).owner) {
            let follows = after == before || after.term == before.term + 1;
            broken.note_unless(follows, LeaseRule::TermsFollow);
        }
    }

    /// What must be so in every state.
    pub(super) fn audit(&self, state: &mut LeaseState) {
        let LeaseState { rows, nodes, broken, .. } = state;
        let view = self.transactions.view(*rows);
        let is_live = |node: &&Node| node.owns && node.me.is_some_and(|(me, _)| view.serves(me));
        let live = nodes.iter().filter(is_live).count();
        broken.note_unless(live <= 1, LeaseRule::OneLiveOwner);
        let named = view.owner.map(|owner| owner.node);
        let names_it = |node: &Node| node.me.is_some_and(|(me, _)| Some(id(me)) == named);
        broken.note_unless(nodes.iter().filter(is_live).all(names_it), LeaseRule::OneLiveOwner);
        broken.note_unless(named.is_none_or(|node| view.is_there(node)), LeaseRule::OwnersAreFound);
    }
}
