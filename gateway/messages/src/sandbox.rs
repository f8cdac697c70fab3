//! What a template may do. It has conditions and loops over what it is given, and filters that make nothing longer: no loaders, no variables
//! of its own, no operator by which a text could be doubled again and again. Fuel bounds its steps, and its output is bounded as it is written.

use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, filters, tests as conditions};

use crate::{FUEL, OUTPUT_BYTES_MAX};

/// Statements that a template may use.
const STATEMENTS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor"];
/// Operators by which texts and lists grow.
const GROWING: &[char] = &['~', '+', '*'];

/// Why a template is refused before it is compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Forbidden {
    /// A tag is not closed.
    #[error("a tag is not closed")]
    Open,
    /// A statement that templates do not have.
    #[error("{{% {0} %}} is no statement of a template: there are if, elif, else, endif, for, endfor")]
    Statement(String),
    /// An operator that templates do not have.
    #[error("{0} is no operator of a template")]
    Operator(char),
}

/// The environment in which one part of a message is made; names that end in `.html` are escaped.
pub(crate) fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::empty();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("length", filters::length);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_filter("default", filters::default);
    environment.add_test("defined", conditions::is_defined);
    environment
}

/// Looks through the tags of a template for what it may not do.
pub(crate) fn check(source: &str) -> Result<(), Forbidden> {
    let mut rest = source;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let close = match rest.as_bytes().get(1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            Some(b'#') => "#}",
            _ => {
                rest = &rest[1..];
                continue;
            }
        };
        let body = &rest[2..];
        if close == "#}" {
            let end = body.find(close).ok_or(Forbidden::Open)?;
            rest = &body[end + 2..];
            continue;
        }
        let (outside, end) = without_literals(body, close).ok_or(Forbidden::Open)?;
        if let Some(operator) = outside.chars().find(|letter| GROWING.contains(letter)) {
            return Err(Forbidden::Operator(operator));
        }
        if close == "%}" {
            let inner = outside.trim_start_matches(['-', '+']).trim_start();
            let word: String =
                inner.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            if !STATEMENTS.contains(&word.as_str()) {
                return Err(Forbidden::Statement(word));
            }
        }
        rest = &body[end..];
    }
    Ok(())
}

/// The inside of a tag without its string literals, and where the tag ends; `None`: it does not.
fn without_literals(body: &str, close: &str) -> Option<(String, usize)> {
    let (mut outside, mut quote, mut escaped) = (String::new(), None, false);
    for (at, letter) in body.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if body[at..].starts_with(close) => return Some((outside, at + close.len())),
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None => outside.push(letter),
        }
    }
    None
}

/// Keeps at most [`OUTPUT_BYTES_MAX`] of what is written.
#[derive(Default)]
pub(crate) struct Bounded(pub(crate) Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(io::Error::other("the message is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_template_may_not_do_is_found() {
        let statement = |word: &str| Err(Forbidden::Statement(word.to_owned()));
        let cases: &[(&str, Result<(), Forbidden>)] = &[
            ("plain { text } {", Ok(())),
            ("{{ event.name }}{% if a %}x{%- else -%}y{% endif %}", Ok(())),
            ("{{ '%} + }} ~' }}{# {% set %} #}", Ok(())),
            ("{{ \"a\\\"+\" }}", Ok(())),
            ("{% set x = 1 %}", statement("set")),
            ("{%- include 'x' %}", statement("include")),
            ("{% autoescape false %}", statement("autoescape")),
            ("{%+ with x = 1 %}", Err(Forbidden::Operator('+'))),
            ("{{ a ~ a }}", Err(Forbidden::Operator('~'))),
            ("{% for x in [a * 9] %}", Err(Forbidden::Operator('*'))),
            ("{{ a", Err(Forbidden::Open)),
            ("{{ 'a }}", Err(Forbidden::Open)),
            ("{# a", Err(Forbidden::Open)),
        ];
        for (source, expected) in cases {
            assert_eq!(&check(source), expected, "{source}");
        }
    }
}
