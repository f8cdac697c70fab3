//! How answers of the engine are compared with those of the model.

use tessera_inventory::{ClaimView, EventBody, Rejection, TermsId};

/// Whether an event of the engine is what the model says.
#[must_use]
pub fn same_body(body: &EventBody, expected: &EventBody) -> bool {
    match body {
        EventBody::HoldPlaced(_) | EventBody::SoldLate(_) => {
            without_terms(body.clone()) == without_terms(expected.clone())
        }
        _ => body == expected,
    }
}

/// The model keeps no terms.
#[must_use]
pub fn without_terms(mut body: EventBody) -> EventBody {
    let lines = match &mut body {
        EventBody::HoldPlaced(placed) => &mut placed.lines[..],
        EventBody::SoldLate(sold) => &mut sold.hold.lines[..],
        _ => return body,
    };
    lines.iter_mut().for_each(|line| line.terms = TermsId(0));
    body
}

/// As [`without_terms`], for what a holder sees.
#[must_use]
pub fn view_without_terms(mut view: ClaimView) -> ClaimView {
    view.lines.iter_mut().for_each(|line| line.terms = TermsId(0));
    view
}

/// Whether two refusals say the same; what is wrong with a configuration is said in the engine's words.
#[must_use]
pub fn same(reason: &Rejection, expected: &Rejection) -> bool {
    match (reason, expected) {
        (Rejection::InvalidConfig(_), Rejection::InvalidConfig(_)) => true,
        _ => reason == expected,
    }
}
