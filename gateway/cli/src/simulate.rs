//! `tessera simulate`.

pub(crate) mod arguments;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tessera_rehearsal::capacity::{self, Search};
use tessera_rehearsal::error::RehearsalError;
use tessera_rehearsal::live::{Interrupt, Live};
use tessera_rehearsal::own_server::OwnServer;
use tessera_rehearsal::run::{Outcome, Rehearsal};
use tessera_rehearsal::scenario::{BUYERS_MAX, Scenario};
use tessera_rehearsal::screen::{Screen, Show};
use tessera_rehearsal::summary::Summary;
use tessera_rehearsal::target::Target;
use tessera_verdict::compare::{Run, compare};
use tessera_verdict::judge::judge;
use tessera_verdict::load::load;
use tessera_verdict::objectives;
use tessera_verdict::recording::Recording;
use tessera_verdict::report;
use tessera_verdict::verdict::Judged;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;
use crate::output::line;
use arguments::{AimArguments, CapacityArguments, CompareArguments, SimulateArguments, SimulateCommand};

/// Where recordings go unless told otherwise.
const FOLDER_DEFAULT: &str = "rehearsals";

/// Carries out what the command line says.
pub(crate) async fn run(arguments: SimulateArguments) -> Result<(), Failure> {
    let interrupt = Interrupt::new();
    let listening = tokio::spawn(listen(Arc::clone(&interrupt)));
    let outcome = match (arguments.command, arguments.scenario) {
        (Some(SimulateCommand::Capacity(arguments)), _) => find_capacity(arguments, &interrupt).await,
        (Some(SimulateCommand::Compare(arguments)), _) => compare_runs(&arguments),
        (None, Some(path)) => {
            rehearse(&path, &arguments.aim, arguments.buyers, arguments.out, &interrupt).await
        }
        (None, None) => Err(RehearsalError::Usage("name a scenario file".to_owned()).into()),
    };
    listening.abort();
    outcome
}

/// Runs a scenario, keeps its recording, and says how it went.
async fn rehearse(
    path: &Path,
    aim: &AimArguments,
    buyers: Option<u32>,
    out: Option<PathBuf>,
    interrupt: &Arc<Interrupt>,
) -> Result<(), Failure> {
    let mut scenario = Scenario::load(path).map_err(RehearsalError::Scenario)?;
    if let Some(buyers) = buyers {
        if !(1..=BUYERS_MAX).contains(&buyers) {
            return Err(RehearsalError::Usage(format!("--buyers takes 1 to {BUYERS_MAX}")).into());
        }
        scenario.crowd.buyers = buyers;
        // The report shows what was run, not only what was written.
        scenario.text = format!("# run with --buyers {buyers}\n{}", scenario.text);
    }
    let out = out.unwrap_or_else(|| default_folder(path));
    let at_out = |source| RehearsalError::File { path: out.clone(), source };
    fs::create_dir_all(&out).map_err(at_out)?;
    let server = Aimed::until(aim, interrupt).await?;
    let outcome = server.send(&scenario, aim, interrupt).await?;
    // What is written and judged needs no server any more.
    drop(server);
    conclude(&out, &outcome.recording)
}

/// Runs a scenario at one rate after another, and says at which its objectives still hold.
async fn find_capacity(arguments: CapacityArguments, interrupt: &Arc<Interrupt>) -> Result<(), Failure> {
    let scenario = Scenario::load(&arguments.scenario).map_err(RehearsalError::Scenario)?;
    let wanted =
        if arguments.objectives.is_empty() { scenario.objectives.clone() } else { arguments.objectives };
    if wanted.is_empty() {
        let said = "say what must hold: --objective hold_p99_ms=100, or [objectives] in the scenario";
        return Err(RehearsalError::Usage(said.to_owned()).into());
    }
    let aim = &arguments.aim;
    let server = Aimed::until(aim, interrupt).await?;
    let crowd = &scenario.crowd;
    let mut search = Search::new(f64::from(crowd.buyers) / crowd.duration_s, arguments.probes);
    let mut beyond = Vec::new();
    while let Some(rate) = search.next_rate() {
        let probe = capacity::probe(&scenario, rate, arguments.probe_s, &wanted)?;
        let outcome = server.send(&probe, aim, interrupt).await?;
        let judged = objectives::judge(&outcome.recording, &objectives::generator(&outcome.recording));
        let held = judged.iter().all(|judged| judged.met == Some(true));
        let shown: Vec<String> = judged.iter().map(shown).collect();
        let (mark, shown) = (if held { '✓' } else { '✗' }, shown.join(", "));
        line(format_args!("{mark} {rate:>8.0} buyers a second: {shown}"));
        let saturated = capacity::saturated(&outcome);
        search.note(rate, held);
        // What the lowest rate that breaks was short of is what bounds the capacity.
        if !held && search.found().1 == Some(rate) {
            beyond = saturated;
        }
    }
    drop(server);
    let (holds, breaks) = search.found();
    match (holds, breaks) {
        (Some(holds), Some(breaks)) => {
            line(format_args!("capacity: {holds:.0} buyers a second hold, {breaks:.0} do not"));
        }
        (Some(holds), None) => {
            line(format_args!("capacity: at least {holds:.0} buyers a second; nothing broke"))
        }
        (None, _) => line("capacity: no rate that was tried holds"),
    }
    for saturated in &beyond {
        line(format_args!("saturated beyond it: {saturated}"));
    }
    if breaks.is_some() && beyond.is_empty() {
        line("saturated beyond it: nothing that the server's metrics or the generator show");
    }
    Ok(())
}

