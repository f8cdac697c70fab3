//! Where an event belongs: rendezvous hashing (Thaler and Ravishankar, 1998), with bounded loads (Mirrokni, Thorup and Zadimoghaddam,
//! 2018) where a new owner is looked for.

use tessera_inventory::EventId;

use crate::NodeId;

/// A node takes no event while it has more than this share of the mean, plus one.
const LOAD_SHARE_MAX: (u64, u64) = (5, 4);

/// The nodes in the order in which the event belongs to them. The order of two nodes does not depend on others: when one comes or goes,
/// only the events that rank it first move.
#[must_use]
pub fn rank(event: EventId, nodes: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
    let mut weighed: Vec<_> = nodes.into_iter().map(|node| (weight(event, node), node)).collect();
    weighed.sort_unstable_by(|a, b| b.cmp(a));
    weighed.into_iter().map(|(_, node)| node).collect()
}

/// Who should take an event that nobody owns: the first in its rank that does not have more than its share already. `None` without nodes.
#[must_use]
pub fn place(event: EventId, nodes: &[(NodeId, u32)]) -> Option<NodeId> {
    let total: u64 = nodes.iter().map(|(_, load)| u64::from(*load)).sum();
    let (share, of) = LOAD_SHARE_MAX;
    // Rounded up, so that somebody is always below it.
    let load_max = (total * share).div_ceil(of * (nodes.len() as u64).max(1)) + 1;
    let load_of = |node: NodeId| nodes.iter().find(|(of, _)| *of == node).map_or(0, |(_, load)| *load);
    let ranked = rank(event, nodes.iter().map(|(node, _)| *node));
    ranked.into_iter().find(|node| u64::from(load_of(*node)) < load_max)
}

/// The weight of an event on a node: uniform, and independent of its weight on any other.
fn weight(event: EventId, node: NodeId) -> u64 {
    let words = [event.0 >> 64, event.0, node.0 >> 64, node.0];
    words.into_iter().fold(0, |hash, word| {
        #[allow(clippy::cast_possible_truncation)] // the low half is meant
        mixed(hash ^ word as u64)
    })
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014) behind its increment.
fn mixed(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NODES: [NodeId; 4] = [NodeId(11), NodeId(22 << 64), NodeId(33), NodeId(u128::MAX)];

    fn events() -> impl Iterator<Item = EventId> {
        (0..8_000_u128).map(|number| EventId(0x0198_0000_0000_7000_8000_0000_0000_0000 + number))
    }

    #[test]
    fn every_node_ranks_first_for_its_share() {
        for node in NODES {
            let first = events().filter(|event| rank(*event, NODES)[0] == node).count();
            assert!((1_800..2_200).contains(&first), "{first} of 8000 for {node}");
        }
    }

    #[test]
    fn a_node_that_goes_moves_only_its_own_events() {
        for event in events() {
            let before = rank(event, NODES);
            let after = rank(event, NODES[1..].iter().copied());
            let expected: Vec<_> = before.into_iter().filter(|node| *node != NODES[0]).collect();
            assert_eq!(after, expected);
        }
    }

    #[test]
    fn who_has_more_than_its_share_takes_no_more() {
        let mut loads = NODES.map(|node| (node, 0));
        loads[0].1 = 400;
        for event in events() {
            let node = place(event, &loads).unwrap();
            assert_ne!(node, NODES[0]);
            loads.iter_mut().find(|(of, _)| *of == node).unwrap().1 += 1;
            if loads.iter().map(|(_, load)| load).sum::<u32>() >= 1_000 {
                break;
            }
        }
        assert_eq!(place(EventId(7), &[]), None);
        assert_eq!(place(EventId(7), &[(NODES[0], u32::MAX)]), Some(NODES[0]), "alone it takes everything");
    }
}
