//! Which configurations are refused, with the path that is wrong, and what a change keeps.

use std::sync::Arc;

use tessera_inventory::{
    AccessCode, CategoryId, ChannelId, Config, Decision, PoolId, Rejection, SectionId, TicketTypeId,
    Timestamp,
};

use crate::hall::{category, pool, row, seated, sponsored, standing, ticket_type};
use crate::script::Runner;
use crate::world::World;

/// The path that the error of a changed hall names; empty if it is accepted.
fn path_of(result: Result<Decision, Rejection>) -> String {
    match result {
        Ok(_) => String::new(),
        Err(Rejection::InvalidConfig(error)) => {
            assert!(!error.problem.is_empty());
            error.path
        }
        Err(rejection) => format!("{rejection:?}"),
    }
}

/// Configures a draft with a changed hall.
fn check(change: impl FnOnce(&mut Config), expect: &str) {
    let mut config = seated();
    config.channels = sponsored().channels;
    change(&mut config);
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    assert_eq!(path_of(runner.configure(config)), expect);
    world.check_replay();
}

/// Runs a script on the hall on sale, then changes the hall.
fn check_change(script: &str, change: impl FnOnce(&mut Config), expect: &str) {
    let mut config = seated();
    config.channels = sponsored().channels;
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config.clone()).unwrap();
    runner.run("org phase OnSale");
    runner.run(script);
    change(&mut config);
    assert_eq!(path_of(runner.configure(config)), expect);
    world.check_replay();
}

fn rows(config: &mut Config) -> &mut [tessera_inventory::Row] {
    Arc::get_mut(&mut config.rows).unwrap()
}

#[test]
fn what_is_wrong_is_named() {
    check(|_| {}, "");
    check(|config| config.currency = *b"eur", "currency");
    check(|config| config.pools = vec![pool("p", 1); 257], "pools");
    check(|config| config.pools[0].name = "".into(), "pools[0].name");
    check(|config| config.pools[0].name = "x".repeat(121).into(), "pools[0].name");
    check(|config| config.pools[0].capacity = 10_000_001, "pools[0].capacity");
    check(|config| config.pools[0].capacity = 2, "pools[0].capacity");
    check(|config| config.categories = vec![category("c", 0); 65], "categories");
    check(|config| config.categories[1].name = " ".into(), "categories[1].name");
    check(|config| config.categories[0].focal_point.x_mm = 1_000_001, "categories[0].focal_point");
    check(|config| config.sections = vec!["s".into(); 4_097], "sections");
    check(|config| config.sections[0] = "".into(), "sections[0]");
    check(|config| config.channels[0].name = "".into(), "channels[0].name");
}

#[test]
fn what_is_wrong_with_the_hall_is_named() {
    check(|config| rows(config)[1].section = SectionId(1), "rows[1].section");
    check(|config| rows(config)[1].label = "x".repeat(121).into(), "rows[1].label");
    check(|config| rows(config)[0].blocks[0] = Box::new([]), "rows[0].blocks[0]");
    check(|config| rows(config)[0] = row(0, "A", 129), "rows[0].blocks[0]");
    check(|config| rows(config)[0].blocks[0][3].label[0] = 200, "rows[0].blocks[0][3].label");
    check(|config| rows(config)[0].blocks[0][3].category = CategoryId(2), "rows[0].blocks[0][3].category");
    check(|config| rows(config)[0].blocks[0][3].channel = Some(ChannelId(1)), "rows[0].blocks[0][3].channel");
    check(|config| rows(config)[0].blocks[0][3].position.y_mm = -1_000_001, "rows[0].blocks[0][3].position");
}

