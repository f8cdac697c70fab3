//! The two bounded lanes in front of the writer.

use std::collections::VecDeque;
use std::mem::size_of;

use tessera_inventory::{
    Category, Channel, Choice, Command, CommandBody, Config, EntryList, Line, LineRequest, Pool, PoolId, Row,
    Scan, Seat, SeatIndex, SellLate, Subject, TicketType, TicketTypeId, Units, Want,
};

use crate::{
    Ask, EXISTING_QUEUE_MAX, LANE_BYTES_MAX, Lane, Monotonic, NEW_QUEUE_MAX, Request, TURN_BYTES_MAX,
    TURN_COMMANDS_MAX, TURN_NEW_BYTES_RESERVED, TURN_NEW_RESERVED,
};

impl Lane {
    /// The lane of a request.
    #[must_use]
    pub fn of(ask: &Ask) -> Lane {
        match ask {
            Ask::Command(command)
                if matches!(command.body, CommandBody::PlaceHold(_) | CommandBody::JoinWaitlist(_)) =>
            {
                Lane::New
            }
            Ask::Command(_) | Ask::Read(_) => Lane::Existing,
        }
    }
}

impl Ask {
    /// About how many bytes it keeps in memory while it waits.
    #[must_use]
    pub fn weight_bytes(&self) -> usize {
        weight(self)
    }
}

/// A request with its lane and its weight in bytes.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    pub(crate) request: Request<T>,
    lane: Lane,
    weight: usize,
}

#[derive(Debug)]
struct Queue<T> {
    waiting: VecDeque<Waiting<T>>,
    bytes: usize,
    limit: usize,
}

impl<T> Queue<T> {
    fn new(limit: usize) -> Self {
        Queue { waiting: VecDeque::new(), bytes: 0, limit }
    }

    fn push(&mut self, waiting: Waiting<T>) -> Result<(), T> {
        let fits = self.bytes == 0 || self.bytes + waiting.weight <= LANE_BYTES_MAX;
        if self.waiting.len() >= self.limit || !fits {
            return Err(waiting.request.ticket);
        }
        self.bytes += waiting.weight;
        self.waiting.push_back(waiting);
        Ok(())
    }

    fn pop(&mut self) -> Option<Waiting<T>> {
        let waiting = self.waiting.pop_front()?;
        self.bytes -= waiting.weight;
        Some(waiting)
    }
}

/// What one turn may still take.
#[derive(Debug)]
pub(crate) struct TurnBudget {
    commands: usize,
    bytes: usize,
    /// Of bytes those that only new holds may use.
    new_bytes: usize,
}

impl TurnBudget {
    pub(crate) fn new() -> Self {
        let bytes = TURN_BYTES_MAX - TURN_NEW_BYTES_RESERVED;
        TurnBudget { commands: TURN_COMMANDS_MAX, bytes, new_bytes: TURN_NEW_BYTES_RESERVED }
    }

    fn spend(&mut self, lane: Lane, weight: usize) {
        self.commands -= 1;
        if lane == Lane::New {
            let beyond = weight.saturating_sub(self.bytes);
            self.new_bytes = self.new_bytes.saturating_sub(beyond);
        }
        self.bytes = self.bytes.saturating_sub(weight);
    }
}

/// Both lanes.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    existing: Queue<T>,
    new: Queue<T>,
}

impl<T> Lanes<T> {
    pub(crate) fn new() -> Self {
        Lanes { existing: Queue::new(EXISTING_QUEUE_MAX), new: Queue::new(NEW_QUEUE_MAX) }
    }

    pub(crate) fn push(&mut self, request: Request<T>) -> Result<(), T> {
        let (lane, weight) = (Lane::of(&request.ask), weight(&request.ask));
        self.queue(lane).push(Waiting { request, lane, weight })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.existing.waiting.is_empty() && self.new.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.existing.waiting.len() + self.new.waiting.len()
    }

    pub(crate) fn len_of(&self, lane: Lane) -> usize {
        match lane {
            Lane::Existing => self.existing.waiting.len(),
            Lane::New => self.new.waiting.len(),
        }
    }

