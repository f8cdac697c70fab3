use std::sync::Arc;

use tessera_inventory::{EventId, Sequence};
use tessera_projections::follower_cursors::{Advance, FollowerCursors};
use tessera_store::{
    keys::FollowerCursor,
    memory::{CommitFault, MemoryStore},
};

const EVENT: EventId = EventId(5);

#[tokio::test]
async fn a_follower_moves_on_until_another_takes_over() {
    let cursors = FollowerCursors::new(Arc::new(MemoryStore::new()));
    let first = cursors.take_over(EVENT, "payment").await.unwrap();
    assert_eq!(first, FollowerCursor { fence: 1, sequence: Sequence(0) });
    let Advance::Advanced(first) = cursors.advance(EVENT, "payment", first, Sequence(10)).await.unwrap()
    else {
        panic!("nobody else was there");
    };
    let second = cursors.take_over(EVENT, "payment").await.unwrap();
    assert_eq!(second, FollowerCursor { fence: 2, sequence: Sequence(10) });
    let fenced = cursors.advance(EVENT, "payment", first, Sequence(11)).await.unwrap();
    assert_eq!(fenced, Advance::Fenced { found: second });
    let moved = cursors.advance(EVENT, "payment", second, Sequence(12)).await.unwrap();
    assert_eq!(moved, Advance::Advanced(FollowerCursor { fence: 2, sequence: Sequence(12) }));
    assert_eq!(
        cursors.read(EVENT, "waitlist").await.unwrap(),
        FollowerCursor { fence: 0, sequence: Sequence(0) }
    );
}

#[tokio::test]
async fn a_move_that_landed_with_an_unknown_outcome_counts() {
    let store = MemoryStore::new();
    let cursors = FollowerCursors::new(Arc::new(store.clone()));
    let taken = cursors.take_over(EVENT, "payment").await.unwrap();
    store.inject_commit(CommitFault::UnknownApplied);
    let moved = cursors.advance(EVENT, "payment", taken, Sequence(4)).await.unwrap();
    assert_eq!(moved, Advance::Advanced(FollowerCursor { sequence: Sequence(4), ..taken }));
}

#[tokio::test]
async fn a_cursor_never_goes_back() {
    let cursors = FollowerCursors::new(Arc::new(MemoryStore::new()));
    let taken = cursors.take_over(EVENT, "payment").await.unwrap();
    let Advance::Advanced(ahead) = cursors.advance(EVENT, "payment", taken, Sequence(9)).await.unwrap()
    else {
        panic!("nobody else was there");
    };
    assert_eq!(
        cursors.advance(EVENT, "payment", ahead, Sequence(3)).await.unwrap(),
        Advance::Advanced(ahead)
    );
    assert_eq!(cursors.read(EVENT, "payment").await.unwrap(), ahead);
}
