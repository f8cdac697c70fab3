//! What waits, what has ended, and broadcasts, over the memory store.
#![allow(clippy::unwrap_used)] // tests

use std::sync::Arc;

use futures::executor::block_on;
use tessera_correspondence::{
    BROADCASTS_MAX, BULK_WAITING_MAX, Begun, Broadcast, BroadcastState, Broadcasts, Class, Ended, INBOX_KEPT,
    Inbox, Kind, MOVES_MAX, Medium, Messages, Outcome, Recipient, Said, Step, Verdict, Want, lane_of,
    recipient_mark, say_in,
};
use tessera_inventory::{ClaimNumber, EventId, Sequence, Subject, Timestamp};
use tessera_store::keys::{MessageLane, MessagePlace};
use tessera_store::memory::MemoryStore;
use tessera_store::{Table, transact};

const NOW: Timestamp = Timestamp(1_000);
const EVENT: EventId = EventId(7);
const OTHERS: [Class; 3] = [Class::Urgent, Class::Usual, Class::Bulk];

fn lane() -> MessageLane {
    lane_of(Medium::Email, "smtp")
}

fn want(kind: Kind, subject: u128, sequence: u64, due_at: Timestamp) -> Want {
    let subject = Subject(subject);
    let place = MessagePlace {
        at: NOW,
        event: EVENT,
        sequence: Sequence(sequence),
        recipient: recipient_mark(subject),
        kind: kind.number(),
    };
    Want {
        place,
        kind,
        recipient: Recipient { subject, order: Some(ClaimNumber(sequence)) },
        order: Some(ClaimNumber(sequence)),
        tickets: vec![1],
        dispute: None,
        is_giver: false,
        expires_at: None,
        due_at,
        attempts: 0,
        last_error: None,
    }
}

fn say(table: &Arc<MemoryStore>, wants: Vec<Want>) {
    let (said, lanes) = (&Said { wants, ..Said::default() }, &[lane()]);
    let table: &dyn Table = table.as_ref();
    block_on(transact(table, |mut transaction| async move {
        say_in(transaction.as_mut(), said, lanes).await?;
        Ok((transaction, ()))
    }))
    .unwrap();
}

#[test]
fn the_most_urgent_is_due_first_and_what_was_tried_waits() {
    let table = Arc::new(MemoryStore::new());
    let messages = Messages::new(Arc::clone(&table) as Arc<dyn Table>);
    let later = NOW.plus_ms(500);
    let (bulk, urgent) = (want(Kind::Announcement, 1, 1, NOW), want(Kind::Confirmation, 2, 2, NOW));
    let usual = want(Kind::Refund, 3, 3, later);
    say(&table, vec![bulk.clone(), urgent.clone(), usual]);
    say(&table, vec![Want { attempts: 9, ..urgent.clone() }]);
    let due = |now| block_on(messages.due(&lane(), &OTHERS, now, 8)).unwrap();
    let found = due(NOW);
    assert_eq!(found.wants, [urgent.clone(), bulk.clone()], "what waits is not written again");
    assert_eq!((found.next_at, block_on(messages.oldest(&lane())).unwrap()), (Some(later), Some(NOW)));
    assert_eq!(block_on(messages.due(&lane(), &[Class::Emergency], NOW, 8)).unwrap().wants, []);
    let again_at = NOW.plus_ms(30_000);
    let outcomes = [
        Outcome { want: urgent.clone(), verdict: Verdict::Again(again_at), error: Some("451".to_owned()) },
        Outcome { want: bulk, verdict: Verdict::Ended(Ended::Delivered), error: None },
    ];
    let record = || block_on(messages.record(&lane(), &outcomes, (1, Some(later)), NOW)).unwrap();
    record();
    // By an attempt of unknown outcome.
    record();
    let account = block_on(messages.account(&lane())).unwrap();
    assert_eq!((account.failures, account.paused_until, account.finished), (1, Some(later), 1));
    let tried = Want { due_at: again_at, attempts: 1, last_error: Some("451".to_owned()), ..urgent };
    assert_eq!(block_on(messages.pending(&lane(), None, 9)).unwrap().len(), 2);
    assert!(due(again_at).wants.contains(&tried));
}

