//! The venue file as JSON. Unknown fields are refused; absent options are null, absent booleans false.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use utoipa::ToSchema;

use super::tariff_schema::Tariff;
use super::waitlist::Waitlist;
use crate::instant::Rfc3339;
use crate::object::objects;
use crate::openapi::schema;

/// A whole venue file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Venue {
    /// ISO 4217 code.
    pub currency: String,
    /// Named capacity counters.
    #[serde(default)]
    pub pools: Vec<Pool>,
    /// Price areas of seats.
    #[serde(default)]
    pub categories: Vec<Category>,
    /// Names of sections.
    #[serde(default)]
    pub sections: Vec<String>,
    /// Rows of seats.
    #[serde(default)]
    pub rows: Vec<Row>,
    /// Allotments.
    #[serde(default)]
    pub channels: Vec<Channel>,
    /// What buyers pick.
    pub ticket_types: Vec<TicketType>,
    /// Most units of the event per subject.
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    pub units_per_subject_max: Option<u32>,
    /// How long holds last.
    #[serde(default)]
    pub hold: Hold,
    /// How seats are given out.
    #[serde(default)]
    pub seating: Seating,
    /// When the phases begin by themselves.
    #[serde(default)]
    pub schedule: Schedule,
    /// What is added to prices and taken off them.
    #[serde(default)]
    pub tariff: Option<Tariff>,
    /// Which gates admit what, and when; none: every gate admits every admission, as often as it comes.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub entry: Vec<EntryList>,
    /// Whether and how people may wait for what is sold out.
    #[serde(default)]
    pub waitlist: Option<Waitlist>,
}

/// A pool.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenuePool)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Units in all.
    #[schema(maximum = 4294967295usize)]
    pub capacity: u32,
}

/// A category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueCategory)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// Best available is nearest to this point.
    pub focal_point: Point,
}

/// A position in the hall.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenuePoint)]
pub struct Point {
    /// Millimetres to the right of the origin.
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    pub x_mm: i32,
    /// Millimetres away from the stage.
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    pub y_mm: i32,
}

/// A row.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueRow)]
pub struct Row {
    /// Name of its section.
    pub section: String,
    /// Its label.
    pub label: String,
    /// Its blocks, from left to right.
    pub blocks: Vec<Block>,
}

/// A block of adjacent seats: seat by seat, or as a run of numbers.
#[derive(Debug)]
pub enum Block {
    /// Seat by seat.
    Seats(Vec<Seat>),
    /// A run.
    Run(Run),
}

/// One seat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueSeat)]
pub struct Seat {
    /// Its label.
    pub label: String,
    /// Name of its category.
    pub category: String,
    /// Millimetres to the right of the origin.
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    pub x_mm: i32,
    /// Millimetres away from the stage.
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    pub y_mm: i32,
    /// A wheelchair space.
    #[serde(default)]
    pub accessible: bool,
    /// Beside a wheelchair space.
    #[serde(default)]
    pub companion: bool,
    /// Sold with a warning.
    #[serde(default)]
    pub restricted_view: bool,
    /// Name of the channel it is allotted to.
    #[serde(default)]
    pub channel: Option<String>,
}

/// A run of numbered seats at even distances.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VenueRun)]
pub struct Run {
    /// First label.
    #[schema(maximum = 4294967295usize)]
    pub from: u32,
    /// Last label; below `from`, the labels count down.
    #[schema(maximum = 4294967295usize)]
    pub to: u32,
    /// Position of the first.
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    pub x_mm: i32,
    /// Position of the first.
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    pub y_mm: i32,
    /// From one to the next.
    #[serde(default)]
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    pub step_x_mm: i32,
    /// From one to the next.
    #[serde(default)]
    #[schema(minimum = -2147483648, maximum = 2147483647)]
    pub step_y_mm: i32,
    /// Name of their category.
    pub category: String,
    /// Labels of wheelchair spaces.
    #[serde(default)]
    pub accessible: Vec<u32>,
    /// Labels of companion seats.
    #[serde(default)]
    pub companion: Vec<u32>,
    /// Labels sold with a warning.
    #[serde(default)]
    pub restricted_view: Vec<u32>,
    /// Name of the channel they are allotted to.
    #[serde(default)]
    pub channel: Option<String>,
}

/// A channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueChannel)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// Who knows this code draws on it.
    pub code: String,
    /// Slices of pools.
    #[serde(default)]
    pub allotments: Vec<Allotment>,
    /// When what is left goes to everyone.
    #[serde(default)]
    pub release_at: Option<Rfc3339>,
}

/// A slice of a pool.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueAllotment)]
pub struct Allotment {
    /// Name of the pool.
    pub pool: String,
    /// How many units.
    #[schema(maximum = 4294967295usize)]
    pub quantity: u32,
}

