//! The change feed: every item, in order.

use actix_web::web::Bytes;

use super::frames;
use crate::follow::{Ended, Pages};

/// The change feed of one event, as one connection reads it.
pub(crate) struct Feed(pub(crate) Pages);

impl Feed {
    /// Waits for items that the client does not have: a page of messages, one an item.
    pub(super) async fn next(&mut self) -> Result<Vec<Bytes>, Ended> {
        loop {
            let page = self.0.read(|page, _, item| frames::put_text(page, item)).await?;
            if !page.is_empty() {
                return Ok(vec![page]);
            }
            self.0.moved().await;
        }
    }
}
