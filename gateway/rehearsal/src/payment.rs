//! How an order is paid: for nothing, by the organizer's hand, or at the page of the sandbox, as its buyers would at a provider's.

use serde_json::from_slice;
use tessera_demo::client::Call;
use tessera_demo::page::{Choice, base_of, path_of};
use tessera_demo::tally::Operation as Command;
use tessera_demo::wire::Payment;
use tessera_verdict::recording::{Asked, Outcome};

use crate::notes::Request;
use crate::shard::Tried;
use crate::visitor::{Decided, Visitor};

/// Longest wait of one question about a payment, in milliseconds: less than any client's patience that is worth rehearsing.
const WAIT_MS: u64 = 2_000;
/// How often a buyer asks what came of its payment before it gives up.
const ASKED_MAX: u32 = 30;

/// How an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It costs nothing.
    Free,
    /// The organizer says so.
    ByHand,
    /// At the page of the sandbox.
    AtPage,
}

impl Visitor {
    /// Have the payment of an order fail.
    pub(crate) async fn fail(&mut self, order: &str, manner: Manner) -> Decided {
        let asked = Asked::FailPayment { order: order.to_owned() };
        if manner == Manner::AtPage {
            return self.choose(Command::FailPayment, asked, order, Choice::Decline).await;
        }
        let rest = format!("/orders/{order}/payment-failures");
        self.have_asked(Command::FailPayment, asked, &rest, "{}".into()).await
    }

    /// Pay an order.
    pub(crate) async fn confirm(&mut self, order: &str, manner: Manner) -> Decided {
        let asked = Asked::Confirm { order: order.to_owned() };
        let rest = format!("/orders/{order}/confirm");
        match manner {
            Manner::AtPage => self.choose(Command::Confirm, asked, order, Choice::Pay).await,
            Manner::Free => self.ask(Command::Confirm, asked, &rest, r#"{"payment":"free"}"#.into()).await,
            Manner::ByHand => {
                self.have_asked(Command::Confirm, asked, &rest, r#"{"payment":"offline"}"#.into()).await
            }
        }
    }

    /// Go to the page of an order, choose, and wait until that is decided.
    async fn choose(&mut self, command: Command, asked: Asked, order: &str, choice: Choice) -> Decided {
        let Some(page) = self.payment(order, "page").await.and_then(|payment| payment.page) else {
            return Decided::Unanswered;
        };
        let (Ok(base), Ok(path)) = (base_of(&page), path_of(&page)) else { return Decided::Unanswered };
        let mut operation = self.begun(asked);
        let call = Call::form(path, choice.fields());
        let shard = self.shard.clone();
        let tried = shard.send_to_page(base, Request::Payment, &call, operation.due_us).await;
        if matches!(tried, Tried::NotSent) {
            self.finish(Request::Command(command), operation, false, &Decided::Unanswered);
            return Decided::Unanswered;
        }
        operation.sent = 1;
        let decided = self.decided(order, choice).await;
        let word = match decided {
            Some(sequence) => {
                let now_us = shard.clock.now_us();
                shard.notes().accepted_elsewhere(now_us);
                operation.returned_us = Some(now_us);
                let (id, lines) = (order.to_owned(), Vec::new());
                operation.outcome =
                    Outcome::Accepted { sequence, id, lines, deadline_us: None, replayed: false };
                Decided::Accepted(Vec::new())
            }
            None => Decided::Unanswered,
        };
        self.finish(Request::Command(command), operation, true, &word);
        word
    }

    /// The decision about a payment, once it came to what was chosen.
    async fn decided(&mut self, order: &str, choice: Choice) -> Option<u64> {
        for _ in 0..ASKED_MAX {
            if let Some(payment) = self.payment(order, "decided").await
                && !payment.is_open()
            {
                return choice.is_reached(&payment.state).then_some(payment.sequence);
            }
        }
        None
    }

    async fn payment(&mut self, order: &str, until: &str) -> Option<Payment> {
        let rest = format!("/orders/{order}/payment?wait_ms={WAIT_MS}&until={until}");
        let reply = self.read_own(Request::Payment, &rest).await?;
        from_slice(&reply.body).ok()
    }
}
