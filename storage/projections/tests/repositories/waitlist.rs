use std::sync::Arc;

use tessera_inventory::{
    Choice, ClaimNumber, EntryNumber, Event, EventBody, EventId, HoldPlaced, LeftReason, Manner, Origin,
    Phase, Sequence, Subject, Subjects, TicketTypeId, Timestamp, WaitlistJoined,
};
use tessera_projections::follower_cursors::{Advance, FollowerCursors};
use tessera_projections::waitlist::{FOLLOWER, Standing, Waitlists};
use tessera_store::memory::{CommitFault, MemoryStore};

const EVENT: EventId = EventId(5);

fn joined(primary: u128, types: &[u16]) -> EventBody {
    let choice = |&id: &u16| Choice { ticket_type: TicketTypeId(id), quantity: 2, manner: Manner::Together };
    EventBody::WaitlistJoined(Box::new(WaitlistJoined {
        subjects: Subjects { primary: Subject(primary), extra: vec![Subject(99)] },
        choices: types.iter().map(choice).collect(),
        price_max_minor: Some(4_500),
        priority: 128,
    }))
}

fn offer(entry: u64) -> EventBody {
    EventBody::HoldPlaced(HoldPlaced {
        subjects: Subjects { primary: Subject(1), extra: vec![] },
        deadline_at: Timestamp(900),
        life_ends_at: Timestamp(900),
        channel: None,
        origin: Origin::Offer,
        lines: vec![],
        quote: None,
        entry: Some(EntryNumber(entry)),
    })
}

fn logged(first: u64, bodies: Vec<EventBody>) -> Vec<(Sequence, Event)> {
    let event =
        |(sequence, body)| (Sequence(sequence), Event { at: Timestamp(sequence * 10), key: None, body });
    (first..).zip(bodies).map(event).collect()
}

#[tokio::test]
async fn rows_follow_who_waits_is_offered_and_leaves() {
    let store = MemoryStore::new();
    let (waitlists, cursors) =
        (Waitlists::new(Arc::new(store.clone())), FollowerCursors::new(Arc::new(store.clone())));
    let first = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
    assert!(!waitlists.is_used(EVENT).await.unwrap());
    let bodies = vec![joined(1, &[0, 3]), joined(2, &[3]), joined(3, &[0]), joined(1, &[0])];
    store.inject_commit(CommitFault::UnknownApplied);
    let step = waitlists.follow(EVENT, first, Sequence(13), &logged(10, bodies)).await.unwrap();
    let Advance::Advanced(second) = step else { panic!("nobody else was there") };
    let standing = async |number: u64| {
        let placed = waitlists.get(EVENT, EntryNumber(number)).await.unwrap().unwrap();
        (placed.entry.standing, placed.before)
    };
    assert!(waitlists.is_used(EVENT).await.unwrap());
    assert_eq!(standing(11).await, (Standing::Waiting, vec![1]));
    assert_eq!(standing(13).await, (Standing::Waiting, vec![2]));

    let left = EventBody::WaitlistLeft { entry: EntryNumber(12), reason: LeftReason::Limit };
    let step =
        waitlists.follow(EVENT, second, Sequence(15), &logged(14, vec![offer(10), left])).await.unwrap();
    let Advance::Advanced(third) = step else { panic!("nobody else was there") };
    let offered = Standing::Offered { hold: ClaimNumber(14), deadline_at: Timestamp(900) };
    assert_eq!(standing(10).await, (offered, vec![]));
    assert_eq!(standing(12).await, (Standing::Left(LeftReason::Limit), vec![]));
    assert_eq!((standing(11).await.1, standing(13).await.1), (vec![0], vec![0]));

    let numbers = async |subject: Option<u128>, after: Option<u64>, limit: usize| {
        let page = waitlists.list(EVENT, subject.map(Subject), after.map(EntryNumber), limit).await.unwrap();
        assert_eq!(page.sequence, Sequence(15));
        (page.entries.iter().map(|one| one.entry.number.0).collect::<Vec<_>>(), page.next.map(|next| next.0))
    };
    assert_eq!(numbers(None, None, 3).await, (vec![10, 11, 12], Some(12)));
    assert_eq!(numbers(None, Some(12), 3).await, (vec![13], None));
    assert_eq!(numbers(Some(1), None, 9).await, (vec![10, 13], None));
    assert_eq!(numbers(Some(99), Some(10), 9).await, (vec![11, 12, 13], None));
    assert_eq!(numbers(Some(7), None, 9).await, (vec![], None));

    // Whoever is fenced writes nothing.
    let late = waitlists.follow(EVENT, second, Sequence(16), &logged(16, vec![offer(11)])).await.unwrap();
    assert_eq!(late, Advance::Fenced { found: third });
    let closed = vec![EventBody::PhaseChanged { to: Phase::Closed }];
    waitlists.follow(EVENT, third, Sequence(16), &logged(16, closed)).await.unwrap();
    assert_eq!(standing(11).await, (Standing::Left(LeftReason::Closed), vec![]));
    assert_eq!(standing(10).await, (offered, vec![]));
}
