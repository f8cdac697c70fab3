//! Images that cannot become an inventory are refused by the column that is wrong.

use std::sync::Arc;

use tessera_inventory::{Config, Digest, Image, ImageError, Inventory};

use crate::hall::{seated, sponsored};
use crate::script::Runner;
use crate::world::World;

/// The image of an event in which everything happened once.
fn image() -> Image {
    let mut config = seated();
    config.channels = sponsored().channels;
    config.ticket_types[0].per_subject_max = Some(4);
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*2 1[2,3] with=F
         A pay 3 with=G
         sys confirm 3 captured
         B hold 0*1 1~2 code=7 with=F
         B pay 6
         C hold 2~2
         org kill [4]
         org kill 0*1
         A transfer 3/0 to D
         gate in 3/1
         org refund 3 2 restock
         Z hold 0*1 ms=60000
         wait 60000",
    );
    world.check_replay();
    world.inventory.export()
}

/// Changes the configuration of an image.
fn edit(image: &mut Image, change: impl FnOnce(&mut Config)) {
    let mut config = Config::clone(image.config.as_ref().unwrap());
    change(&mut config);
    image.config = Some(Arc::new(config));
}

fn check(change: impl FnOnce(&mut Image), expect: Option<&str>) {
    let mut image = image();
    change(&mut image);
    match (Inventory::import(image), expect) {
        (Ok(imported), None) => imported.check().unwrap(),
        (Err(ImageError::Malformed { column }), Some(expected)) => assert_eq!(column, expected),
        (Err(ImageError::DigestMismatch { .. }), Some("digest")) => {}
        (outcome, expected) => panic!("{expected:?}: {:?}", outcome.map(|_| ())),
    }
}

#[test]
fn an_image_is_imported_or_refused() {
    check(|_| {}, None);
    check(|image| image.digest = Digest(1), Some("digest"));
    check(|image| image.config = None, Some("config"));
    check(|image| edit(image, |config| config.units_per_subject_max = Some(9)), Some("digest"));
    check(|image| edit(image, |config| config.hold.renewals_max += 1), Some("digest"));
    check(|image| edit(image, |config| config.ticket_types[0].per_subject_max = Some(5)), Some("digest"));
    check(|image| edit(image, |config| config.channels[0].code.0 += 1), Some("digest"));
    check(|image| image.windows_open[0] = 3, Some("windows_open"));
    check(|image| image.windows_open[0] = 2, Some("digest"));
    check(|image| image.terms.truncate(2), Some("terms"));
    check(|image| image.terms.truncate(0), Some("terms"));
    check(|image| image.pools.truncate(4), Some("pools"));
    check(|image| image.pools[0] += 1, Some("digest"));
    check(|image| image.shares[0] = 9, Some("shares"));
    check(|image| image.seat_states.truncate(1), Some("seat_states"));
    check(|image| image.seats_to_kill.push(99), Some("seats_to_kill"));
    check(|image| image.subjects.truncate(3), Some("subjects"));
    check(|image| image.subjects[0] ^= 1, Some("digest"));
    check(|image| image.subject_units[0] += 1, Some("subject_units"));
    let stranger = |image: &mut Image| {
        image.subjects.extend([77, 78]);
        image.subject_units.push(0);
    };
    check(stranger, Some("subjects"));
    check(|image| image.claims.truncate(3), Some("claims"));
    check(|image| image.claims[4] |= 0xffff, Some("claims"));
    check(|image| image.orders.truncate(3), Some("orders"));
    check(|image| image.orders[3] = 99, Some("orders"));
    check(|image| image.tickets[0] |= 0xffff << 32, Some("tickets"));
    check(|image| image.tickets[0] ^= 1 << 57, Some("digest"));
    check(|image| image.order_extras[1] = 9, Some("order_extras"));
    check(|image| image.transferred[0] = 99, Some("transferred"));
    check(|image| image.checked_in[0] = 99, Some("checked_in"));
    check(|image| image.keys_recent.truncate(1), Some("keys_recent"));
    check(|image| image.keys_settled[0] ^= 1, Some("digest"));
    check(|image| image.expired.push(0), Some("expired"));
    check(|image| image.expired[0] ^= 1, Some("digest"));
}
