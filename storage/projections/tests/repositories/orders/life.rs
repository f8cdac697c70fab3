//! What each event does to an order.

use tessera_inventory::*;
use tessera_projections::orders::{Order, OrderState, OrderTicket};

use super::world::*;

fn seats(order: &Order) -> Vec<(u16, Option<u32>, Subject)> {
    let of = |each: &OrderTicket| (each.ticket.line, each.ticket.seat.map(|seat| seat.0), each.ticket.holder);
    order.tickets.iter().map(of).collect()
}

#[tokio::test]
async fn an_order_is_pending_then_paid_with_its_tickets() {
    let mut world = World::new();
    world.live(vec![hold(ANNA), hold(BEN), begun(1, 1)]).await;
    let orders = world.list(ANNA).await;
    assert_eq!(orders.len(), 1);
    let order = &orders[0];
    assert_eq!(
        (order.number, order.state, order.sequence),
        (ClaimNumber(1), OrderState::Pending, Sequence(3))
    );
    assert_eq!((order.subject, order.attempt, order.grace_until), (ANNA, 1, GRACE));
    assert_eq!(order.total_minor(), 22_500);
    assert_eq!((order.tickets.len(), order.payment), (0, None));
    let EventBody::HoldPlaced(placed) = hold(ANNA) else { unreachable!() };
    assert_eq!(order.lines, placed.lines);
    assert_eq!(world.list(BEN).await, [], "a hold is not an order");

    world.live(vec![confirmed(1)]).await;
    let order = world.list(ANNA).await.swap_remove(0);
    assert_eq!((order.state, order.payment), (OrderState::Paid, Some(PaymentKind::Captured)));
    assert_eq!(seats(&order), [(0, Some(40), ANNA), (0, Some(41), ANNA), (1, None, ANNA)]);
}

#[tokio::test]
async fn a_failed_payment_can_be_tried_again() {
    let mut world = World::new();
    world.live(vec![hold(ANNA), begun(1, 1), failed(1)]).await;
    assert_eq!(world.get(1).await.state, OrderState::PaymentFailed);
    world.live(vec![begun(1, 2)]).await;
    let order = world.get(1).await;
    assert_eq!((order.state, order.attempt), (OrderState::Pending, 2));
    assert_eq!(world.list(ANNA).await, [order]);
}

#[tokio::test]
async fn expiry_ends_the_payments_in_flight_that_it_covers_and_no_other() {
    let mut world = World::new();
    let mut setup: Vec<EventBody> = (0..5).map(|_| hold(ANNA)).collect();
    setup.extend([begun(1, 1), begun(2, 1), begun(3, 1), begun(4, 1), begun(5, 1), failed(1), confirmed(2)]);
    world.live(setup).await;
    let through = (GRACE, ClaimNumber(4));
    world.live(vec![EventBody::Expired { through, count: 6 }]).await;
    let states: Vec<OrderState> = world.list(ANNA).await.iter().map(|order| order.state).collect();
    use OrderState::{Ended, Paid, PaymentFailed, Pending};
    assert_eq!(states, [PaymentFailed, Paid, Ended, Ended, Pending]);
    // The hold whose payment failed falls due late, at its own deadline: what ended stays ended.
    let late = (Timestamp(600_000), ClaimNumber(1));
    world.live(vec![EventBody::Expired { through: late, count: 1 }]).await;
    assert_eq!((world.get(4).await.state, world.get(5).await.state), (Ended, Pending));
}

#[tokio::test]
async fn refunds_leave_an_order_paid_until_the_last_ticket() {
    let mut world = World::new();
    world.live(vec![hold(ANNA), begun(1, 1), confirmed(1), refunded(1, &[0, 2])]).await;
    let order = world.get(1).await;
    assert_eq!(order.state, OrderState::Paid);
    assert_eq!(
        order.tickets.iter().map(|each| each.ticket.refunded).collect::<Vec<_>>(),
        [true, false, true]
    );
    world.live(vec![refunded(1, &[1])]).await;
    assert_eq!(world.get(1).await.state, OrderState::Refunded);
}

#[tokio::test]
async fn cancelling_makes_paid_orders_refund_due_and_ends_pending_ones() {
    let mut world = World::new();
    world.live(vec![hold(ANNA), hold(ANNA), begun(1, 1), confirmed(1), begun(2, 1), cancelled()]).await;
    let states = |orders: Vec<Order>| orders.iter().map(|order| order.state).collect::<Vec<_>>();
    assert_eq!(states(world.list(ANNA).await), [OrderState::RefundDue, OrderState::Ended]);
    world.live(vec![refunded(1, &[0, 1, 2])]).await;
    assert_eq!(states(world.list(ANNA).await), [OrderState::Refunded, OrderState::Ended]);
}

