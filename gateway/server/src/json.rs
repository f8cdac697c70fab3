//! Strict JSON: reads a body within its limits and says exactly which field is wrong.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures::StreamExt;
use serde::Deserialize;

use crate::code::Code;
use crate::limits::{BODY_DEADLINE, JSON_DEPTH_MAX};
use crate::problem::{Problem, echoed};

/// Reads the body of a request, at most `bytes_max`. A request without a body is the empty object.
///
/// # Errors
/// `unsupported_media_type`, `body_too_large`, `body_too_slow`, `malformed_json` for a body that breaks off.
pub(crate) async fn body(
    headers: &HeaderMap,
    payload: &mut Payload,
    bytes_max: usize,
) -> Result<Bytes, Problem> {
    let bytes = raw_body(headers, payload, bytes_max, BODY_DEADLINE).await?;
    if !bytes.is_empty() {
        check_media_type(headers)?;
    }
    Ok(bytes)
}

/// The same of a body that may be of any kind, and arrives within `deadline`.
///
/// # Errors
/// As [`body`], but for `unsupported_media_type`.
pub(crate) async fn raw_body(
    headers: &HeaderMap,
    payload: &mut Payload,
    bytes_max: usize,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    check_length(headers, bytes_max)?;
    let mut reading = std::pin::pin!(read(payload, bytes_max));
    // Small bodies arrive with their headers: only a body that is still on its way costs a timer.
    match futures::poll!(reading.as_mut()) {
        std::task::Poll::Ready(result) => result,
        std::task::Poll::Pending => {
            // What is dropped here is a read of a socket, never an append.
            #[allow(clippy::disallowed_methods)]
            let waited = tokio::time::timeout(deadline, reading).await;
            waited.map_err(|_| Problem::new(Code::BodyTooSlow, "the body did not arrive in time"))?
        }
    }
}

async fn read(payload: &mut Payload, bytes_max: usize) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|_| Problem::new(Code::MalformedJson, "the body broke off before its end"))?;
        if first.len().max(rest.len()) + chunk.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        if first.is_empty() {
            first = chunk;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&chunk);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

fn check_length(headers: &HeaderMap, bytes_max: usize) -> Result<(), Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match announced.map(str::parse::<u64>) {
        Some(Ok(length)) if length > bytes_max as u64 => Err(too_large(bytes_max)),
        _ => Ok(()),
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is_json = essence.eq_ignore_ascii_case(b"application/json");
    if is_json && !headers.contains_key(header::CONTENT_ENCODING) {
        return Ok(());
    }
    Err(Problem::new(
        Code::UnsupportedMediaType,
        "send Content-Type: application/json and no Content-Encoding",
    ))
}

/// The body is larger than so much.
pub(crate) fn too_large(bytes_max: usize) -> Problem {
    Problem::new(Code::BodyTooLarge, "the body is larger than this route takes")
        .with("bytes_max", bytes_max as u64)
}

/// Reads a value from a body.
///
/// # Errors
/// `malformed_json`, or a 422 that names the field.
pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    parse_at("", bytes)
}

/// Reads a value from a part of a body; `prefix` is where the part stands.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_at<'a, T: Deserialize<'a>>(prefix: &str, bytes: &'a [u8]) -> Result<T, Problem> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    // Every body is an object; what is derived would read the list of its fields, too.
    if is_list(bytes) {
        return Err(explain::<T>(prefix, bytes));
    }
    serde_json::from_slice(bytes).map_err(|_| explain::<T>(prefix, bytes))
}

fn is_list(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'[')
}

/// Reads the body again, slowly, to say what is wrong with it.
#[cold]
fn explain<'a, T: Deserialize<'a>>(prefix: &str, bytes: &'a [u8]) -> Problem {
    if depth(bytes) > JSON_DEPTH_MAX {
        return Problem::new(Code::MalformedJson, "the body is nested deeper than 32 levels");
    }
    if is_list(bytes) && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
        return Problem::field(Code::WrongType, prefix, "a list, where an object is wanted");
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => Problem::new(Code::MalformedJson, "something follows the end of the JSON value"),
        Err(error) => {
            let path = error.path().to_string();
            let error = error.into_inner();
            match error.classify() {
                serde_json::error::Category::Data => wrong_field(prefix, &path, &error.to_string()),
                _ if error.to_string().starts_with("number out of range") => {
                    Problem::field(Code::OutOfRange, joined(prefix, &path, ""), "the number is out of range")
                }
                _ => Problem::new(Code::MalformedJson, echoed(format!("the body is not JSON: {error}"))),
            }
        }
    }
}

