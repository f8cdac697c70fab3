//! Payments from the sale to the end: what must be zero then, is.

use tessera_ledger::AccountKind::{self, Cash, Disputes, InFlight, Payable, Payouts, Provider, RefundsDue};
use tessera_ledger::{Bearer, Movement, Paid, Sale};

use crate::{EUR, PROVIDER, account, books, sale};

/// After these facts these balances stand, in flight and the total are zero.
fn check(movements: &[Movement], expected: &[(AccountKind, i128)]) {
    let balances = books(movements);
    assert!(balances.trial().values().all(|sum| *sum == 0), "{movements:?}");
    for (kind, amount_minor) in [&[(InFlight, 0)][..], expected].concat() {
        assert_eq!(balances.balance(EUR, account(kind)), amount_minor, "{kind:?} after {movements:?}");
    }
}

fn sold() -> Movement {
    Movement::Sold { by: Paid::Provider(PROVIDER), sale: sale() }
}

fn captured() -> Movement {
    Movement::Captured { provider: PROVIDER, amount_minor: 11_005 }
}

#[test]
fn a_sale_and_its_capture_come_in_any_order() {
    let expected = [(Provider, 11_005), (Payable, -9_420)];
    check(&[sold(), captured()], &expected);
    check(&[captured(), sold()], &expected);
}

#[test]
fn money_that_bought_nothing_is_due_until_it_is_back() {
    let (provider, amount_minor) = (PROVIDER, 11_005);
    let mut story = vec![captured(), Movement::NeverSold { provider, amount_minor }];
    check(&story, &[(Provider, 11_005), (RefundsDue, -11_005)]);
    story.push(Movement::RefundDone { provider, amount_minor });
    check(&story, &[(Provider, 0), (RefundsDue, 0)]);
    // The card was closed: it is due again, and the organizer gives it back.
    story.push(Movement::RefundCameBack { provider, amount_minor });
    check(&story, &[(Provider, 11_005), (RefundsDue, -11_005)]);
    story.push(Movement::RefundByHand { provider, amount_minor });
    check(&story, &[(Provider, 11_005), (RefundsDue, 0), (Cash, -11_005)]);
}

#[test]
fn a_sale_that_can_never_be_captured_leaves_nothing() {
    let (provider, amount_minor) = (PROVIDER, 3_000);
    let part = Sale { total_minor: 3_000, ..Sale::default() };
    let rest = Sale { total_minor: 8_005, ..sale() };
    let story = [
        sold(),
        Movement::RefundWanted { provider, sale: part },
        Movement::Unpaid { provider, sale: rest },
        Movement::RefundMoot { provider, amount_minor },
    ];
    let nothing = [(Provider, 0), (Payable, 0), (RefundsDue, 0)];
    check(&story, &nothing);
}

#[test]
fn a_dispute_ends_as_it_was_decided() {
    let (provider, amount_minor) = (PROVIDER, 11_005);
    let opened = Movement::DisputeOpened { provider, amount_minor, fee_minor: 0 };
    let won = Movement::DisputeWon { provider, amount_minor };
    let lost = Movement::DisputeLost { provider, amount_minor, bears: Bearer::Organizer };
    check(&[sold(), captured(), opened.clone()], &[(Provider, 0), (Disputes, 11_005)]);
    check(&[sold(), captured(), opened.clone(), won], &[(Provider, 11_005), (Disputes, 0)]);
    check(&[sold(), captured(), opened, lost], &[(Provider, 0), (Disputes, 0), (Payable, 1_585)]);
}

#[test]
fn an_organizer_is_paid_out_once() {
    let amount_minor = 9_420;
    let begun = Movement::PayoutBegun { amount_minor };
    let mut story = vec![sold(), captured(), begun.clone(), Movement::PayoutFailed { amount_minor }];
    check(&story, &[(Payable, -9_420), (Payouts, 0)]);
    story.extend([begun, Movement::PayoutDone { provider: PROVIDER, amount_minor }]);
    check(&story, &[(Payable, 0), (Payouts, 0), (Provider, 1_585)]);
}