    /// The next request of a turn: existing claims first, with a part of the turn kept for new holds.
    pub(crate) fn take(&mut self, budget: &mut TurnBudget) -> Option<Waiting<T>> {
        let reserved = if self.new.waiting.is_empty() { 0 } else { TURN_NEW_RESERVED };
        let takes_existing = budget.commands > reserved && budget.bytes > 0;
        let takes_new = budget.commands > 0 && budget.bytes + budget.new_bytes > 0;
        let existing = if takes_existing { self.existing.pop() } else { None };
        let taken = existing.or_else(|| if takes_new { self.new.pop() } else { None })?;
        budget.spend(taken.lane, taken.weight);
        Some(taken)
    }

    /// Put back what was taken for this turn but must wait for the next, in the order in which it was taken.
    pub(crate) fn put_back(&mut self, deferred: &mut Vec<Waiting<T>>) {
        while let Some(waiting) = deferred.pop() {
            let queue = self.queue(waiting.lane);
            queue.bytes += waiting.weight;
            queue.waiting.push_front(waiting);
        }
    }

    /// Remove what nobody waits for any more.
    pub(crate) fn sweep(&mut self, now: Monotonic, mut gone: impl FnMut(T)) {
        for lane in [Lane::Existing, Lane::New] {
            let queue = self.queue(lane);
            for _ in 0..queue.waiting.len() {
                match queue.pop() {
                    Some(waiting) if waiting.request.give_up_at <= now => gone(waiting.request.ticket),
                    Some(waiting) => {
                        queue.bytes += waiting.weight;
                        queue.waiting.push_back(waiting);
                    }
                    None => {}
                }
            }
        }
    }

    /// Remove everything.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(T)) {
        for lane in [Lane::Existing, Lane::New] {
            while let Some(waiting) = self.queue(lane).pop() {
                each(waiting.request.ticket);
            }
        }
    }

    fn queue(&mut self, lane: Lane) -> &mut Queue<T> {
        match lane {
            Lane::Existing => &mut self.existing,
            Lane::New => &mut self.new,
        }
    }
}

/// About how many bytes a request keeps in memory.
fn weight(ask: &Ask) -> usize {
    let Ask::Command(command) = ask else { return size_of::<Ask>() };
    let seats = |count: usize| count * size_of::<SeatIndex>();
    let subjects = |count: usize| count * size_of::<Subject>();
    let body = match &command.body {
        CommandBody::Configure { config, .. } => config_weight(config),
        CommandBody::PlaceHold(hold) => {
            let lines: usize = hold.lines.iter().map(line_weight).sum();
            lines + subjects(hold.subjects.extra.len())
        }
        CommandBody::JoinWaitlist(join) => {
            join.choices.len() * size_of::<Choice>() + subjects(join.subjects.extra.len())
        }
        CommandBody::BeginPayment { extra_subjects, .. } => subjects(extra_subjects.len()),
        CommandBody::RefundTickets { tickets, .. } => tickets.len() * size_of::<u16>(),
        CommandBody::SellLate(sale) => {
            let lines = sale.hold.lines.iter().map(|line| size_of::<Line>() + seats(line.seats.len()));
            let quoted = sale.hold.quote.as_ref().map_or(0, |quote| size_of_val(quote.lines.as_slice()));
            size_of::<SellLate>() + lines.sum::<usize>() + quoted + subjects(sale.hold.subjects.extra.len())
        }
        CommandBody::RecordScans { scans, .. } => scans.len() * size_of::<Scan>(),
        CommandBody::Kill(Units::Seats(list)) | CommandBody::Restore(Units::Seats(list)) => seats(list.len()),
        _ => 0,
    };
    size_of::<Command>() + body
}

