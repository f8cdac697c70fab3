//! What happened, step by step: a hash that two runs of one seed must share, and the lines for who wants to read.

use std::fmt;

use tessera_writer::Chain;

/// The trace of one run.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    hash: Chain,
    steps: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn new(keep_lines: bool) -> Self {
        Trace { hash: Chain::default(), steps: 0, lines: keep_lines.then(Vec::new) }
    }

    pub(crate) fn note(&mut self, at_us: u64, what: fmt::Arguments<'_>) {
        let line = format!("{:>12.3} {what}", at_us as f64 / 1_000.0);
        self.hash = self.hash.extend(line.as_bytes());
        self.steps += 1;
        if let Some(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn hash(&self) -> Chain {
        self.hash
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
