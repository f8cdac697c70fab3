//! What the passages of one ticket amount to, whoever told of them first.

/// A ticket that passed a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Passage {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// Which device told of it; 0: it was online.
    pub device: u32,
    /// Among the scans of the device; online, the sequence in the log.
    pub number: u64,
    /// Where.
    pub gate: u16,
    /// Whether in, or out.
    pub inward: bool,
}

impl Passage {
    /// The larger one is the later one.
    #[must_use]
    pub const fn rank(&self) -> (u64, u32, u64) {
        (self.at_ms, self.device, self.number)
    }
}

/// Two admissions, by two devices or at two gates, with no way out between them: the earlier one, the later one.
pub type DoubleAdmission = (Passage, Passage);

/// The double admissions among the passages of a ticket, oldest first. The order of `passages` does not matter: they are judged by rank, so
/// that a pair is gone once the way out between turns up, and the end is the same whatever was told first.
#[must_use]
pub fn double_admissions(passages: &[Passage]) -> Vec<DoubleAdmission> {
    let mut sorted = passages.to_vec();
    sorted.sort_unstable_by_key(Passage::rank);
    sorted.dedup_by_key(|passage| passage.rank());
    let mut inside: Option<Passage> = None;
    let mut found = Vec::new();
    for passage in sorted {
        if !passage.inward {
            inside = None;
            continue;
        }
        if let Some(before) = inside
            && (before.device, before.gate) != (passage.device, passage.gate)
        {
            found.push((before, passage));
        }
        inside = Some(passage);
    }
    found
}

/// The passage that says whether the ticket is in: that with the largest rank.
#[must_use]
pub fn last_passage(passages: &[Passage]) -> Option<Passage> {
    passages.iter().copied().max_by_key(Passage::rank)
}