#[test]
fn what_is_wrong_with_types_and_channels_is_named() {
    let again = |config: &mut Config| config.channels.push(config.channels[0].clone());
    check(
        |config| {
            again(config);
            config.channels[1].allotments.clear();
        },
        "channels[1].code",
    );
    check(|config| config.channels[0].allotments[0].0 = PoolId(1), "channels[0].allotments[0]");
    check(|config| config.channels[0].allotments.push((PoolId(0), 1)), "channels[0].allotments[1]");
    check(|config| config.ticket_types = vec![ticket_type("t", 1, &[0]); 257], "ticket_types");
    check(|config| config.ticket_types[0].name = "".into(), "ticket_types[0].name");
    check(|config| config.ticket_types[0].price_minor = -1, "ticket_types[0].price_minor");
    check(|config| config.ticket_types[0].price_minor = 1_000_000_000_001, "ticket_types[0].price_minor");
    check(|config| config.ticket_types[0].per_order_min = 0, "ticket_types[0].per_order_min");
    check(|config| config.ticket_types[0].per_order_min = 5, "ticket_types[0].per_order_max");
    check(|config| config.ticket_types[0].per_order_max = 51, "ticket_types[0].per_order_max");
    check(|config| config.ticket_types[0].per_subject_max = Some(0), "ticket_types[0].per_subject_max");
    check(|config| config.ticket_types[1].category = Some(CategoryId(2)), "ticket_types[1].category");
    check(|config| config.ticket_types[0].draws_on.clear(), "ticket_types[0].draws_on");
    check(|config| config.ticket_types[0].draws_on = vec![PoolId(0); 9], "ticket_types[0].draws_on");
    check(|config| config.ticket_types[0].draws_on.push(PoolId(0)), "ticket_types[0].draws_on[1]");
    check(|config| config.ticket_types[0].draws_on.push(PoolId(1)), "ticket_types[0].draws_on[1]");
    let window = |config: &mut Config| {
        config.ticket_types[0].window.opens_at = Some(Timestamp(2));
        config.ticket_types[0].window.closes_at = Some(Timestamp(2));
    };
    check(window, "ticket_types[0].window");
}

#[test]
fn what_is_wrong_with_policies_is_named() {
    check(|config| config.units_per_subject_max = Some(0), "units_per_subject_max");
    check(|config| config.hold.duration_ms = 59_999, "hold.duration_ms");
    check(|config| config.hold.duration_ms = 7_200_001, "hold.duration_ms");
    check(|config| config.hold.life_ms_max = 599_999, "hold.life_ms_max");
    check(|config| config.hold.life_ms_max = 86_400_000, "");
    check(|config| config.hold.life_ms_max = 86_400_001, "hold.life_ms_max");
    check(|config| config.hold.grace_ms = 0, "hold.grace_ms");
    check(|config| config.hold.grace_ms = 900_001, "hold.grace_ms");
    let schedule = |config: &mut Config| {
        config.schedule.presale_at = Some(Timestamp(5));
        config.schedule.closes_at = Some(Timestamp(5));
    };
    check(schedule, "schedule");
}

#[test]
fn lists_only_grow_and_seats_stay() {
    let sell = "A hold 0*4 1[2,3]";
    check_change(sell, |_| {}, "");
    check_change(sell, |config| config.currency = *b"USD", "currency");
    check_change(sell, |config| config.ticket_types.truncate(2), "ticket_types");
    check_change(sell, |config| config.rows = config.rows[..1].into(), "rows");
    check_change(sell, |config| config.rows = [row(0, "A", 8), row(1, "B", 8)].into(), "rows[1]");
    let append = |config: &mut Config| {
        let mut all = config.rows.to_vec();
        all.push(row(0, "C", 4));
        config.rows = all.into();
        config.pools.push(pool("balcony", 5));
        config.ticket_types.push(ticket_type("balcony", 100, &[1]));
    };
    check_change(sell, append, "");
}

#[test]
fn a_name_never_changes() {
    let sell = "A hold 0*4 1[2,3]";
    check_change(sell, |config| config.pools[0].name = "other".into(), "pools[0]");
    check_change(sell, |config| config.categories[1].name = "other".into(), "categories[1]");
    check_change(sell, |config| config.sections[0] = "other".into(), "sections[0]");
    check_change(sell, |config| config.channels[0].name = "other".into(), "channels[0]");
    check_change(sell, |config| config.ticket_types[2].name = "other".into(), "ticket_types[2]");
    check_change(sell, |config| config.ticket_types.swap(0, 1), "ticket_types[0]");
}

