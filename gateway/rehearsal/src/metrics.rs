//! The server's own metrics, as far as a rehearsal reads them: what waits in the lanes, the writer, the processor, the store.

use std::fs;

use rustix::param::clock_ticks_per_second;

/// One reading; what only ever grows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// Requests that turns found waiting, new and existing: their sum, and how many turns.
    lanes: Option<[[f64; 2]; 2]>,
    /// Seconds of appends, and how many.
    appends: Option<[f64; 2]>,
    /// Seconds of the writers' turns.
    turns_s: Option<f64>,
    /// Processor seconds.
    pub(crate) processor_s: Option<f64>,
}

/// What happened between two readings.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Change {
    /// Requests that a turn found waiting on average, new and existing.
    pub(crate) queued: Option<[f64; 2]>,
    /// An append on average, in milliseconds.
    pub(crate) append_ms: Option<f64>,
    /// Share of the time in which the writer had a turn under way.
    pub(crate) writer_busy: Option<f64>,
    /// Processors used on average.
    pub(crate) processors: Option<f64>,
}

impl Reading {
    /// Read the text of `/metrics`.
    pub(crate) fn read(text: &str) -> Self {
        let pair = |name: &str, labels: &str| {
            let sum = value(text, &format!("{name}_sum{labels}"))?;
            Some([sum, value(text, &format!("{name}_count{labels}"))?])
        };
        let lane = |lane: &str| pair("tessera_queue_depth", &format!("{{lane=\"{lane}\"}}"));
        let nothing = Some([0.0, 0.0]);
        let lanes = [lane("new"), lane("existing")];
        // A lane that was never used has no line yet.
        let lanes = match lanes {
            [None, None] => None,
            [new, existing] => {
                new.or(nothing).zip(existing.or(nothing)).map(|(new, existing)| [new, existing])
            }
        };
        Reading {
            lanes,
            appends: pair("tessera_append_seconds", ""),
            turns_s: value(text, "tessera_turn_seconds_sum"),
            processor_s: value(text, "process_cpu_seconds_total"),
        }
    }

    /// What happened since one that was read so many seconds earlier.
    pub(crate) fn since(&self, earlier: &Reading, elapsed_s: f64) -> Change {
        let a_second = |now: Option<f64>, before: Option<f64>| {
            now.zip(before)
                .filter(|_| elapsed_s > 0.0)
                .map(|(now, before)| (now - before).max(0.0) / elapsed_s)
        };
        let mean = |now: [f64; 2], before: [f64; 2]| {
            let count = now[1] - before[1];
            if count > 0.0 { (now[0] - before[0]) / count } else { 0.0 }
        };
        let before = earlier.lanes.unwrap_or_default();
        let queued = self.lanes.map(|now| [0, 1].map(|lane| mean(now[lane], before[lane]).max(0.0)));
        let appends = self.appends.zip(earlier.appends.or(Some([0.0, 0.0])));
        Change {
            queued,
            append_ms: appends.map(|(now, before)| mean(now, before) * 1_000.0),
            writer_busy: a_second(self.turns_s, earlier.turns_s),
            processors: a_second(self.processor_s, earlier.processor_s),
        }
    }
}

/// The value of a line that begins with this name and these labels.
fn value(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

/// Processor seconds that a process of this machine has used.
pub(crate) fn processor_s(process: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything; user and system time are the 12th and 13th field after it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let per_second = u32::try_from(clock_ticks_per_second()).ok().filter(|ticks| *ticks > 0)?;
    Some(ticks / f64::from(per_second))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const BEFORE: &str = "# TYPE tessera_queue_depth summary\ntessera_queue_depth{lane=\"new\",quantile=\"0.5\"} 7\n\
        tessera_queue_depth_sum{lane=\"new\"} 10\ntessera_queue_depth_count{lane=\"new\"} 5\n\
        tessera_append_seconds_bucket{le=\"0.1\"} 2\ntessera_append_seconds_sum 0.5\ntessera_append_seconds_count 10\n\
        tessera_turn_seconds_sum 1.5\nprocess_cpu_seconds_total 1.25\n";
    const AFTER: &str = "tessera_queue_depth_sum{lane=\"new\"} 310\ntessera_queue_depth_count{lane=\"new\"} 8\n\
        tessera_queue_depth_sum{lane=\"existing\"} 4\ntessera_queue_depth_count{lane=\"existing\"} 2\n\
        tessera_append_seconds_sum 0.7\ntessera_append_seconds_count 20\ntessera_turn_seconds_sum 3.3\nprocess_cpu_seconds_total 3.75\n";

    #[test]
    fn two_readings_tell_what_happened_between_them() {
        let change = Reading::read(AFTER).since(&Reading::read(BEFORE), 2.0);
        assert_eq!(change.queued, Some([100.0, 2.0]));
        let quiet = "tessera_queue_depth_sum{lane=\"new\"} 11\ntessera_queue_depth_count{lane=\"new\"} 9\n";
        let change_of_quiet = Reading::read(quiet).since(&Reading::read(BEFORE), 1.0);
        assert_eq!(change_of_quiet.queued, Some([0.25, 0.0]), "one in four turns found somebody waiting");
        assert!((change.append_ms.unwrap() - 20.0).abs() < 1e-6);
        assert_eq!(change.processors, Some(1.25), "two and a half seconds of it within two");
        assert!((change.writer_busy.unwrap() - 0.9).abs() < 1e-6);
        assert_eq!(
            Reading::read(AFTER).since(&Reading::default(), 2.0).processors,
            None,
            "it was not there before"
        );
        assert_eq!(Reading::read(AFTER).since(&Reading::read(BEFORE), 0.0).processors, None);
        let nothing = Reading::read("").since(&Reading::read(""), 1.0);
        assert_eq!(nothing, Change::default());
    }

    #[test]
    fn a_process_tells_its_processor_time() {
        assert!(processor_s(std::process::id()).is_some_and(|seconds| seconds >= 0.0));
        assert_eq!(processor_s(u32::MAX), None);
    }
}
