//! The credential that a request presents, before it is verified.

use actix_web::http::header::{self, HeaderMap};

use super::{AdministratorToken, BuyerToken};
use crate::code::Code;
use crate::limits::CREDENTIAL_BYTES_MAX;
use crate::problem::Problem;

/// The header that carries a hold's secret.
pub const HOLD_SECRET_HEADER: &str = "x-hold-secret";
/// Prefix of organizer keys.
const ORGANIZER_PREFIX: &str = "tsk_";
/// Hexadecimal digits of an organizer key: 256 bits.
const ORGANIZER_DIGITS: usize = 64;

/// The credential that a request presents, told apart by its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential<'a> {
    /// An administrator token.
    Administrator(&'a str),
    /// An organizer key.
    Organizer(&'a str),
    /// A buyer token.
    Buyer(&'a str),
    /// None.
    Absent,
}

impl<'a> Credential<'a> {
    /// What the `Authorization` header presents.
    ///
    /// # Errors
    /// `credential_invalid` for what is no bearer credential of ours.
    pub fn of(headers: &'a HeaderMap) -> Result<Credential<'a>, Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(Credential::Absent);
        };
        let token = value
            .to_str()
            .ok()
            .filter(|text| text.len() <= CREDENTIAL_BYTES_MAX)
            .and_then(|text| {
                let (scheme, token) = text.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
            })
            .ok_or_else(invalid_credential)?;
        if BuyerToken::is_claimed_by(token) {
            Ok(Credential::Buyer(token))
        } else if let Some(digits) = token.strip_prefix(ORGANIZER_PREFIX) {
            // What no key can be is refused before anything is looked up.
            let possible =
                digits.len() == ORGANIZER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            if possible { Ok(Credential::Organizer(token)) } else { Err(invalid_credential()) }
        } else if AdministratorToken::is_claimed_by(token) {
            Ok(Credential::Administrator(token))
        } else {
            Err(invalid_credential())
        }
    }

    /// A fresh organizer key from 256 random bits, as text.
    #[must_use]
    pub fn generate_organizer(high: u128, low: u128) -> String {
        format!("{ORGANIZER_PREFIX}{high:032x}{low:032x}")
    }
}

/// A credential that is malformed, forged or revoked.
#[must_use]
pub(crate) fn invalid_credential() -> Problem {
    Problem::new(Code::CredentialInvalid, "the credential is malformed, forged or revoked")
}

/// No credential where one is needed.
#[must_use]
pub(crate) fn missing_credential() -> Problem {
    Problem::new(Code::CredentialMissing, "send an Authorization: Bearer header")
}

/// A known caller without the right.
#[must_use]
pub(crate) fn forbidden(needed: &'static str) -> Problem {
    Problem::new(Code::Forbidden, "your credential does not allow this").with("needed", needed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_what_may_be_a_key_is_looked_up() {
        let code = |token: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
            Credential::of(&headers).map(|_| ()).map_err(|problem| problem.code())
        };
        let made = Credential::generate_organizer(u128::MAX, 1);
        assert_eq!(code(&made), Ok(()));
        for wrong in
            ["tsk_", "tsk_wrong", &made[..made.len() - 1], &format!("{made}0"), &made.replace('f', "g")]
        {
            assert_eq!(code(wrong), Err(Code::CredentialInvalid), "{wrong}");
        }
    }
}
