//! The state machine: the model as reference, the engine as what is tested.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tessera_inventory::{
    ClaimNumber, Command, Decision, Event, EventBody, EventId, Inventory, Sequence, Timestamp,
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
}

/// What the last step is to come to.
#[derive(Clone, Debug)]
enum Expected {
    Nothing,
    Due(Vec<EventBody>),
    Verdict(Verdict),
}

/// The reference: a model, its time, and what its last step came to.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) model: Model,
    pub(crate) now: Timestamp,
    /// Commands before the first step.
    prologue: Vec<Command>,
    expected: Expected,
}

impl Reference {
    pub(crate) fn begin(prologue: Vec<Command>) -> Self {
        let mut reference =
            Reference { model: Model::new(), now: BEGINNING, prologue: vec![], expected: Expected::Nothing };
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
        self.expected = Expected::Verdict(verdict);
    }

    fn wait(&mut self, ms: u64, turns: usize) {
        self.now = self.now.plus_ms(ms);
        let mut happened = Vec::new();
        while happened.len() < turns
            && let Some(body) = self.model.due(self.now)
        {
            self.model.apply(Event { at: self.now, key: None, body: body.clone() });
            happened.push(body);
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
            Step::Restart => state.expected = Expected::Nothing,
        }
        state
    }
}

/// The engine, and a second one that only ever applies what the first decided.
pub(crate) struct EngineAgainstModel {
    engine: Inventory,
    follower: Inventory,
    log: Vec<Event>,
}

impl EngineAgainstModel {
    fn log(&mut self, event: Event) {
        self.engine.apply(&event);
        self.follower.apply(&event);
        self.log.push(event);
    }

    /// Asks the engine, and compares its answer.
    fn ask(&mut self, now: Timestamp, command: &Command, verdict: &Verdict) {
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
    }

    /// Lets happen what is due, and compares it.
    fn wait(&mut self, now: Timestamp, turns: usize, expected: &[EventBody]) {
        let mut happened = Vec::new();
        while happened.len() < turns
            && let Some(body) = self.engine.decide_due(now)
        {
            happened.push(body.clone());
            self.log(Event { at: now, key: None, body });
        }
        assert_eq!(happened, expected, "due at {now}");
    }

    pub(crate) fn compare(&self, model: &Model) {
        let engine = &self.engine;
        assert_eq!(engine.check(), Ok(()));
        assert_eq!(engine.sequence(), Sequence(model.sequence()));
        assert_eq!(engine.next_due_at(), model.next_due_at());
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
        let mut test = EngineAgainstModel { engine, follower, log: vec![] };
        let mut shadow = Reference::begin(vec![]);
        for command in &reference.prologue {
            shadow.ask(command);
            let Expected::Verdict(verdict) = &shadow.expected else { unreachable!("it was asked") };
            test.ask(BEGINNING, command, verdict);
        }
        test.compare(&reference.model);
        test
    }

    fn apply(mut test: Self, reference: &Reference, step: Step) -> Self {
        match (step, &reference.expected) {
            (Step::Ask(command), Expected::Verdict(verdict)) => test.ask(reference.now, &command, verdict),
            (Step::Wait { turns, .. }, Expected::Due(due)) => test.wait(reference.now, turns, due),
            (Step::Restart, _) => {
                let image = test.engine.export();
                let read = Inventory::import(image.clone()).expect("an exported image can be read");
                assert_eq!(read.export(), image, "an image changes on its way");
                test.engine = read;
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
