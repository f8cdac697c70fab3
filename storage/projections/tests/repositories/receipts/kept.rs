//! Pages that are not kept any more.

use super::*;

#[tokio::test]
async fn what_is_kept_is_bounded_and_the_newest_stays() {
    let mut world = World::new().await;
    world.receipts = world.receipts.clone().keeping(5_000);
    for number in 1..=20 {
        world.log(1).await;
        world.sign(&[refused(number, number)]).await;
    }
    let tree = world.receipts.tree(EVENT).await.unwrap();
    assert!(tree.kept_bytes <= 5_000 && tree.oldest > 10, "{tree:?}");
    assert_eq!(world.receipt(accepted(1)).await, None);
    assert_eq!(world.receipt(refusal(1)).await, None);
    let keys = world.keys();
    for place in [accepted(20), refusal(20)] {
        let (checkpoint, _) = world.receipt(place).await.unwrap().verify(&keys).unwrap();
        assert_eq!(checkpoint.size, 40, "the tree has all of them");
    }
    let (pages, _) = world.receipts.pages(EVENT, 0, 100).await.unwrap();
    assert_eq!(pages.len() as u64, tree.pages - tree.oldest + 1);
}

/// Seed 179592245701396: a notary stored a page and did not hear of it; when it went on, the page was no longer kept.
#[tokio::test]
async fn what_was_proven_is_known_when_its_page_is_not_kept_any_more() {
    let mut world = World::new().await;
    world.receipts = world.receipts.clone().keeping(5_000);
    let of_epoch = |epoch, number| {
        let place = RefusalPlace { epoch: Epoch(epoch), number };
        Refused { place, ..refused(number, 1) }
    };
    world.log(1).await;
    for number in 1..=2 {
        world.sign(&[of_epoch(3, number)]).await;
    }
    for number in 1..=20 {
        world.log(1).await;
        world.sign(&[of_epoch(4, number)]).await;
    }
    let (pages, _) = world.receipts.pages(EVENT, 0, 1).await.unwrap();
    assert!(pages[0].0 > 3, "the pages of the earlier epoch are not kept");
    let known = async |epoch| world.receipts.refused_in(EVENT, epoch).await.unwrap();
    assert_eq!((known(3).await, known(4).await, known(5).await), (2, 20, 0));
    assert_eq!(world.receipt(Place::Refused { epoch: 3, number: 2 }).await, None);
}
