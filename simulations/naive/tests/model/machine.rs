//! The state machine: the model as reference, the engine as what is tested.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tessera_inventory::{
    ClaimNumber, Command, CommandBody, Decision, Event, EventBody, EventId, Inventory, Sequence, Timestamp,
};
use tessera_naive::{Model, Verdict, mark_of, same, view_without_terms, without_terms};

use crate::commands;
use crate::world::BEGINNING;

const EVENT: EventId = EventId(0x0192_f0c1_0000_7000_8000_0000_0000_0001);

/// One step of a world.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // Nearly all are asks.
pub(crate) enum Step {
    /// Time passes; at most `turns` of the things that are due happen, if they are.
    Wait { ms: u64, turns: usize },
    /// Somebody asks for something.
    Ask(Command),
    /// The state is written to a snapshot and read back.
    Restart,
    /// From now on, so many consequences follow each step at most, as where a turn has no room for more.
    Serve(usize),
}

/// What the last step is to come to.
#[derive(Clone, Debug)]
enum Expected {
    Due(Vec<EventBody>),
    /// The answer, and what follows from the state then.
    Verdict(Verdict, Vec<EventBody>),
}

/// The reference: a model, its time, and what its last step came to.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) model: Model,
    pub(crate) now: Timestamp,
    /// Commands before the first step.
    prologue: Vec<Command>,
    expected: Expected,
    /// Consequences that follow a step.
    pub(crate) served: usize,
}

impl Reference {
    pub(crate) fn begin(prologue: Vec<Command>) -> Self {
        let mut reference = Reference {
            model: Model::new(),
            now: BEGINNING,
            prologue: vec![],
            expected: Expected::Due(vec![]),
            served: usize::MAX,
        };
        for command in &prologue {
            reference.ask(command);
        }
        Reference { prologue, ..reference }
    }

    fn ask(&mut self, command: &Command) {
        let verdict = self.model.decide(self.now, command);
        if let Verdict::Accepted(body) = &verdict {
            self.model.apply(Event { at: self.now, key: mark_of(command), body: body.clone() });
        }
        let then = self.serve();
        self.expected = Expected::Verdict(verdict, then);
    }

    /// Lets follow what follows from the state.
    fn serve(&mut self) -> Vec<EventBody> {
        let mut happened = Vec::new();
        while happened.len() < self.served
            && let Some(body) = self.model.consequence(self.now)
        {
            self.model.apply(Event { at: self.now, key: None, body: body.clone() });
            happened.push(body);
        }
        happened
    }

    fn wait(&mut self, ms: u64, turns: usize) {
        self.now = self.now.plus_ms(ms);
        let mut happened = self.serve();
        let mut fired = 0;
        while fired < turns
            && let Some(body) = self.model.due(self.now)
        {
            self.model.apply(Event { at: self.now, key: None, body: body.clone() });
            happened.push(body);
            fired += 1;
            happened.extend(self.serve());
        }
        self.expected = Expected::Due(happened);
    }
}

impl ReferenceStateMachine for Reference {
    type State = Reference;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Reference> {
        commands::prologue().prop_map(Reference::begin).boxed()
    }

    fn transitions(state: &Reference) -> BoxedStrategy<Step> {
        commands::step(&state.model, state.now)
    }

    fn apply(mut state: Reference, step: &Step) -> Reference {
        match step {
            Step::Wait { ms, turns } => state.wait(*ms, *turns),
            Step::Ask(command) => state.ask(command),
            Step::Restart => state.expected = Expected::Due(state.serve()),
            Step::Serve(most) => {
                state.served = *most;
                state.expected = Expected::Due(state.serve());
            }
        }
        state
    }
}

/// The engine, and a second one that only ever applies what the first decided.
pub(crate) struct EngineAgainstModel {
    engine: Inventory,
    follower: Inventory,
    log: Vec<Event>,
    served: usize,
}

impl EngineAgainstModel {
    /// The same, with a deliberate defect.
    pub(crate) fn mutated(mut self, mutant: tessera_inventory::Mutant) -> Self {
        self.engine = self.engine.mutated(mutant);
        self
    }

    /// Lets follow what follows from the state.
    fn serve(&mut self, now: Timestamp) -> Vec<EventBody> {
        let mut happened = Vec::new();
        while happened.len() < self.served
            && let Some(body) = self.engine.decide_consequence(now)
        {
            happened.push(without_terms(body.clone()));
            self.log(Event { at: now, key: None, body });
        }
        if happened.len() < self.served {
            assert!(!self.engine.may_have_consequence(), "somebody is to be looked at, and nobody is");
        }
        happened
    }

    fn log(&mut self, event: Event) {
        self.engine.apply(&event);
        self.follower.apply(&event);
        self.log.push(event);
    }

    /// The model keeps no terms: a late sale has those of the log.
    fn with_terms(&self, command: &Command) -> Command {
        let mut command = command.clone();
        if let CommandBody::SellLate(sale) = &mut command.body {
            let placed = usize::try_from(sale.order.0).ok().and_then(|at| self.log.get(at.checked_sub(1)?));
            if let Some(EventBody::HoldPlaced(hold)) = placed.map(|event| &event.body) {
                sale.hold.lines.clone_from(&hold.lines);
            }
        }
        command
    }