/// Judges a recording, writes its report, and says how it went.
fn conclude(out: &Path, recording: &Recording) -> Result<(), Failure> {
    let verdict = judge(recording);
    let written = report::write(out, recording, &verdict);
    let paths = written.map_err(|source| RehearsalError::File { path: out.to_owned(), source })?;
    line(Summary(recording));
    for judged in &verdict.objectives {
        line(shown(judged));
    }
    line(format_args!("report: {}", paths.page.display()));
    line(format_args!("verdict: {} {}", if verdict.passed { "PASSED." } else { "FAILED." }, verdict.reason));
    if verdict.passed { Ok(()) } else { Err(Failure::RehearsalFailed) }
}

/// Says what got worse from one run to another.
fn compare_runs(arguments: &CompareArguments) -> Result<(), Failure> {
    let (first, second) = (load(&arguments.first)?, load(&arguments.second)?);
    let verdicts = [judge(&first), judge(&second)];
    let [one, other] = &verdicts;
    let comparison =
        compare(&Run { recording: &first, verdict: one }, &Run { recording: &second, verdict: other });
    line(&comparison);
    if comparison.is_worse() { Err(Failure::GotWorse) } else { Ok(()) }
}

/// An objective and what was measured.
fn shown(judged: &Judged) -> String {
    let Judged { measure, bound, measured, met } = judged;
    let found = measured.map_or("nothing to measure".to_owned(), |value| measure.shown(value));
    let said = match met {
        Some(true) => "met",
        Some(false) => "not met",
        None => "cannot be told",
    };
    format!("{} {found} (bound {}: {said})", measure.name(), measure.shown(*bound))
}

/// A directory for a run of this scenario.
fn default_folder(scenario: &Path) -> PathBuf {
    let name = scenario.file_stem().unwrap_or_default().to_string_lossy();
    let now = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    Path::new(FOLDER_DEFAULT).join(format!("{name}-{now}"))
}

/// A server to aim at.
struct Aimed {
    own: Option<OwnServer>,
    target: Target,
    administrator_token: String,
}

impl Aimed {
    /// Aim, unless somebody wants it to end before that.
    async fn until(aim: &AimArguments, interrupt: &Interrupt) -> Result<Aimed, Failure> {
        tokio::select! {
            aimed = Aimed::at(aim) => aimed,
            () = interrupt.raised() => Err(RehearsalError::Interrupted.into()),
        }
    }

    async fn at(aim: &AimArguments) -> Result<Aimed, Failure> {
        if aim.own {
            let path = PathBuf::from("the program itself");
            let program = std::env::current_exe().map_err(|source| RehearsalError::File { path, source })?;
            let own = OwnServer::start(&program).await?;
            let (target, administrator_token) = (own.target.clone(), own.administrator_token.clone());
            return Ok(Aimed { own: Some(own), target, administrator_token });
        }
        let Some(url) = &aim.target else {
            return Err(RehearsalError::Usage("name a --target, or say --self".to_owned()).into());
        };
        let target = Target::resolve(url, aim.i_own_this_target.as_deref()).await?;
        let administrator_token = aim.admin_token.clone().ok_or_else(|| {
            let said = "the event is set up through the API: give --admin-token, or TESSERA_ADMIN_TOKEN";
            RehearsalError::Usage(said.to_owned())
        })?;
        Ok(Aimed { own: None, target, administrator_token })
    }

    /// Sends the crowd of a scenario, and shows it, until its end or Ctrl-C.
    async fn send(
        &self,
        scenario: &Scenario,
        aim: &AimArguments,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Outcome, Failure> {
        let live = Live::new(&scenario.name, u64::from(scenario.crowd.buyers), interrupt);
        let _screen = Screen::start(&live, if aim.plain { Show::Plain } else { Show::Automatic });
        let rehearsal = Rehearsal {
            scenario,
            target: &self.target,
            administrator_token: &self.administrator_token,
            own_server: self.own.as_ref(),
            seed: aim.seed,
            threads: aim.threads.unwrap_or_else(threads),
        };
        Ok(rehearsal.run(&live).await?)
    }
}

/// Hands signals on.
async fn listen(interrupt: Arc<Interrupt>) -> Result<(), Failure> {
    let mut terminated = signal(SignalKind::terminate()).map_err(Failure::Signals)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(Failure::Signals)?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    interrupt.raise();
    Ok(())
}

/// One thread for two processors: the server needs some as well.
fn threads() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(processors.div_ceil(2)).unwrap_or(1)
}
