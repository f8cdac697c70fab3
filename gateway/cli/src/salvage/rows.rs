//! The rows of a damaged installation, as far as they can be read.

use tessera_embedded::EmbeddedStore;
use tessera_embedded::salvage::Salvage;
use tessera_store::Row;

use crate::failure::Failure;
use crate::output::line;
use crate::rows::{LogEnds, ROWS_PER_TRANSACTION, Source, keep, write};

/// What became of the rows.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    /// How many were kept.
    pub(crate) kept: u64,
    /// Why the rows after some key could not be read, if so.
    pub(crate) unreadable: Option<String>,
}

/// Writes every row that goes into a new installation.
pub(crate) async fn copy(
    salvage: &Salvage,
    ends: &LogEnds,
    store: &EmbeddedStore,
) -> Result<Copied, Failure> {
    let mut copied = Copied::default();
    if !salvage.has_tables() {
        let lost = "names, API keys and the installation's secret are lost: people and keys of the old log will not be recognised";
        copied.unreadable = Some(lost.to_owned());
    }
    let mut after = Vec::new();
    loop {
        let rows = match salvage.rows(&after, ROWS_PER_TRANSACTION) {
            Ok(rows) => rows,
            Err(error) => {
                copied.unreadable = Some(format!("the rows after the first {}: {error}", copied.kept));
                break;
            }
        };
        let Some((last, _)) = rows.last() else { break };
        after.clone_from(last);
        let mut kept: Vec<Row> = Vec::with_capacity(rows.len());
        for row in &rows {
            match keep(row, ends, Source::Damaged) {
                Ok(row) => kept.extend(row),
                Err(error) => copied.unreadable = Some(format!("a row is left out: {error}")),
            }
        }
        copied.kept += kept.len() as u64;
        write(store, &kept).await?;
    }
    if let Some(unreadable) = &copied.unreadable {
        line(format_args!("rows: {unreadable}"));
    }
    Ok(copied)
}