    /// Asks the engine, and compares its answer.
    fn ask(&mut self, now: Timestamp, command: &Command, verdict: &Verdict, then: &[EventBody]) {
        let command = &self.with_terms(command);
        let digest = self.engine.digest();
        let answer = self.engine.decide(now, command);
        assert_eq!(self.engine.digest(), digest, "deciding changed the state");
        assert_eq!(self.engine.decide(now, command), answer, "deciding twice gives two answers: {command:?}");
        match (&answer, verdict) {
            (Ok(Decision::Accepted(body)), Verdict::Accepted(expected)) => {
                assert_eq!(&without_terms(body.clone()), expected, "{command:?}");
                self.log(Event { at: now, key: mark_of(command), body: body.clone() });
            }
            (Ok(Decision::Repeated(sequence)), Verdict::Repeated(expected)) => {
                assert_eq!(sequence.0, *expected, "{command:?}");
            }
            (Err(reason), Verdict::Refused(reasons)) => {
                let is_known = reasons.iter().any(|expected| same(reason, expected));
                assert!(is_known, "{command:?}\nis refused: {reason:?}\nexpected one of: {reasons:#?}");
            }
            _ => panic!("{command:?}\nanswer: {answer:?}\nexpected: {verdict:?}"),
        }
        assert_eq!(self.serve(now), then, "what follows from {command:?}");
    }

    /// Lets happen what is due, and compares it.
    fn wait(&mut self, now: Timestamp, turns: usize, expected: &[EventBody]) {
        let mut happened = self.serve(now);
        let mut fired = 0;
        while fired < turns
            && let Some(body) = self.engine.decide_due(now)
        {
            happened.push(body.clone());
            self.log(Event { at: now, key: None, body });
            fired += 1;
            happened.extend(self.serve(now));
        }
        assert_eq!(happened, expected, "due at {now}");
    }

    pub(crate) fn compare(&self, model: &Model) {
        let engine = &self.engine;
        assert_eq!(engine.check(), Ok(()));
        assert_eq!(engine.sequence(), Sequence(model.sequence()));
        assert_eq!(engine.next_due_at(), model.next_due_at());
        assert_eq!(engine.waiting(), model.waiting.len());
        assert_eq!(engine.availability(), model.availability());
        let map = engine.seat_map();
        assert_eq!((map.seats as usize, &*map.states), (model.seats().len(), &*model.seat_map()));
        for number in 0..=model.sequence() + 1 {
            let view = engine.claim(ClaimNumber(number)).map(view_without_terms);
            assert_eq!(view, model.claim_view(number));
        }
        let version = engine.config().map(|(version, config)| (version, config.clone()));
        assert_eq!(version, model.config.clone().map(|config| (model.version, config)));
    }
}

impl StateMachineTest for EngineAgainstModel {
    type SystemUnderTest = Self;
    type Reference = Reference;

    fn init_test(reference: &Reference) -> Self {
        let (engine, follower) = (Inventory::new(EVENT), Inventory::new(EVENT));
        let mut test = EngineAgainstModel { engine, follower, log: vec![], served: usize::MAX };
        let mut shadow = Reference::begin(vec![]);
        for command in &reference.prologue {
            shadow.ask(command);
            let Expected::Verdict(verdict, then) = &shadow.expected else { unreachable!("it was asked") };
            test.ask(BEGINNING, command, verdict, then);
        }
        test.compare(&reference.model);
        test
    }

    fn apply(mut test: Self, reference: &Reference, step: Step) -> Self {
        match (step, &reference.expected) {
            (Step::Ask(command), Expected::Verdict(verdict, then)) => {
                test.ask(reference.now, &command, verdict, then);
            }
            (Step::Wait { turns, .. }, Expected::Due(due)) => test.wait(reference.now, turns, due),
            (Step::Serve(most), Expected::Due(due)) => {
                test.served = most;
                test.wait(reference.now, 0, due);
            }
            (Step::Restart, Expected::Due(due)) => {
                let image = test.engine.export();
                let read = Inventory::import(image.clone()).expect("an exported image can be read");
                assert_eq!(read.export(), image, "an image changes on its way");
                test.engine = read;
                test.wait(reference.now, 0, due);
            }
            (step, expected) => unreachable!("{step:?} came to {expected:?}"),
        }
        test
    }

    fn check_invariants(test: &Self, reference: &Reference) {
        assert_eq!(test.engine.digest(), test.follower.digest(), "the follower went another way");
        test.compare(&reference.model);
    }

    fn teardown(test: Self, _reference: Reference) {
        let mut replayed = Inventory::new(EVENT);
        for event in &test.log {
            replayed.apply(event);
        }
        assert_eq!(replayed.digest(), test.engine.digest(), "I4: the log replays to another state");
        assert_eq!(test.follower.check(), Ok(()));
    }
}
