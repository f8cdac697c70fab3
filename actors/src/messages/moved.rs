//! An event that takes place at another time or place: what people are told of it is replaced, its reminder moves along, and a broadcast to
//! everybody who has tickets is begun, in one transaction.

use std::sync::OnceLock;

use tessera_correspondence::{Begun, Broadcast, BroadcastState, Kind, begin_next_in, move_reminder_in};
use tessera_inventory::Timestamp;
use tessera_projections::catalogue::{CatalogueEvent, card_in, replace_card_in};
use tessera_store::{StoreError, Table, transact};

/// What became of an event that is to be described otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is, and people are told by this broadcast, where they are told anything.
    Card(Box<CatalogueEvent>, Option<u64>),
    /// The catalogue does not have it.
    NotFound,
    /// People have heard of as many changes of it as one event may have: nothing was replaced.
    TooMany,
}

/// Replaces what people are told of an event. `request` names the broadcast that follows; `None`: nobody is told.
pub(crate) async fn replace(
    table: &dyn Table,
    new: &CatalogueEvent,
    request: Option<u128>,
    now: Timestamp,
) -> Result<Replaced, StoreError> {
    // An attempt of unknown outcome may have replaced it: what that changed is said all the same.
    let first = &OnceLock::new();
    transact(table, |mut transaction| async move {
        let Some(before) = card_in(transaction.as_mut(), new.event).await? else {
            return Ok((transaction, Replaced::NotFound));
        };
        let change = match what_changed(&before, new, now) {
            Some(change) => {
                first.get_or_init(|| change);
                Some(change)
            }
            None => first.get().copied(),
        };
        let mut run = None;
        if let Some((request, change)) = request.zip(change) {
            match begin_next_in(transaction.as_mut(), &broadcast(new, change, request, now)).await? {
                Begun::Runs(begun) => run = Some(begun.run),
                Begun::TooMany => return Ok((transaction, Replaced::TooMany)),
            }
        }
        move_reminder_in(transaction.as_mut(), new.event, before.starts_at, new.starts_at).await?;
        let card = replace_card_in(transaction.as_mut(), new).await?;
        let replaced = card.map_or(Replaced::NotFound, |card| Replaced::Card(Box::new(card), run));
        Ok((transaction, replaced))
    })
    .await
}

/// What people should hear of: `date`, `place`, `date_and_place`; nothing of an event that has begun.
fn what_changed(before: &CatalogueEvent, after: &CatalogueEvent, now: Timestamp) -> Option<&'static str> {
    if now >= before.starts_at.max(after.starts_at) {
        return None;
    }
    let is_same_date =
        (before.starts_at, before.ends_at, &before.zone) == (after.starts_at, after.ends_at, &after.zone);
    match (is_same_date, before.place == after.place) {
        (true, true) => None,
        (false, true) => Some("date"),
        (true, false) => Some("place"),
        (false, false) => Some("date_and_place"),
    }
}

