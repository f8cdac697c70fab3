//! `tessera import`.

use std::path::Path;

use tessera_inventory::{Epoch, Sequence};
use tessera_projections::installation::Installation;
use tessera_server::ids;
use tessera_server::settings::StoreKind;
use tessera_store::{Batch, LogRecord, Row};
use tessera_writer::{BatchId, Head};

use super::copy::Copy;
use super::error::PortableError;
use super::piece::{EventPiece, Piece, Totals};
use super::reader::{Reader, check};
use crate::arguments::ImportArguments;
use crate::failure::Failure;
use crate::output::line;
use crate::replay::verify;
use crate::rows::{LogEnds, ROWS_PER_TRANSACTION, Source, keep, wake, write};
use crate::store::{NewInstallation, Store};

/// Makes a new installation of a file. What is wrong with it is said before anything is made, and nothing is left of what fails later.
pub(crate) async fn run(arguments: ImportArguments) -> Result<(), Failure> {
    let ImportArguments { installation, input } = arguments;
    let settings = installation.settings()?;
    let totals = check(&input)?;
    let new = NewInstallation::begin(&settings).await?;
    match fill(&input, totals, &new.store).await {
        Ok(()) => new.finish().await?,
        Err(failure) => return Err(given_up(failure, new.give_up().await)),
    }
    let name = match settings.store.kind {
        StoreKind::Embedded => settings.data.display().to_string(),
        StoreKind::FoundationDb => format!("the prefix {}", settings.store.prefix),
    };
    line(format_args!(
        "{name} is an installation of its own, with {} events and {} rows; it makes an administrator's token at its first start",
        totals.events, totals.rows
    ));
    Ok(())
}

/// Why nothing was imported; beside it, that something is left of it.
fn given_up(failure: Failure, cleared: Result<(), Failure>) -> Failure {
    match cleared {
        Ok(()) => failure,
        Err(left) => Failure::ImportUnfinished { left: Box::new(left), source: Box::new(failure) },
    }
}

async fn fill(input: &Path, totals: Totals, store: &Store) -> Result<(), Failure> {
    let mut reader = Reader::open(input)?;
    let mut filling = Filling {
        store,
        copy: Copy::new(store),
        events: Vec::new(),
        ends: LogEnds::new(),
        head: Head::GENESIS,
        rows: Vec::new(),
        found: Totals::default(),
    };
    let stated = loop {
        match reader.piece()? {
            Piece::Event(event) => filling.event(event).await?,
            Piece::Record(record) => filling.record(record).await?,
            Piece::Row(row) => filling.row(row).await?,
            Piece::End(stated) => break stated,
        }
    };
    let Filled { ends, events, found } = filling.finish().await?;
    if found != stated || stated != totals {
        return Err(malformed("other numbers of things than it says"));
    }
    wake(&ends, store).await?;
    is_same_installation(store, reader.installation).await?;
    for event in events {
        is_same(store, event).await?;
    }
    Ok(())
}

/// An installation on its way from a file into a store.
struct Filling<'a> {
    store: &'a Store,
    copy: Copy<'a>,
    events: Vec<EventPiece>,
    ends: LogEnds,
    /// Of the last event, so far.
    head: Head,
    rows: Vec<Row>,
    found: Totals,
}