#[tokio::test]
async fn a_transferred_ticket_is_seen_by_its_new_holder_alone_among_strangers() {
    let mut world = World::new();
    world.live(vec![hold(ANNA), begun(1, 1), confirmed(1), transferred(1, 1, BEN, 1)]).await;
    assert_eq!(seats(&world.list(ANNA).await[0]), [(0, Some(40), ANNA), (0, Some(41), BEN), (1, None, ANNA)]);
    let of_ben = world.list(BEN).await.swap_remove(0);
    assert_eq!(seats(&of_ben), [(0, Some(41), BEN)]);
    assert_eq!((of_ben.tickets[0].index, of_ben.tickets[0].ticket.generation), (1, 1));

    let clara = Subject(3);
    world.live(vec![transferred(1, 1, clara, 2)]).await;
    assert_eq!(world.list(BEN).await, [], "nothing is left of it");
    assert_eq!(seats(&world.list(clara).await[0]), [(0, Some(41), clara)]);
    world.live(vec![transferred(1, 1, ANNA, 3)]).await;
    assert_eq!(world.list(clara).await, []);
    assert_eq!(world.list(ANNA).await.len(), 1, "who placed it keeps seeing it");
}

#[tokio::test]
async fn a_ticket_is_in_and_out_again() {
    let mut world = World::new();
    let checked_in = EventBody::CheckedIn { ticket: ticket(1, 2), gate: 7, list: None };
    world.live(vec![hold(ANNA), begun(1, 1), confirmed(1), checked_in]).await;
    assert_eq!(world.get(1).await.tickets[2].ticket.checked_in, Some((Timestamp(4_000), 7)));
    let out = EventBody::CheckedOut { ticket: ticket(1, 2), gate: 8, list: None, stamped: true };
    world.live(vec![out]).await;
    assert_eq!(world.get(1).await.tickets[2].ticket.checked_in, None);
}

#[tokio::test]
async fn the_latest_passage_stands_whatever_is_told_first() {
    let mut world = World::new();
    let scan = |number: u64, at: u64, inward: bool, index: u16| Scan {
        number,
        at: Timestamp(at),
        gate: 7,
        ticket: ticket(1, index),
        generation: 0,
        inward,
        admitted: true,
        list: None,
    };
    let told = |device: u32, scans: Vec<Scan>| {
        EventBody::ScansRecorded(ScansRecorded { device, scans, conflicts: vec![] })
    };
    let uploads = [
        told(2, vec![scan(1, 3_000, false, 2), scan(2, 3_100, true, 99)]),
        told(1, vec![scan(1, 2_000, true, 2)]),
    ];
    world.live(vec![hold(ANNA), begun(1, 1), confirmed(1)]).await;
    world.live(uploads.to_vec()).await;
    let order = world.get(1).await;
    assert_eq!(order.tickets[2].ticket.checked_in, None, "it went out after it had come in");
    world.live(vec![told(3, vec![scan(1, 3_500, true, 2)])]).await;
    assert_eq!(world.get(1).await.tickets[2].ticket.checked_in, Some((Timestamp(3_500), 7)));
    let reissued = EventBody::TicketReissued { ticket: ticket(1, 2), generation: 1 };
    world.live(vec![reissued]).await;
    assert_eq!(world.get(1).await.tickets[2].ticket.generation, 1);
}

#[tokio::test]
async fn orders_are_listed_in_pages_that_say_how_far_they_go() {
    let mut world = World::new();
    let mut bodies: Vec<EventBody> = (0..5).map(|_| hold(ANNA)).collect();
    bodies.extend((1..=5).map(|order| begun(order, 1)));
    world.live(bodies).await;
    let numbers = |orders: &[Order]| orders.iter().map(|order| order.number.0).collect::<Vec<_>>();
    let first = world.page(ANNA, None, 3).await;
    assert_eq!((numbers(&first.orders), first.sequence), (vec![1, 2, 3], Sequence(10)));
    world.log(vec![hold(BEN)]).await;
    let second = world.page(ANNA, first.next, 3).await;
    assert_eq!((numbers(&second.orders), second.next), (vec![4, 5], None));
    assert_eq!(second.sequence, Sequence(10), "the projection has not followed yet");
}
