"""Reads a calendar file, as the calendar of a buyer would, and writes what its one event says. (A script named calendar would stand before Python's own.)"""
import json
import sys

from icalendar import Calendar

calendar = Calendar.from_ical(sys.stdin.buffer.read())
(event,) = calendar.walk("VEVENT")
instant = lambda name: event.decoded(name).strftime("%Y-%m-%dT%H:%M:%S%z")
text = lambda name: str(event[name])
json.dump({"starts": instant("DTSTART"), "ends": instant("DTEND"), "uid": text("UID"), "summary": text("SUMMARY"),
           "location": text("LOCATION"), "description": text("DESCRIPTION")}, sys.stdout)
