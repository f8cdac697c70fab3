//! The calendar file of an event (RFC 5545).

use icalendar::{Calendar, Component, Event, EventLike};
use jiff::Timestamp;

/// An event as it goes into a calendar.
#[derive(Clone, Copy, Debug)]
pub struct Appointment<'a> {
    /// The same for the same event of the same buyer, whenever it is made: calendars replace what they have under it.
    pub uid: &'a str,
    /// What it is called.
    pub name: &'a str,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends, where that is known.
    pub ends_at: Option<Timestamp>,
    /// Where it is, where that is known.
    pub place: Option<&'a str>,
    /// What else the buyer wants to know.
    pub description: &'a str,
    /// When what it says was last changed: the newest counts.
    pub changed_at: Timestamp,
    /// How often it was changed.
    pub version: u32,
}

/// The calendar file of an event. Times are in UTC: a calendar shows them in the zone of whoever reads it.
#[must_use]
pub fn calendar(appointment: &Appointment<'_>) -> String {
    let utc = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut event = Event::new();
    event
        .uid(appointment.uid)
        .summary(appointment.name)
        .description(appointment.description)
        .add_property("DTSTAMP", utc(appointment.changed_at))
        .add_property("DTSTART", utc(appointment.starts_at))
        .add_property("SEQUENCE", appointment.version.to_string());
    if let Some(ends_at) = appointment.ends_at {
        event.add_property("DTEND", utc(ends_at));
    }
    if let Some(place) = appointment.place {
        event.location(place);
    }
    let mut calendar = Calendar::empty();
    calendar.append_property(("VERSION", "2.0")).append_property(("PRODID", "-//Tessera//tickets//EN"));
    calendar.push(event.done());
    calendar.to_string()
}
