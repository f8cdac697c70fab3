//! The page of a provider, where a buyer pays.

use crate::error::DemoError;
use crate::tally::Accepted;

/// What a buyer chooses at the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Pay.
    Pay,
    /// Be declined.
    Decline,
}

impl Choice {
    /// The fields of the form.
    #[must_use]
    pub const fn fields(self) -> &'static str {
        match self {
            Choice::Pay => "choice=pay",
            Choice::Decline => "choice=decline",
        }
    }

    /// Whether that is where a payment stands once this was decided.
    #[must_use]
    pub fn is_reached(self, state: &str) -> bool {
        match self {
            Choice::Pay => matches!(state, "authorised" | "captured"),
            Choice::Decline => state == "failed",
        }
    }

    /// What the log then has.
    #[must_use]
    pub fn decides(self, order: String) -> Accepted {
        match self {
            Choice::Pay => Accepted::Confirmed { order },
            Choice::Decline => Accepted::PaymentFailed { order },
        }
    }
}

/// Where the path of a page begins.
fn path_at(page: &str) -> Result<usize, DemoError> {
    let host = page.find("://").map(|scheme| scheme + 3);
    let found = host.and_then(|host| Some(host + page.get(host..)?.find('/')?));
    found.ok_or_else(|| DemoError::Address(page.to_owned()))
}

/// The server of a page, such as `http://127.0.0.1:8081`.
///
/// # Errors
/// [`DemoError::Address`] when it is no page.
pub fn base_of(page: &str) -> Result<&str, DemoError> {
    Ok(&page[..path_at(page)?])
}

/// The path of a page at its server.
///
/// # Errors
/// [`DemoError::Address`] when it is no page.
pub fn path_of(page: &str) -> Result<String, DemoError> {
    Ok(page[path_at(page)?..].to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_a_server_and_a_path() {
        let page = "http://127.0.0.1:8081/pay/spay_1?return=x";
        assert_eq!(base_of(page).unwrap(), "http://127.0.0.1:8081");
        assert_eq!(path_of(page).unwrap(), "/pay/spay_1?return=x");
        for text in ["", "/pay/1", "http://127.0.0.1:8081", "pay"] {
            assert!(path_of(text).is_err(), "{text}");
        }
    }
}