impl Filling<'_> {
    async fn event(&mut self, event: EventPiece) -> Result<(), Failure> {
        self.close().await?;
        self.found.events += 1;
        self.head = Head { format: event.head.format, ..Head::GENESIS };
        self.ends.insert(event.event, event.head.sequence);
        self.events.push(event);
        Ok(())
    }

    /// The next record of the last event, its very bytes.
    async fn record(&mut self, record: LogRecord) -> Result<(), Failure> {
        let Some(event) = self.events.last() else { return Err(malformed("a record of no event")) };
        self.found.records += 1;
        if record.first_sequence != self.head.sequence.plus(1) || record.last_sequence > event.head.sequence {
            return Err(malformed("records that do not follow each other"));
        }
        let next = Head {
            format: event.head.format,
            epoch: record.epoch,
            sequence: record.last_sequence,
            batch_id: BatchId(record.last_sequence.0.into()),
            chain: record.chain,
        };
        // The first append of an event has the head of one that was never written before it.
        let expected = if self.head.sequence == Sequence::ZERO { Head::GENESIS } else { self.head };
        self.copy.append(event.event, expected, Batch { next, record: record.bytes }).await?;
        self.head = next;
        Ok(())
    }

    /// Ends the last event with an epoch of its own: whoever owned it before owns nothing here.
    async fn close(&mut self) -> Result<(), Failure> {
        let Some(EventPiece { event, head, .. }) = self.events.last().copied() else { return Ok(()) };
        if (self.head.sequence, self.head.chain) != (head.sequence, head.chain) {
            return Err(malformed("a log that does not lead to its head"));
        }
        let expected = if self.head.sequence == Sequence::ZERO { Head::GENESIS } else { self.head };
        let epoch = Epoch(
            head.epoch.0.checked_add(1).ok_or_else(|| malformed("an epoch after which there is none"))?,
        );
        // The batch that made the old head, and no other, is known by its number.
        let next = Head { epoch, batch_id: BatchId(!head.batch_id.0), ..head };
        self.copy.append(event, expected, Batch { next, record: [].into() }).await?;
        Ok(())
    }

    async fn row(&mut self, row: Row) -> Result<(), Failure> {
        self.found.rows += 1;
        let Some(row) = keep(&row, &self.ends, Source::Sound)? else {
            return Err(malformed("a row that is made from the log"));
        };
        self.rows.push(row);
        if self.rows.len() >= ROWS_PER_TRANSACTION { self.write_rows().await } else { Ok(()) }
    }

    async fn write_rows(&mut self) -> Result<(), Failure> {
        write(self.store, &self.rows).await?;
        self.rows.clear();
        Ok(())
    }

    async fn finish(mut self) -> Result<Filled, Failure> {
        self.close().await?;
        self.write_rows().await?;
        self.copy.finish().await?;
        Ok(Filled { ends: self.ends, events: self.events, found: self.found })
    }
}

/// What came into the store.
struct Filled {
    ends: LogEnds,
    events: Vec<EventPiece>,
    found: Totals,
}

/// Replays an event as it stands now, and compares it with what it was.
async fn is_same(store: &Store, event: EventPiece) -> Result<(), Failure> {
    let id = ids::event(event.event);
    let sound = verify(store, event.event, None).await?;
    let (found, wanted) = (
        (sound.head.sequence, sound.head.chain, sound.digest),
        (event.head.sequence, event.head.chain, event.digest.0),
    );
    if found != wanted || sound.records != event.records {
        return Err(Failure::NotSound(format!(
            "{id} amounts to {found:?} in {} records; it was exported as {wanted:?} in {}",
            sound.records, event.records
        )));
    }
    line(format_args!(
        "{id}  imported {} events in {} records, chain {:?}, state {:032x}: as exported; epoch {} after {}",
        sound.events, sound.records, sound.head.chain, sound.digest, sound.head.epoch, event.head.epoch
    ));
    Ok(())
}

async fn is_same_installation(store: &Store, exported: u128) -> Result<(), Failure> {
    match Installation::find(store).await? {
        Some(installation) if installation.id == exported => Ok(()),
        _ => Err(malformed("no row of its installation")),
    }
}

fn malformed(what: &'static str) -> Failure {
    Failure::NotImported(PortableError::Malformed { what })
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use tessera_store::StoreError;

    use super::*;

    #[test]
    fn why_an_import_failed_is_said_though_what_it_made_cannot_be_removed() {
        let away = || StoreError::Unavailable { reason: "the cluster is away".to_owned() };
        let plain = given_up(malformed("a stone"), Ok(()));
        assert!(matches!(plain, Failure::NotImported(_)), "{plain}");
        let both = given_up(malformed("a stone"), Err(away().into()));
        assert!(both.to_string().contains("the cluster is away"), "{both}");
        let mut causes = std::iter::successors(both.source(), |error| (*error).source());
        assert!(causes.any(|error| error.to_string().contains("a stone")), "{both:?}");
    }
}
