//! Whatever is posted, in whatever order, sums to zero.

use proptest::prelude::*;
use tessera_ledger::{Bearer, Movement, Paid, Sale, Tax};

use crate::{books, entry};

fn sales() -> impl Strategy<Value = Sale> {
    let amount = || -1_000_000_i64..1_000_000;
    let taxes = prop::collection::vec((0_u8..8, amount()), 0..8);
    (amount(), amount(), amount(), amount(), taxes).prop_map(
        |(total_minor, fees_minor, commission_minor, rounding_minor, taxes)| {
            let taxes =
                taxes.into_iter().map(|(position, amount_minor)| Tax { position, amount_minor }).collect();
            Sale { total_minor, fees_minor, commission_minor, taxes, rounding_minor }
        },
    )
}

fn movements() -> impl Strategy<Value = Movement> {
    (0_u8..16, 0_u16..4, 0_i64..1_000_000_000, sales()).prop_map(|(kind, provider, amount_minor, sale)| {
        match kind {
            0 => Movement::Sold { by: Paid::Provider(provider), sale },
            1 => Movement::Sold { by: Paid::Cash, sale },
            2 => Movement::Unpaid { provider, sale },
            3 => Movement::RefundWanted { provider, sale },
            4 => Movement::Captured { provider, amount_minor },
            5 => Movement::FeeKnown { provider, amount_minor },
            6 => Movement::NeverSold { provider, amount_minor },
            7 => Movement::RefundMoot { provider, amount_minor },
            8 => Movement::RefundDone { provider, amount_minor },
            9 => Movement::RefundCameBack { provider, amount_minor },
            10 => Movement::RefundByHand { provider, amount_minor },
            11 => Movement::DisputeOpened { provider, amount_minor, fee_minor: amount_minor / 100 },
            12 => Movement::DisputeWon { provider, amount_minor },
            13 => Movement::DisputeLost { provider, amount_minor, bears: Bearer::Platform },
            14 => Movement::PayoutBegun { amount_minor },
            _ => Movement::PayoutDone { provider, amount_minor },
        }
    })
}

proptest! {
    #[test]
    fn books_are_balanced_and_do_not_depend_on_the_order(
        posted in prop::collection::vec(movements(), 0..40),
        shift in 0_usize..40,
    ) {
        let balances = books(&posted);
        prop_assert!(balances.trial().values().all(|sum| *sum == 0));
        let mut turned = posted.clone();
        turned.rotate_left(shift.min(posted.len()));
        prop_assert_eq!(&balances, &books(&turned));
        for entry in posted.iter().filter_map(entry) {
            let sum: i64 = entry.postings().iter().map(|posting| posting.amount_minor).sum();
            prop_assert_eq!(sum, 0);
            prop_assert!(entry.postings().iter().all(|posting| posting.amount_minor != 0));
        }
    }
}
