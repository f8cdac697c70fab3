//! Deliberate defects; see [`tessera_mutation`].

/// A defect that the tests must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), allow(unreachable_pub))]
pub enum Mutant {
    /// A call that was not answered is made again under another key.
    KeyDrawnAnew,
    /// A key is used for ever, though the provider forgets it.
    KeyOutlived,
    /// The last status that was heard of counts.
    StatusGoesBack,
    /// What is authorised is captured before it is sold.
    CaptureBeforeConfirm,
    /// An authorisation that nobody wants is left alone.
    VoidForgotten,
    /// Captured money that bought nothing is kept.
    LateMoneyKept,
    /// A failed payment is not told to the log.
    FailureUntold,
    /// Less than the price buys.
    ShortMoneySells,
    /// A refund is made without looking at what was captured.
    RefundBeyondCapture,
    /// A payment that was released before its provider answered is forgotten.
    CreationForgotten,
    /// An ask whose outcome is unknown counts as refused.
    UnknownIsRefused,
    /// A refused confirmation is not followed by a late sale.
    LateSaleUntried,
    /// A sale that can never be captured stays sold.
    UnpaidStaysSold,
    /// More than the price is kept.
    ExcessKept,
    /// Calls are made before what they follow from is recorded.
    CallsUnrecorded,
    /// Webhooks alone are believed: nothing is looked up.
    NeverLooksUp,
    /// What is being called off is sold meanwhile.
    SoldWhileCalledOff,
    /// Money that bought nothing is not booked as due to the buyer.
    GivenBackUnbooked,
    /// The log does not hear of disputes.
    DisputeUntold,
}

/// Which defect is built in, if any.
pub type Mutation = tessera_mutation::Mutation<Mutant>;
