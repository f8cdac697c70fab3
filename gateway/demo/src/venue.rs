//! What the demo must know of a venue file to buy from it and to check it: names, prices, limits, and which seat is which.

use serde::Deserialize;
use serde_json::Value;

use crate::error::DemoError;

/// The facts of a venue file.
#[derive(Clone, Debug, Default)]
pub struct Venue {
    /// Pools, in the order of the file.
    pub pools: Vec<Pool>,
    /// Names of the categories.
    pub categories: Vec<String>,
    /// Names of the sections.
    pub sections: Vec<String>,
    /// Runs of adjacent seats, in the order of their seat indices.
    pub blocks: Vec<Block>,
    /// By seat index.
    pub seats: Vec<Seat>,
    /// Ticket types, in the order of the file.
    pub ticket_types: Vec<TicketType>,
    /// Channels, in the order of the file.
    pub channels: Vec<Channel>,
    /// Currency of all prices.
    pub currency: String,
    /// Most units of the event for one buyer.
    pub units_per_subject_max: Option<u32>,
    /// Whether a hold may leave a single seat alone.
    pub stranding_allowed: bool,
    /// How often a hold may be renewed; none where the file does not say.
    pub renewals_max: Option<u32>,
    /// Whether it has a tariff: then prices alone are not what buyers pay.
    pub has_tariff: bool,
}

/// A named capacity counter.
#[derive(Clone, Debug, Deserialize)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Its units.
    pub capacity: u32,
}

/// A run of adjacent seats.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Position of its section.
    pub section: usize,
    /// Position of its category, when all its seats share it.
    pub category: usize,
    /// Index of its first seat.
    pub first: u32,
    /// Seats in it.
    pub seats: u32,
    /// Whether everyone may buy all of it: no wheelchair spaces, no channel, one category.
    pub public: bool,
    /// Position of the channel that keeps all of it, where nothing else is special about it.
    pub channel: Option<usize>,
}

/// One seat.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// Position of its category.
    pub category: usize,
    /// A wheelchair space, or a companion seat beside one.
    pub special: bool,
    /// Whether everyone may buy it: not special, no channel.
    pub public: bool,
}

/// What a buyer picks.
#[derive(Clone, Debug)]
pub struct TicketType {
    /// Its name.
    pub name: String,
    /// Unit price in minor units.
    pub price: i64,
    /// Least units in one hold.
    pub per_order_min: u16,
    /// Most units in one hold.
    pub per_order_max: u16,
    /// Most units of one buyer.
    pub per_subject_max: Option<u32>,
    /// The code that opens it.
    pub access_code: Option<String>,
    /// Position of its category; `None`: standing.
    pub category: Option<usize>,
    /// Positions of its pools.
    pub draws_on: Vec<usize>,
    /// Whether it sells in a window of time only.
    pub has_window: bool,
}

/// An allotment.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Its code.
    pub code: String,
    /// Units kept for it, by position of the pool.
    pub allotments: Vec<(usize, u32)>,
}

