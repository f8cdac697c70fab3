//! A crowd at the office of [`crate::sale`], drawn from a seed: it makes the recordings that the tests judge and doctor.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use tessera_verdict::recording::{
    Asked, AskedLine, BehaviourFigures, Environment, Measure, Objective, Operation, OperationLatency,
    Outcome, RECORDING_VERSION, Recording, ScenarioText, Second,
};

use crate::sale::{BEGAN, No, Office, ROW_SEATS, Yes};

/// One second, in microseconds.
const SECOND: u64 = 1_000_000;

/// How long a client waits, in microseconds.
const PATIENCE: u64 = 10 * SECOND;

/// What a crowd is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    pub(crate) seed: u64,
    pub(crate) buyers: u32,
    pub(crate) rows: u32,
    pub(crate) floor: u32,
    /// Seconds of the run.
    pub(crate) seconds: u64,
    /// Requests of a thousand that are never answered.
    pub(crate) unknown_permille: u64,
    /// How much slower than usual the server is.
    pub(crate) slowness: u64,
}

impl Crowd {
    pub(crate) const SMALL: Crowd =
        Crowd { seed: 1, buyers: 600, rows: 12, floor: 150, seconds: 30, unknown_permille: 0, slowness: 1 };
    pub(crate) const LARGE: Crowd = Crowd {
        seed: 7,
        buyers: 9_000,
        rows: 90,
        floor: 1_200,
        seconds: 60,
        unknown_permille: 2,
        slowness: 1,
    };
}

/// What a buyer does next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Arrive,
    Renew(String),
    Release(String),
    Begin(String),
    Confirm(String),
}

struct Run {
    crowd: Crowd,
    office: Office,
    state: u64,
    queue: BinaryHeap<Reverse<(u64, u32, Step)>>,
    history: Vec<Operation>,
    seconds: Vec<Second>,
    latencies: BTreeMap<&'static str, Vec<u64>>,
    by_second: Vec<Vec<u64>>,
    refusals: BTreeMap<String, u64>,
    availabilities: Vec<serde_json::Value>,
    kinds: [BehaviourFigures; 4],
}

/// The recording of a sale.
pub(crate) fn recording(crowd: Crowd) -> Recording {
    let behaviour = |name: &str| BehaviourFigures {
        behaviour: name.into(),
        buyers: 0,
        bought: 0,
        refused: 0,
        left: 0,
        unanswered: 0,
    };
    let seconds = usize::try_from(crowd.seconds).unwrap();
    let mut run = Run {
        crowd,
        office: Office::new(crowd.rows, crowd.floor),
        state: crowd.seed,
        queue: BinaryHeap::new(),
        history: Vec::new(),
        seconds: vec![Second::default(); seconds],
        latencies: BTreeMap::new(),
        by_second: vec![Vec::new(); seconds],
        refusals: BTreeMap::new(),
        availabilities: Vec::new(),
        kinds: ["decisive", "picky", "group", "abandoner"].map(behaviour),
    };
    run.drive();
    run.finish()
}

