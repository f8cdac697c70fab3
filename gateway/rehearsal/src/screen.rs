//! How a run is shown while it goes on: a dashboard on a terminal, plain lines elsewhere. Lines go to standard error; the dashboard has a screen of
//! its own, and leaves the terminal as it was, also where something panics.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::dashboard;
use crate::live::{Glance, Live};

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// Time between two drawings.
const DRAW_EVERY: Duration = Duration::from_millis(250);

/// How to show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A dashboard where standard output is a terminal, lines elsewhere.
    Automatic,
    /// Lines.
    Plain,
    /// Nothing.
    Nothing,
}

/// A thread that shows a run. Dropping it ends it.
#[derive(Debug)]
pub struct Screen {
    /// Dropped to say that it ends.
    shown: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Screen {
    /// Show a run until this is dropped.
    #[must_use]
    pub fn start(live: &Arc<Live>, show: Show) -> Self {
        let (shown, ended) = channel();
        let live = Arc::clone(live);
        let on_terminal = show == Show::Automatic && io::stdout().is_terminal();
        let body = move || {
            // A terminal that cannot be drawn on still takes lines.
            if !on_terminal || draw(&live, &ended).is_err() {
                lines(&live, &ended);
            }
        };
        // Without a thread there is nothing to see, and a run all the same.
        let thread = (show != Show::Nothing)
            .then(|| std::thread::Builder::new().name("screen".into()).spawn(body).ok())
            .flatten();
        Screen { shown: Some(shown), thread }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.shown = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Puts the terminal back, however its thread ends.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn draw(live: &Live, ended: &Receiver<()>) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let _restore = Restore;
    while !is_over(ended, Duration::ZERO) {
        let glance = live.glance();
        terminal.draw(|frame| dashboard::draw(frame, live, &glance))?;
        if event::poll(DRAW_EVERY)?
            && let Event::Key(key) = event::read()?
            && asks_for_the_end(key)
        {
            live.interrupt().raise();
        }
    }
    Ok(())
}

/// In raw mode Ctrl-C is a key like others.
fn asks_for_the_end(key: KeyEvent) -> bool {
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && (key.code == KeyCode::Char('q') || with_control && key.code == KeyCode::Char('c'))
}

fn lines(live: &Live, ended: &Receiver<()>) {
    let mut said = String::new();
    while !is_over(ended, LINE_EVERY) {
        let line = line(live, &live.glance());
        if line != said {
            // Standard error that is closed is nothing to fail for.
            writeln!(io::stderr().lock(), "{line}").ok();
            said = line;
        }
    }
}

/// Wait so long for the end.
fn is_over(ended: &Receiver<()>, wait: Duration) -> bool {
    !matches!(ended.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
}

fn line(live: &Live, glance: &Glance) -> String {
    let Glance { totals, units: [free, held, sold, _], .. } = glance;
    if totals.arrived == 0 {
        return glance.phase.clone();
    }
    let [p50, p99, _] = glance.latency_us.map(dashboard::shown);
    format!(
        "{:>4} s  arrived {} of {}, on their way {}  answered {}/s of {}/s due  p50 {p50} p99 {p99}  accepted {} refused {} turned away {} unanswered {}  \
         free {free} held {held} sold {sold}  sockets {}  lag {}  {}",
        glance.elapsed_s,
        totals.arrived,
        live.buyers,
        glance.buyers,
        glance.answered.last().unwrap_or(&0),
        glance.due.last().unwrap_or(&0),
        totals.accepted,
        totals.refused,
        totals.turned_away,
        totals.unanswered,
        glance.sockets,
        dashboard::shown(glance.lag_us),
        glance.phase,
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_c_and_q_end_it_and_other_keys_do_not() {
        let key = |code, modifiers| KeyEvent::new(code, modifiers);
        assert!(asks_for_the_end(key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(asks_for_the_end(key(KeyCode::Char('q'), KeyModifiers::NONE)));
        assert!(!asks_for_the_end(key(KeyCode::Char('c'), KeyModifiers::NONE)));
        assert!(!asks_for_the_end(key(KeyCode::Enter, KeyModifiers::NONE)));
    }

    #[test]
    fn a_line_tells_the_phase_until_somebody_came() {
        let live = Live::new("n", 7, &crate::live::Interrupt::new());
        live.stage("setting the event up");
        assert_eq!(line(&live, &live.glance()), "setting the event up");
        let mut glance = live.glance();
        (glance.totals.arrived, glance.totals.refused) = (5, 3);
        let said = line(&live, &glance);
        assert!(said.contains("arrived 5 of 7") && said.contains("refused 3"), "{said}");
    }
}
