//! `tessera node certificates`.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tessera_peers::{AUTHORITY_DAYS, NODE_DAYS, make_certificates};
use tessera_server::environment;
use tokio::runtime::Handle;

use crate::failure::Failure;
use crate::output::line;

/// Permissions of a directory that is made: keys are in it.
const PRIVATE: u32 = 0o700;

/// Makes a certificate for each name, and says what each file is for.
pub(crate) fn make(out: &Path, names: &[String]) -> Result<(), Failure> {
    let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(out);
    made.map_err(|source| Failure::File { path: out.to_owned(), source })?;
    let now = environment::system(Handle::current()).clock.wall();
    for files in make_certificates(out, names, now)? {
        line(format_args!(
            "{}, {}: of one node, valid {NODE_DAYS} days",
            files.certificate.display(),
            files.key.display()
        ));
    }
    line(format_args!(
        "{}: the authority, which every node needs; valid {AUTHORITY_DAYS} days from when it was made",
        out.join("ca.pem").display()
    ));
    line(format_args!(
        "{}: makes nodes, and whoever has it can. It belongs on none of them: keep it where certificates are made",
        out.join("ca.key").display()
    ));
    Ok(())
}
