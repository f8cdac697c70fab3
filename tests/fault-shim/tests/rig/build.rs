//! Where the preloaded library is. (Also part of the tests of the `tessera` binary.)

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Build the shim with the cargo that runs the tests, beside them, and answer where it is.
pub(crate) fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        // target/PROFILE/deps/test
        let profile = test.parent().and_then(Path::parent).unwrap();
        let target = profile.parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--offline", "--package", "tessera-fault-shim", "--lib"]);
        build.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the shim does not build");
        profile.join("libtessera_fault_shim.so")
    })
}
