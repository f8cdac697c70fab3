//! A server with a defect gets a failing verdict, and the verdict says what is wrong.

use tessera_inventory::Mutant as Inventory;
use tessera_verdict::judge::judge;
use tessera_writer::{Mutant, Mutation};

use crate::{rehearsed_with, scenario};

/// Rehearses on a server with this defect; one of the findings that fail speaks of `what`.
async fn is_found(mutant: Mutant, behaviours: &str, what: &[&str]) {
    let recording = rehearsed_with(&scenario(200, behaviours), Mutation::of(mutant)).await;
    let verdict = judge(&recording);
    assert!(!verdict.passed, "{}", verdict.reason);
    let broken = verdict.findings.iter().filter(|finding| !finding.held());
    let broken: Vec<String> =
        broken.map(|finding| format!("{} {:?}", finding.name, finding.examples)).collect();
    assert!(broken.iter().any(|found| what.iter().any(|what| found.contains(what))), "{broken:#?}");
}

#[tokio::test]
async fn a_key_that_is_forgotten_is_found() {
    let behaviours =
        "[[behaviours]]\nkind = 'unlucky'\nshare = 1\nthink_s = [0, 0.02]\npatience_ms = [0, 3]\n";
    is_found(
        Mutant::Inventory(Inventory::KeyForgotten),
        behaviours,
        &["what was acknowledged is in the feed once"],
    )
    .await;
}
