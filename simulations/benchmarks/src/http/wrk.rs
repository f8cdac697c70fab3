//! One run of `wrk`, with a fresh key and a token of its own for every request.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Threads of the generator: the other core is the server's.
const THREADS: u32 = 1;

/// What to run.
pub(crate) struct Run {
    /// Where to.
    pub(crate) url: String,
    /// Makes the keys of this run unlike those of any other.
    pub(crate) identity: String,
    /// File with a buyer token a line.
    pub(crate) tokens: PathBuf,
    /// Open connections.
    pub(crate) connections: u32,
    /// For how long.
    pub(crate) seconds: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Answers in all.
    pub(crate) requests: u64,
    /// Answers other than 2xx, and socket errors.
    pub(crate) refused: u64,
    /// Answers a second.
    pub(crate) per_second: f64,
    /// Median latency in milliseconds.
    pub(crate) p50_ms: f64,
    /// 99th percentile in milliseconds.
    pub(crate) p99_ms: f64,
}

/// The generator's script: the same work for every route that is compared.
const SCRIPT: &str = r#"
local tokens, count = {}, 0
function init(args)
  for line in io.lines(TOKENS) do tokens[#tokens + 1] = line end
end
function request()
  count = count + 1
  local token = tokens[count]
  if token == nil then token = "exhausted" end
  wrk.headers["Authorization"] = "Bearer " .. token
  wrk.headers["Idempotency-Key"] = IDENTITY .. count
  return wrk.format("POST", nil, nil, BODY)
end
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("FIGURES %d %d %d %f %f\n", summary.requests, summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"#;

impl Run {
    /// Run it to its end.
    pub(crate) fn measure(&self, scratch: &Path) -> Figures {
        let script = scratch.join("wrk.lua");
        let body = r#"{"lines":[{"ticket_type":"Standing","quantity":1}]}"#;
        let head = format!(
            "TOKENS = {:?}\nIDENTITY = {:?}\nBODY = [[{body}]]\nwrk.headers[\"Content-Type\"] = \"application/json\"\n",
            self.tokens.display().to_string(),
            self.identity
        );
        std::fs::write(&script, head + SCRIPT).expect("the script is writable");
        let output = Command::new("wrk")
            .args(["--latency", "-t", &THREADS.to_string(), "-c", &self.connections.to_string()])
            .args(["-d", &format!("{}s", self.seconds), "-s"])
            .arg(&script)
            .arg(&self.url)
            .output()
            .expect("wrk is installed (Debian package wrk)");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let figures = text.lines().find_map(|line| line.strip_prefix("FIGURES "));
        let figures =
            figures.unwrap_or_else(|| panic!("wrk said {text}{}", String::from_utf8_lossy(&output.stderr)));
        let numbers: Vec<f64> = figures.split(' ').map(|number| number.parse().expect("a number")).collect();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts
        Figures {
            requests: numbers[0] as u64,
            refused: numbers[2] as u64,
            per_second: numbers[0] / (numbers[1] / 1e6),
            p50_ms: numbers[3],
            p99_ms: numbers[4],
        }
    }
}
