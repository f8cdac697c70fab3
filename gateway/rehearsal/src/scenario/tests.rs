//! What is wrong with a scenario is told with its line, its field and what to do; what is shipped is right.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

const GOOD: &str = "name = \"n\"
description = \"d\"

[event]
venue = \"arena\"

[crowd]
buyers = 100
duration_s = 10
arrivals = { profile = \"poisson\" }

[[behaviours]]
kind = \"decisive\"
share = 2

[[behaviours]]
kind = \"bot\"
share = 1
identities = 4

[objectives]
hold_p99_ms = 100
";

fn read(text: &str) -> Result<Scenario, ScenarioError> {
    Scenario::read(text, Path::new("s.toml"))
}

/// Replace a part of the good scenario, and expect an error on this line, about this field, that says these words.
fn check(good: &str, bad: &str, line: usize, field: Option<&str>, words: &[&str]) {
    assert!(GOOD.contains(good), "{good}");
    let error = read(&GOOD.replacen(good, bad, 1)).unwrap_err();
    assert_eq!((error.line, error.field.as_deref()), (Some(line), field), "{error}");
    let said = error.to_string();
    assert!(said.starts_with(&format!("s.toml, line {line}")), "{said}");
    for word in words {
        assert!(said.contains(word), "{said:?} does not say {word:?}");
    }
}

#[test]
fn a_good_scenario_is_read() {
    let scenario = read(GOOD).unwrap();
    assert_eq!((scenario.crowd.buyers, scenario.behaviours.len()), (100, 2));
    assert_eq!(scenario.behaviours[1].identities(), 4);
    assert_eq!(scenario.objectives, [objectives::parse("hold_p99_ms=100").unwrap()]);
}

#[test]
fn another_number_of_buyers_is_noted_where_it_is_smaller() {
    let mut scenario = read(GOOD).unwrap();
    scenario.set_buyers(200).unwrap();
    assert_eq!((scenario.crowd.buyers, scenario.fewer_than), (200, None));
    let mut scenario = read(GOOD).unwrap();
    scenario.set_buyers(5).unwrap();
    assert_eq!((scenario.crowd.buyers, scenario.fewer_than), (5, Some(100)));
    assert!(scenario.text.starts_with("# run with --buyers 5\n"));
    assert!(scenario.set_buyers(0).unwrap_err().to_string().contains("--buyers takes 1 to"));
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    check("buyers = 100", "buyer = 100", 8, None, &["buyer", "expected", "buyers"]);
    check("buyers = 100", "buyers = \"many\"", 8, None, &["string", "u32"]);
    check("kind = \"bot\"", "kind = \"robot\"", 17, None, &["robot", "decisive", "bot"]);
    check("hold_p99_ms", "hold_p98_ms", 22, None, &["hold_p98_ms", "hold_p99_ms"]);
    check("hold_p99_ms = 100", "hold_p99_ms = -1", 21, None, &["number from 0"]);
    check("duration_s = 10\n", "", 7, None, &["duration_s"]);
    check("\"poisson\"", "\"flood\"", 10, None, &["flood", "poisson", "spike"]);
}

#[test]
fn what_cannot_be_is_told_with_its_field_and_what_to_do() {
    check("buyers = 100", "buyers = 0", 8, Some("crowd.buyers"), &["give 1 to"]);
    check("duration_s = 10", "duration_s = -1", 9, Some("crowd.duration_s"), &["more than 0"]);
    check("identities = 4", "identities = 400", 19, Some("behaviours[1].identities"), &["give 1 to 100"]);
    check("identities = 4", "tabs = 4", 19, Some("behaviours[1].tabs"), &["multi_tab", "bot"]);
    check("share = 2", "share = 2\npay_percent = 101", 15, Some("behaviours[0].pay_percent"), &["0 to 100"]);
    check("share = 2", "share = 2\narrives_s = [5, 11]", 15, Some("behaviours[0].arrives_s"), &["<= 10"]);
    check("share = 2", "share = 2\nwants = [\"Box\"]", 15, Some("behaviours[0].wants"), &["Box", "Club"]);
    check("venue = \"arena\"", "venue = \"none.json\"", 5, Some("event.venue"), &["none.json", "beside"]);
    let short = "venue = \"arena\"\nhold_s = 5";
    check("venue = \"arena\"", short, 6, Some("event.hold_s"), &["60 to 7200"]);
    check("venue = \"arena\"", "", 4, Some("event.venue"), &["[event.hall]", "id = "]);
    for wrong in ["0", "-1", "1e30", "10.5", "nan", "inf"] {
        let presale = format!("venue = \"arena\"\npresale_s = {wrong}");
        check("venue = \"arena\"", &presale, 6, Some("event.presale_s"), &["at most crowd.duration_s (10)"]);
    }
    for wrong in ["evt_nope nope", "evt_", "ord_1", "evt_1/configuration", ""] {
        let id = format!("id = \"{wrong}\"");
        check("venue = \"arena\"", &id, 5, Some("event.id"), &["identifier of an event"]);
    }
    let spike = "{ profile = \"spike\", share = 2, within_s = 1 }";
    check("{ profile = \"poisson\" }", spike, 10, Some("crowd.arrivals"), &["share of 0 to 1"]);
}

#[test]
fn a_presale_may_last_as_long_as_people_come() {
    let presale = "venue = \"arena\"\npresale_s = 10";
    assert!(read(&GOOD.replace("venue = \"arena\"", presale)).is_ok());
    assert!(read(&GOOD.replace("venue = \"arena\"", "id = \"evt_01m7xr7tgxfr59g2y38sxnz8tg\"")).is_ok());
}

#[test]
fn an_objective_of_the_command_line_is_read_or_told() {
    assert!(objectives::parse("sold_share=0.9").is_ok());
    for bad in ["hold_p99_ms", "speed=1", "hold_p99_ms=fast", "hold_p99_ms=-3"] {
        assert!(objectives::parse(bad).is_err(), "{bad}");
    }
}

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}

#[test]
fn every_shipped_scenario_can_be_run() {
    let shipped = shipped();
    assert!(shipped.len() >= 8, "{shipped:?}");
    for path in shipped {
        let scenario = Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(!scenario.objectives.is_empty(), "{}: nothing must hold", path.display());
    }
}

#[test]
fn the_stadium_brings_a_hundred_thousand_buyers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/stadium.toml");
    let scenario = Scenario::load(&path).unwrap();
    assert_eq!(scenario.crowd.buyers, 100_000);
    assert!(scenario.crowd.sockets >= 8_000);
}