#[test]
fn a_dead_letter_is_listed_and_waits_again_under_its_name() {
    let table = Arc::new(MemoryStore::new());
    let messages = Messages::new(Arc::clone(&table) as Arc<dyn Table>);
    let wants: Vec<_> = (1..=3).map(|number| want(Kind::Confirmation, number.into(), number, NOW)).collect();
    say(&table, wants.clone());
    let dead = |want: &Want| Outcome {
        want: want.clone(),
        verdict: Verdict::Ended(Ended::Dead),
        error: Some("550 ".repeat(100)),
    };
    let at = NOW.plus_ms(9);
    let outcomes: Vec<_> = wants.iter().map(dead).collect();
    block_on(messages.record(&lane(), &outcomes, (0, None), at)).unwrap();
    let listed = |before, limit| block_on(messages.finished(&lane(), true, before, limit)).unwrap();
    let found = listed(None, 9);
    assert_eq!((found.len(), found[0].want.attempts, found[0].since), (3, 1, NOW));
    assert_eq!(found[0].want.last_error.as_ref().unwrap().len(), 200);
    assert_eq!(listed(Some(found[1].want.place), 9), [found[2].clone()]);
    let one = [found[0].want.place];
    assert_eq!(block_on(messages.replay(&lane(), &one, at)).unwrap(), 1);
    assert_eq!(block_on(messages.replay(&lane(), &one, at)).unwrap(), 0, "it waits already");
    let due = block_on(messages.due(&lane(), &OTHERS, at, 9)).unwrap().wants;
    let again = wants.iter().find(|want| want.place == due[0].place).unwrap();
    assert_eq!(due, [Want { due_at: at, last_error: due[0].last_error.clone(), ..again.clone() }]);
    let later = block_on(messages.replay_since(&lane(), at.plus_ms(1), at)).unwrap();
    let all = block_on(messages.replay_since(&lane(), at, at)).unwrap();
    assert_eq!((later.messages, all.messages, all.is_more), (0, 2, false));
    assert_eq!(block_on(messages.account(&lane())).unwrap().dead, 0);
}

#[test]
fn an_inbox_keeps_the_youngest_and_knows_what_was_read() {
    let table = Arc::new(MemoryStore::new());
    let inbox = Inbox::new(Arc::clone(&table) as Arc<dyn Table>);
    let count = u64::try_from(INBOX_KEPT).unwrap() + 3;
    for number in 1..=count {
        say(&table, vec![want(Kind::Refund, 1, number, NOW)]);
    }
    let list = |before, limit| block_on(inbox.list(Subject(1), before, limit)).unwrap();
    let all = list(None, 200);
    assert_eq!((all.len(), all[0].place.sequence.0), (INBOX_KEPT, count));
    assert_eq!(list(Some(all[1].place), 1)[0].place, all[2].place);
    let places = [all[0].place, all[1].place];
    assert_eq!(block_on(inbox.mark(Subject(1), &places)).unwrap(), 2);
    assert_eq!(block_on(inbox.mark(Subject(2), &places)).unwrap(), 0);
    let read: Vec<_> = list(None, 3).iter().map(|item| item.is_read).collect();
    assert_eq!(read, [true, true, false]);
}

fn fresh(kind: Kind, request: u128) -> Broadcast {
    Broadcast {
        event: EVENT,
        run: 0,
        kind,
        variables: vec![("title".to_owned(), "Doors".to_owned())],
        request,
        created_at: NOW,
        not_before: NOW,
        expires_at: None,
        state: BroadcastState::Running,
        cursor: None,
        orders: 0,
        recipients: 0,
    }
}

#[test]
fn an_event_that_moves_often_has_room_for_emergencies() {
    let broadcasts = Broadcasts::new(Arc::new(MemoryStore::new()));
    let begin = |kind, request: usize| {
        let request = u128::try_from(request).unwrap();
        block_on(broadcasts.begin(&fresh(kind, request))).unwrap()
    };
    for request in 1..=MOVES_MAX {
        assert!(matches!(begin(Kind::Change, request), Begun::Runs(_)), "{request}");
    }
    assert_eq!(begin(Kind::Change, MOVES_MAX + 1), Begun::TooMany);
    let all = MOVES_MAX + BROADCASTS_MAX;
    for request in MOVES_MAX + 1..=all {
        let Begun::Runs(begun) = begin(Kind::Emergency, request) else { panic!("{request}") };
        assert_eq!(begun.run, request as u64);
    }
    assert_eq!(begin(Kind::Announcement, all + 1), Begun::TooMany);
    assert!(matches!(begin(Kind::Emergency, all), Begun::Runs(_)), "the same once more");
}