#[test]
fn a_pool_keeps_what_is_held_sold_and_allotted() {
    // 10 units: 3 allotted, 2 of them held; 4 held of the general share; 1 killed: 2 general and 1 allotted are free.
    let sell = "A hold 0*2 code=7\nB hold 0*4\norg kill 0*1";
    check_change(sell, |config| config.pools[0].capacity = 8, "");
    check_change(sell, |config| config.pools[0].capacity = 7, "");
    check_change(sell, |config| config.pools[0].capacity = 6, "pools[0].capacity");
    check_change(sell, |config| config.pools[0].capacity = 100, "");
    check_change(sell, |config| config.channels[0].allotments[0].1 = 5, "");
    check_change(sell, |config| config.channels[0].allotments[0].1 = 6, "pools[0].capacity");
    check_change(sell, |config| config.channels[0].allotments[0].1 = 2, "");
    check_change(sell, |config| config.channels[0].allotments[0].1 = 1, "channels[0].allotments");
    check_change(sell, |config| config.channels[0].allotments.clear(), "");
    let move_capacity = |capacity: u32, allotment: u32| {
        move |config: &mut Config| {
            config.pools[0].capacity = capacity;
            config.channels[0].allotments[0].1 = allotment;
        }
    };
    check_change(sell, move_capacity(6, 2), "");
    check_change(sell, move_capacity(5, 2), "pools[0].capacity");
    // What an allotment grows by is not taken from what is killed.
    check_change(sell, move_capacity(9, 6), "pools[0].capacity");
}

#[test]
fn a_stale_version_is_refused() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(standing()).unwrap();
    let body =
        tessera_inventory::CommandBody::Configure { expected_version: 0, config: Arc::new(standing()) };
    let authority = tessera_inventory::Authority::Organizer;
    let command = tessera_inventory::Command { authority, key: None, body };
    assert_eq!(world.run(&command), Err(Rejection::StaleVersion { current: 1 }));
}

/// A price and a limit that change apply to new holds only; limits that appear count what is there.
#[test]
fn changes_apply_to_what_comes_after() {
    let mut config = standing();
    config.pools[0].capacity = 20;
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config.clone()).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*3
         A pay 3
         sys confirm 3 captured
         A hold 0*2",
    );
    config.ticket_types[0].price_minor = 2_500;
    config.ticket_types[0].per_subject_max = Some(4);
    config.units_per_subject_max = Some(6);
    runner.configure(config.clone()).unwrap();
    runner.run(
        "B hold 0*1 price=2000 => PriceChanged { ticket_type: TicketTypeId(0), price_minor: 2500 }
         A hold 0*1 => LimitExceeded { ticket_type: Some(TicketTypeId(0)), limit: 4, used: 5 }
         A pay 6
         sys confirm 6 captured
         A hold 0*2 => LimitExceeded { ticket_type: None, limit: 6, used: 5 }
         org refund 3 0,1 restock
         A hold 0*1",
    );
    let bought = world.inventory.claim(tessera_inventory::ClaimNumber(6)).unwrap();
    assert_eq!(bought.lines[0].price_minor, 2_000);
    assert_eq!(bought.lines[0].ticket_type, TicketTypeId(0));
    world.check_replay();
}

#[test]
fn an_untouched_draft_may_be_replaced_altogether() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(seated()).unwrap();
    runner.configure(standing()).unwrap();
    runner.configure(seated()).unwrap();
    runner.run("org kill 0*1");
    let mut other = seated();
    other.ticket_types.truncate(1);
    other.ticket_types[0].access_code = Some(AccessCode(1));
    assert_eq!(path_of(runner.configure(other)), "ticket_types");
    world.check_replay();
}
