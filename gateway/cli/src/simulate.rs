//! `tessera simulate`.

pub(crate) mod arguments;
mod capacity;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tessera_rehearsal::error::RehearsalError;
use tessera_rehearsal::live::{Interrupt, Live};
use tessera_rehearsal::own_server::OwnServer;
use tessera_rehearsal::run::{Outcome, Rehearsal};
use tessera_rehearsal::scenario::Scenario;
use tessera_rehearsal::screen::{Screen, Show};
use tessera_rehearsal::summary::Summary;
use tessera_rehearsal::target::Target;
use tessera_verdict::compare::{BEYOND_DEFAULT, Run, compare};
use tessera_verdict::judge::judge;
use tessera_verdict::load::load;
use tessera_verdict::recording::Recording;
use tessera_verdict::report::{self, Unfinished, WriteError};
use tessera_verdict::verdict::Judged;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::failure::Failure;
use crate::output::{line, remark};
use arguments::{AimArguments, CompareArguments, SimulateArguments, SimulateCommand};

/// Where recordings go unless told otherwise.
const FOLDER_DEFAULT: &str = "rehearsals";

/// Carries out what the command line says.
pub(crate) async fn run(arguments: SimulateArguments) -> Result<(), Failure> {
    let interrupt = Interrupt::new();
    let listening = tokio::spawn(listen(Arc::clone(&interrupt)));
    let outcome = match (arguments.command, arguments.scenario) {
        (Some(SimulateCommand::Capacity(arguments)), _) => capacity::find(arguments, &interrupt).await,
        (Some(SimulateCommand::Compare(arguments)), _) => {
            concluding(&interrupt, move || compare_runs(&arguments)).await.flatten()
        }
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
        scenario.set_buyers(buyers)?;
    }
    let out = out.unwrap_or_else(|| default_folder(path));
    let server = Aimed::until(aim, interrupt).await?;
    // What stands there of an earlier run would be taken for this one's.
    report::clear(&out).map_err(unusable)?;
    let outcome = server.send(&scenario, aim, interrupt).await?;
    // What is written and judged needs no server any more.
    drop(server);
    let folder = out.clone();
    match concluding(interrupt, move || conclude(&folder, &outcome.recording)).await {
        Ok(concluded) => concluded?.finish(),
        Err(interrupted) => {
            // What is half-written has no name of a result, and is of no use to anybody.
            report::clear(&out).ok();
            Err(interrupted)
        }
    }
}

/// Works without waiting, until somebody wants it to end: minutes may pass over a large recording.
async fn concluding<T: Send + 'static>(
    interrupt: &Interrupt,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (sender, concluded) = oneshot::channel();
    // A thread of its own: the process ends without waiting for it, as it would not for one of the runtime's.
    let working = std::thread::Builder::new().name("conclusion".into());
    // Nobody listens any more when it was interrupted.
    let started = working.spawn(move || drop(sender.send(work())));
    started.map_err(RehearsalError::Threads)?;
    tokio::select! {
        concluded = concluded => {
            // A thread that panicked has dropped its sender.
            Ok(concluded.map_err(|_| RehearsalError::Threads(std::io::Error::other("one panicked")))?)
        }
        () = interrupt.raised() => Err(RehearsalError::Interrupted.into()),
    }
}

/// What a rehearsal came to, in files that have no names yet.
struct Conclusion {
    report: Unfinished,
    passed: bool,
}

impl Conclusion {
    /// From here on there is a report.
    fn finish(self) -> Result<(), Failure> {
        let paths = self.report.name().map_err(unusable)?;
        line(format_args!("report: {}", paths.page.display()));
        if self.passed { Ok(()) } else { Err(Failure::RehearsalFailed) }
    }
}

/// Judges a recording, says how it went, and writes its report.
fn conclude(out: &Path, recording: &Recording) -> Result<Conclusion, Failure> {
    let verdict = judge(recording);
    line(Summary(recording));
    for judged in &verdict.objectives {
        line(shown(judged));
    }
    line(format_args!("verdict: {} {}", if verdict.passed { "PASSED." } else { "FAILED." }, verdict.reason));
    let report = Unfinished::write(out, recording, &verdict).map_err(unusable)?;
    Ok(Conclusion { report, passed: verdict.passed })
}

fn unusable(WriteError { path, source }: WriteError) -> RehearsalError {
    RehearsalError::File { path, source }
}

/// Says what got worse from one run to another.
fn compare_runs(arguments: &CompareArguments) -> Result<(), Failure> {
    let (first, second) = (load(&arguments.first)?, load(&arguments.second)?);
    let verdicts = [judge(&first), judge(&second)];
    let [one, other] = &verdicts;
    let (one, other) = (Run { recording: &first, verdict: one }, Run { recording: &second, verdict: other });
    let comparison = compare(&one, &other, arguments.beyond.unwrap_or(BEYOND_DEFAULT));
    line(&comparison);
    if comparison.is_worse() { Err(Failure::GotWorse) } else { Ok(()) }
}

/// An objective and what was measured.
fn shown(judged: &Judged) -> String {
    let Judged { measure, bound, measured, met, left_out } = judged;
    let found = measured.map_or("nothing to measure".to_owned(), |value| measure.shown(value));
    let said = match met {
        Some(true) => "met",
        Some(false) => "not met",
        None if *left_out => "not judged: fewer buyers came than the scenario asks for",
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
    async fn until(aim: &AimArguments, interrupt: &Arc<Interrupt>) -> Result<Aimed, Failure> {
        tokio::select! {
            aimed = Aimed::at(aim, interrupt) => aimed,
            () = interrupt.raised() => Err(RehearsalError::Interrupted.into()),
        }
    }

    async fn at(aim: &AimArguments, interrupt: &Arc<Interrupt>) -> Result<Aimed, Failure> {
        if aim.own {
            let path = PathBuf::from("the program itself");
            let program = std::env::current_exe().map_err(|source| RehearsalError::File { path, source })?;
            let own = OwnServer::start(&program, interrupt).await?;
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

/// Hands signals on, the second one, too: it does not wait for what the first one waits for.
async fn listen(interrupt: Arc<Interrupt>) -> Result<(), Failure> {
    let mut terminated = signal(SignalKind::terminate()).map_err(Failure::Signals)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(Failure::Signals)?;
    // The terminal was closed.
    let mut hung_up = signal(SignalKind::hangup()).map_err(Failure::Signals)?;
    loop {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
            _ = hung_up.recv() => {}
        }
        interrupt.raise();
        if !interrupt.insists() {
            remark("interrupted: coming to an end; once more ends everything at once");
        }
    }
}

/// One thread for two processors: the server needs some as well.
fn threads() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(processors.div_ceil(2)).unwrap_or(1)
}
