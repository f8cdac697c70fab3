//! What operators are given fits the code: metrics, alerts, runbooks, dashboard.

use std::collections::BTreeSet;

use super::{read, repository, sources};

/// Endings that Prometheus adds to the name of a histogram.
const SERIES: [&str; 3] = ["_bucket", "_count", "_sum"];

/// Every word of `text` that begins like a metric of the server.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter: char| !is_part(letter));
    let names = words.filter(|word| word.starts_with("tessera_") || word.starts_with("process_"));
    let base = |name: &str| SERIES.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned();
    names.filter(|name| name.len() > "process_".len()).map(base).collect()
}

/// The names in the table of docs/operations/metrics.md.
fn documented() -> BTreeSet<String> {
    let page = read(&repository().join("docs/operations/metrics.md"));
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    cells.flat_map(metrics_in).collect()
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_is_made() {
    let made: BTreeSet<String> = sources("rs")
        .iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "src"))
        .filter(|path| {
            ["actors", "gateway/server"].iter().any(|house| path.starts_with(repository().join(house)))
        })
        .flat_map(|path| quoted_metrics(&read(path)))
        .collect();
    let documented: BTreeSet<String> =
        documented().into_iter().filter(|name| name.starts_with("tessera_")).collect();
    assert_eq!(made, documented);
}

/// Metrics are named in string literals; crates, whose names begin alike, are not.
fn quoted_metrics(source: &str) -> BTreeSet<String> {
    let literals = source.split('"').skip(1).step_by(2);
    literals
        .filter(|text| text.starts_with("tessera_") && !text.contains(['=', ':', ' ']))
        .map(str::to_owned)
        .collect()
}

#[test]
fn alerts_runbooks_and_dashboard_name_metrics_that_are_documented() {
    let operations = repository().join("docs/operations");
    let documented = documented();
    for file in ["prometheus/alerts.yml", "prometheus/alerts_test.yml", "grafana/tessera.json", "cluster.md"]
    {
        let unknown: Vec<_> =
            metrics_in(&read(&operations.join(file))).difference(&documented).cloned().collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
    let dashboard: serde_json::Value =
        serde_json::from_str(&read(&operations.join("grafana/tessera.json"))).expect("the dashboard is JSON");
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 10));
}

#[test]
fn every_alert_has_its_runbook_and_every_runbook_its_alert() {
    let operations = repository().join("docs/operations");
    let rules = read(&operations.join("prometheus/alerts.yml"));
    let alerts: BTreeSet<String> =
        rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect();
    let pages: BTreeSet<String> = std::fs::read_dir(operations.join("runbooks"))
        .expect("a folder")
        .map(|page| page.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| name != "README")
        .collect();
    assert_eq!(alerts, pages);
    let index = read(&operations.join("runbooks/README.md"));
    for alert in &alerts {
        assert!(rules.contains(&format!("runbook: docs/operations/runbooks/{alert}.md")), "{alert}");
        assert!(index.contains(&format!("[{alert}]({alert}.md)")), "{alert} stands in the index");
    }
}
