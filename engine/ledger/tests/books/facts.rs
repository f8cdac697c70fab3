//! Every row of the table of facts in ADR 15.

use tessera_ledger::AccountKind::{
    Cash, Commission, DisputeLosses, Disputes, Fees, InFlight, Payable, Payouts, Provider, ProviderFees,
    RefundsDue, Rounding,
};
use tessera_ledger::{
    AMOUNT_MINOR_MAX, Account, AccountKind, Bearer, Entry, FactKind, Movement, Paid, Posting, Sale, TooLarge,
    Unbalanced,
};

use crate::{ORGANIZER, PROVIDER, account, entry, heading, sale};

/// What a fact posts, by kind of account, and on which taxes.
fn check(movement: &Movement, expected: &[(AccountKind, i64)], taxes: &[(u8, i64)]) {
    let posted = entry(movement);
    let mut found: Vec<_> = posted.iter().flat_map(|entry| entry.postings().iter().copied()).collect();
    let tax = |(position, amount_minor)| Posting { account: Account::tax(ORGANIZER, position), amount_minor };
    let other = |(kind, amount_minor)| Posting { account: account(kind), amount_minor };
    let mut wanted: Vec<_> = expected.iter().copied().map(other).collect();
    wanted.extend(taxes.iter().copied().map(tax));
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted, "{movement:?}");
    assert!(posted.is_none_or(|entry| entry.fact == movement.fact()));
}

#[test]
fn a_sale_goes_to_whom_its_parts_belong() {
    let parts = [(Payable, -9_420), (Fees, -500), (Commission, -330), (Rounding, -5)];
    let with = |kind, amount_minor| [&parts[..], &[(kind, amount_minor)]].concat();
    let taxes = [(0, -700), (3, -50)];
    let sold = |by| Movement::Sold { by, sale: sale() };
    check(&sold(Paid::Provider(PROVIDER)), &with(InFlight, 11_005), &taxes);
    check(&sold(Paid::Cash), &with(Cash, 11_005), &taxes);
    let free = |fees_minor| Movement::Sold { by: Paid::Nothing, sale: Sale { fees_minor, ..Sale::plain(0) } };
    check(&free(0), &[], &[]);
    check(&free(100), &[(Payable, 100), (Fees, -100)], &[]);
}

#[test]
fn what_is_taken_back_comes_from_whom_it_went_to() {
    let parts = [(Payable, 9_420), (Fees, 500), (Commission, 330), (Rounding, 5)];
    let with = |kind, amount_minor| [&parts[..], &[(kind, amount_minor)]].concat();
    let taxes = [(0, 700), (3, 50)];
    let provider = PROVIDER;
    check(&Movement::RefundWanted { provider, sale: sale() }, &with(RefundsDue, -11_005), &taxes);
    check(&Movement::RefundWanted { provider: 0, sale: sale() }, &with(Cash, -11_005), &taxes);
    check(&Movement::Unpaid { provider, sale: sale() }, &with(InFlight, -11_005), &taxes);
}

#[test]
fn what_a_provider_says_moves_its_accounts() {
    let (provider, amount_minor) = (PROVIDER, 250);
    let cases: [(Movement, [(AccountKind, i64); 2]); 7] = [
        (Movement::Captured { provider, amount_minor }, [(Provider, 250), (InFlight, -250)]),
        (Movement::FeeKnown { provider, amount_minor }, [(ProviderFees, 250), (Provider, -250)]),
        (Movement::NeverSold { provider, amount_minor }, [(InFlight, 250), (RefundsDue, -250)]),
        (Movement::RefundMoot { provider, amount_minor }, [(RefundsDue, 250), (InFlight, -250)]),
        (Movement::RefundDone { provider, amount_minor }, [(RefundsDue, 250), (Provider, -250)]),
        (Movement::RefundCameBack { provider, amount_minor }, [(Provider, 250), (RefundsDue, -250)]),
        (Movement::RefundByHand { provider, amount_minor }, [(RefundsDue, 250), (Cash, -250)]),
    ];
    for (movement, expected) in cases {
        check(&movement, &expected, &[]);
    }
}

#[test]
fn a_dispute_takes_money_away_until_it_is_won_or_borne() {
    let (provider, amount_minor) = (PROVIDER, 250);
    let opened = Movement::DisputeOpened { provider, amount_minor, fee_minor: 15 };
    check(&opened, &[(Disputes, 250), (Provider, -265), (ProviderFees, 15)], &[]);
    check(&Movement::DisputeWon { provider, amount_minor }, &[(Provider, 250), (Disputes, -250)], &[]);
    let lost = |bears| Movement::DisputeLost { provider, amount_minor, bears };
    check(&lost(Bearer::Platform), &[(DisputeLosses, 250), (Disputes, -250)], &[]);
    check(&lost(Bearer::Organizer), &[(Payable, 250), (Disputes, -250)], &[]);
}

#[test]
fn a_payout_is_on_its_way_until_it_has_left_or_failed() {
    let amount_minor = 900;
    check(&Movement::PayoutBegun { amount_minor }, &[(Payable, 900), (Payouts, -900)], &[]);
    let done = Movement::PayoutDone { provider: PROVIDER, amount_minor };
    check(&done, &[(Payouts, 900), (Provider, -900)], &[]);
    check(&Movement::PayoutFailed { amount_minor }, &[(Payouts, 900), (Payable, -900)], &[]);
}

#[test]
fn an_entry_that_does_not_sum_to_zero_is_none() {
    let posting = |kind, amount_minor| Posting { account: account(kind), amount_minor };
    let new = |postings: &[Posting]| Entry::new(heading(1), FactKind::Sold, postings);
    let one_off = [posting(Cash, 10), posting(Payable, -9)];
    assert_eq!(new(&one_off), Err(Unbalanced { sum_minor: 1 }));
    let beyond = [posting(Cash, i64::MAX), posting(Cash, 1), posting(Payable, i64::MIN)];
    assert!(new(&beyond).is_err(), "no account holds that");
    let twice = [posting(Cash, 10), posting(Payable, -4), posting(Payable, -6), posting(Fees, 0)];
    let entry = new(&twice).expect("it is balanced");
    assert_eq!(entry.postings(), [posting(Cash, 10), posting(Payable, -10)]);
}

#[test]
fn an_amount_beyond_all_accounts_is_refused() {
    let amount_minor = AMOUNT_MINOR_MAX + 1;
    let movement = Movement::Captured { provider: PROVIDER, amount_minor };
    assert_eq!(tessera_ledger::entry(heading(1), &movement), Err(TooLarge { amount_minor }));
    let largest = Movement::Captured { provider: PROVIDER, amount_minor: -AMOUNT_MINOR_MAX };
    assert!(tessera_ledger::entry(heading(1), &largest).is_ok());
}