#[test]
fn a_broadcast_writes_to_each_person_once_and_from_one_place_only() {
    let table = Arc::new(MemoryStore::new());
    let (messages, broadcasts) = (
        Messages::new(Arc::clone(&table) as Arc<dyn Table>),
        Broadcasts::new(Arc::clone(&table) as Arc<dyn Table>),
    );
    let begin = |request| match block_on(broadcasts.begin(&fresh(Kind::Announcement, request))).unwrap() {
        Begun::Runs(run) => run,
        Begun::TooMany => panic!("too many"),
    };
    let run = begin(1);
    assert_eq!((run.run, begin(1).run, begin(2).run), (1, 1, 2));
    let told = |subjects: &[u128], cursor, is_last| Step {
        cursor: Some(ClaimNumber(cursor)),
        orders: 1,
        is_last,
        post: None,
        wants: subjects.iter().map(|subject| want(Kind::Announcement, *subject, 1, NOW)).collect(),
    };
    let step = |before: &Broadcast, step: &Step| {
        block_on(broadcasts.step(before, step, &[lane()])).unwrap().unwrap()
    };
    let first = step(&run, &told(&[1, 2], 4, false));
    assert_eq!((first.recipients, first.orders, first.cursor), (2, 1, Some(ClaimNumber(4))));
    assert_eq!(step(&run, &told(&[3], 4, false)), first, "somebody else has been there");
    let paused = block_on(broadcasts.pause(EVENT, 1, true)).unwrap().unwrap();
    assert_eq!(step(&paused, &told(&[3], 5, false)).recipients, 2);
    let resumed = block_on(broadcasts.pause(EVENT, 1, false)).unwrap().unwrap();
    let done = step(&resumed, &told(&[2, 3], 5, true));
    assert_eq!((done.recipients, done.state), (3, BroadcastState::Done));
    assert_eq!(block_on(broadcasts.pause(EVENT, 1, true)).unwrap(), Some(done));
    assert_eq!(block_on(messages.pending(&lane(), None, 9)).unwrap().len(), 3);
    assert_eq!(block_on(broadcasts.list(Some(EVENT), Some((EVENT, 1)), 9)).unwrap().len(), 1);
    assert!(!block_on(messages.is_full_of_bulk(&lane())).unwrap());
    let many = u128::try_from(BULK_WAITING_MAX).unwrap();
    for subjects in (100..100 + many).collect::<Vec<_>>().chunks(500) {
        say(&table, subjects.iter().map(|subject| want(Kind::Announcement, *subject, 1, NOW)).collect());
    }
    assert!(block_on(messages.is_full_of_bulk(&lane())).unwrap());
}

#[test]
fn what_is_not_its_turn_waits_and_nothing_counts() {
    let table = Arc::new(MemoryStore::new());
    let messages = Messages::new(Arc::clone(&table) as Arc<dyn Table>);
    let waiting = want(Kind::Confirmation, 1, 1, NOW);
    say(&table, vec![waiting.clone()]);
    let (later, error) = (NOW.plus_ms(700), Some("429".to_owned()));
    let outcome = Outcome { want: waiting.clone(), verdict: Verdict::Later(later), error: error.clone() };
    block_on(messages.record(&lane(), &[outcome], (0, None), NOW)).unwrap();
    let due = block_on(messages.due(&lane(), &OTHERS, NOW, 8)).unwrap();
    assert_eq!((due.wants, due.next_at), (Vec::new(), Some(later)));
    let due = block_on(messages.due(&lane(), &OTHERS, later, 8)).unwrap();
    assert_eq!(due.wants, [Want { due_at: later, last_error: error, ..waiting }]);
}

#[test]
fn a_kind_waits_in_the_lanes_that_carry_it_and_what_is_for_all_to_see_in_public_ones() {
    let table = Arc::new(MemoryStore::new());
    let messages = Messages::new(Arc::clone(&table) as Arc<dyn Table>);
    let lanes = [Medium::Email, Medium::Sms, Medium::Discord].map(|medium| lane_of(medium, "one"));
    let waits = |lane: &MessageLane| block_on(messages.pending(lane, None, 9)).unwrap().len();
    let wants = vec![want(Kind::Confirmation, 1, 1, NOW), want(Kind::Refund, 1, 2, NOW)];
    let said = &Said { wants, ..Said::default() };
    let all = &lanes;
    block_on(transact(table.as_ref() as &dyn Table, |mut transaction| async move {
        say_in(transaction.as_mut(), said, all).await?;
        Ok((transaction, ()))
    }))
    .unwrap();
    assert_eq!(lanes.each_ref().map(waits), [2, 1, 0]);
    let broadcasts = Broadcasts::new(Arc::clone(&table) as Arc<dyn Table>);
    let begun = fresh(Kind::Emergency, 0);
    let Begun::Runs(begun) = block_on(broadcasts.begin(&begun)).unwrap() else { panic!("it has begun") };
    let post = Some(want(Kind::Emergency, 9, begun.run, NOW));
    let wants = vec![want(Kind::Emergency, 1, begun.run, NOW)];
    let step = Step { cursor: None, orders: 0, is_last: true, wants, post };
    for _ in 0..2 {
        let stands = block_on(broadcasts.step(&begun, &step, &lanes)).unwrap().unwrap();
        assert_eq!((stands.state, stands.recipients), (BroadcastState::Done, 1));
    }
    assert_eq!(lanes.each_ref().map(waits), [3, 2, 1]);
    let inbox = Inbox::new(Arc::clone(&table) as Arc<dyn Table>);
    assert_eq!(block_on(inbox.list(Subject(9), None, 9)).unwrap(), [], "nobody is the organizer");
}
