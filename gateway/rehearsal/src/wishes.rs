//! What buyers of one behaviour ask for: drawn from what the venue sells, in proportion to how much of it there is.

use tessera_demo::pick::Blocks;
use tessera_demo::random::Random;
use tessera_demo::venue::Venue;
use tessera_demo::wire::{Asked, AskedLine, AskedUnits};
use tessera_verdict::recording;

use crate::scenario::behaviour::{Behaviour, Kind, TOGETHER_MAX};

/// Rows of a category that a picky buyer looks at, who wants the front row.
const FRONT_BLOCKS: usize = 3;

/// What a behaviour may buy, and how it asks.
#[derive(Clone, Debug)]
pub struct Menu {
    choices: Vec<Choice>,
    weights: Vec<usize>,
    units: [u16; 2],
    access_code: Option<String>,
    form: Form,
    /// Where seats are picked, for those who pick.
    blocks: Blocks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    ticket_type: usize,
    category: Option<usize>,
    units_max: u16,
}

/// How units are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As many as wanted; seats together.
    Any,
    /// Seats together of whatever type.
    TogetherAnywhere,
    /// Exact seats.
    Exact,
}

impl Menu {
    /// What a behaviour may buy of a venue.
    ///
    /// # Errors
    /// A sentence that says why there is nothing for it.
    pub fn new(venue: &Venue, behaviour: &Behaviour) -> Result<Self, String> {
        for wanted in &behaviour.wants {
            if venue.ticket_type(wanted).is_none() {
                let names: Vec<&str> = venue.ticket_types.iter().map(|known| known.name.as_str()).collect();
                return Err(format!("the event sells no {wanted:?}; it sells {}", names.join(", ")));
            }
        }
        let needs_seats = matches!(behaviour.kind, Kind::Picky | Kind::Group);
        let sizes = venue.category_sizes();
        let mut menu = Menu {
            choices: Vec::new(),
            weights: Vec::new(),
            units: behaviour.units(),
            access_code: behaviour.access_code.clone(),
            form: match behaviour.kind {
                Kind::Picky => Form::Exact,
                Kind::Group if behaviour.wants.is_empty() => Form::TogetherAnywhere,
                _ => Form::Any,
            },
            blocks: if behaviour.front_row {
                Blocks::new(venue).front(FRONT_BLOCKS)
            } else {
                Blocks::new(venue)
            },
        };
        for (index, facts) in venue.ticket_types.iter().enumerate() {
            let named = behaviour.wants.contains(&facts.name);
            let opened = facts.access_code.is_none() || facts.access_code == behaviour.access_code;
            let fits = facts.category.is_some() || !needs_seats;
            if !fits || !(named || behaviour.wants.is_empty() && opened) {
                continue;
            }
            let for_sale = match facts.category {
                Some(category) => sizes[category],
                None => facts.draws_on.iter().map(|pool| venue.pools[*pool].capacity).min().unwrap_or(0),
            };
            menu.choices.push(Choice {
                ticket_type: index,
                category: facts.category,
                units_max: facts.per_order_max,
            });
            menu.weights.push(for_sale.max(1) as usize);
        }
        if menu.choices.is_empty() {
            let what = if needs_seats { "seats" } else { "ticket types" };
            return Err(format!(
                "there are no {what} that kind {:?} may buy here; name some, give it their access_code, or choose another kind",
                behaviour.kind.name()
            ));
        }
        Ok(menu)
    }

    /// Whether the seat map must be read before asking.
    pub(crate) fn needs_map(&self) -> bool {
        self.form == Form::Exact
    }

    /// Draw what one buyer asks for, who sees this map.
    pub(crate) fn ask(&self, map: &[u8], random: &mut Random) -> Asked {
        let choice = self.choices[random.weighted(&self.weights)];
        let [least, most] = self.units;
        let drawn = least + u16::try_from(random.below(usize::from(most - least) + 1)).unwrap_or(0);
        let quantity = drawn.clamp(1, choice.units_max.max(1));
        let together = || AskedUnits::Together {
            quantity: quantity.min(TOGETHER_MAX),
            section: None,
            price_max: None,
            accessible: 0,
            accept_split: false,
        };
        let (ticket_type, units) = match (self.form, choice.category) {
            (Form::TogetherAnywhere, _) => (None, together()),
            (Form::Exact, Some(category)) => {
                let seats = self.blocks.pick(map, category, quantity, random.draw());
                let units = if seats.is_empty() { together() } else { AskedUnits::Seats(seats) };
                (Some(choice.ticket_type), units)
            }
            (_, Some(_)) => (Some(choice.ticket_type), together()),
            (_, None) => (Some(choice.ticket_type), AskedUnits::Quantity(quantity)),
        };
        let access_code = self.access_code.clone();
        Asked { lines: vec![AskedLine { ticket_type, units }], access_code, stale_price: false }
    }
}

/// What was asked, as it is recorded.
pub(crate) fn recorded(venue: &Venue, asked: &Asked) -> recording::Asked {
    let line = |line: &AskedLine| recording::AskedLine {
        ticket_type: line.ticket_type.map(|index| venue.ticket_types[index].name.clone()),
        quantity: u16::try_from(line.quantity()).unwrap_or(u16::MAX),
        seats: match &line.units {
            AskedUnits::Seats(seats) => seats.clone(),
            _ => Vec::new(),
        },
        together: matches!(line.units, AskedUnits::Together { .. }),
    };
    let lines = asked.lines.iter().map(line).collect();
    recording::Asked::PlaceHold { lines, access_code: asked.access_code.clone() }
}
