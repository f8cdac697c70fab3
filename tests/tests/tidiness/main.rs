//! Tidiness is a test: the habits of the house that a compiler does not check.
#![allow(clippy::expect_used, clippy::panic)] // tests

mod deploy;
mod operations;

use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file, in lines.
const FILE_LINES_MAX: usize = 500;
/// Longest function, in lines from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Words that tell of unfinished work; each is split here so that this file does not find itself.
const UNFINISHED: [&str; 6] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("FIX", "ME"),
    concat!("#[ig", "nore"),
    concat!("for ", "now"),
    concat!("XX", "X:"),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_path_buf()
}

fn sources(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).expect("a readable folder").map(|entry| entry.expect("an entry").path())
        {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if entry.is_dir()
                && !["target", ".git", "data", "node_modules", "vendor"].contains(&name.as_str())
            {
                folders.push(entry);
            } else if entry.extension().is_some_and(|found| found == extension) {
                found.push(entry);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{extension} files below the repository");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Collect findings over every source file and fail with all of them.
fn no_findings(check: impl Fn(&Path, &str, &mut Vec<String>)) {
    let mut findings = Vec::new();
    for path in sources("rs") {
        check(&path, &read(&path), &mut findings);
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

/// Functions as (line number, name, length): from a line with `fn ` to the closing brace at the same indentation.
fn functions(text: &str) -> Vec<(usize, String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words = ["pub ", "pub(crate) ", "pub(super) ", "const ", "async ", "unsafe ", "extern \"C\" "];
        let mut rest = code;
        while let Some(word) = words.iter().find(|word| rest.starts_with(**word)) {
            rest = &rest[word.len()..];
        }
        let Some(name) = rest.strip_prefix("fn ") else { continue };
        // What a trait declares has no body.
        if code.ends_with(';') {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(indent));
        let end = lines[start..].iter().position(|line| *line == closing).unwrap_or(0);
        found.push((start + 1, name.split(['(', '<']).next().unwrap_or(name).to_owned(), end + 1));
    }
    found
}

#[test]
fn files_fit_in_a_head() {
    no_findings(|path, text, findings| {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            findings.push(format!("{}: {lines} lines; at most {FILE_LINES_MAX}", path.display()));
        }
    });
}

#[test]
fn functions_fit_on_a_screen() {
    no_findings(|path, text, findings| {
        for (line, name, lines) in functions(text) {
            if lines > FUNCTION_LINES_MAX {
                findings.push(format!(
                    "{}:{line}: {name} has {lines} lines; at most {FUNCTION_LINES_MAX}",
                    path.display()
                ));
            }
        }
    });
}

#[test]
fn nothing_is_unfinished() {
    no_findings(|path, text, findings| {
        for (number, line) in text.lines().enumerate() {
            for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
                findings.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    });
}

#[test]
fn unsafe_stays_where_it_is_allowed() {
    let allowed = [
        "tests/fault-shim/",
        "simulations/benchmarks/src/counting.rs",
        "storage/foundationdb/src/network.rs",
    ];
    no_findings(|path, text, findings| {
        let inside = path.strip_prefix(repository()).expect("inside").to_string_lossy().into_owned();
        let word = concat!("unsafe", " {");
        if text.contains(word) && !allowed.iter().any(|folder| inside.starts_with(folder)) {
            findings.push(inside);
        }
    });
}

#[test]
fn the_house_has_its_rooms_and_no_shed() {
    for room in [
        "engine",
        "actors",
        "gateway",
        "storage",
        "simulations",
        "scenarios",
        "tests",
        "docs/adr",
        "docs/errors",
        "docs/operations",
    ] {
        assert!(repository().join(room).is_dir(), "{room}/ is missing");
    }
    for manifest in sources("toml").iter().filter(|path| path.ends_with("Cargo.toml")) {
        let folder =
            manifest.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        assert!(
            !["common", "utils", "util", "helpers"].contains(&folder.as_str()),
            "{}: name it after what it is",
            manifest.display()
        );
    }
}

/// The names of our crates below one top-level folder, and the crates of ours that their manifests name.
fn ours_below(folder: &str) -> Vec<(String, Vec<String>)> {
    let manifests = sources("toml").into_iter().filter(|path| path.ends_with("Cargo.toml"));
    let below =
        manifests.filter(|path| path.strip_prefix(repository()).is_ok_and(|path| path.starts_with(folder)));
    below
        .map(|path| {
            let text = read(&path);
            let name = text
                .lines()
                .find_map(|line| line.strip_prefix("name = \""))
                .unwrap_or_default()
                .trim_end_matches('"');
            let product = text.split("[dev-dependencies]").next().unwrap_or_default();
            let needs = product.lines().filter(|line| line.starts_with("tessera-"));
            (
                name.to_owned(),
                needs.map(|line| line.split(['.', ' ', '=']).next().unwrap_or(line).to_owned()).collect(),
            )
        })
        .collect()
}

#[test]
fn dependencies_point_down_the_house() {
    let floors = ["engine", "storage", "actors", "gateway"];
    for (floor, folder) in floors.iter().enumerate() {
        let above: Vec<String> = floors[floor + 1..]
            .iter()
            .chain(&["simulations", "tests"])
            .flat_map(|folder| ours_below(folder).into_iter().map(|(name, _)| name))
            .collect();
        for (name, needs) in ours_below(folder) {
            for need in needs {
                assert!(!above.contains(&need), "{name} ({folder}/) depends on {need}, which lives above it");
            }
        }
    }
}

#[test]
fn the_engine_is_pure() {
    let banned =
        ["tokio", "serde", "prost", "rand", "getrandom", "chrono", "jiff", "actix", "ractor", "futures"];
    for (name, _) in ours_below("engine") {
        let folder = sources("toml")
            .into_iter()
            .find(|path| read(path).contains(&format!("name = \"{name}\"")))
            .expect("its manifest");
        let text = read(&folder);
        let product = text.split("[dev-dependencies]").next().unwrap_or_default();
        for word in banned {
            assert!(
                !product.lines().any(|line| line.starts_with(word)),
                "{name} depends on {word}; the engine is pure and synchronous"
            );
        }
    }
}

#[test]
fn no_path_of_a_machine_and_no_registry_host_is_written() {
    let words = [
        concat!("/home", "/"),
        concat!("/roo", "t/"),
        concat!("crates", ".io/api"),
        concat!("registry", ".npmjs"),
        concat!("static", ".crates.io"),
    ];
    for extension in ["rs", "toml", "md"] {
        for path in sources(extension) {
            let text = read(&path);
            for word in words {
                assert!(!text.contains(word), "{} contains {word}", path.display());
            }
        }
    }
}

#[test]
fn every_decision_has_a_number_of_its_own() {
    let mut decisions = std::collections::BTreeMap::new();
    for path in sources("md").iter().filter(|path| path.parent().is_some_and(|it| it.ends_with("docs/adr"))) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let number = name.split('-').next().and_then(|number| number.parse::<u32>().ok()).expect("a number");
        assert!(read(path).starts_with(&format!("# {number}. ")), "{name} says another number");
        if let Some(other) = decisions.insert(number, name.clone()) {
            panic!("{name} and {other} have one number");
        }
    }
}

#[test]
fn the_shell_of_the_inventory_actor_is_thin() {
    let shell = repository().join("actors/src/inventory/shell.rs");
    let lines = read(&shell).lines().count();
    assert!(lines < 200, "{} has {lines} lines; the shell stays below 200", shell.display());
}

#[test]
fn the_checks_themselves_can_fail() {
    let long = format!("fn long() {{\n{}}}\n", "    x();\n".repeat(FUNCTION_LINES_MAX));
    assert_eq!(functions(&long), [(1, "long".to_owned(), FUNCTION_LINES_MAX + 2)]);
    assert_eq!(functions("impl A {\n    pub fn short(&self) {\n    }\n}\n"), [(2, "short".to_owned(), 2)]);
}
