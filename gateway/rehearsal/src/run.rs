//! A run from its set-up to its recording.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tessera_demo::setup::{Organizer, bearer};
use tessera_verdict::recording::{RECORDING_VERSION, Recording, ScenarioText};

use crate::crowd::Crowd;
use crate::environment::environment;
use crate::error::RehearsalError;
use crate::live::Live;
use crate::metrics::processor_s;
use crate::open_files;
use crate::own_server::OwnServer;
use crate::plan::Plan;
use crate::prepare::{Prepared, prepare, unread};
use crate::quiet::{self, QUIET_MAX};
use crate::scenario::Scenario;
use crate::stage::{Clock, Stage};
use crate::target::Target;
use crate::watch::{Seen, Watcher, locked, units_of};

/// From the start of the threads to the first arrival.
const LEAD: Duration = Duration::from_millis(300);
/// What to run, against whom.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The server.
    pub target: &'a Target,
    /// The administrator's token.
    pub administrator_token: &'a str,
    /// The server's process, where the rehearsal started it.
    pub own_server: Option<&'a OwnServer>,
    /// Decides everything that is drawn.
    pub seed: u64,
    /// Threads of the generator.
    pub threads: u32,
}

/// What a run leaves behind.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Everything to judge.
    pub recording: Recording,
    /// The slowest second of the store, as the mean of its appends in milliseconds.
    pub append_ms_max: Option<f64>,
    /// The largest share of a second in which the event's writer had a turn under way.
    pub writer_busy_max: Option<f64>,
    /// Whether server and generator share this machine.
    pub shares_machine: bool,
    /// Processors that the generator used on average while the crowd was there.
    pub generator_processors: f64,
}

/// What is known when the last buyer has left.
struct Finished {
    clock: Clock,
    /// Still to be looked at while the feed is read.
    crowd: Crowd,
    seen: Seen,
    generator_processors: f64,
}

impl Rehearsal<'_> {
    /// Set the event up, send the crowd, wait until all is quiet, and read what is to be judged.
    ///
    /// # Errors
    /// [`RehearsalError`] when it could not be carried out; whatever the server did wrong to the crowd is in the recording.
    pub async fn run(&self, live: &Arc<Live>) -> Result<Outcome, RehearsalError> {
        let server_ended = async {
            match self.own_server {
                Some(own) => own.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            outcome = self.carry_out(live) => outcome,
            ended = server_ended => Err(ended),
            () = live.interrupt().raised() => Err(RehearsalError::Interrupted),
        }
    }

    async fn carry_out(&self, live: &Arc<Live>) -> Result<Outcome, RehearsalError> {
        let scenario = self.scenario;
        open_files::raise_for(scenario.crowd.sockets)?;
        let plan = Plan::draw(scenario, self.seed);
        let told = |phase| live.stage(phase);
        let server = &self.target.server;
        let prepared =
            prepare(scenario, plan.tokens, server, self.administrator_token, self.seed, &told).await?;
        let Prepared { stage, configuration, organizer, presale_s, server_version } = prepared;
        let finished = self.send(live, &stage, &plan, presale_s.map(|after_s| (organizer, after_s))).await?;
        live.stage("waiting until all is quiet, and reading the change feed");
        let quiet = quiet::read(&stage, QUIET_MAX).await?;
        let books = quiet::books(server, &bearer(self.administrator_token)?).await?;
        let Finished { clock, crowd, seen, generator_processors } = finished;
        let notes = crowd.into_notes();
        let mut seconds = notes.finished_seconds();
        seen.write_to(&mut seconds);
        if let (Some(second), Some(units)) = (seconds.last_mut(), units_of(&stage.venue, &quiet.last)) {
            second.units = units;
        }
        let mut availabilities = seen.availabilities.clone();
        availabilities.push(quiet.last);
        let mut environment = environment(self.target, clock.began_at(), self.own_server.is_some());
        (environment.threads, environment.sockets_allowed) = (self.threads, scenario.crowd.sockets);
        environment.event.clone_from(&stage.event);
        environment.server_version = server_version;
        environment.sockets_max = seconds.iter().map(|second| second.sockets).max().unwrap_or(0);
        let recording = Recording {
            version: RECORDING_VERSION,
            scenario: ScenarioText {
                name: scenario.name.clone(),
                description: scenario.description.clone(),
                toml: scenario.text.clone(),
                seed: self.seed,
                fewer_than: scenario.fewer_than,
            },
            environment,
            objectives: scenario.objectives.clone(),
            venue: configuration,
            seconds,
            latencies: notes.operation_latencies(),
            refusals: notes.refusals,
            turned_away: notes.turned_away,
            defects: notes.defects,
            behaviours: notes.behaviours,
            history: notes.history,
            feed: quiet.feed,
            availabilities,
            seat_map: quiet.seat_map,
            books,
        };
        Ok(Outcome {
            recording,
            append_ms_max: seen.append_ms_max(),
            writer_busy_max: seen.writer_busy_max(),
            shares_machine: self.target.is_here,
            generator_processors,
        })
    }

    /// Send the crowd and watch the server until the last buyer has left.
    async fn send(
        &self,
        live: &Arc<Live>,
        stage: &Arc<Stage>,
        plan: &Plan,
        presale: Option<(Organizer, f64)>,
    ) -> Result<Finished, RehearsalError> {
        let clock = Clock::beginning_in(LEAD);
        let used = || processor_s(std::process::id()).unwrap_or(0.0);
        let used_before = used();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let administrator = bearer(self.administrator_token)?;
        let process = self.own_server.map(OwnServer::process);
        let watcher = Watcher::new(stage, clock, administrator, process, &seen);
        let mut crowd = Crowd::send(stage, clock, &plan.arrivals, self.scenario.crowd.sockets, self.threads)?;
        live.show(clock, crowd.shards(), &seen);
        live.stage("the crowd is there");
        let opening = async {
            if let Some((mut organizer, after_s)) = presale {
                let after_us = Duration::from_secs_f64(after_s).as_micros();
                clock.sleep_until(u64::try_from(after_us).unwrap_or(u64::MAX)).await;
                organizer.change_phase(&stage.event, "on_sale", &mut unread()).await?;
            }
            Ok::<(), RehearsalError>(())
        };
        let through = async { tokio::try_join!(opening, crowd.ended()) };
        tokio::select! {
            ended = through => drop(ended?),
            gone = watcher.watch() => return Err(gone.into()),
        }
        let seen = locked(&seen).clone();
        let took_s = Duration::from_micros(clock.now_us()) + LEAD;
        let generator_processors = (used() - used_before) / took_s.as_secs_f64();
        Ok(Finished { clock, crowd, seen, generator_processors })
    }
}
