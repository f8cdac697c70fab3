//! A genuine receipt verifies; whatever is changed in it, it does not.
#![allow(clippy::unwrap_used)] // tests

use tessera_proof::{
    Checkpoint, Forgery, Frontier, KeyDigest, Kind, Leaf, Origin, Outcome, PublicKey, Receipt, ReceiptId,
    SigningKey, hash_of,
};

const ORIGIN: Origin = Origin { installation: 0x1a, event: 0x0198_0000_0000_7000_8000_0000_0000_0001 };

fn leaf(number: u64, outcome: Outcome) -> Leaf {
    Leaf {
        event: ORIGIN.event,
        kind: Kind::PlaceHold,
        sequence: number,
        at_ms: 1_000 + number,
        key: Some(KeyDigest { digest: u128::from(number), fingerprint: 7 }),
        outcome,
        detail: hash_of(detail(number).as_bytes()),
    }
}

fn detail(number: u64) -> String {
    format!("units={number}")
}

fn leaves() -> Vec<Leaf> {
    let refused = |number| Outcome::Refused { epoch: 2, number, code: "sold_out".to_owned() };
    (1..=9)
        .map(|number| leaf(number, if number % 2 == 0 { refused(number) } else { Outcome::Accepted }))
        .collect()
}

fn key() -> SigningKey {
    SigningKey::of_seed(&[5; 32])
}

fn keys() -> Vec<PublicKey> {
    vec![PublicKey { bytes: key().public(), valid_from_ms: 100, valid_until_ms: Some(5_000) }]
}

/// The receipt of one of nine decisions, four of which came before the page that it is in.
fn receipt(position: usize) -> Receipt {
    let leaves = leaves();
    let hashes: Vec<_> = leaves.iter().map(Leaf::hash).collect();
    let (mut before, mut whole) = (Frontier::default(), Frontier::default());
    hashes[..4].iter().for_each(|hash| before.push(*hash));
    hashes.iter().for_each(|hash| whole.push(*hash));
    let leaf = leaves[4 + position].clone();
    let note = checkpoint(&whole, 2_000).sign(&key());
    Receipt {
        id: leaf.id(),
        detail: detail(leaf.sequence),
        index: 4 + position as u64,
        path: before.path(&hashes[4..], position).unwrap(),
        checkpoint: note.render(),
        leaf,
    }
}

fn checkpoint(tree: &Frontier, at_ms: u64) -> Checkpoint {
    let (size, root) = (tree.size(), tree.root());
    Checkpoint { origin: ORIGIN, size, root, sequence: 9, chain: [3; 32], epoch: 2, at_ms }
}

fn refused(change: impl FnOnce(&mut Receipt)) -> Forgery {
    let mut forged = receipt(1);
    change(&mut forged);
    forged.verify(&keys()).unwrap_err()
}

#[test]
fn acceptances_and_refusals_verify() {
    for position in 0..5 {
        let receipt = receipt(position);
        let keys = keys();
        let (checkpoint, by) = receipt.verify(&keys).unwrap();
        assert_eq!((checkpoint.size, by), (9, &keys[0]), "{position}");
    }
}

#[test]
fn every_field_of_the_leaf_is_proven() {
    let other = ReceiptId { event: ORIGIN.event + 1, ..receipt(1).id };
    assert_eq!(refused(|one| one.leaf.event += 1), Forgery::AnotherEvent);
    assert_eq!(refused(|one| one.id = other), Forgery::AnotherDecision);
    assert_eq!(refused(|one| one.leaf.kind = Kind::RenewHold), Forgery::NotInTree);
    assert_eq!(refused(|one| one.leaf.sequence -= 1), Forgery::NotInTree);
    assert_eq!(refused(|one| one.leaf.sequence = 10), Forgery::BeyondCheckpoint);
    assert_eq!(refused(|one| one.leaf.at_ms += 1), Forgery::NotInTree);
    assert_eq!(refused(|one| one.leaf.key = None), Forgery::NotInTree);
    assert_eq!(refused(|one| one.leaf.key.as_mut().unwrap().digest ^= 1), Forgery::NotInTree);
    assert_eq!(refused(|one| one.leaf.key.as_mut().unwrap().fingerprint ^= 1), Forgery::NotInTree);
    assert_eq!(refused(|one| one.leaf.detail[0] ^= 1), Forgery::AnotherDetail);
    assert_eq!(refused(|one| one.detail.push('0')), Forgery::AnotherDetail);
    let both = |one: &mut Receipt| {
        one.detail = "units=1".to_owned();
        one.leaf.detail = hash_of(b"units=1");
    };
    assert_eq!(refused(both), Forgery::NotInTree);
}

