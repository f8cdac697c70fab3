//! Seconds in which the crowd wanted something and nobody was answered.

use crate::recording::Second;

/// From how many seconds on a silence is worth a word: one may fall between two answers.
pub const NOTABLE_S: u64 = 2;

/// Seconds in a row without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The first of them, since the run began.
    pub from: usize,
    /// How many.
    pub seconds: u64,
}

/// Decisions and documents: who was told to come later, or that the server failed, has no answer.
#[must_use]
pub fn answers(second: &Second) -> u32 {
    second.answered.saturating_sub(second.turned_away + second.failed)
}

/// Whether requests were due in a second, and none was answered.
#[must_use]
pub fn is_silent(second: &Second) -> bool {
    second.due > 0 && answers(second) == 0
}

/// The longest time without an answer; none where every second with requests had one. Seconds in which nothing was due neither end a silence
/// nor lengthen it.
#[must_use]
pub fn longest(seconds: &[Second]) -> Option<Silence> {
    let mut longest: Option<Silence> = None;
    let mut running: Option<Silence> = None;
    for (at, second) in seconds.iter().enumerate().filter(|(_, second)| second.due > 0 || answers(second) > 0)
    {
        running = match running {
            _ if !is_silent(second) => None,
            Some(Silence { from, seconds }) => Some(Silence { from, seconds: seconds + 1 }),
            None => Some(Silence { from: at, seconds: 1 }),
        };
        let lengths = [running, longest].map(|silence| silence.map_or(0, |silence| silence.seconds));
        if lengths[0] > lengths[1] {
            longest = running;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(due: u32, answered: u32, turned_away: u32) -> Second {
        Second { due, answered, turned_away, ..Second::default() }
    }

    #[test]
    fn the_longest_silence_is_counted_in_seconds_in_which_something_was_due() {
        let (busy, still, idle, later) = (second(9, 9, 0), second(9, 0, 0), second(0, 0, 0), second(9, 4, 4));
        let run = [&busy, &still, &busy, &still, &idle, &later, &still, &busy, &idle].map(Clone::clone);
        assert_eq!(longest(&run), Some(Silence { from: 3, seconds: 3 }));
        assert_eq!(longest(&[busy, idle]), None);
    }
}
