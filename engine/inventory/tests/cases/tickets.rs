//! Transfer, check-in and check-out of single tickets.

use crate::hall::seated;
use crate::script::check;

const SOLD: &str = "A hold 0*2 1[2,3]
    A pay 3
    sys confirm 3 captured";

/// Runs a script after A bought order 3: two standing tickets and seats 2 and 3.
fn check_sold(script: &str) {
    check(seated(), &format!("{SOLD}\n{script}"));
}

#[test]
fn a_ticket_is_let_in_once() {
    check_sold(
        "gate in 3/0
         gate in 3/0 => AlreadyCheckedIn { at: 1000000, gate: 1, device: 0 }
         gate out 3/0
         gate out 3/0 => NotCheckedIn
         org in 3/0
         gate in 3/4 => TicketNotFound
         gate in 9/0 => TicketNotFound
         gate out 9/0 => TicketNotFound
         B hold 0*1
         gate in 9/0 => TicketNotFound",
    );
}

#[test]
fn a_transfer_revokes_the_code_before() {
    check_sold(
        "A transfer 3/2 to B
         ticket 3/2 => TicketView { line: 1, seat: Some(SeatIndex(2)), holder: subject:00000000000000000000000000000042, \
         generation: 1, refunded: false, checked_in: None }
         gate in 3/2 => CodeRevoked { generation: 1 }
         A transfer 3/2 to C => TicketNotFound
         secret transfer 3/2 to C => TicketNotFound
         B transfer 3/2 to C
         gate in 3/2 generation=1 => CodeRevoked { generation: 2 }
         gate in 3/2 generation=2
         C transfer 3/2 to A => AlreadyCheckedIn { at: 1000000, gate: 1, device: 0 }
         gate out 3/2 generation=1 => CodeRevoked { generation: 2 }
         gate out 3/2 generation=2
         C transfer 3/2 to A
         A transfer 3/2 to A
         secret transfer 3/2 to D
         org transfer 3/2 to E
         D transfer 3/2 to D => TicketNotFound
         A transfer 3/9 to B => TicketNotFound
         A transfer 9/0 to B => TicketNotFound",
    );
}

#[test]
fn a_transfer_says_who_held_the_ticket() {
    check_sold(
        "A reissue 3/0
         org transfer 3/0 to B
         giver => subject:00000000000000000000000000000041
         B transfer 3/0 to C
         giver => subject:00000000000000000000000000000042",
    );
}

#[test]
fn a_code_knows_a_bounded_number_of_transfers() {
    let transfers = "A transfer 3/0 to A\n".repeat(255);
    check_sold(&format!("{transfers}A transfer 3/0 to A => TransfersExhausted"));
}

#[test]
fn scenario_40_what_is_in_is_not_refunded_and_what_is_refunded_is_not_let_in() {
    check_sold(
        "gate in 3/2
         org refund 3 0,2 restock => AlreadyCheckedIn { at: 1000000, gate: 1, device: 0 }
         seats => ..ss............
         gate out 3/2
         org refund 3 0,2 restock
         seats => ...s............
         gate in 3/2 => TicketRefunded
         gate in 3/3
         org phase Cancelled
         org refund 3 3 restock
         seats => ................",
    );
}

#[test]
fn a_refunded_ticket_is_good_for_nothing() {
    check_sold(
        "org refund 3 0,1 restock
         gate in 3/0 => TicketRefunded
         gate out 3/0 => TicketRefunded
         A transfer 3/0 to B => TicketRefunded",
    );
}
