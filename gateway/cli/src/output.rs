//! The one place that prints: results to standard output, failures to standard error. Nobody may listen any more (`tessera … | head`): that
//! is no failure of the command, whose status says how it went.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Prints a line of a result.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints a line of a result that may go on for ever. Whether anybody listens: otherwise the command has come to its end.
#[cfg(feature = "foundationdb")]
pub(crate) fn heard(text: impl Display) -> bool {
    writeln!(io::stdout().lock(), "{text}").is_ok()
}

/// Prints a line about a failure.
pub(crate) fn error(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints what is to be known about a result, beside it.
pub(crate) fn remark(text: impl Display) {
    error(text);
}