/// A ticket type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueTicketType)]
pub struct TicketType {
    /// Its name.
    pub name: String,
    /// Price of one unit in minor units of the currency.
    pub price: i64,
    /// When it begins to sell.
    #[serde(default)]
    pub opens_at: Option<Rfc3339>,
    /// When it ceases to sell.
    #[serde(default)]
    pub closes_at: Option<Rfc3339>,
    /// Fewest units in one hold.
    #[serde(default = "one")]
    #[schema(maximum = 65535)]
    pub per_order_min: u16,
    /// Most units in one hold.
    #[serde(default = "per_order_max_default")]
    #[schema(maximum = 65535)]
    pub per_order_max: u16,
    /// Most units per subject.
    #[serde(default)]
    #[schema(maximum = 4294967295usize)]
    pub per_subject_max: Option<u32>,
    /// Who knows this code may buy it.
    #[serde(default)]
    pub access_code: Option<String>,
    /// Name of the category whose seats it sells.
    #[serde(default)]
    pub category: Option<String>,
    /// Names of the pools it draws on.
    #[serde(default)]
    pub draws_on: Vec<String>,
    /// Whether it admits its holder.
    #[serde(default)]
    pub kind: TicketKind,
    /// Most units of an add-on with each admission of a hold; 0: any number.
    #[serde(default)]
    #[schema(maximum = 65535)]
    pub with_admission_max: u16,
    /// Names of the tariff's taxes on it.
    #[serde(default)]
    pub taxes: Vec<String>,
}

/// What a ticket of a type is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = VenueTicketKind)]
pub enum TicketKind {
    /// It admits its holder.
    #[default]
    Admission,
    /// It goes with admissions in the same hold, and admits nobody.
    AddOn,
}

/// Which tickets are let in, where and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueEntryList)]
pub struct EntryList {
    /// Its name.
    pub name: String,
    /// At which gates; none named: at every one.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub gates: Vec<u16>,
    /// Names of the ticket types; none named: every admission.
    #[serde(default)]
    pub ticket_types: Vec<String>,
    /// Whether who went out may come in again.
    #[serde(default)]
    pub re_entry: bool,
    /// From when on.
    #[serde(default)]
    pub opens_at: Option<Rfc3339>,
    /// Until when.
    #[serde(default)]
    pub closes_at: Option<Rfc3339>,
}

/// How long holds last.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields)]
#[schema(as = VenueHold)]
pub struct Hold {
    /// Seconds to the deadline.
    #[schema(maximum = 4294967295usize)]
    pub duration_s: Option<u32>,
    /// How often a hold may be renewed.
    #[schema(maximum = 255)]
    pub renewals_max: Option<u8>,
    /// Cap on the whole life, in seconds.
    #[schema(maximum = 4294967295usize)]
    pub life_s_max: Option<u32>,
    /// How long a payment may be in flight, in seconds.
    #[schema(maximum = 4294967295usize)]
    pub grace_s: Option<u32>,
}

/// How seats are given out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schema(as = VenueSeating)]
pub struct Seating {
    /// Whether a hold may leave a single seat alone.
    pub stranding_allowed: bool,
    /// Companions per wheelchair space.
    #[schema(maximum = 255)]
    pub companions_max: u8,
    /// Whether wheelchair spaces are sold like any other.
    pub accessible_released: bool,
}

/// When the phases begin by themselves.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schema(as = VenueSchedule)]
pub struct Schedule {
    /// Scheduled becomes presale.
    pub presale_at: Option<Rfc3339>,
    /// Becomes on sale.
    pub on_sale_at: Option<Rfc3339>,
    /// Becomes closed.
    pub closes_at: Option<Rfc3339>,
}

objects!(
    Venue, Pool, Category, Point, Row, Seat, Channel, Allotment, TicketType, EntryList, Hold, Seating,
    Schedule
);

impl Default for Seating {
    fn default() -> Self {
        Seating { stranding_allowed: false, companions_max: 1, accessible_released: false }
    }
}

const fn one() -> u16 {
    1
}

/// Most units in one hold unless configured otherwise.
const fn per_order_max_default() -> u16 {
    10
}

schema::schemas! {
    Block, "VenueBlock" with Seat with Run => schema::either(
        schema::list_of::<Seat>(),
        schema::of::<Run>(),
        "Adjacent seats: one by one, or as a run of numbers.",
    );
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BlockVisitor)
    }
}

struct BlockVisitor;

impl<'de> Visitor<'de> for BlockVisitor {
    type Value = Block;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of seats, or a run such as {\"from\":1,\"to\":14,…}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Block, A::Error> {
        let mut seats = Vec::new();
        while let Some(seat) = list.next_element()? {
            seats.push(seat);
        }
        Ok(Block::Seats(seats))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Block, A::Error> {
        Run::deserialize(MapAccessDeserializer::new(map)).map(Block::Run)
    }
}
