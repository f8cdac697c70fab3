//! Kills: free units now, held and sold ones when they return.

use crate::hall::{seated, sponsored, standing};
use crate::script::{Runner, check};
use crate::world::World;

#[test]
fn killed_units_leave_the_sale_and_come_back() {
    check(
        standing(),
        "org kill 0*4
         pool 0 => 6 0 0 4
         org restore 0*5 => NothingToRestore { killed: 4 }
         org restore 0*3
         pool 0 => 9 0 0 1",
    );
}

#[test]
fn a_kill_waits_for_held_and_sold_units() {
    check(
        standing(),
        "A hold 0*4
         A pay 3
         sys confirm 3 captured
         B hold 0*4
         org kill 0*6
         pool 0 => 0 4 4 2
         org kill 0*5 => InvalidRequest(TooManyUnits)
         B release 6
         pool 0 => 0 0 4 6
         org kill 0*1
         org refund 3 0 restock
         pool 0 => 0 0 3 7
         org kill 0*3
         org refund 3 1 kill
         pool 0 => 0 0 2 8
         org restore 0*9
         pool 0 => 7 0 2 1
         org refund 3 2 restock
         pool 0 => 8 0 1 1
         org restore 0*2 => NothingToRestore { killed: 1 }",
    );
}

#[test]
fn a_kill_leaves_the_shares_of_channels_alone() {
    check(
        sponsored(),
        "org kill 0*8 => InvalidRequest(TooManyUnits)
         org kill 0*7
         available 0 => true 0
         A hold 0*3 code=7
         org kill 0*2
         A release 4
         pool 0 => 1 0 0 9
         A hold 0*1 code=7",
    );
}

/// A smaller capacity takes free units first, then killed ones, which are gone for good.
#[test]
fn killed_units_are_what_a_smaller_capacity_takes_last() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    let mut config = standing();
    runner.configure(config.clone()).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*4
         org kill 0*5
         pool 0 => 1 4 0 5",
    );
    for (capacity, counters) in [(9, "0 4 0 5"), (6, "0 4 0 2"), (8, "2 4 0 2"), (4, "0 4 0 0")] {
        config.pools[0].capacity = capacity;
        runner.configure(config.clone()).unwrap();
        assert_eq!(runner.line("pool 0"), counters);
    }
    runner.run("org restore 0*1 => NothingToRestore { killed: 0 }");
    config.pools[0].capacity = 3;
    assert!(runner.configure(config).is_err());
    world.check_replay();
}

#[test]
fn killed_seats_leave_the_sale_and_come_back() {
    check(
        seated(),
        "A hold 1[2,3]
         B hold 1[4,5]
         B pay 4
         sys confirm 4 captured
         org kill [1,2,4]
         seats => .khhss..........
         org kill [1,6] => SeatsTaken { seats: [SeatIndex(1)] }
         org kill [2] => SeatsTaken { seats: [SeatIndex(2)] }
         C hold 1[1] => SeatsTaken { seats: [SeatIndex(1)] }
         A release 3
         seats => .kk.ss..........
         org refund 4 0,1 restock
         seats => .kk.k...........
         org restore [1,3] => NothingToRestore { killed: 1 }
         org restore [1,2,4]
         seats => ................
         D hold 1[2,3]
         org kill [2]
         org restore [2]
         D release 11
         seats => ................",
    );
}
