//! The report: one file that stands alone, escapes what is not its own, and says what was found.

use tessera_verdict::judge::judge;
use tessera_verdict::load::load;
use tessera_verdict::recording::Recording;
use tessera_verdict::report::{Paths, clear, write};

use crate::crowd::{Crowd, recording};

fn written(recording: &Recording) -> (tempfile::TempDir, Paths, String) {
    let folder = tempfile::tempdir().unwrap();
    let paths = write(&folder.path().join("new/folder"), recording, &judge(recording)).unwrap();
    let page = std::fs::read_to_string(&paths.page).unwrap();
    (folder, paths, page)
}

#[test]
fn the_page_stands_alone() {
    let (_folder, paths, page) = written(&recording(Crowd::SMALL));
    for outside in ["src=", "href=\"http", "@import", "url(", "<link", "<img"] {
        assert!(!page.contains(outside), "{outside} reaches out of the page");
    }
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 8, "every chart is drawn");
    assert!(!page.contains("NaN") && !page.contains("inf "), "a chart has a number that is none");
    assert!(page.contains("✓ Passed") && page.contains("Every guarantee held over"));
    let again = judge(&load(&paths.recording).unwrap());
    assert_eq!(again, judge(&recording(Crowd::SMALL)), "the recording is judged again, and alike");
}

#[test]
fn what_came_from_elsewhere_is_escaped() {
    let mut recording = recording(Crowd::SMALL);
    let evil = "<script>alert(1)</script>\"'>";
    recording.scenario.name = evil.into();
    recording.scenario.description = evil.into();
    recording.environment.processor = evil.into();
    recording.behaviours[0].behaviour = evil.into();
    recording.latencies[0].operation = evil.into();
    recording.refusals.insert(evil.into(), 3);
    recording.feed[5]["hold"] = evil.into();
    let (_folder, _, page) = written(&recording);
    assert!(!page.contains("<script>alert"), "markup of a file stands in the page");
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(page.contains("&#60;b&#62;not markup"), "the scenario is shown as it was written");
}

#[test]
fn requests_that_were_cut_off_half_way_are_counted() {
    let mut recording = recording(Crowd::SMALL);
    recording.history.iter_mut().take(3).for_each(|operation| operation.half_sent = 2);
    let (_folder, _, page) = written(&recording);
    let note = "3 requests were cut off half-way by the network of their buyers, as from a telephone that loses it; 3 of them";
    assert!(page.contains(note) && page.contains("3 cut off half-way, 3 taken up again"));
}

#[test]
fn a_failed_run_says_why_on_top() {
    let mut recording = recording(Crowd::SMALL);
    recording.history.retain(|operation| operation.buyer != Some(4));
    let (_folder, _, page) = written(&recording);
    let top = page.split("<nav>").next().unwrap();
    assert!(top.contains("✗ Failed") && top.contains("nobody was told so"), "{top}");
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_leaves_nothing_half_written() {
    let (folder, paths, _) = written(&recording(Crowd::SMALL));
    let out = folder.path().join("new/folder");
    clear(&out).unwrap();
    assert!(!paths.recording.exists() && !paths.verdict.exists() && !paths.page.exists());
    // Something stands in the way of the recording.
    std::fs::create_dir(paths.recording.with_extension("unfinished")).unwrap();
    let recording = recording(Crowd::SMALL);
    let error = write(&out, &recording, &judge(&recording)).unwrap_err();
    assert_eq!(error.path, paths.recording);
    assert!(error.to_string().contains("recording.json cannot be written"), "{error}");
    assert!(paths.verdict.exists() && paths.page.exists() && !paths.recording.exists());
}

#[test]
fn an_empty_run_has_a_page() {
    let mut recording = recording(Crowd { buyers: 0, ..Crowd::SMALL });
    recording.seconds.clear();
    recording.latencies.clear();
    recording.behaviours.clear();
    let (_folder, _, page) = written(&recording);
    assert!(page.contains("Nothing was recorded."));
}

/// Keeps the report of the large crowd where one can look at it.
#[test]
fn the_report_of_a_large_sale() {
    let recording = recording(Crowd::LARGE);
    let verdict = judge(&recording);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("rehearsal");
    write(&folder, &recording, &verdict).unwrap();
    assert!(verdict.passed, "{}", verdict.reason);
}