/// What a data error of serde says: its messages begin in these ways (see the tests).
fn wrong_field(prefix: &str, path: &str, message: &str) -> Problem {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let (code, last) = if message.starts_with("unknown field") {
        (Code::UnknownField, quoted)
    } else if message.starts_with("missing field") {
        (Code::MissingField, quoted)
    } else if message.starts_with("invalid type: floating point") && is_whole_and_huge(quoted)
        || message.starts_with("invalid value: integer")
    {
        (Code::OutOfRange, "")
    } else if message.starts_with("invalid type") {
        (Code::WrongType, "")
    } else {
        (Code::InvalidValue, "")
    };
    Problem::field(code, joined(prefix, path, last), message)
}

fn is_whole_and_huge(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(|number| number.fract() == 0.0 && number.abs() >= 9_007_199_254_740_992.0)
}

fn joined(prefix: &str, path: &str, last: &str) -> String {
    let path = if path == "." { "" } else { path };
    let last = if path == last || path.ends_with(&format!(".{last}")) { "" } else { last };
    [prefix, path, last].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// How deep brackets nest, outside of strings.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        lines: Vec<Inner>,
        name: Option<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        quantity: u16,
        at: Option<crate::instant::Rfc3339>,
    }

    fn check(body: &str, code: Code, path: &str) {
        let problem = parse::<Outer>(body.as_bytes()).unwrap_err();
        assert_eq!(problem.code(), code, "{body}: {problem}");
        let shown = format!("{problem:?}");
        assert!(path.is_empty() || shown.contains(&format!("path: \"{path}\"")), "{body}: {shown}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let mut payload = Payload::Stream { payload: futures::stream::pending().boxed_local() };
        let problem = body(&HeaderMap::new(), &mut payload, 1_000).await.unwrap_err();
        assert_eq!(problem.code(), Code::BodyTooSlow);
        assert_eq!(problem.response().status().as_u16(), 408);
    }

    #[test]
    fn every_wrong_body_has_its_code_and_its_path() {
        check("", Code::MissingField, "lines");
        check("{", Code::MalformedJson, "");
        check("nonsense", Code::MalformedJson, "");
        check(r#"{"lines":[]} trailing"#, Code::MalformedJson, "");
        check(r#"{"lines":[{"quantity":1}],"#, Code::MalformedJson, "");
        check("\u{1}", Code::MalformedJson, "");
        check(&"[".repeat(60_000), Code::MalformedJson, "");
        check(&format!("{{\"x\":{}{}}}", "[".repeat(200), "]".repeat(200)), Code::MalformedJson, "");
        check("[]", Code::WrongType, "");
        check("null", Code::WrongType, "");
        check(r#" [[{"quantity":1}],"name"]"#, Code::WrongType, "");
        check("[[", Code::MalformedJson, "");
        check(r#"{"lines":[{}]}"#, Code::MissingField, "lines[0].quantity");
        check(r#"{"lines":[{"quantity":1},{"quantitty":1}]}"#, Code::UnknownField, "lines[1].quantitty");
        check(r#"{"lines":[],"extra":1}"#, Code::UnknownField, "extra");
        check(r#"{"lines":{}}"#, Code::WrongType, "lines");
        check(r#"{"lines":[{"quantity":"1"}]}"#, Code::WrongType, "lines[0].quantity");
        check(r#"{"lines":[{"quantity":1.5}]}"#, Code::WrongType, "lines[0].quantity");
        check(r#"{"lines":[{"quantity":null}]}"#, Code::WrongType, "lines[0].quantity");
        check(r#"{"lines":[{"quantity":-1}]}"#, Code::OutOfRange, "lines[0].quantity");
        check(r#"{"lines":[{"quantity":65536}]}"#, Code::OutOfRange, "lines[0].quantity");
        check(r#"{"lines":[{"quantity":99999999999999999999}]}"#, Code::OutOfRange, "lines[0].quantity");
        check(r#"{"lines":[{"quantity":1e999}]}"#, Code::OutOfRange, "");
        check(r#"{"lines":[{"quantity":1,"at":"soon"}]}"#, Code::InvalidValue, "lines[0].at");
        check(r#"{"lines":[],"lines":[]}"#, Code::InvalidValue, "");
    }
}
