//! What a run was about: a world that never refunds proves nothing about refunds.

mod names;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::AddAssign;

pub(crate) use names::{alert, answer, append_fault, disturbance, event, refusal};

/// How often each thing happened, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

/// Every fault that a world can meet.
pub(crate) const FAULTS: [&str; 42] = [
    "node killed",
    "handler panicked",
    "node paused",
    "taken over",
    "asked to hand over",
    "lease lost",
    "clock skewed",
    "clock alone",
    "clock acknowledged",
    "store away",
    "link cut",
    "request cut off",
    "answer cut off",
    "call to the store cut off",
    "answer of the store cut off",
    "request lost",
    "answer lost",
    "call to the store lost",
    "answer of the store lost",
    "answer of the store late",
    "request duplicated",
    "answer duplicated",
    "call to the store duplicated",
    "message delayed",
    "request to a stale owner",
    "key reused for another body",
    "append unknown, applied",
    "append unknown, not applied",
    "append unknown, applied later",
    "append fenced by a takeover",
    "store failed for good",
    "orphaned append landed",
    "orphaned append lost",
    "orphaned append late",
    "activation from a snapshot",
    "log read with a foreign record",
    "disk: torn write",
    "disk: unsynced writes lost",
    "disk: failed sync",
    "disk: full",
    "disk: slow syncs",
    "disk: lied about syncs",
];

/// Every fault of a follower and its table.
pub(crate) const FOLLOWER_FAULTS: [&str; 12] = [
    "table conflict",
    "table commit unknown, applied",
    "table commit unknown, not applied",
    "follower died between effect and cursor",
    "follower restarted",
    "follower overtaken",
    "snapshot superseded",
    "notary restarted",
    "notary overtaken",
    "signer opened again",
    "signing key rotated",
    "refusal lost with its node",
];

/// Every refusal that a buyer, an organizer or a scanner can be given. What the tally leaves out is in `docs/reliability.md`.
pub(crate) const REFUSALS: [&str; 60] = [
    "sold out: pool",
    "sold out: seats",
    "seats taken",
    "limit of a type",
    "limit of the event",
    "order size",
    "not on sale",
    "access code required",
    "price changed",
    "hold expired",
    "hold not found",
    "order not found",
    "ticket not found",
    "wrong state",
    "renewals exhausted",
    "payment attempts exhausted",
    "payment required",
    "strands a seat",
    "wrong phase",
    "stale version",
    "invalid configuration",
    "nothing to restore",
    "already checked in",
    "not checked in",
    "code revoked",
    "ticket refunded",
    "key reused",
    "key expired",
    "forbidden",
    "no lines",
    "too many lines",
    "zero quantity",
    "too many units",
    "duplicate",
    "unknown ticket type",
    "unknown seat",
    "unknown pool",
    "unknown channel",
    "unknown section",
    "seat of another category",
    "wrong kind of line",
    "duration out of range",
    "too many companions",
    "too many subjects",
    "no such phase change",
    "waitlist ahead",
    "already waiting",
    "waitlist closed",
    "waitlist full",
    "entry not found",
    "available now",
    "not admitted here",
    "no re-entry",
    "scan numbers",
    "no scans",
    "too many scans",
    "scans out of order",
    "unknown device",
    "amount exceeded",
    "in dispute",
];

/// Every kind of event, the rarer ones told apart.
pub(crate) const EVENTS: [&str; 44] = [
    "configured",
    "phase by command",
    "phase by time",
    "cancelled",
    "hold of standing",
    "hold of seats",
    "hold in a channel",
    "hold of several lines",
    "renewed",
    "released",
    "expired",
    "payment begun",
    "payment failed",
    "sold",
    "refunded to sale",
    "refunded and withdrawn",
    "units killed",
    "seats killed",
    "restored",
    "channel released",
    "window changed",
    "transferred",
    "checked in",
    "checked out",
    "reissued",
    "sold late",
    "disputed",
    "joined the waitlist",
    "left the waitlist",
    "patience ended",
    "offer made",
    "offer accepted",
    "offer declined",
    "offer sold",
    "offer accepted or declined late",
    "offer accepted or declined twice",
    "scans recorded",
    "scan of a device",
    "double admission",
    "admitted after its refund",
    "admitted by an old code",
    "admitted at a wrong gate",
    "admitted without a ticket",
    "admitted in dispute",
];

/// What happens where nodes own the event by the protocol of a cluster.
pub(crate) const OWNERSHIP: [&str; 25] = [
    "node joined",
    "lease renewed",
    "lease in doubt",
    "node evicted",
    "node learned that it was evicted",
    "node drained",
    "node left",
    "gone node forgotten",
    "event claimed",
    "claim found another owner",
    "claim of a node that does not serve",
    "event without an owner taken",
    "event adopted",
    "event handed to another",
    "request forwarded",
    "request redirected",
    "forwarded request cut off",
    "forwarded request lost",
    "forwarded answer cut off",
    "forwarded answer lost",
    "transaction of rows overtaken",
    "transaction of rows ended unheard",
    "rows conflict",
    "rows unknown, applied",
    "rows unknown, not applied",
];

/// What happens where buyers pay at providers.
pub(crate) const PAYMENTS: [&str; 20] = [
    "buyer paid",
    "buyer declined",
    "paid at a provider",
    "payment told as failed",
    "late money sold",
    "captured at a provider",
    "called off at a provider",
    "refunded at a provider",
    "bought nothing, given back",
    "unpaid sale taken back",
    "payment disputed",
    "dispute told",
    "log asked: refused",
    "log asked: unknown",
    "call to a provider lost",
    "answer of a provider lost",
    "call put off by a provider",
    "process of payments restarted",
    "follower of payments overtaken",
    "operator told: payment",
];

/// Whatever else is put out.
pub(crate) const OUTPUTS: [&str; 10] = [
    "refusal put out to be proven",
    "acceptance in a page",
    "refusal in a page",
    "snapshot written",
    "segment archived",
    "put to rest",
    "woken by what is due",
    "woken by a request",
    "operator told: clock",
    "operator told: store",
];

/// Every answer.
pub(crate) const ANSWERS: [&str; 7] =
    ["accepted", "repeated", "rejected", "read", "not executed", "gave up", "outcome unknown"];

impl Tally {
    /// Once more.
    pub(crate) fn note(&mut self, name: &'static str) {
        self.add(name, 1);
    }

    /// So many times more.
    pub(crate) fn add(&mut self, name: &'static str, count: u64) {
        *self.0.entry(name).or_default() += count;
    }

    /// How often this happened.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// What never happened and should.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        groups().into_iter().flat_map(|(_, names)| names).filter(|name| self.of(name) == 0).copied().collect()
    }

    /// Everything, in groups.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = String::new();
        for (group, names) in groups() {
            let _ = writeln!(table, "{group}");
            for name in names {
                let _ = writeln!(table, "  {name:<42}{:>12}", self.of(name));
            }
        }
        table
    }
}

fn groups() -> [(&'static str, &'static [&'static str]); 8] {
    [
        ("answers", &ANSWERS),
        ("other outputs", &OUTPUTS),
        ("ownership", &OWNERSHIP),
        ("payments", &PAYMENTS),
        ("faults", &FAULTS),
        ("faults of followers", &FOLLOWER_FAULTS),
        ("refusals", &REFUSALS),
        ("events", &EVENTS),
    ]
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }
}
