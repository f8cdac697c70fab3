//! The models. Each asserts what would be lost or exceeded under some interleaving.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread;

use crate::gate::{Gate, Permits};
use crate::wake::WakeFlag;

/// Stands for the queue of a lane, which comes from a library. It orders nothing by itself: a look may be stale unless the
/// primitives around it order it.
struct Queue([AtomicBool; 2]);

impl Queue {
    fn new() -> Queue {
        Queue([AtomicBool::new(false), AtomicBool::new(false)])
    }

    fn push(&self, request: usize) {
        self.0[request].store(true, Ordering::Relaxed);
    }

    /// How many requests were seen and taken.
    fn take(&self) -> usize {
        let taken = |slot: &&AtomicBool| slot.load(Ordering::Relaxed) && slot.swap(false, Ordering::Relaxed);
        self.0.iter().filter(taken).count()
    }
}

#[test]
fn no_wake_up_is_lost_and_one_at_most_is_under_way() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let flag = Arc::new(WakeFlag::new());
        let wake_ups = Arc::new(AtomicUsize::new(0));
        let producers: Vec<_> = (0..2)
            .map(|request| {
                let (queue, flag, wake_ups) = (Arc::clone(&queue), Arc::clone(&flag), Arc::clone(&wake_ups));
                thread::spawn(move || {
                    queue.push(request);
                    if flag.raise() {
                        assert!(wake_ups.fetch_add(1, Ordering::AcqRel) < 1, "two wake-ups are under way");
                    }
                })
            })
            .collect();
        // The sleeper looks whenever a wake-up has come; it takes the message first, then lowers, then looks.
        let mut seen = 0;
        for _ in 0..2 {
            let woken = wake_ups.compare_exchange(1, 0, Ordering::AcqRel, Ordering::Acquire).is_ok();
            if woken {
                flag.lower();
                seen += queue.take();
            }
            thread::yield_now();
        }
        for producer in producers {
            producer.join().unwrap();
        }
        let left = queue.take();
        assert_eq!(seen + left, 2);
        assert!(left == 0 || wake_ups.load(Ordering::Acquire) == 1, "work waits and nobody is told");
    });
}

#[test]
fn holding_the_flag_loses_nothing_that_the_next_look_finds() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let flag = Arc::new(WakeFlag::new());
        let wake_ups = Arc::new(AtomicUsize::new(0));
        let producer = {
            let (queue, flag, wake_ups) = (Arc::clone(&queue), Arc::clone(&flag), Arc::clone(&wake_ups));
            thread::spawn(move || {
                queue.push(1);
                if flag.raise() {
                    wake_ups.fetch_add(1, Ordering::AcqRel);
                }
            })
        };
        // A turn is begun: the flag is held up until the store answers, then the sleeper looks again.
        flag.lower();
        let mut seen = queue.take();
        flag.hold();
        flag.lower();
        seen += queue.take();
        producer.join().unwrap();
        let left = queue.take();
        assert_eq!(seen + left, 1);
        assert!(left == 0 || wake_ups.load(Ordering::Acquire) > 0, "work waits and nobody is told");
    });
}

#[test]
fn a_gate_that_closed_while_empty_has_let_nobody_in() {
    loom::model(|| {
        let gate = Arc::new(Gate::new());
        let queue = Arc::new(Queue::new());
        let producer = {
            let (gate, queue) = (Arc::clone(&gate), Arc::clone(&queue));
            thread::spawn(move || {
                let entered = gate.enter();
                if entered {
                    queue.push(1);
                }
                entered
            })
        };
        let closed = gate.close_if_empty();
        let entered = producer.join().unwrap();
        if closed {
            assert!(!entered || gate.is_closed(), "passivation met a request");
            assert!(!entered, "a request was taken in by an event that sleeps");
        }
        assert_eq!(queue.take(), usize::from(entered));
    });
}

#[test]
fn who_enters_a_closing_gate_is_answered_by_somebody() {
    loom::model(|| {
        let gate = Arc::new(Gate::new());
        let queue = Arc::new(Queue::new());
        let answered = Arc::new(AtomicUsize::new(0));
        let turn_away = |gate: &Gate, queue: &Queue, answered: &AtomicUsize| {
            let taken = queue.take();
            gate.leave(taken as u64);
            answered.fetch_add(taken, Ordering::AcqRel);
        };
        let producer = {
            let (gate, queue, answered) = (Arc::clone(&gate), Arc::clone(&queue), Arc::clone(&answered));
            thread::spawn(move || {
                if !gate.enter() {
                    return false;
                }
                queue.push(1);
                if !gate.is_open_still() {
                    turn_away(&gate, &queue, &answered);
                }
                true
            })
        };
        gate.close();
        turn_away(&gate, &queue, &answered);
        let entered = producer.join().unwrap();
        assert_eq!(answered.load(Ordering::Acquire), usize::from(entered), "a request waits for ever");
        assert!(gate.is_closed() && !gate.enter());
    });
}

#[test]
fn permits_are_never_exceeded_and_all_come_back() {
    loom::model(|| {
        let permits = Arc::new(Permits::new(2, 100));
        let inside = Arc::new(AtomicUsize::new(0));
        let takers: Vec<_> = [60_u64, 50]
            .into_iter()
            .map(|bytes| {
                let (permits, inside) = (Arc::clone(&permits), Arc::clone(&inside));
                thread::spawn(move || {
                    if permits.take(bytes) {
                        assert_eq!(inside.fetch_add(1, Ordering::AcqRel), 0, "110 bytes are inside of 100");
                        inside.fetch_sub(1, Ordering::AcqRel);
                        permits.give_back(bytes);
                    }
                })
            })
            .collect();
        for taker in takers {
            taker.join().unwrap();
        }
        assert_eq!(permits.taken(), 0);
        assert!(permits.take(100) && !permits.take(1));
    });
}
