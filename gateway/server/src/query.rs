//! Strict queries: what is wrong points to its parameter.

use actix_web::web::Query;
use serde::de::DeserializeOwned;

use crate::code::Code;
use crate::problem::Problem;

/// Reads a query. Every parameter of ours may be absent, so that each can be read alone.
///
/// # Errors
/// `unknown_field` or `invalid_value`, with the parameter.
pub(crate) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    Query::<T>::from_query(query)
        .map(Query::into_inner)
        .map_err(|error| explain::<T>(query, &error.to_string()))
}

/// Finds the parameter: the one that cannot be read alone, or the one that the message names (it stands there twice).
#[cold]
fn explain<T: DeserializeOwned>(query: &str, message: &str) -> Problem {
    // The library says first what it was doing.
    let message = message.strip_prefix("Query deserialize error: ").unwrap_or(message);
    let alone = query.split('&').find(|pair| Query::<T>::from_query(pair).is_err());
    let name = alone.map(|pair| pair.split('=').next().unwrap_or(pair));
    let name = name.or_else(|| message.split('`').nth(1)).unwrap_or_default();
    let code = if message.starts_with("unknown field") { Code::UnknownField } else { Code::InvalidValue };
    Problem::field(code, name, message)
}
