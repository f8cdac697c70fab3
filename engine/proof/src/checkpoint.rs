//! Checkpoints: what is signed (C2SP tlog-checkpoint).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::text::exact_number;
use crate::{Hash, Note, SigningKey, from_hex, to_hex};

/// Whose tree it is: of one event in one installation. Its text is the first line of a checkpoint and the name that its key signs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The installation's id.
    pub installation: u128,
    /// The event's id.
    pub event: u128,
}

impl Origin {
    /// `tessera/INSTALLATION/EVENT`, each of 32 hexadecimal digits.
    #[must_use]
    pub fn text(&self) -> String {
        format!("tessera/{:032x}/{:032x}", self.installation, self.event)
    }

    fn parse(text: &str) -> Option<Origin> {
        let (installation, event) = text.strip_prefix("tessera/")?.split_once('/')?;
        Some(Origin {
            installation: u128::from_be_bytes(from_hex(installation)?),
            event: u128::from_be_bytes(from_hex(event)?),
        })
    }
}

/// The tree of an event at one moment, and the log that it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose tree.
    pub origin: Origin,
    /// Leaves in it.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The log up to here is in the tree.
    pub sequence: u64,
    /// The log's hash chain at that sequence.
    pub chain: [u8; 32],
    /// The newest epoch that a leaf is of.
    pub epoch: u64,
    /// When it was signed, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

impl Checkpoint {
    /// Its text: origin, size, root, and a line for each of the rest.
    #[must_use]
    pub fn text(&self) -> String {
        let Checkpoint { origin, size, root, sequence, chain, epoch, at_ms } = self;
        let (origin, root, chain) = (origin.text(), STANDARD.encode(root), to_hex(chain));
        format!("{origin}\n{size}\n{root}\nsequence {sequence}\nchain {chain}\nepoch {epoch}\nat {at_ms}\n")
    }

    /// The checkpoint of this text; `None` where it is not exactly one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Checkpoint> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = Origin::parse(lines.next()?)?;
        let size = exact_number(lines.next()?)?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let mut extension = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let sequence = exact_number(extension("sequence")?)?;
        let chain = from_hex(extension("chain")?)?;
        let epoch = exact_number(extension("epoch")?)?;
        let at_ms = exact_number(extension("at")?)?;
        let checkpoint = Checkpoint { origin, size, root, sequence, chain, epoch, at_ms };
        (checkpoint.text() == text).then_some(checkpoint)
    }

    /// The signed note.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Note {
        Note::sign(self.text(), &self.origin.text(), key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_text_and_nothing_else_reads_back() {
        let origin = Origin { installation: 0xa, event: 0xb };
        let checkpoint = Checkpoint {
            origin,
            size: 12,
            root: [0; 32],
            sequence: 9,
            chain: [0xcd; 32],
            epoch: 3,
            at_ms: 1_800_000_000_000,
        };
        let text = checkpoint.text();
        let (zeros, chain) = ("0".repeat(31), "cd".repeat(32));
        assert_eq!(
            text,
            format!(
                "tessera/{zeros}a/{zeros}b\n12\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nsequence 9\nchain {chain}\nepoch 3\nat 1800000000000\n"
            )
        );
        assert_eq!(Checkpoint::parse(&text), Some(checkpoint));
        for other in [
            text.replace("\n12\n", "\n012\n"),
            text.replace("sequence 9", "sequence  9"),
            text.replace("chain cd", "chain CD"),
            text.trim_end().to_owned(),
            format!("{text}more 1\n"),
            text.replace("tessera/", "tessera//"),
        ] {
            assert_eq!(Checkpoint::parse(&other), None, "{other}");
        }
    }
}
