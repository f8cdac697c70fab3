//! The steps of the model.

use stateright::{Model, Property};

use super::{Action, Lease, LeaseRule, LeaseState, Node, Wish, rules};

impl Model for Lease {
    type State = LeaseState;
    type Action = Action;

    fn init_states(&self) -> Vec<LeaseState> {
        let registrations = usize::from(self.bounds.registrations);
        let node = Node { seen: vec![None; registrations + 1], ..Node::default() };
        vec![LeaseState {
            rows: self.transactions.empty(),
            nodes: vec![node; usize::from(self.bounds.nodes)],
            flying: Vec::new(),
            registered: 0,
            changes: 0,
            faults: 0,
            renewed: vec![0; registrations + 1],
            broken: rules::Broken::default(),
        }]
    }

    fn actions(&self, state: &LeaseState, actions: &mut Vec<Action>) {
        let has_faults = state.faults < self.bounds.faults;
        for (number, node) in state.nodes.iter().enumerate() {
            for (is_lease, sent) in [(true, &node.lease), (false, &node.ownership)] {
                let Some(sent) = sent else { continue };
                actions.push(match sent.has_landed {
                    true => Action::Deliver(number, is_lease),
                    false => Action::Land(number, is_lease),
                });
                if has_faults {
                    actions.push(Action::LoseAnswer(number, is_lease));
                    actions.push(Action::GiveUp(number, is_lease));
                }
            }
            match node.me {
                None if state.registered < self.bounds.registrations => actions.push(Action::Join(number)),
                None => {}
                Some((me, beat)) => {
                    self.wishes_of(state, node, me, beat, number, actions);
                    actions.extend(has_faults.then_some(Action::Crash(number)));
                }
            }
        }
        actions.extend((0..state.flying.len()).map(Action::LandLate));
    }

    fn next_state(&self, last: &LeaseState, action: Action) -> Option<LeaseState> {
        let mut state = last.clone();
        match action {
            Action::Join(node) => {
                state.registered += 1;
                state.nodes[node].me = Some((state.registered, 0));
                self.begin(&mut state, node, Wish::Renew);
            }
            Action::Begin(node, wish) => self.begin(&mut state, node, wish),
            Action::Look(node, registration) => self.look(&mut state, node, registration),
            Action::Land(node, is_lease) => self.land(&mut state, node, is_lease),
            Action::Deliver(node, is_lease) => {
                let sent = state.nodes[node].slot(is_lease).take()?;
                self.deliver(&mut state, node, sent.by, sent.wish, sent.answer);
            }
            Action::LoseAnswer(node, is_lease) => self.lose_answer(&mut state, node, is_lease, false),
            Action::GiveUp(node, is_lease) => self.lose_answer(&mut state, node, is_lease, true),
            Action::LandLate(flying) => {
                let sent = state.flying.remove(flying);
                self.seen.note("a transaction lands when nobody waits for it");
                self.commit(&mut state, &sent);
            }
            Action::Crash(node) => self.crash(&mut state, node),
        }
        self.audit(&mut state);
        // Processes are alike: which of them it is makes no difference.
        state.nodes.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        LeaseRule::ALL.into_iter().map(|rule| Property::always(rule.name(), condition(rule))).collect()
    }
}

/// Functions without a memory of which rule they ask for, as the checker wants them.
fn condition(rule: LeaseRule) -> fn(&Lease, &LeaseState) -> bool {
    match rule {
        LeaseRule::OneLiveOwner => |_, state| state.broken.holds(LeaseRule::OneLiveOwner),
        LeaseRule::WhoRenewsStays => |_, state| state.broken.holds(LeaseRule::WhoRenewsStays),
        LeaseRule::EvictedIsTold => |_, state| state.broken.holds(LeaseRule::EvictedIsTold),
        LeaseRule::EvictedClaimsNothing => |_, state| state.broken.holds(LeaseRule::EvictedClaimsNothing),
        LeaseRule::OwnedStays => |_, state| state.broken.holds(LeaseRule::OwnedStays),
        LeaseRule::GivenToWhoServes => |_, state| state.broken.holds(LeaseRule::GivenToWhoServes),
        LeaseRule::TermsFollow => |_, state| state.broken.holds(LeaseRule::TermsFollow),
        LeaseRule::OwnersAreFound => |_, state| state.broken.holds(LeaseRule::OwnersAreFound),
    }
}
