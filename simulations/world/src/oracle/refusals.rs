//! What was refused: for a minute the same writer refuses the same request by the same word, after it decides anew; and no two
//! refusals share a name.

use std::collections::{BTreeMap, BTreeSet};

use tessera_inventory::{Command, Rejection, Sequence};
use tessera_writer::{REFUSAL_KEPT_MS, RefusalPlace};

use super::judge::{Life, Speaker};
use super::{Violation, broken};

/// What was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) sequence: Sequence,
    pub(super) rejection: Rejection,
    pub(super) place: RefusalPlace,
}

#[derive(Debug)]
struct Noted {
    fingerprint: u64,
    at_us: u64,
    refusal: Refusal,
}

#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// The newest refusal that a life of a node gave to a key.
    newest: BTreeMap<(Life, u128), Noted>,
    names: BTreeSet<(u64, u64)>,
}

impl Refusals {
    /// Whether it is a new one, which must be right by itself; the others were judged before.
    pub(super) fn refused(
        &mut self,
        speaker: Speaker,
        command: &Command,
        refusal: Refusal,
    ) -> Result<bool, Violation> {
        if let Some(before) = self.remembered(speaker, command) {
            if *before == refusal {
                return Ok(false);
            }
            return Err(broken("a refusal is given again for a minute", format!("{before:?}: {refusal:?}")));
        }
        let RefusalPlace { epoch, number } = refusal.place;
        if epoch != speaker.head.epoch || !self.names.insert((epoch.0, number)) {
            return Err(broken("a refusal has a name of its own", format!("{speaker:?}: {refusal:?}")));
        }
        if let Some(key) = &command.key {
            let noted = Noted { fingerprint: key.fingerprint, at_us: speaker.turn.at_us, refusal };
            self.newest.insert((speaker.by, key.digest), noted);
        }
        Ok(true)
    }

    /// A command was not refused.
    pub(super) fn accepted(&self, speaker: Speaker, command: &Command) -> Result<(), Violation> {
        match self.remembered(speaker, command) {
            Some(before) => {
                let detail = format!("{before:?}, then accepted: {command:?}");
                Err(broken("a refusal is given again for a minute", detail))
            }
            None => Ok(()),
        }
    }

    /// What the speaker has told under this key and body within the last minute.
    fn remembered(&self, speaker: Speaker, command: &Command) -> Option<&Refusal> {
        let key = command.key.as_ref()?;
        let noted = self.newest.get(&(speaker.by, key.digest))?;
        let is_kept = speaker.turn.at_us < noted.at_us + REFUSAL_KEPT_MS * 1_000;
        (is_kept && noted.fingerprint == key.fingerprint).then_some(&noted.refusal)
    }
}