impl Run {
    fn draw(&mut self, below: u64) -> u64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % below.max(1)
    }

    /// Arrivals thin out from the opening on; the office is asked in the order of time.
    fn drive(&mut self) {
        for buyer in 0..self.crowd.buyers {
            let span = (self.crowd.seconds - 12) * SECOND;
            let at = self.draw(span).min(self.draw(span)).min(self.draw(span));
            self.queue.push(Reverse((at, buyer, Step::Arrive)));
            self.kinds[buyer as usize % 4].buyers += 1;
        }
        let mut second = 0;
        let last = (self.crowd.seconds - 1) * SECOND;
        while let Some(Reverse((at, buyer, step))) = self.queue.pop() {
            while second * SECOND <= at && second < self.crowd.seconds {
                self.close(second);
                second += 1;
            }
            if at < last {
                self.step(at, buyer, &step);
            }
        }
        while second < self.crowd.seconds {
            self.office.advance(second * SECOND);
            self.close(second);
            second += 1;
        }
    }

    fn close(&mut self, second: u64) {
        let units = self.office.units();
        let lag = 200 + self.draw(3_000);
        let last = &mut self.seconds[usize::try_from(second).unwrap()];
        last.units = units;
        last.lag_us = lag;
        last.sockets = last.sent.min(900);
        self.availabilities.push(self.office.availability());
    }

    fn second(&mut self, at: u64) -> &mut Second {
        let second = usize::try_from(at / SECOND).unwrap().min(self.seconds.len() - 1);
        &mut self.seconds[second]
    }

    fn step(&mut self, due: u64, buyer: u32, step: &Step) {
        let load = u64::from(self.second(due).sent);
        let before = 300 + self.draw(400) + load * 3 * self.crowd.slowness;
        let after =
            (300 + self.draw(1_500)) * self.crowd.slowness + if self.draw(200) == 0 { 40_000 } else { 0 };
        let (decided, returned) = (due + before, due + before + after);
        let lost = self.draw(1_000) < self.crowd.unknown_permille;
        let (asked, answer) = self.ask(decided, buyer, step);
        let second = self.second(due);
        second.due += 1;
        second.sent += 1;
        second.buyers += 1;
        second.queued = Some([
            f64::from(u32::try_from(load).unwrap()) / 40.0,
            f64::from(u32::try_from(load).unwrap()) / 200.0,
        ]);
        second.server_cpu = Some((f64::from(second.sent) / 900.0).min(1.0));
        let outcome = if lost { Outcome::Unknown } else { self.outcome(answer) };
        let latency = if lost { PATIENCE } else { before + after };
        self.count(&asked, &outcome, returned, latency, buyer);
        if let Outcome::Accepted { id, .. } = &outcome {
            self.go_on(returned, buyer, step, id.clone());
        }
        self.history.push(Operation {
            buyer: Some(buyer),
            due_us: due,
            latency_us: if lost { PATIENCE } else { before + after },
            invoked_us: due,
            returned_us: (!lost).then_some(returned),
            sent: 1,
            half_sent: 0,
            asked,
            outcome,
        });
    }

    fn ask(&mut self, at: u64, buyer: u32, step: &Step) -> (Asked, Result<Yes, No>) {
        match step {
            Step::Arrive => self.arrive(at, buyer),
            Step::Renew(hold) => (Asked::RenewHold { hold: hold.clone() }, self.office.renew(at, hold)),
            Step::Release(hold) => (Asked::ReleaseHold { hold: hold.clone() }, self.office.release(at, hold)),
            Step::Begin(hold) => (Asked::BeginPayment { hold: hold.clone() }, self.office.begin(at, hold)),
            Step::Confirm(order) => (Asked::Confirm { order: order.clone() }, self.office.confirm(at, order)),
        }
    }

    fn arrive(&mut self, at: u64, buyer: u32) -> (Asked, Result<Yes, No>) {
        let quantity = u16::try_from(1 + self.draw(4)).unwrap();
        let (line, answer) = match buyer % 4 {
            0 => (line("Standing", quantity, Vec::new(), false), self.office.stand(at, quantity)),
            1 => {
                // The front rows are looked at most.
                let row = self.draw(u64::from(self.crowd.rows)).min(self.draw(u64::from(self.crowd.rows)));
                let first = u32::try_from(row).unwrap() * ROW_SEATS;
                let first = first + u32::try_from(self.draw(u64::from(ROW_SEATS - 4))).unwrap();
                let seats: Vec<u32> = (first..first + u32::from(quantity)).collect();
                let name = self.office.type_of(first);
                (line(name, quantity, seats.clone(), false), self.office.sit(at, &seats))
            }
            _ => {
                let name = ["Parquet seat", "Gallery seat"][usize::from(self.draw(3) > 0)];
                (line(name, quantity, Vec::new(), true), self.office.sit_together(at, name, quantity))
            }
        };
        (Asked::PlaceHold { lines: vec![line], access_code: None }, answer)
    }

    fn outcome(&mut self, answer: Result<Yes, No>) -> Outcome {
        match answer {
            Ok(Yes { sequence, id, lines, deadline_us }) => {
                Outcome::Accepted { sequence, id, lines, deadline_us, replayed: false }
            }
            Err(No { code, sequence, problem }) => {
                *self.refusals.entry(code.into()).or_default() += 1;
                Outcome::Refused { code: code.into(), sequence: Some(sequence), problem }
            }
        }
    }

    fn count(&mut self, asked: &Asked, outcome: &Outcome, at: u64, latency: u64, buyer: u32) {
        let second = self.second(at);
        let figures = match outcome {
            Outcome::Accepted { .. } => {
                second.accepted += 1;
                second.answered += 1;
                None
            }
            Outcome::Refused { .. } => {
                second.refused += 1;
                second.answered += 1;
                Some(false)
            }
            Outcome::NotExecuted { .. } | Outcome::HalfSent | Outcome::Unknown => {
                second.unanswered += 1;
                Some(true)
            }
        };
        let kind = &mut self.kinds[buyer as usize % 4];
        match (figures, asked) {
            (None, Asked::Confirm { .. }) => kind.bought += 1,
            (None, Asked::ReleaseHold { .. }) => kind.left += 1,
            (Some(true), _) => kind.unanswered += 1,
            (Some(false), _) => kind.refused += 1,
            (None, _) => {}
        }
        let name = tessera_verdict::judge::name(asked);
        self.latencies.entry(name).or_default().push(latency);
        if figures != Some(true) {
            let second = usize::try_from(at / SECOND).unwrap().min(self.by_second.len() - 1);
            self.by_second[second].push(latency);
        }
    }

    /// What a buyer does who has a hold, or an order.
    fn go_on(&mut self, at: u64, buyer: u32, step: &Step, id: String) {
        let think = 500_000 + self.draw(3 * SECOND);
        let next = match step {
            Step::Arrive if buyer % 4 == 3 => (self.draw(3) == 0).then_some(Step::Release(id)),
            Step::Arrive if self.draw(10) == 0 => Some(Step::Renew(id)),
            Step::Arrive | Step::Renew(_) => Some(Step::Begin(id)),
            Step::Begin(_) => Some(Step::Confirm(id)),
            Step::Release(_) | Step::Confirm(_) => None,
        };
        if let Some(next) = next {
            self.queue.push(Reverse((at + think, buyer, next)));
        }
    }

    fn finish(mut self) -> Recording {
        for (second, latencies) in self.seconds.iter_mut().zip(&mut self.by_second) {
            latencies.sort_unstable();
            second.latency_us =
                [at(latencies, 5_000), at(latencies, 9_900), latencies.last().copied().unwrap_or(0)];
        }
        let percentiles = [1_000, 2_500, 5_000, 7_500, 9_000, 9_500, 9_900, 9_950, 9_990, 9_999, 10_000];
        let table = |(name, mut latencies): (&str, Vec<u64>)| {
            latencies.sort_unstable();
            OperationLatency {
                operation: name.into(),
                count: latencies.len() as u64,
                unanswered: latencies.iter().filter(|latency| **latency == PATIENCE).count() as u64,
                percentiles: percentiles.map(|share| (share, at(&latencies, share))).to_vec(),
            }
        };
        let mut history = self.history;
        history.sort_by_key(|operation| operation.invoked_us);
        self.availabilities.push(self.office.availability());
        Recording {
            version: RECORDING_VERSION,
            scenario: scenario(self.crowd),
            environment: environment(),
            objectives: objectives(),
            venue: self.office.venue.clone(),
            seconds: self.seconds,
            latencies: std::mem::take(&mut self.latencies).into_iter().map(table).collect(),
            refusals: self.refusals,
            turned_away: BTreeMap::new(),
            defects: BTreeMap::new(),
            behaviours: self.kinds.to_vec(),
            history,
            seat_map: Some(self.office.seat_map()),
            feed: self.office.feed,
            availabilities: self.availabilities,
            books: BTreeMap::from([("EUR".to_owned(), 0)]),
        }
    }
}

