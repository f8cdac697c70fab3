//! A transaction sees its own writes exactly as an ordered map would.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use futures::executor::block_on;
use proptest::prelude::*;
use tessera_store::Table;
use tessera_store::memory::MemoryStore;

#[derive(Clone, Debug)]
enum Step {
    Set(u8, u8),
    Clear(u8),
    ClearRange(u8, u8),
    Commit,
    Get(u8),
    Range(u8, u8, usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0_u8..12;
    prop_oneof![
        4 => (key(), any::<u8>()).prop_map(|(key, value)| Step::Set(key, value)),
        2 => key().prop_map(Step::Clear),
        1 => (key(), key()).prop_map(|(begin, end)| Step::ClearRange(begin, end)),
        1 => Just(Step::Commit),
        2 => key().prop_map(Step::Get),
        4 => (key(), key(), 0_usize..6, any::<bool>()).prop_map(|(a, b, limit, way)| Step::Range(a, b, limit, way)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn own_writes_are_seen(steps in prop::collection::vec(step(), 1..80)) {
        let store = MemoryStore::new();
        let mut model: BTreeMap<u8, u8> = BTreeMap::new();
        let mut transaction = block_on(store.begin()).unwrap();
        for step in steps {
            match step {
                Step::Set(key, value) => {
                    transaction.set(&[key], &[value]);
                    model.insert(key, value);
                }
                Step::Clear(key) => {
                    transaction.clear(&[key]);
                    model.remove(&key);
                }
                Step::ClearRange(begin, end) => {
                    transaction.clear_range(&[begin], &[end]);
                    model.retain(|key, _| !(begin..end).contains(key));
                }
                Step::Commit => {
                    block_on(transaction.commit()).unwrap();
                    transaction = block_on(store.begin()).unwrap();
                }
                Step::Get(key) => {
                    let value = block_on(transaction.get(&[key])).unwrap();
                    prop_assert_eq!(value, model.get(&key).map(|value| vec![*value]));
                }
                Step::Range(begin, end, limit, reverse) => {
                    let rows = block_on(transaction.range(&[begin], &[end], limit, reverse)).unwrap();
                    let mut expected: Vec<_> =
                        model.iter().filter(|(key, _)| (begin..end).contains(key)).collect();
                    if reverse {
                        expected.reverse();
                    }
                    expected.truncate(limit);
                    let expected: Vec<_> =
                        expected.into_iter().map(|(key, value)| (vec![*key], vec![*value])).collect();
                    prop_assert_eq!(rows, expected);
                }
            }
        }
    }
}
