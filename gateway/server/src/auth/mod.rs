//! Who calls. Credentials are verified here; `caller.rs` makes an `Access` to one event of them, once the tenant is checked,
//! and commands need one. Whose hold, order or ticket it is, is decided at the data, by the engine.

mod administrator;
mod buyer_token;
mod credential;
mod keys;
mod scope;
mod ticket_code;

pub use administrator::AdministratorToken;
pub use buyer_token::{BuyerToken, TOKEN_TEXT_BYTES, TokenError};
pub use credential::{Credential, HOLD_SECRET_HEADER};
pub(crate) use credential::{forbidden, invalid_credential, missing_credential};
pub use keys::{HOLD_SECRET_TEXT_BYTES, HoldSecret, Keys, SECRET_BYTES};
pub use scope::{Scope, ScopeSet};
pub use ticket_code::{TICKET_CODE_TEXT_BYTES, TicketCode};
