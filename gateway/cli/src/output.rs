//! The one place that prints: results to standard output, failures to standard error.

use std::fmt::Display;

/// Prints a line of a result.
#[allow(clippy::print_stdout)] // this is what a command is for
pub(crate) fn line(text: impl Display) {
    println!("{text}");
}

/// Prints a line about a failure.
#[allow(clippy::print_stderr)] // this is what a command is for
pub(crate) fn error(text: impl Display) {
    eprintln!("{text}");
}

/// Prints what is to be known about a result, beside it.
pub(crate) fn remark(text: impl Display) {
    error(text);
}
