//! The Merkle tree of RFC 6962 (section 2.1), SHA-256, growing at its right edge.

use sha2::{Digest, Sha256};

/// A node of the tree, or a digest of a text.
pub type Hash = [u8; 32];

/// Before the bytes of a leaf.
pub(crate) const LEAF_PREFIX: u8 = 0x00;
/// Before the two children of a node.
const NODE_PREFIX: u8 = 0x01;
/// A prefix and two nodes.
const NODE_BYTES: usize = 1 + 2 * size_of::<Hash>();

/// SHA-256 of a text, as leaves hold it.
#[must_use]
pub fn hash_of(text: &[u8]) -> Hash {
    Sha256::digest(text).into()
}

/// Put together first: SHA-256 takes one piece with less ado than three.
fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut node = [NODE_PREFIX; NODE_BYTES];
    node[1..1 + left.len()].copy_from_slice(left);
    node[1 + left.len()..].copy_from_slice(right);
    hash_of(&node)
}

/// The right edge of a tree: the roots of its perfect subtrees, largest first. It is all that is needed to go on with the tree, and
/// beside the leaves that came after it, all that their paths need.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

impl Frontier {
    /// The edge of a tree of `size` leaves; `None` where it cannot have these `nodes`.
    #[must_use]
    pub fn of(size: u64, nodes: Vec<Hash>) -> Option<Frontier> {
        (size.count_ones() as usize == nodes.len()).then_some(Frontier { size, nodes })
    }

    /// How many leaves the tree has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its perfect subtrees, largest first.
    #[must_use]
    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Append a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        let mut filled = self.size;
        while filled & 1 == 1
            && let Some(left) = self.nodes.pop()
        {
            node = node_hash(&left, &node);
            filled >>= 1;
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev();
        match nodes.next() {
            None => hash_of(&[]),
            Some(last) => nodes.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// The path of leaf `position` of `after`, in the tree that these leaves make when appended here; `None` beyond them.
    #[must_use]
    pub fn path(&self, after: &[Hash], position: usize) -> Option<Vec<Hash>> {
        if position >= after.len() {
            return None;
        }
        let whole = Grown { before: self, after };
        let mut path = Vec::new();
        whole.collect(self.size + position as u64, 0, self.size + after.len() as u64, &mut path);
        Some(path)
    }
}

/// A tree of which the left part is known by its edge only.
struct Grown<'a> {
    before: &'a Frontier,
    after: &'a [Hash],
}

impl Grown<'_> {
    /// Siblings on the way from `leaf` to the root of the leaves from `begin` to `end`, deepest first.
    fn collect(&self, leaf: u64, begin: u64, end: u64, path: &mut Vec<Hash>) {
        if end - begin <= 1 {
            return;
        }
        let middle = begin + split(end - begin);
        if leaf < middle {
            self.collect(leaf, begin, middle, path);
            path.push(self.subtree(middle, end));
        } else {
            self.collect(leaf, middle, end, path);
            path.push(self.subtree(begin, middle));
        }
    }

    /// The root of the leaves from `begin` to `end`. What lies left of the new leaves is always one perfect subtree of the edge.
    fn subtree(&self, begin: u64, end: u64) -> Hash {
        if end <= self.before.size {
            return self.known(begin);
        }
        if end - begin == 1 {
            let position = usize::try_from(begin - self.before.size).unwrap_or(usize::MAX);
            return self.after.get(position).copied().unwrap_or_default();
        }
        let middle = begin + split(end - begin);
        node_hash(&self.subtree(begin, middle), &self.subtree(middle, end))
    }

    /// The perfect subtree of the edge that begins at `begin`.
    fn known(&self, begin: u64) -> Hash {
        // The bits of the size above those of `begin` have their subtrees before it.
        let before = begin.count_ones() as usize;
        self.before.nodes.get(before).copied().unwrap_or_default()
    }
}

/// The largest power of two below `size`, which is above 1.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// Whether `path` leads from the leaf of this hash, at `index` in a tree of `size`, to `root` (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn is_included(leaf: Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut node) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            node = node_hash(sibling, &node);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            node = node_hash(&node, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && node == *root
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::to_hex;

    fn leaf_hash(leaf: &[u8]) -> Hash {
        hash_of(&[&[LEAF_PREFIX], leaf].concat())
    }

    /// The leaves and roots of the reference implementation of RFC 6962.
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_the_reference() {
        let mut tree = Frontier::default();
        assert_eq!(to_hex(&tree.root()), ROOTS[0]);
        for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
            tree.push(leaf_hash(leaf));
            assert_eq!(to_hex(&tree.root()), *root, "{} leaves", tree.size());
        }
    }

    #[test]
    fn a_path_is_that_of_the_reference() {
        let leaves = LEAVES.map(leaf_hash);
        let path: Vec<_> =
            Frontier::default().path(&leaves, 0).unwrap().iter().map(|one| to_hex(one)).collect();
        assert_eq!(
            path,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        );
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn edge(leaves: &[Hash]) -> Frontier {
        let mut tree = Frontier::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        tree
    }

    /// Wherever the edge stands: it makes no difference to a path.
    #[test]
    fn every_leaf_of_every_tree_has_a_path_and_no_other_leaf_has_it() {
        for size in 1..=40 {
            let all = leaves(size);
            let root = edge(&all).root();
            for first in 0..size {
                let (before, after) = all.split_at(usize::try_from(first).unwrap());
                let before = edge(before);
                for (position, leaf) in after.iter().enumerate() {
                    let path = before.path(after, position).unwrap();
                    let index = first + position as u64;
                    assert!(is_included(*leaf, index, size, &path, &root), "{index} of {size}");
                    assert!(!is_included(*leaf, index, size, &path, &leaf_hash(b"other")), "another root");
                    assert!(!is_included(leaf_hash(b"other"), index, size, &path, &root), "another leaf");
                    assert!(!is_included(*leaf, index + 1, size, &path, &root), "another place");
                    assert!(path.is_empty() || !is_included(*leaf, index, size, &path[1..], &root), "cut");
                    assert!(!is_included(*leaf, index, size, &[path.clone(), vec![root]].concat(), &root));
                }
                assert_eq!(before.path(after, after.len()), None);
            }
        }
    }

    #[test]
    fn an_edge_has_a_node_for_each_perfect_subtree() {
        let tree = edge(&leaves(11));
        assert_eq!(Frontier::of(11, tree.nodes().to_vec()), Some(tree.clone()));
        assert_eq!(Frontier::of(12, tree.nodes().to_vec()), None);
    }
}
