//! The columns of the waitlist.

use super::import::{Imported, Words, bits16, bits32};
use crate::claims::ExtraSubjects;
use crate::waitlist::{CHOICES_MAX, Choice, Entry, EntryNumber, Manner, NUMBER_BITS, Patience};
use crate::{EXTRA_SUBJECTS_MAX, Image, ImageError, Inventory, TicketTypeId, Timestamp};

impl Inventory {
    pub(super) fn export_waitlist(&self, image: &mut Image, positions: &[u32]) {
        for (number, entry) in self.waitlist.iter() {
            let counts = (entry.extra.iter().count() as u64) << 32 | (entry.choices().count() as u64) << 40;
            image.waitlist.extend([
                number.0,
                u64::from(positions[entry.subject as usize]) | counts | u64::from(entry.priority) << 48,
                entry.price_max_minor.unwrap_or(-1).cast_unsigned(),
            ]);
            image.waitlist.extend(entry.extra.iter().map(|slot| u64::from(positions[slot as usize])));
            image.waitlist.extend(entry.choices().map(|choice| choice.word()));
        }
        for (id, patience) in self.waitlist.patience() {
            let since = patience.since.map_or(0, |since| since.0);
            image.accumulating.extend([u64::from(id.0), patience.head.0, since]);
        }
    }

    /// Reads the columns; subjects are there already.
    pub(super) fn import_waitlist(&mut self, image: &Image) -> Imported<()> {
        let mut words = Words::new("waitlist", &image.waitlist);
        let mut before = None;
        while !words.is_empty() {
            let number = EntryNumber(words.next()?);
            words.ensure(
                before < Some(number) && number.0 <= self.sequence.0 && number.0 >> NUMBER_BITS == 0,
            )?;
            before = Some(number);
            let entry = self.import_entry(&mut words)?;
            self.waitlist.insert(number, entry, &self.config, &self.subjects);
        }
        let mut words = Words::new("accumulating", &image.accumulating);
        while !words.is_empty() {
            let (id, head, since) = (TicketTypeId(bits16(words.next()?, 0)), words.next()?, words.next()?);
            words.ensure(id.index() < self.config.ticket_types.len())?;
            let since = (since != 0).then_some(Timestamp(since));
            self.waitlist.line_mut(id).patience = Some(Patience { head: EntryNumber(head), since });
        }
        Ok(())
    }

    fn import_entry(&mut self, words: &mut Words<'_, u64>) -> Imported<Entry> {
        let (head, price) = (words.next()?, words.next()?.cast_signed());
        let [_, _, _, _, extras, count, priority, _] = head.to_le_bytes();
        let (extras, count) = (usize::from(extras), usize::from(count));
        words.ensure(extras <= EXTRA_SUBJECTS_MAX && (1..=CHOICES_MAX).contains(&count) && price >= -1)?;
        let subject = self.import_name(bits32(head, 0), "waitlist")?;
        let mut extra = ExtraSubjects::NONE;
        for _ in 0..extras {
            let slot = bits32(words.next()?, 0);
            extra.push(self.import_name(slot, "waitlist")?);
        }
        let mut choices = [None; CHOICES_MAX];
        for place in &mut choices[..count] {
            *place = Some(self.import_choice(words.next()?)?);
        }
        let price_max_minor = (price >= 0).then_some(price);
        Ok(Entry { subject, extra, choices, price_max_minor, priority })
    }

    fn import_choice(&self, word: u64) -> Imported<Choice> {
        let ticket_type = TicketTypeId(bits16(word, 0));
        match Manner::of_word(bits16(word, 32)) {
            Some(manner) if ticket_type.index() < self.config.ticket_types.len() => {
                Ok(Choice { ticket_type, quantity: bits16(word, 16), manner })
            }
            _ => Err(ImageError::Malformed { column: "waitlist" }),
        }
    }
}