fn broadcast(card: &CatalogueEvent, change: &str, request: u128, now: Timestamp) -> Broadcast {
    Broadcast {
        event: card.event,
        run: 0,
        kind: Kind::Change,
        variables: vec![("change".to_owned(), change.to_owned())],
        request,
        created_at: now,
        not_before: now,
        expires_at: None,
        state: BroadcastState::Running,
        cursor: None,
        orders: 0,
        recipients: 0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::executor::block_on;
    use futures::future::BoxFuture;
    use tessera_correspondence::{Broadcasts, Said, say_in};
    use tessera_inventory::{EventId, Sequence};
    use tessera_projections::catalogue::{Catalogue, CatalogueRequest};
    use tessera_store::memory::{CommitFault, MemoryStore};
    use tessera_store::{CommitOutcome, Transaction};

    use super::*;

    const HOUR_MS: u64 = 3_600_000;
    const NOW: Timestamp = Timestamp(1_000);
    const START: Timestamp = Timestamp(100 * HOUR_MS);

    fn card() -> CatalogueEvent {
        CatalogueEvent {
            event: EventId(1),
            organizer: 7,
            name: "Concert".to_owned(),
            starts_at: START,
            ends_at: None,
            zone: "Europe/Berlin".to_owned(),
            place: "Riverside".to_owned(),
            created_at: Timestamp(5),
            changed_at: Timestamp(5),
            changes: 0,
        }
    }

    fn stored() -> Arc<MemoryStore> {
        let store = Arc::new(MemoryStore::new());
        let catalogue = Catalogue::new(Arc::clone(&store) as Arc<dyn Table>);
        let request = CatalogueRequest { digest: 1, fingerprint: 1 };
        block_on(catalogue.create(&card(), request)).unwrap();
        store
    }

    #[test]
    fn people_hear_of_another_date_or_place_of_what_is_still_to_come() {
        let check = |after: CatalogueEvent, now: Timestamp, expected| {
            assert_eq!(what_changed(&card(), &after, now), expected, "{after:?}");
        };
        let later = Timestamp(START.0 + 1);
        let place = "Hall".to_owned();
        check(card(), NOW, None);
        check(CatalogueEvent { name: "Gig".to_owned(), ..card() }, NOW, None);
        check(CatalogueEvent { starts_at: later, ..card() }, NOW, Some("date"));
        check(CatalogueEvent { ends_at: Some(later), ..card() }, NOW, Some("date"));
        check(CatalogueEvent { zone: "UTC".to_owned(), ..card() }, NOW, Some("date"));
        check(CatalogueEvent { place: place.clone(), ..card() }, NOW, Some("place"));
        check(
            CatalogueEvent { place: place.clone(), starts_at: later, ..card() },
            NOW,
            Some("date_and_place"),
        );
        check(CatalogueEvent { place: place.clone(), ..card() }, START, None);
        check(CatalogueEvent { place, starts_at: later, ..card() }, START, Some("date_and_place"));
    }

    #[test]
    fn a_change_of_unknown_outcome_is_told_once() {
        let store = stored();
        let table = Arc::clone(&store) as Arc<dyn Table>;
        let place = "Hall".to_owned();
        let new = CatalogueEvent { place, organizer: 0, created_at: NOW, changed_at: NOW, ..card() };
        store.inject_commit(CommitFault::UnknownApplied);
        let replaced = block_on(replace(table.as_ref(), &new, Some(9), NOW)).unwrap();
        let kept = CatalogueEvent { place: "Hall".to_owned(), changed_at: NOW, changes: 1, ..card() };
        assert_eq!(
            replaced,
            Replaced::Card(Box::new(kept), Some(1)),
            "whose it is stays, and it changed once"
        );
        let again = block_on(replace(table.as_ref(), &new, Some(10), NOW)).unwrap();
        assert!(matches!(again, Replaced::Card(_, None)), "nothing changed: {again:?}");
        let runs = block_on(Broadcasts::new(table).list(None, None, 10)).unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].variables, [("change".to_owned(), "place".to_owned())]);
        let other = CatalogueEvent { event: EventId(2), ..card() };
        let absent = block_on(replace(&*store, &other, Some(11), NOW)).unwrap();
        assert_eq!(absent, Replaced::NotFound);
    }

    /// A table where somebody else moves the event to the hall between the first transaction and the next.
    struct Raced {
        store: Arc<MemoryStore>,
        begun: AtomicUsize,
    }

    impl Table for Raced {
        fn begin(&self) -> BoxFuture<'static, Result<Box<dyn Transaction>, StoreError>> {
            let (store, is_second) =
                (Arc::clone(&self.store), self.begun.fetch_add(1, Ordering::Relaxed) == 1);
            Box::pin(async move {
                if is_second {
                    let mut transaction = store.begin().await?;
                    let hall = CatalogueEvent { place: "Hall".to_owned(), ..card() };
                    replace_card_in(transaction.as_mut(), &hall).await?;
                    assert_eq!(transaction.commit().await?, CommitOutcome::Committed);
                }
                store.begin().await
            })
        }
    }

    #[test]
    fn what_somebody_else_did_meanwhile_is_judged_anew() {
        let store = stored();
        let raced = Raced { store: Arc::clone(&store), begun: AtomicUsize::new(0) };
        store.inject_commit(CommitFault::Conflict);
        // Another name alone when it was sent; by then it takes the event back from the hall.
        let new = CatalogueEvent { name: "Gig".to_owned(), ..card() };
        let replaced = block_on(replace(&raced, &new, Some(9), NOW)).unwrap();
        assert!(matches!(replaced, Replaced::Card(_, Some(1))), "{replaced:?}");
        let told = block_on(Broadcasts::new(store).get(EventId(1), 1)).unwrap().unwrap();
        assert_eq!(told.variables, [("change".to_owned(), "place".to_owned())]);
    }

    #[test]
    fn a_reminder_moves_along_until_it_has_begun() {
        let store = stored();
        let table = Arc::clone(&store) as Arc<dyn Table>;
        let run = Broadcast::run_of(Sequence::ZERO);
        let reminder = Broadcast {
            run,
            kind: Kind::Reminder,
            variables: Vec::new(),
            not_before: Timestamp(START.0 - 24 * HOUR_MS),
            expires_at: Some(START),
            ..broadcast(&card(), "", 0, NOW)
        };
        let said = &Said { broadcasts: vec![reminder], ..Said::default() };
        block_on(transact(table.as_ref(), |mut transaction| async move {
            say_in(transaction.as_mut(), said, &[]).await?;
            Ok((transaction, ()))
        }))
        .unwrap();
        let to = Timestamp(START.0 + 48 * HOUR_MS);
        let new = CatalogueEvent { starts_at: to, ..card() };
        block_on(replace(table.as_ref(), &new, None, NOW)).unwrap();
        let moved = block_on(Broadcasts::new(table).get(EventId(1), run)).unwrap().unwrap();
        assert_eq!((moved.not_before, moved.expires_at), (Timestamp(to.0 - 24 * HOUR_MS), Some(to)));
    }
}
