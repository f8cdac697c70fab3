//! Stock, prices, order sizes, codes: refusals of sound requests.

use tessera_inventory::AccessCode;

use crate::hall::{pool, seated, standing, ticket_type};
use crate::script::check;

#[test]
fn sold_out_says_what_remains() {
    check(
        standing(),
        "A hold 0*4
         B hold 0*4
         C hold 0*3 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 2, may_return: true }
         A pay 3
         sys confirm 3 captured
         B release 4
         C hold 0*4
         C pay 8
         sys confirm 8 captured
         D hold 0*3 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 2, may_return: false }
         available 0 => true 2",
    );
}

#[test]
fn only_holds_of_what_is_lacking_may_return_it() {
    let mut config = seated();
    config.pools.push(pool("balcony", 2));
    config.ticket_types.push(ticket_type("balcony", 1_000, &[1]));
    check(
        config,
        "A hold 0*4 1~4
         B hold 3*3 => SoldOut { line: 0, pool: Some(PoolId(1)), remaining: 2, may_return: false }
         org kill [8,9,10,11,12,13]
         B hold 2~3 => SoldOut { line: 0, pool: None, remaining: 2, may_return: false }
         B hold 3*2
         C hold 3*1 => SoldOut { line: 0, pool: Some(PoolId(1)), remaining: 0, may_return: true }
         org kill 1*1
         C hold 3*1 => SoldOut { line: 0, pool: Some(PoolId(1)), remaining: 0, may_return: true }
         org kill 1*1
         C hold 3*1 => SoldOut { line: 0, pool: Some(PoolId(1)), remaining: 0, may_return: false }",
    );
}

#[test]
fn an_overlapping_quota_gives_all_pools_or_none() {
    let mut config = standing();
    config.pools.push(pool("quota", 3));
    config.ticket_types[0].draws_on.push(tessera_inventory::PoolId(1));
    config.ticket_types.push(ticket_type("late", 1_000, &[0]));
    check(
        config,
        "A hold 0*2
         pool 0 => 8 2 0 0
         pool 1 => 1 2 0 0
         B hold 0*2 => SoldOut { line: 0, pool: Some(PoolId(1)), remaining: 1, may_return: true }
         pool 0 => 8 2 0 0
         B hold 0*1 1*4
         pool 0 => 3 7 0 0
         pool 1 => 0 3 0 0
         available 0 => true 0
         available 1 => true 3",
    );
}

#[test]
fn order_sizes_count_over_the_lines() {
    let mut config = standing();
    config.ticket_types[0].per_order_min = 2;
    check(
        config,
        "A hold 0*1 => OrderSize { ticket_type: TicketTypeId(0), min: 2, max: 4 }
         A hold 0*5 => OrderSize { ticket_type: TicketTypeId(0), min: 2, max: 4 }
         A hold 0*3 0*2 => OrderSize { ticket_type: TicketTypeId(0), min: 2, max: 4 }
         A hold 0*1 0*1",
    );
}

#[test]
fn the_price_seen_must_be_the_price() {
    check(
        seated(),
        "A hold 0*1 price=1999 => PriceChanged { ticket_type: TicketTypeId(0), price_minor: 2000 }
         A hold 0*1 price=2000
         A hold ?~2 price=3000 => PriceChanged { ticket_type: TicketTypeId(1), price_minor: 5000 }
         A hold ?~2 price=5000",
    );
}

#[test]
fn hidden_types_open_to_their_code_only() {
    let mut config = standing();
    config.ticket_types.push(ticket_type("friends", 500, &[0]));
    config.ticket_types[1].access_code = Some(AccessCode(5));
    check(
        config,
        "A hold 1*1 => AccessCodeRequired
         A hold 1*1 code=6 => AccessCodeRequired
         A hold 0*1 code=6 => AccessCodeRequired
         A hold 1*1 code=5
         A hold 0*1 1*1 code=5
         org hold 1*1 for=B
         available 1 => true 0",
    );
}

#[test]
fn the_best_over_all_types_respects_each_types_rules() {
    let mut config = seated();
    config.ticket_types[1].per_subject_max = Some(2);
    config.ticket_types[2].per_order_max = 2;
    check(
        config,
        "A hold ?~2
         seats => ...hh...........
         A hold ?~2
         seats => ...hh.....hh....
         A hold ?~3 => LimitExceeded { ticket_type: Some(TicketTypeId(1)), limit: 2, used: 2 }
         B hold ?~3 => LimitExceeded { ticket_type: Some(TicketTypeId(1)), limit: 2, used: 0 }
         B hold ?~2 max=2999 => SoldOut { line: 0, pool: None, remaining: 0, may_return: false }
         B hold 1~2 max=4999 => SoldOut { line: 0, pool: None, remaining: 0, may_return: false }",
    );
}