/// The value at a share of sorted values, in hundredths of a percent.
fn at(sorted: &[u64], share: u32) -> u64 {
    let position = (sorted.len() * share as usize).div_ceil(10_000).saturating_sub(1);
    sorted.get(position).copied().unwrap_or(0)
}

pub(crate) fn line(ticket_type: &str, quantity: u16, seats: Vec<u32>, together: bool) -> AskedLine {
    AskedLine { ticket_type: Some(ticket_type.into()), quantity, seats, together }
}

fn scenario(crowd: Crowd) -> ScenarioText {
    ScenarioText {
        name: "Stadium flash sale".into(),
        description: "Everyone comes at the opening, most to the front rows.".into(),
        toml: format!("[crowd]\nbuyers = {}\nprofile = \"spike\"\n# <b>not markup</b>\n", crowd.buyers),
        seed: crowd.seed,
        fewer_than: None,
    }
}

fn environment() -> Environment {
    Environment {
        started_at: BEGAN.into(),
        target: "http://127.0.0.1:8080".into(),
        is_own_server: true,
        is_here: true,
        version: "0.1.0".into(),
        server_version: "0.1.0".into(),
        system: "Linux 6.1".into(),
        processor: "Some processor".into(),
        processors: 2,
        memory_bytes: 8 << 30,
        threads: 1,
        event: "evt_1".into(),
        sockets_max: 900,
        sockets_allowed: 1_000,
    }
}

fn objectives() -> Vec<Objective> {
    vec![
        Objective { measure: Measure::HoldP50Ms, bound: 20.0 },
        Objective { measure: Measure::HoldP99Ms, bound: 100.0 },
        Objective { measure: Measure::ExistingP99Ms, bound: 100.0 },
        Objective { measure: Measure::ErrorShare, bound: 0.02 },
        Objective { measure: Measure::SoldShare, bound: 0.25 },
        Objective { measure: Measure::AcceptedPerSecond, bound: 10.0 },
    ]
}