fn config_weight(config: &Config) -> usize {
    let pools = config.pools.iter().map(|pool| size_of::<Pool>() + pool.name.len());
    let categories = config.categories.iter().map(|category| size_of::<Category>() + category.name.len());
    let sections = config.sections.iter().map(|name| size_of::<Box<str>>() + name.len());
    let rows = config.rows.iter().map(|row| {
        let seats = row.blocks.iter().map(|block| size_of::<Box<[Seat]>>() + block.len() * size_of::<Seat>());
        size_of::<Row>() + row.label.len() + seats.sum::<usize>()
    });
    let channels = config.channels.iter().map(|channel| {
        size_of::<Channel>() + channel.name.len() + channel.allotments.len() * size_of::<(PoolId, u32)>()
    });
    let ticket_types = config
        .ticket_types
        .iter()
        .map(|known| size_of::<TicketType>() + known.name.len() + known.draws_on.len() * size_of::<PoolId>());
    let entry = config.entry.iter().map(|list| {
        let numbers = list.gates.len() * size_of::<u16>() + list.types.len() * size_of::<TicketTypeId>();
        size_of::<EntryList>() + list.name.len() + numbers
    });
    let parts = pools.chain(categories).chain(sections).chain(rows).chain(channels).chain(ticket_types);
    size_of::<Config>() + parts.chain(entry).sum::<usize>()
}

fn line_weight(line: &LineRequest) -> usize {
    let seats = match &line.want {
        Want::Seats(seats) => seats.len() * size_of::<SeatIndex>(),
        Want::Quantity(_) | Want::Together { .. } => 0,
    };
    size_of::<LineRequest>() + seats
}

#[cfg(test)]
mod tests {
    use super::{Lanes, TurnBudget, config_weight};
    use crate::{
        Ask, EXISTING_QUEUE_MAX, LANE_BYTES_MAX, Monotonic, NEW_QUEUE_MAX, Request, TURN_BYTES_MAX,
        TURN_COMMANDS_MAX, TURN_NEW_RESERVED,
    };
    use tessera_inventory::{
        Authority, ClaimNumber, Command, CommandBody, Config, HoldPolicy, LineRequest, PlaceHold, Pool, Row,
        Schedule, SeatIndex, SeatingPolicy, SectionId, Subject, Subjects, TicketTypeId, Units, Want,
    };

    fn read(ticket: usize) -> Request<usize> {
        Request { ticket, ask: Ask::Read(ClaimNumber(1)), give_up_at: Monotonic(ticket as u64) }
    }

    fn hold(ticket: usize) -> Request<usize> {
        let line = LineRequest {
            ticket_type: Some(TicketTypeId(0)),
            expected_price_minor: None,
            want: Want::Quantity(1),
        };
        let subject = Subject(1);
        let body = CommandBody::PlaceHold(PlaceHold {
            subjects: Subjects { primary: subject, extra: Vec::new() },
            lines: vec![line],
            access_code: None,
            channel: None,
            duration_ms: None,
            promotion: None,
            expected_total_minor: None,
        });
        let command = Command { authority: Authority::Subject(subject), key: None, body };
        Request { ticket, ask: Ask::Command(Box::new(command)), give_up_at: Monotonic(ticket as u64) }
    }

    fn take_all(lanes: &mut Lanes<usize>) -> Vec<usize> {
        let mut budget = TurnBudget::new();
        std::iter::from_fn(|| lanes.take(&mut budget)).map(|waiting| waiting.request.ticket).collect()
    }

    #[test]
    fn existing_claims_go_first() {
        let mut lanes = Lanes::new();
        for request in [hold(1), read(2), hold(3), read(4)] {
            assert_eq!(lanes.push(request), Ok(()));
        }
        assert_eq!(take_all(&mut lanes), [2, 4, 1, 3]);
    }

    #[test]
    fn a_full_lane_gives_the_ticket_back_and_leaves_the_other_its_room() {
        let mut lanes = Lanes::new();
        for ticket in 0..NEW_QUEUE_MAX {
            assert_eq!(lanes.push(hold(ticket)), Ok(()));
        }
        assert_eq!(lanes.push(hold(9)), Err(9));
        for ticket in 0..EXISTING_QUEUE_MAX {
            assert_eq!(lanes.push(read(ticket)), Ok(()));
        }
        assert_eq!(lanes.push(read(9)), Err(9));
    }

    #[test]
    fn a_turn_is_bounded_and_a_part_of_it_is_kept_for_new_holds() {
        let mut lanes = Lanes::new();
        for ticket in 0..2 * TURN_COMMANDS_MAX {
            assert_eq!(lanes.push(read(ticket)), Ok(()));
            assert_eq!(lanes.push(hold(1_000_000 + ticket)), Ok(()));
        }
        let taken = take_all(&mut lanes);
        assert_eq!(taken.len(), TURN_COMMANDS_MAX);
        assert_eq!(taken.iter().filter(|ticket| **ticket >= 1_000_000).count(), TURN_NEW_RESERVED);
    }

