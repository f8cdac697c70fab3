//! Live progress: bars on a terminal, plain lines elsewhere. It goes to standard error; the report does not.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::wire::{Availability, Counters};

/// Time between two plain lines while something moves.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Time between two plain lines while nothing does.
const QUIET_LINE_EVERY: Duration = Duration::from_secs(10);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Show {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Automatic,
    /// Nothing.
    Nothing,
}

/// One look at the sale.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    /// Since the watching began.
    pub elapsed: Duration,
    /// Replies to buyers.
    pub replies: u64,
    /// Accepted holds.
    pub accepted: u64,
    /// Refused holds.
    pub refused: u64,
    /// Buyers who have left.
    pub served: u32,
    /// The newest document.
    pub availability: Option<&'a Availability>,
}

/// Where progress goes.
#[derive(Debug)]
pub struct Progress {
    way: Way,
    buyers: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Way {
    Bars(Bars),
    Lines,
    Nothing,
}

#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    stage: ProgressBar,
    buyers: ProgressBar,
    stock: Mutex<Vec<ProgressBar>>,
}

#[derive(Debug, Default)]
struct State {
    stage: String,
    last_line: Option<Duration>,
    last_said: String,
    last: (Duration, u64),
    rate: u64,
}

impl Progress {
    /// Progress over a number of buyers.
    #[must_use]
    pub fn new(show: Show, buyers: u32) -> Self {
        let way = match show {
            Show::Nothing => Way::Nothing,
            Show::Automatic if std::io::stderr().is_terminal() => Way::Bars(Bars::new(buyers)),
            Show::Automatic => Way::Lines,
        };
        Progress { way, buyers, state: Mutex::new(State::default()) }
    }

    /// Say what happens now.
    pub fn stage(&self, text: impl Into<String>) {
        let text = text.into();
        match &self.way {
            Way::Bars(bars) => bars.stage.set_message(text.clone()),
            Way::Lines => line(&text),
            Way::Nothing => {}
        }
        self.state().stage = text;
    }

    /// Show a look at the sale.
    pub fn show(&self, glance: &Glance<'_>) {
        let mut state = self.state();
        let (then, replies) = state.last;
        let passed = glance.elapsed.saturating_sub(then);
        if passed >= Duration::from_millis(500) {
            let per_second = 1_000 * u128::from(glance.replies - replies) / passed.as_millis().max(1);
            state.rate = u64::try_from(per_second).unwrap_or(u64::MAX);
            state.last = (glance.elapsed, glance.replies);
        }
        let summary = format!(
            "{}/{} buyers  {} replies/s  {} holds  {} refused",
            glance.served, self.buyers, state.rate, glance.accepted, glance.refused
        );
        match &self.way {
            Way::Bars(bars) => bars.show(glance, summary),
            Way::Lines => {
                let said = format!("{summary}  {}", glance.availability.map(stock).unwrap_or_default());
                let pause = if said == state.last_said { QUIET_LINE_EVERY } else { LINE_EVERY };
                if state.last_line.is_none_or(|last| glance.elapsed >= last + pause) {
                    line(&format!("{:>4} s  {said}", glance.elapsed.as_secs()));
                    state.last_line = Some(glance.elapsed);
                    state.last_said = said;
                }
            }
            Way::Nothing => {}
        }
    }

    /// Take the bars away.
    pub fn finish(&self) {
        if let Way::Bars(bars) = &self.way {
            // Nothing is lost when a terminal that is gone cannot be cleared.
            let _ = bars.all.clear();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The stock in one line.
fn stock(availability: &Availability) -> String {
    let shown = |counters: &Counters| {
        let percent = 100 * u64::from(counters.sold) / counters.total().max(1);
        format!("{} {percent} % sold, {} held", counters.name, counters.held)
    };
    let first_pool = availability.pools.iter().take(1);
    let parts: Vec<String> = first_pool.chain(&availability.categories).map(shown).collect();
    parts.join(" | ")
}

/// One line to standard error; a closed one is nobody's loss.
fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl Bars {
    fn new(buyers: u32) -> Self {
        let all = MultiProgress::new();
        let stage = all.add(ProgressBar::new_spinner());
        stage.enable_steady_tick(Duration::from_millis(120));
        let served = all.add(ProgressBar::new(u64::from(buyers)));
        served.set_style(style("buyers           {wide_bar:.cyan/blue} {msg}"));
        Bars { all, stage, buyers: served, stock: Mutex::new(Vec::new()) }
    }

    fn show(&self, glance: &Glance<'_>, summary: String) {
        self.buyers.set_position(u64::from(glance.served));
        self.buyers.set_message(summary);
        let Some(availability) = glance.availability else { return };
        let mut bars = self.stock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let counters: Vec<&Counters> =
            availability.pools.iter().take(1).chain(&availability.categories).collect();
        while bars.len() < counters.len() {
            let bar = self.all.add(ProgressBar::new(0));
            bar.set_style(style("{prefix:16} {wide_bar:.green/black} {msg}"));
            bars.push(bar);
        }
        for (bar, counters) in bars.iter().zip(counters) {
            bar.set_length(counters.total());
            bar.set_prefix(counters.name.clone());
            bar.set_position(u64::from(counters.sold) + u64::from(counters.held));
            bar.set_message(format!(
                "{} sold, {} held, {} free",
                counters.sold, counters.held, counters.free
            ));
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stock_fits_a_line() {
        let counters = |name: &str, sold, held| Counters {
            name: name.into(),
            free: 50 - sold - held,
            held,
            sold,
            killed: 0,
        };
        let availability = Availability {
            sequence: 1,
            phase: "on_sale".into(),
            pools: vec![counters("Floor", 25, 5), counters("Quota", 0, 0)],
            categories: vec![counters("Club", 50, 0)],
            live_holds: 1,
            orders: 1,
        };
        assert_eq!(stock(&availability), "Floor 50 % sold, 5 held | Club 100 % sold, 0 held");
    }
}
