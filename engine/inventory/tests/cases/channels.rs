//! Channels: allotments of pools and seats, by code, until their release.

use std::sync::Arc;

use tessera_inventory::{ChannelId, PoolId, Timestamp};

use crate::hall::{seated, sponsored};
use crate::script::{Runner, check};
use crate::world::World;

#[test]
fn a_channel_draws_on_its_own_share() {
    check(
        sponsored(),
        "available 0 => true 7
         A hold 0*4
         B hold 0*4 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 3, may_return: true }
         B hold 0*3
         C hold 0*1 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 0, may_return: true }
         C hold 0*1 code=8 => AccessCodeRequired
         C hold 0*2 code=7
         D hold 0*2 code=7 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 1, may_return: true }
         C release 5
         available 0 => true 0
         pool 0 => 3 7 0 0
         D hold 0*3 code=7
         D pay 7
         sys confirm 7 captured
         org refund 7 0 restock
         available 0 => true 0
         E hold 0*1 code=7",
    );
}

#[test]
fn what_a_channel_has_out_is_held_or_sold() {
    check(
        sponsored(),
        "share 0 0 => 3 0 0
         A hold 0*1 code=7
         B hold 0*2 code=7
         C hold 0*2
         share 0 0 => 0 3 0
         B release 4
         share 0 0 => 2 1 0
         A pay 3
         share 0 0 => 2 1 0
         sys confirm 3 captured
         share 0 0 => 2 0 1
         D hold 0*2 code=7 ms=60000
         share 0 0 => 0 2 1
         wait 60000
         share 0 0 => 2 0 1
         org refund 3 0 kill
         share 0 0 => 2 0 0
         pool 0 => 7 2 0 1
         org channel 0
         share 0 0 => none",
    );
}

/// The box office draws on its allotment by role: it knows no code.
#[test]
fn the_organizer_draws_on_a_channel_by_its_name() {
    check(
        sponsored(),
        "A hold 0*1 channel=0 => Forbidden
         org hold 0*1 channel=1 for=A => InvalidRequest(UnknownChannel)
         org hold 0*2 channel=0 for=A
         org hold 0*2 channel=0 for=A => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 1, may_return: true }
         A release 3
         available 0 => true 7
         B hold 0*3 code=7
         org channel 0
         org hold 0*1 channel=0 for=A => InvalidRequest(UnknownChannel)",
    );
}

#[test]
fn a_released_channel_is_everyones() {
    check(
        sponsored(),
        "A hold 0*1 code=7
         org channel 0
         available 0 => true 9
         org channel 0 => InvalidRequest(UnknownChannel)
         A release 3
         available 0 => true 10
         B hold 0*4 code=7
         C hold 0*4
         pool 0 => 2 8 0 0",
    );
}

#[test]
fn what_a_channel_drew_before_its_allotment_counts_against_it() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    let mut config = sponsored();
    config.channels[0].allotments.clear();
    runner.configure(config).unwrap();
    runner.line("org phase OnSale");
    runner.run(
        "A hold 0*4 code=7
         available 0 => true 6",
    );
    // 3 are too few for the 4 that are out; of 5, 1 is left for the channel and 5 for everyone.
    assert!(runner.configure(sponsored()).is_err());
    let mut config = sponsored();
    config.channels[0].allotments = vec![(PoolId(0), 5)];
    runner.configure(config).unwrap();
    runner.run(
        "available 0 => true 5
         share 0 0 => 1 4 0
         A release 3
         share 0 0 => 5 0 0
         available 0 => true 5
         B hold 0*4 code=7
         D hold 0*2 code=7 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 1, may_return: true }
         D hold 0*1 code=7
         C hold 0*4",
    );
    world.check_replay();
}

/// Three units of the sponsor are refunded and killed: nothing is out, nothing is free, and the allotment may go.
#[test]
fn what_was_killed_on_its_return_does_not_hold_an_allotment_up() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    let mut config = sponsored();
    runner.configure(config.clone()).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*3 code=7
         A pay 3
         sys confirm 3 captured
         org refund 3 0,1 kill",
    );
    // One unit is still out.
    config.channels[0].allotments[0].1 = 0;
    assert!(runner.configure(config.clone()).is_err());
    config.channels[0].allotments[0].1 = 2;
    runner.configure(config.clone()).unwrap();
    runner.run(
        "share 0 0 => 0 0 1
         pool 0 => 7 0 1 2
         org refund 3 2 kill
         pool 0 => 7 0 0 3",
    );
    config.channels[0].allotments[0].1 = 0;
    runner.configure(config.clone()).unwrap();
    runner.run(
        "available 0 => true 7
         org restore 0*3
         available 0 => true 10",
    );
    // It grows by what it gets, whatever was killed of it before.
    config.channels[0].allotments[0].1 = 2;
    runner.configure(config).unwrap();
    runner.run(
        "available 0 => true 8
         B hold 0*3 code=7 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 2, may_return: false }
         B hold 0*2 code=7",
    );
    world.check_replay();
}

#[test]
fn a_kill_that_waited_for_a_channel_leaves_its_allotment_free_to_shrink() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    let mut config = sponsored();
    runner.configure(config.clone()).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*3 code=7
         org kill 0*9
         A release 3
         pool 0 => 1 0 0 9
         available 0 => true 0",
    );
    config.channels[0].allotments[0].1 = 0;
    runner.configure(config).unwrap();
    runner.run("available 0 => true 1");
    world.check_replay();
}

#[test]
fn a_channel_is_released_at_its_time() {
    let mut config = sponsored();
    config.channels[0].release_at = Some(Timestamp(1_060_000));
    check(
        config,
        "wait 59999 => ok
         available 0 => true 7
         wait 1 => ChannelReleased { channel: ChannelId(0) }
         available 0 => true 10
         wait 1000000 => ok",
    );
}

#[test]
fn seats_of_a_channel_are_its_own_until_released() {
    let mut config = seated();
    config.channels = sponsored().channels;
    let rows = Arc::get_mut(&mut config.rows).unwrap();
    for seat in &mut rows[0].blocks[0][..4] {
        seat.channel = Some(ChannelId(0));
    }
    check(
        config,
        "available 1 => true 4
         A hold 1[0,1] => SeatsTaken { seats: [SeatIndex(0), SeatIndex(1)] }
         A hold 1[0,4] => SeatsTaken { seats: [SeatIndex(0)] }
         B hold 1[0,1] code=7
         seats => hh..............
         B hold 1~2 code=7
         seats => hhhh............
         B hold 1~2 code=7
         seats => hhhhhh..........
         B release 4
         available 1 => true 2
         org channel 0
         available 1 => true 4
         A hold 1[2,3]
         seats => hhhhhh..........",
    );
}