#[derive(Deserialize)]
struct VenueFile {
    currency: String,
    #[serde(default)]
    pools: Vec<Pool>,
    #[serde(default)]
    categories: Vec<Named>,
    #[serde(default)]
    sections: Vec<String>,
    #[serde(default)]
    rows: Vec<RowFile>,
    #[serde(default)]
    channels: Vec<ChannelFile>,
    ticket_types: Vec<TicketTypeFile>,
    units_per_subject_max: Option<u32>,
    seating: Option<Seating>,
    hold: Option<HoldFile>,
    /// Whatever it says: then prices alone are not what buyers pay.
    tariff: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct HoldFile {
    renewals_max: Option<u32>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Seating {
    #[serde(default)]
    stranding_allowed: bool,
}

#[derive(Deserialize)]
struct RowFile {
    section: String,
    blocks: Vec<BlockFile>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum BlockFile {
    Run(RunFile),
    Seats(Vec<SeatFile>),
}

#[derive(Deserialize)]
struct RunFile {
    from: u32,
    to: u32,
    category: String,
    #[serde(default)]
    accessible: Vec<u32>,
    #[serde(default)]
    companion: Vec<u32>,
    channel: Option<String>,
}

#[derive(Deserialize)]
struct SeatFile {
    category: String,
    #[serde(default)]
    accessible: bool,
    #[serde(default)]
    companion: bool,
    channel: Option<String>,
}

#[derive(Deserialize)]
struct ChannelFile {
    name: String,
    code: String,
    #[serde(default)]
    allotments: Vec<AllotmentFile>,
}

#[derive(Deserialize)]
struct AllotmentFile {
    pool: String,
    quantity: u32,
}

#[derive(Deserialize)]
struct TicketTypeFile {
    name: String,
    price: i64,
    #[serde(default = "one")]
    per_order_min: u16,
    #[serde(default = "one")]
    per_order_max: u16,
    opens_at: Option<String>,
    closes_at: Option<String>,
    per_subject_max: Option<u32>,
    access_code: Option<String>,
    category: Option<String>,
    #[serde(default)]
    draws_on: Vec<String>,
}

impl RunFile {
    /// The labels of the run, in the order of its seats; they may count down.
    fn labels(&self) -> impl Iterator<Item = u32> {
        let (from, down) = (self.from, self.from > self.to);
        (0..=from.abs_diff(self.to)).map(move |step| if down { from - step } else { from + step })
    }
}

fn one() -> u16 {
    1
}

fn broken(detail: impl Into<String>) -> DemoError {
    DemoError::Venue { detail: detail.into() }
}

fn position<T>(list: &[T], name: &str, named: impl Fn(&T) -> &str) -> Result<usize, DemoError> {
    list.iter()
        .position(|entry| named(entry) == name)
        .ok_or_else(|| broken(format!("nothing is named {name:?}")))
}

impl Venue {
    /// What so many units of each type cost together, in minor units; `None`: the tariff says.
    #[must_use]
    pub fn revenue_minor(&self, sold_by_type: &[u32]) -> Option<i64> {
        let each = self.ticket_types.iter().zip(sold_by_type);
        (!self.has_tariff).then(|| each.map(|(one, sold)| one.price * i64::from(*sold)).sum())
    }

    /// Read a venue file.
    ///
    /// # Errors
    /// [`DemoError::Venue`] when it is not one, or names what does not exist in it.
    pub fn read(text: &str) -> Result<Self, DemoError> {
        let file: VenueFile = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
        let mut venue = Venue {
            categories: file.categories.into_iter().map(|category| category.name).collect(),
            sections: file.sections,
            pools: file.pools,
            currency: file.currency,
            units_per_subject_max: file.units_per_subject_max,
            stranding_allowed: file.seating.is_some_and(|seating| seating.stranding_allowed),
            renewals_max: file.hold.and_then(|hold| hold.renewals_max),
            has_tariff: file.tariff.is_some(),
            ..Venue::default()
        };
        for row in file.rows {
            let section = position(&venue.sections, &row.section, |name| name)?;
            for block in row.blocks {
                venue.add_block(section, block, &file.channels)?;
            }
        }
        for channel in file.channels {
            let kept = |entry: &AllotmentFile| Ok((venue.pool(&entry.pool)?, entry.quantity));
            let allotments = channel.allotments.iter().map(kept).collect::<Result<_, DemoError>>()?;
            venue.channels.push(Channel { name: channel.name, code: channel.code, allotments });
        }
        for ticket_type in file.ticket_types {
            venue.add_ticket_type(ticket_type)?;
        }
        Ok(venue)
    }

    fn add_block(
        &mut self,
        section: usize,
        block: BlockFile,
        channels: &[ChannelFile],
    ) -> Result<(), DemoError> {
        let seats: Vec<SeatFile> = match block {
            BlockFile::Seats(seats) => seats,
            BlockFile::Run(run) => run
                .labels()
                .map(|label| SeatFile {
                    category: run.category.clone(),
                    accessible: run.accessible.contains(&label),
                    companion: run.companion.contains(&label),
                    channel: run.channel.clone(),
                })
                .collect(),
        };
        let first = self.seats.len();
        for seat in &seats {
            let category = position(&self.categories, &seat.category, |name| name)?;
            let special = seat.accessible || seat.companion;
            self.seats.push(Seat { category, special, public: !special && seat.channel.is_none() });
        }
        let added = &self.seats[first..];
        let Some(category) = added.first().map(|seat| seat.category) else { return Ok(()) };
        let public = added.iter().all(|seat| seat.public && seat.category == category);
        let keeper = seats.first().and_then(|seat| seat.channel.as_ref());
        let is_kept = added.iter().all(|seat| !seat.special && seat.category == category)
            && seats.iter().all(|seat| seat.channel.as_ref() == keeper);
        let channel = match keeper.filter(|_| is_kept) {
            Some(name) => Some(position(channels, name, |channel| &channel.name)?),
            None => None,
        };
        let count =
            |number: usize| u32::try_from(number).map_err(|_| broken("more seats than can be counted"));
        self.blocks.push(Block {
            section,
            category,
            first: count(first)?,
            seats: count(added.len())?,
            public,
            channel,
        });
        Ok(())
    }

    fn add_ticket_type(&mut self, file: TicketTypeFile) -> Result<(), DemoError> {
        let category = match &file.category {
            Some(name) => Some(position(&self.categories, name, |category| category)?),
            None => None,
        };
        let draws_on = file.draws_on.iter().map(|name| self.pool(name)).collect::<Result<_, DemoError>>()?;
        self.ticket_types.push(TicketType {
            name: file.name,
            price: file.price,
            per_order_min: file.per_order_min,
            per_order_max: file.per_order_max,
            per_subject_max: file.per_subject_max,
            access_code: file.access_code,
            category,
            draws_on,
            has_window: file.opens_at.is_some() || file.closes_at.is_some(),
        });
        Ok(())
    }

    /// Position of a pool.
    ///
    /// # Errors
    /// [`DemoError::Venue`] when there is none of that name.
    pub fn pool(&self, name: &str) -> Result<usize, DemoError> {
        position(&self.pools, name, |pool| &pool.name)
    }

    /// Position of a ticket type, if there is one of that name.
    #[must_use]
    pub fn ticket_type(&self, name: &str) -> Option<usize> {
        self.ticket_types.iter().position(|ticket_type| ticket_type.name == name)
    }

    /// Seats of each category.
    #[must_use]
    pub fn category_sizes(&self) -> Vec<u32> {
        let mut sizes = vec![0; self.categories.len()];
        self.seats.iter().for_each(|seat| sizes[seat.category] += 1);
        sizes
    }
}

/// The `configuration` to send: the file, with every channel that has no release time released at `release_at` (RFC 3339).
///
/// # Errors
/// [`DemoError::Venue`] when the file is not JSON.
pub fn configuration(text: &str, release_at: &str) -> Result<Value, DemoError> {
    let mut value: Value = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
    let channels = value.get_mut("channels").and_then(Value::as_array_mut);
    for channel in channels.into_iter().flatten().filter_map(Value::as_object_mut) {
        if channel.get("release_at").is_none_or(Value::is_null) {
            channel.insert("release_at".into(), release_at.into());
        }
    }
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::arena::ARENA;

    #[test]
    fn the_arena_is_what_the_issue_asks_for() {
        let venue = Venue::read(ARENA).unwrap();
        assert!((19_500..20_500).contains(&venue.seats.len()), "{} seats", venue.seats.len());
        assert_eq!(venue.pools[0].capacity, 5_000);
        assert_eq!(venue.categories.len(), 5);
        assert!(venue.category_sizes().iter().all(|size| *size > 500));
        assert!(venue.ticket_types.iter().any(|ticket_type| ticket_type.draws_on.len() > 1));
        assert!(venue.seats.iter().filter(|seat| !seat.public).count() > 100);
        let lengths: std::collections::BTreeSet<u32> = venue.blocks.iter().map(|block| block.seats).collect();
        assert!(lengths.len() >= 8, "rows of uneven length: {lengths:?}");
        assert_eq!(venue.channels[0].allotments, [(0, 300)]);
    }

    #[test]
    fn seats_written_one_by_one_count_like_runs() {
        let text = r#"{"currency":"EUR","pools":[],"categories":[{"name":"C"}],"sections":["A"],"ticket_types":[],
            "rows":[{"section":"A","label":"1","blocks":[[{"label":"1","category":"C"},{"label":"2","category":"C","accessible":true}],
            {"from":5,"to":3,"category":"C"}]}]}"#;
        let venue = Venue::read(text).unwrap();
        assert_eq!(venue.seats.len(), 5);
        assert_eq!(
            venue.blocks.iter().map(|block| (block.first, block.seats, block.public)).collect::<Vec<_>>(),
            [(0, 2, false), (2, 3, true)]
        );
    }

    #[test]
    fn a_name_that_does_not_exist_is_told() {
        let text = r#"{"currency":"EUR","pools":[],"categories":[],"sections":[],"rows":[],
            "ticket_types":[{"name":"T","price":1,"draws_on":["Nowhere"]}]}"#;
        assert!(Venue::read(text).unwrap_err().to_string().contains("Nowhere"));
    }

    #[test]
    fn channels_without_a_release_get_one() {
        let value = configuration(
            r#"{"channels":[{"name":"S","release_at":null},{"name":"T","release_at":"x"}]}"#,
            "now",
        )
        .unwrap();
        assert_eq!(value["channels"][0]["release_at"], "now");
        assert_eq!(value["channels"][1]["release_at"], "x");
    }
}