#[test]
fn a_refusal_does_not_become_another_nor_an_acceptance() {
    let outcome = |epoch, number, code: &str| {
        refused(|one| {
            one.leaf.outcome = Outcome::Refused { epoch, number, code: code.to_owned() };
            one.id = one.leaf.id();
        })
    };
    assert_eq!(outcome(3, 6, "sold_out"), Forgery::NotInTree, "another epoch");
    assert_eq!(outcome(2, 7, "sold_out"), Forgery::NotInTree, "another number");
    assert_eq!(outcome(2, 6, "wrong_phase"), Forgery::NotInTree, "another code");
    assert_eq!(refused(|one| one.leaf.outcome = Outcome::Accepted), Forgery::AnotherDecision);
    let accepted = |one: &mut Receipt| {
        one.leaf.outcome = Outcome::Accepted;
        one.id = one.leaf.id();
    };
    assert_eq!(refused(accepted), Forgery::NotInTree);
}

#[test]
fn index_and_path_are_proven() {
    assert_eq!(refused(|one| one.index += 1), Forgery::NotInTree);
    assert_eq!(refused(|one| one.index = u64::MAX), Forgery::NotInTree);
    for step in 0..receipt(1).path.len() {
        for byte in 0..32 {
            assert_eq!(refused(|one| one.path[step][byte] ^= 1), Forgery::NotInTree);
        }
    }
    assert_eq!(refused(|one| one.path.truncate(1)), Forgery::NotInTree);
    assert_eq!(refused(|one| one.path = receipt(2).path), Forgery::NotInTree, "the path of another leaf");
}

#[test]
fn no_byte_of_the_checkpoint_can_be_changed() {
    let note = receipt(1).checkpoint;
    for (position, _) in note.char_indices() {
        for replacement in ['0', 'A', '\n', ' '] {
            let mut text: Vec<char> = note.chars().collect();
            let at = note[..position].chars().count();
            if text[at] == replacement {
                continue;
            }
            text[at] = replacement;
            let forged = Receipt { checkpoint: text.into_iter().collect(), ..receipt(1) };
            assert!(forged.verify(&keys()).is_err(), "character {at} became {replacement:?}");
        }
    }
}

#[test]
fn only_the_right_key_at_the_right_time_counts() {
    let receipt = receipt(1);
    let foreign = PublicKey { bytes: SigningKey::of_seed(&[6; 32]).public(), ..keys()[0] };
    assert_eq!(receipt.verify(&[foreign]).unwrap_err(), Forgery::UnknownKey);
    let retired = PublicKey { valid_until_ms: Some(2_000), ..keys()[0] };
    assert_eq!(receipt.verify(&[retired]).unwrap_err(), Forgery::KeyNotValidThen);
    let later = PublicKey { valid_from_ms: 2_001, ..keys()[0] };
    assert_eq!(receipt.verify(&[later]).unwrap_err(), Forgery::KeyNotValidThen);
    assert!(receipt.verify(&[foreign, keys()[0]]).is_ok());
}

/// Signed by the right key, but of another tree.
#[test]
fn a_path_from_another_tree_proves_nothing() {
    let mut other = Frontier::default();
    (0..9_u8).for_each(|number| other.push(hash_of(&[number])));
    let forged = Receipt { checkpoint: checkpoint(&other, 2_000).sign(&key()).render(), ..receipt(1) };
    assert_eq!(forged.verify(&keys()).unwrap_err(), Forgery::NotInTree);
    let elsewhere = Origin { event: 9, ..ORIGIN };
    let foreign = Checkpoint { origin: elsewhere, ..checkpoint(&other, 2_000) };
    let forged = Receipt { checkpoint: foreign.sign(&key()).render(), ..receipt(1) };
    assert_eq!(forged.verify(&keys()).unwrap_err(), Forgery::AnotherEvent);
}
