//! Money that goes back: by ticket, by amount, of sales that are never paid; and disputes.

use crate::hall::{seated, standing};
use crate::script::check;

#[test]
fn refunds_never_exceed_the_total() {
    check(
        standing(),
        "A hold 0*2
         A pay 3
         sys confirm 3 captured
         org refund 3 , restock amount=0 => InvalidRequest(ZeroQuantity)
         org refund 3 , restock amount=-1 => InvalidRequest(ZeroQuantity)
         org refund 3 , restock amount=4001 => AmountExceeded { refundable_minor: 4000 }
         org refund 3 , restock amount=300 reason=goodwill
         refunded 3 => 300 false
         claim 3 => Paid 2 None Some(Captured)
         org refund 3 0 restock
         refunded 3 => 2300 false
         org refund 3 1 restock amount=1701 => AmountExceeded { refundable_minor: 1700 }
         org refund 3 1 restock
         # What is left, not what the ticket came to.
         refunded 3 => 4000 false
         claim 3 => Refunded 2 None Some(Captured)
         org refund 3 , restock amount=1 => AmountExceeded { refundable_minor: 0 }",
    );
}

#[test]
fn a_ticket_may_go_back_for_a_part_or_for_nothing() {
    check(
        standing(),
        "A hold 0*2
         A pay 3
         sys confirm 3 captured
         org refund 3 0 restock amount=0
         refunded 3 => 0 false
         pool 0 => 9 0 1 0
         org refund 3 1 kill amount=400
         refunded 3 => 400 false
         org refund 3 , kill amount=3600 reason=goodwill
         refunded 3 => 4000 false",
    );
}

#[test]
fn a_sale_that_is_never_paid_is_taken_back() {
    check(
        seated(),
        "A hold 0*2 1[2,3]
         A pay 3
         sys confirm 3 captured
         gate in 3/0
         org refund 3 , restock amount=0 reason=unpaid => Forbidden
         org refund 3 1 restock
         sys refund 3 , restock amount=0 reason=unpaid
         seats => ................
         pool 0 => 9 0 1 0
         claim 3 => Paid 4 None Some(Captured)
         sys refund 3 , restock amount=0 reason=unpaid => WrongState { state: Paid }
         gate out 3/0
         # There is nothing to give back.
         org refund 3 , restock amount=1 => AmountExceeded { refundable_minor: 0 }
         org refund 3 0 restock
         claim 3 => Refunded 4 None Some(Captured)
         sys refund 3 , restock amount=0 reason=unpaid => WrongState { state: Refunded }
         sys refund 9 , restock amount=0 reason=unpaid => OrderNotFound",
    );
}

/// Scenario 42: whichever comes first, a ticket is good exactly while its money is there.
#[test]
fn a_disputed_order_stands_still_and_a_lost_one_is_revoked() {
    check(
        seated(),
        "A hold 0*2 1[2,3]
         A pay 3
         sys confirm 3 captured
         A transfer 3/1 to B
         gate in 3/0
         org dispute 3 open => Forbidden
         sys dispute 3 open
         refunded 3 => 0 true
         B transfer 3/1 to C => InDispute
         gate in 3/2 => InDispute
         org refund 3 2 restock => InDispute
         org refund 3 , restock amount=5 reason=goodwill => InDispute
         gate out 3/0
         gate in 3/0 => InDispute
         sys dispute 3 won
         gate in 3/0
         B transfer 3/1 to C
         sys dispute 3 open
         sys dispute 3 lost
         pool 0 => 9 0 1 0
         seats => ................
         gate in 3/2 => TicketRefunded
         C transfer 3/1 to B => TicketRefunded
         claim 3 => Paid 4 None Some(Captured)
         gate out 3/0
         gate in 3/0
         gate out 3/0
         # The buyer has the money by the dispute.
         org refund 3 , restock amount=1 => AmountExceeded { refundable_minor: 0 }
         sys dispute 4 open => OrderNotFound",
    );
}

#[test]
fn a_dispute_needs_a_sale() {
    check(
        standing(),
        "A hold 0*1
         sys dispute 3 open => WrongState { state: Held }
         A pay 3
         sys dispute 3 open => WrongState { state: PaymentInFlight }
         A hold 0*1
         sys refund 5 , restock amount=0 reason=unpaid => WrongState { state: Held }",
    );
}
