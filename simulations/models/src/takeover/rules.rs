//! What may never happen.

/// A rule, which holds in every state of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rule {
    /// At most one append lands on each head: the log is a chain.
    OneOnEachHead,
    /// A batch lands at most once, however often it is submitted.
    EachBatchOnce,
    /// What a buyer was told is placed is in the log, once, and stays there.
    AcknowledgedStays,
    /// The one place is sold once, and a request is executed once.
    SoldOnce,
    /// Whoever refuses owned the event, in the state it refuses on, while the buyer waited.
    FencedRefusesNothing,
    /// Who was told *not executed*, and nothing else, has nothing.
    NotExecutedIsTrue,
    /// Who was refused has nothing.
    RefusedIsTrue,
    /// Every buyer is answered before an owner ends.
    NobodyForgotten,
    /// Every log opens: sequences, epochs and the chain follow each other.
    LogOpens,
    /// Every claim has a later epoch than the head that it claims, and only its owner writes in it.
    OneOwnerAnEpoch,
    /// No invariant of the inventory or the writer fails.
    NothingPanics,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 11] = [
        Rule::OneOnEachHead,
        Rule::EachBatchOnce,
        Rule::AcknowledgedStays,
        Rule::SoldOnce,
        Rule::FencedRefusesNothing,
        Rule::NotExecutedIsTrue,
        Rule::RefusedIsTrue,
        Rule::NobodyForgotten,
        Rule::LogOpens,
        Rule::OneOwnerAnEpoch,
        Rule::NothingPanics,
    ];

    /// Its name in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rule::OneOnEachHead => "at most one append lands on each head",
            Rule::EachBatchOnce => "a batch lands at most once",
            Rule::AcknowledgedStays => "what is acknowledged is in the log exactly once",
            Rule::SoldOnce => "a place is sold once, a request executed once",
            Rule::FencedRefusesNothing => "a fenced owner refuses nothing",
            Rule::NotExecutedIsTrue => "not executed is not executed",
            Rule::RefusedIsTrue => "who is refused has nothing",
            Rule::NobodyForgotten => "nobody is left without an answer",
            Rule::LogOpens => "every log opens",
            Rule::OneOwnerAnEpoch => "an epoch has one owner",
            Rule::NothingPanics => "nothing panics",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// The rules that were broken on the way to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Broken(u16);

impl Broken {
    pub(super) fn note(&mut self, rule: Rule) {
        self.0 |= rule.bit();
    }

    pub(super) fn holds(self, rule: Rule) -> bool {
        self.0 & rule.bit() == 0
    }
}
