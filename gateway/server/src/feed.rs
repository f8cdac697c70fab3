//! The change feed without a server: for who reads the log of a stopped installation.

use tessera_inventory::{Config, Event, EventId, Sequence};

use crate::auth::Keys;
use crate::ids::EventTag;
use crate::render::changes::Renderer;

/// The item of an event of the log, as its organizer reads it. `config` is the newest configuration up to it, which has its names.
#[must_use]
pub fn item(
    keys: &Keys,
    event: EventId,
    config: Option<&Config>,
    sequence: Sequence,
    logged: &Event,
) -> String {
    let nameless;
    let config = match config {
        Some(config) => config,
        None => {
            nameless = Config::empty();
            &nameless
        }
    };
    let renderer = Renderer { tag: EventTag::new(keys, event), config, organizer: true };
    // An item has nothing that JSON cannot write.
    serde_json::to_string(&renderer.item(sequence, logged)).unwrap_or_default()
}
