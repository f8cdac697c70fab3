//! Broadcasts among nodes: they outlive the one that went on with them.

use super::*;
use crate::messages::{done, ordered, sells};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broadcast_that_its_node_left_is_gone_on_with_by_another() {
    const BUYERS: u64 = 3;
    let mut trio = Trio::over(TestStore::default());
    trio.messaging = Some(Messaging { channels: Vec::new(), reminder_before_ms: 0 });
    for name in ["a", "b", "c"] {
        trio.join(name).await;
    }
    trio.all_see(3).await;
    let any = trio.any();
    any.flowing(any.on_sale(EVENT, 100)).await;
    any.flowing(sells(any, BUYERS.into())).await;
    // No node is told of it: whoever was has died.
    let ordered = ordered(&trio.store).await;
    trio.kill("c");
    let done = done(trio.any(), &ordered).await;
    assert_eq!((done.orders, done.recipients), (BUYERS, BUYERS));
}
