use std::sync::Arc;

use tessera_inventory::{Sequence, Timestamp};
use tessera_ledger::{Account, AccountKind, Bearer};
use tessera_money::payments::Step;
use tessera_money::terms::{Agreed, PlatformFee, Terms, TermsOfOrganizers};
use tessera_payments::{DisputeStanding, Fact, News};
use tessera_pricing::Basis;
use tessera_projections::follower_cursors::FollowerCursors;
use tessera_store::memory::{CommitFault, MemoryStore};

use crate::{EUR, EVENT, FOLLOWER, ORGANIZER, PRICE, begun, captured, change, created, id, stores};

fn terms(from: u64, bears: Bearer) -> Terms {
    Terms {
        from: Timestamp(from),
        commission_ppm: 30_000,
        commission_fixed_minor: 50,
        commission_returned: false,
        platform_fees: Vec::new(),
        bears,
        refunds_by_hand: false,
    }
}

#[tokio::test]
async fn terms_count_from_their_time_on_and_are_agreed_one_after_another() {
    let store = MemoryStore::new();
    let agreed = TermsOfOrganizers::new(Arc::new(store.clone()));
    let (version, nothing) = agreed.read(ORGANIZER, Timestamp(9)).await.unwrap();
    assert_eq!((version, nothing.commission_ppm, nothing.bears), (0, 0, Bearer::Platform));
    let fee = PlatformFee {
        name: "Platform".into(),
        basis: Basis::PerTicket,
        fixed_minor: 100,
        rate_ppm: 0,
        min_minor: 0,
        max_minor: None,
        refundable: true,
    };
    let first = Terms { platform_fees: vec![fee], ..terms(10, Bearer::Platform) };
    let second = terms(20, Bearer::Organizer);
    store.inject_commit(CommitFault::UnknownApplied);
    assert_eq!(agreed.agree(ORGANIZER, 0, &first).await.unwrap(), Agreed::Version(1));
    assert_eq!(agreed.agree(ORGANIZER, 0, &second).await.unwrap(), Agreed::Outdated(1));
    assert_eq!(agreed.agree(ORGANIZER, 1, &second).await.unwrap(), Agreed::Version(2));
    for (at, expected) in [(9, &nothing), (10, &first), (19, &first), (20, &second), (900, &second)] {
        assert_eq!(agreed.read(ORGANIZER, Timestamp(at)).await.unwrap(), (2, expected.clone()), "at {at}");
    }
    assert_eq!(agreed.read(8, Timestamp(900)).await.unwrap(), (0, nothing), "with nobody else");
}

#[tokio::test]
async fn whoever_bears_disputes_by_the_terms_is_charged() {
    for bears in [Bearer::Platform, Bearer::Organizer] {
        let (store, payments, ledger) = stores();
        let agreed = TermsOfOrganizers::new(Arc::new(store.clone()));
        agreed.agree(ORGANIZER, 0, &terms(10, bears)).await.unwrap();
        let cursors = FollowerCursors::new(Arc::new(store));
        let mine = cursors.take_over(EVENT, FOLLOWER).await.unwrap();
        let step = Step { begun: vec![(id(3), begun(900))], ..Step::default() };
        payments.follow((EVENT, FOLLOWER), mine, Sequence(5), (&step, Timestamp(10))).await.unwrap();
        let (amount_minor, fee_minor) = (PRICE, 15);
        for standing in [DisputeStanding::Open, DisputeStanding::Lost, DisputeStanding::Lost] {
            let dispute = Fact::Dispute { id: "d".into(), amount_minor, fee_minor, standing };
            let news = vec![created("p"), captured(), News::Fact(dispute)];
            payments.record(&[change(3, 20, news)]).await.unwrap();
        }
        let balances = ledger.balances(ORGANIZER).await.unwrap();
        let borne = |kind| balances.balance(EUR, Account::of_organizer(kind, ORGANIZER));
        let lost = i128::from(PRICE);
        let expected = if bears == Bearer::Organizer { (lost, 0) } else { (0, lost) };
        assert_eq!((borne(AccountKind::Payable), borne(AccountKind::DisputeLosses)), expected, "once");
        assert!(balances.trial().values().all(|sum| *sum == 0));
    }
}
