//! Who may own an event: decided on rows that one serializable transaction has read, and whose outcome it writes.

use crate::{NodeId, NodeRow, OwnerRow, Standing};

/// What a claim comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Write this row, and that the node owns the event.
    Take(OwnerRow),
    /// It is ours already: write nothing.
    Ours(OwnerRow),
    /// Another node owns it, and is there.
    Elsewhere(OwnerRow),
    /// The claimant is not registered any more, or hands its events over: it takes nothing.
    NotServing,
}

/// May `me` own the event? `owner` is what stands in its row, `owner_row` the row of the node that is named there, `mine` my own row.
/// Both are really read, so that an eviction and a claim of the same node conflict.
#[must_use]
pub fn claim(
    me: NodeId,
    mine: Option<&NodeRow>,
    owner: Option<OwnerRow>,
    owner_row: Option<&NodeRow>,
) -> Claim {
    match owner {
        Some(owner) if owner.node == me => match standing(mine) {
            Standing::Evicted => Claim::NotServing,
            Standing::Serving | Standing::Draining => Claim::Ours(owner),
        },
        Some(owner) if standing(owner_row) != Standing::Evicted => Claim::Elsewhere(owner),
        gone => match standing(mine) {
            Standing::Serving => Claim::Take(OwnerRow { node: me, term: gone.map_or(0, |row| row.term) + 1 }),
            Standing::Draining | Standing::Evicted => Claim::NotServing,
        },
    }
}

/// What a transfer comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Write this row, and that the other node owns the event.
    Give(OwnerRow),
    /// It is not ours to give.
    NotOurs,
    /// The other node takes nothing.
    NotServing,
}

/// May `me` give the event to `other`, whose row is `other_row`?
#[must_use]
pub fn transfer(me: NodeId, owner: Option<OwnerRow>, other: NodeId, other_row: Option<&NodeRow>) -> Transfer {
    match owner {
        Some(owner) if owner.node == me => match standing(other_row) {
            Standing::Serving => Transfer::Give(OwnerRow { node: other, term: owner.term + 1 }),
            Standing::Draining | Standing::Evicted => Transfer::NotServing,
        },
        Some(_) | None => Transfer::NotOurs,
    }
}

/// A row that is not there is that of a node that is gone.
fn standing(row: Option<&NodeRow>) -> Standing {
    row.map_or(Standing::Evicted, |row| row.standing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: NodeId = NodeId(1);
    const OTHER: NodeId = NodeId(2);

    fn row(standing: Standing) -> NodeRow {
        NodeRow {
            name: "a".to_owned(),
            peer_address: "a:1".to_owned(),
            client_address: None,
            lease_ms: 3_000,
            release: "1".to_owned(),
            standing,
        }
    }

    #[test]
    fn what_nobody_owns_is_taken_and_what_a_gone_node_owned_too() {
        let serving = row(Standing::Serving);
        assert_eq!(claim(ME, Some(&serving), None, None), Claim::Take(OwnerRow { node: ME, term: 1 }));
        let owner = OwnerRow { node: OTHER, term: 7 };
        for gone in [None, Some(&row(Standing::Evicted))] {
            let taken = claim(ME, Some(&serving), Some(owner), gone);
            assert_eq!(taken, Claim::Take(OwnerRow { node: ME, term: 8 }));
        }
    }

    #[test]
    fn what_another_owns_that_is_there_is_not_taken() {
        let owner = OwnerRow { node: OTHER, term: 7 };
        for standing in [Standing::Serving, Standing::Draining] {
            let found = claim(ME, Some(&row(Standing::Serving)), Some(owner), Some(&row(standing)));
            assert_eq!(found, Claim::Elsewhere(owner));
        }
    }

    #[test]
    fn who_is_evicted_takes_nothing_and_keeps_nothing() {
        for mine in [None, Some(&row(Standing::Evicted))] {
            assert_eq!(claim(ME, mine, None, None), Claim::NotServing);
            let ours = Some(OwnerRow { node: ME, term: 3 });
            assert_eq!(claim(ME, mine, ours, mine), Claim::NotServing);
        }
        let draining = row(Standing::Draining);
        assert_eq!(claim(ME, Some(&draining), None, None), Claim::NotServing);
        let ours = OwnerRow { node: ME, term: 3 };
        assert_eq!(claim(ME, Some(&draining), Some(ours), Some(&draining)), Claim::Ours(ours));
    }

    #[test]
    fn only_the_owner_gives_and_only_to_who_serves() {
        let ours = Some(OwnerRow { node: ME, term: 3 });
        let serving = row(Standing::Serving);
        let given = transfer(ME, ours, OTHER, Some(&serving));
        assert_eq!(given, Transfer::Give(OwnerRow { node: OTHER, term: 4 }));
        assert_eq!(transfer(OTHER, ours, ME, Some(&serving)), Transfer::NotOurs);
        assert_eq!(transfer(ME, None, OTHER, Some(&serving)), Transfer::NotOurs);
        assert_eq!(transfer(ME, ours, OTHER, None), Transfer::NotServing);
        assert_eq!(transfer(ME, ours, OTHER, Some(&row(Standing::Draining))), Transfer::NotServing);
    }
}
