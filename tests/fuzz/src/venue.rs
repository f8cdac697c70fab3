//! Venue files: read, resolved, decided on, and, where one is accepted, logged and sold from.

use std::sync::Arc;

use tessera_inventory::{
    Authority, Command, CommandBody, Decision, LineRequest, Phase, PlaceHold, Subject, Subjects,
    TicketTypeId, Want, Wishes,
};
use tessera_server::auth::Keys;
use tessera_server::venue::{Venue, resolve};

use crate::scene::Scene;

/// Largest hall that is worth its time, in seats: small files may describe large ones.
const SEATS_MAX: usize = 2_000;

/// The text of a venue file, or anything else.
///
/// # Panics
/// When a promise is broken.
pub fn run(bytes: &[u8]) {
    let Ok(venue) = serde_json::from_slice::<Venue>(bytes) else { return };
    let keys = Keys::derive(&[7; 32]);
    let config = match resolve(&keys, &venue) {
        Ok(config) => config,
        Err(errors) => {
            assert!(!errors.is_empty(), "who is refused is told why");
            return;
        }
    };
    assert_eq!(resolve(&keys, &venue).as_ref().ok(), Some(&config), "the same file, another configuration");
    let seats: usize = config.rows.iter().flat_map(|row| row.blocks.iter()).map(|block| block.len()).sum();
    if seats > SEATS_MAX {
        return;
    }
    let types = u16::try_from(config.ticket_types.len()).unwrap_or(u16::MAX);
    let mut scene = Scene::new();
    let configure = CommandBody::Configure { expected_version: 0, config: Arc::new(config) };
    if organize(&mut scene, configure) {
        organize(&mut scene, CommandBody::ChangePhase { to: Phase::OnSale });
        for number in 0..types.min(4) {
            sell(&mut scene, TicketTypeId(number));
        }
    }
    scene.restart();
}

fn organize(scene: &mut Scene, body: CommandBody) -> bool {
    matches!(
        scene.ask(&Command { authority: Authority::Organizer, key: None, body }),
        Ok(Decision::Accepted(_))
    )
}

fn sell(scene: &mut Scene, ticket_type: TicketTypeId) {
    let buyer = Subject(u128::from(ticket_type.0) + 1);
    for want in [Want::Quantity(1), Want::Together { quantity: 2, wishes: Wishes::default() }] {
        let line = LineRequest { ticket_type: Some(ticket_type), expected_price_minor: None, want };
        let place = PlaceHold {
            subjects: Subjects { primary: buyer, extra: Vec::new() },
            lines: vec![line],
            access_code: None,
            channel: None,
            duration_ms: None,
            promotion: None,
            expected_total_minor: None,
        };
        let body = CommandBody::PlaceHold(place);
        // Whatever the answer: the scene checks that it leaves a sound state.
        let _ = scene.ask(&Command { authority: Authority::Subject(buyer), key: None, body });
    }
}
