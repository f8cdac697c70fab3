use std::sync::Arc;

use tessera_inventory::{EventId, Timestamp};
use tessera_projections::catalogue::{
    Catalogue, CatalogueEvent, CatalogueRequest, Creation, VENUE_FILE_BYTES_MAX, VenueFile,
};
use tessera_store::{
    StoreError, Table,
    keys::VenueChunkKey,
    memory::{CommitFault, MemoryStore},
};

const LENGTH: usize = 2_000_000;

fn event(id: u128, organizer: u128) -> CatalogueEvent {
    CatalogueEvent {
        event: EventId(id),
        organizer,
        name: format!("Concert {id}"),
        starts_at: Timestamp(1_800_000_000_000),
        zone: "Europe/Berlin".to_owned(),
        ends_at: Some(Timestamp(9_000)),
        place: "Hall, Riverside".to_owned(),
        created_at: Timestamp(1_790_000_000_000),
        changed_at: Timestamp(1_790_000_000_000),
        changes: 0,
    }
}

fn request(digest: u128) -> CatalogueRequest {
    CatalogueRequest { digest, fingerprint: 5 }
}

fn bytes(length: usize, salt: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at + salt) % 251).unwrap()).collect()
}

async fn chunks(store: &MemoryStore) -> usize {
    let (begin, end) = VenueChunkKey::range_before(EventId(1), u32::MAX);
    store.begin().await.unwrap().range(&begin, &end, usize::MAX, false).await.unwrap().len()
}

#[tokio::test]
async fn a_repeated_request_gives_the_first_event_again() {
    let store = MemoryStore::new();
    let catalogue = Catalogue::new(Arc::new(store.clone()));
    let created = catalogue.create(&event(1, 7), request(9)).await.unwrap();
    assert_eq!(created, Creation::Created(event(1, 7)));
    let again = catalogue.create(&event(2, 7), request(9)).await.unwrap();
    assert_eq!(again, Creation::Repeated(event(1, 7)));
    assert_eq!(catalogue.get(EventId(2)).await.unwrap(), None);
    let other_body = CatalogueRequest { fingerprint: 6, ..request(9) };
    assert_eq!(catalogue.create(&event(3, 7), other_body).await.unwrap(), Creation::KeyReused);
    let taken = catalogue.create(&event(1, 8), request(10)).await;
    assert!(matches!(taken, Err(StoreError::Damaged { .. })));
}

#[tokio::test]
async fn a_creation_of_unknown_outcome_creates_one_event() {
    let store = MemoryStore::new();
    let catalogue = Catalogue::new(Arc::new(store.clone()));
    store.inject_commit(CommitFault::UnknownApplied);
    let created = catalogue.create(&event(1, 7), request(9)).await.unwrap();
    assert_eq!(created, Creation::Repeated(event(1, 7)));
    assert_eq!(catalogue.list(None, 10).await.unwrap().events, [event(1, 7)]);
}

#[tokio::test]
async fn events_are_listed_in_pages_for_all_and_for_one_organizer() {
    let catalogue = Catalogue::new(Arc::new(MemoryStore::new()));
    for (id, organizer) in [(5, 7), (2, 8), (9, 7), (4, 7)] {
        catalogue.create(&event(id, organizer), request(id)).await.unwrap();
    }
    let page = catalogue.list(None, 3).await.unwrap();
    assert_eq!(page.events, [event(2, 8), event(4, 7), event(5, 7)]);
    assert_eq!(catalogue.list(page.next, 3).await.unwrap().events, [event(9, 7)]);
    let page = catalogue.list_of(7, None, 2).await.unwrap();
    assert_eq!(page.events, [event(4, 7), event(5, 7)]);
    let rest = catalogue.list_of(7, page.next, 2).await.unwrap();
    assert_eq!((rest.events, rest.next), (vec![event(9, 7)], None));
    assert_eq!(catalogue.list_of(6, None, 2).await.unwrap().events, []);
}

#[tokio::test]
async fn a_venue_file_comes_back_byte_by_byte_and_the_later_version_replaces_it() {
    let store = MemoryStore::new();
    let catalogue = Catalogue::new(Arc::new(store.clone()));
    catalogue.create(&event(1, 7), request(9)).await.unwrap();
    assert_eq!(catalogue.venue_file(EventId(1)).await.unwrap(), None);
    catalogue.put_venue_file(EventId(1), 1, &bytes(LENGTH, 0)).await.unwrap();
    let first = VenueFile { version: 1, bytes: bytes(LENGTH, 0) };
    assert_eq!(catalogue.venue_file(EventId(1)).await.unwrap(), Some(first));
    catalogue.put_venue_file(EventId(1), 2, &bytes(200, 1)).await.unwrap();
    let second = VenueFile { version: 2, bytes: bytes(200, 1) };
    assert_eq!(catalogue.venue_file(EventId(1)).await.unwrap(), Some(second.clone()));
    assert_eq!(chunks(&store).await, 1);
    catalogue.put_venue_file(EventId(1), 1, &bytes(LENGTH, 0)).await.unwrap();
    assert_eq!(catalogue.venue_file(EventId(1)).await.unwrap(), Some(second));
    assert_eq!(chunks(&store).await, 1);
    assert_eq!(catalogue.get(EventId(1)).await.unwrap(), Some(event(1, 7)));
}

#[tokio::test]
async fn a_file_that_is_too_long_or_of_no_event_is_refused() {
    let catalogue = Catalogue::new(Arc::new(MemoryStore::new()));
    let too_long = vec![0; VENUE_FILE_BYTES_MAX + 1];
    let refused = catalogue.put_venue_file(EventId(1), 1, &too_long).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
    let refused = catalogue.put_venue_file(EventId(1), 1, b"{}").await;
    assert!(matches!(refused, Err(StoreError::Damaged { .. })));
}
