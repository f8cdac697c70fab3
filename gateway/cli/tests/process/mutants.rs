//! A server with a defect, rehearsed as an SRE would: the verdict fails and says what is wrong.

use std::fs;

use crate::installation::text;
use crate::server::tessera;

/// Buyers whose network drops what they send, so that nearly each of them sends it again.
const SCENARIO: &str = "name = 'unlucky'\ndescription = 'a test'\n\
    [event.hall]\nstanding = [{name = 'Floor', units = 2000, price = 500}]\n\
    [crowd]\nbuyers = 300\nduration_s = 3\narrivals = {profile = 'poisson'}\n\
    [[behaviours]]\nkind = 'unlucky'\nshare = 1\nthink_s = [0, 0.05]\npatience_ms = [0, 4]\n\
    [objectives]\nsold_share = 0\n";

#[test]
fn a_server_that_forgets_keys_gets_a_failing_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unlucky.toml");
    fs::write(&path, SCENARIO).unwrap();
    let rehearse = |mutant: Option<&str>| {
        let mut command = tessera();
        command.env_remove("TESSERA_ADMIN_TOKEN").arg("simulate").arg(&path).arg("--self");
        command.arg("--out").arg(folder.path().join("out")).envs(mutant.map(|mutant| ("MUTANT", mutant)));
        command.output().unwrap()
    };
    let sound = rehearse(None);
    assert_eq!(sound.status.code(), Some(0), "{} {}", text(&sound.stdout), text(&sound.stderr));
    let defective = rehearse(Some("key-forgotten"));
    let said = text(&defective.stdout);
    assert_eq!(defective.status.code(), Some(1), "{said} {}", text(&defective.stderr));
    assert!(said.contains("verdict: FAILED. G2 is broken"), "{said}");
    let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(
        page.contains("✗ Failed") && page.contains("nobody was told so"),
        "the report says what is wrong"
    );
}