    /// A kill of so many bytes of seats, on the lane of existing claims.
    fn kill(ticket: usize, bytes: usize) -> Request<usize> {
        let seats = vec![SeatIndex(0); bytes / size_of::<SeatIndex>()];
        let body = CommandBody::Kill(Units::Seats(seats));
        let command = Command { authority: Authority::Organizer, key: None, body };
        Request { ticket, ask: Ask::Command(Box::new(command)), give_up_at: Monotonic(0) }
    }

    #[test]
    fn a_turn_is_bounded_in_bytes_and_a_part_of_them_is_kept_for_new_holds() {
        let mut lanes = Lanes::new();
        for ticket in 0..4 {
            assert_eq!(lanes.push(kill(ticket, TURN_BYTES_MAX / 2)), Ok(()));
        }
        for ticket in 10..10 + TURN_COMMANDS_MAX {
            assert_eq!(lanes.push(hold(ticket)), Ok(()));
        }
        let taken = take_all(&mut lanes);
        assert_eq!(taken[..3], [0, 1, 10], "two are as much as one turn takes");
        assert!(taken.len() > 100, "and new holds have what is kept for them");
        assert_eq!(take_all(&mut lanes)[..3], [2, 3, 10 + taken.len() - 2]);
    }

    #[test]
    fn a_lane_is_bounded_in_bytes_and_one_request_larger_than_that_comes_alone() {
        let mut lanes = Lanes::new();
        assert_eq!(lanes.push(kill(1, LANE_BYTES_MAX + 4)), Ok(()), "alone");
        assert_eq!(lanes.push(read(2)), Err(2));
        assert_eq!(lanes.push(hold(3)), Ok(()), "the other lane has its own bytes");
        assert_eq!(take_all(&mut lanes), [1, 3]);
        assert_eq!(lanes.push(kill(4, LANE_BYTES_MAX / 2)), Ok(()));
        assert_eq!(lanes.push(kill(5, LANE_BYTES_MAX / 2)), Err(5), "with what they weigh besides");
        assert_eq!(lanes.push(read(6)), Ok(()));
    }

    #[test]
    fn a_configuration_weighs_its_names_and_labels() {
        let name: Box<str> = "x".repeat(10_000).into();
        let config = |name: &str| Config {
            currency: *b"EUR",
            pools: vec![Pool { name: name.into(), capacity: 1 }],
            categories: Vec::new(),
            sections: vec![name.into()],
            rows: [Row { section: SectionId(0), label: name.into(), blocks: Box::default() }].into(),
            channels: Vec::new(),
            ticket_types: Vec::new(),
            units_per_subject_max: None,
            hold: HoldPolicy::default(),
            seating: SeatingPolicy { stranding_allowed: true, companions_max: 1, accessible_released: false },
            schedule: Schedule::default(),
            tariff: None,
            entry: Vec::new(),
            waitlist: None,
        };
        assert_eq!(config_weight(&config(&name)) - config_weight(&config("")), 3 * name.len());
    }

    #[test]
    fn what_is_put_back_is_taken_first_and_in_order() {
        let mut lanes = Lanes::new();
        for request in [hold(1), hold(2), hold(3)] {
            assert_eq!(lanes.push(request), Ok(()));
        }
        let mut budget = TurnBudget::new();
        let mut deferred: Vec<_> = (0..2).filter_map(|_| lanes.take(&mut budget)).collect();
        lanes.put_back(&mut deferred);
        assert_eq!(take_all(&mut lanes), [1, 2, 3]);
    }

    #[test]
    fn a_sweep_removes_those_who_gave_up_and_keeps_the_order() {
        let mut lanes = Lanes::new();
        for request in [hold(5), hold(1), hold(4), read(2), read(9)] {
            assert_eq!(lanes.push(request), Ok(()));
        }
        let mut gone = Vec::new();
        lanes.sweep(Monotonic(2), |ticket| gone.push(ticket));
        assert_eq!(gone, [2, 1]);
        assert_eq!(take_all(&mut lanes), [9, 5, 4]);
    }
}
