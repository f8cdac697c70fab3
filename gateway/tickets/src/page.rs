//! The page of one ticket: A6, so that it fits a phone and four fit a sheet.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use krilla::geom::{PathBuilder, Rect, Size, Transform};
use krilla::paint::Fill;
use krilla::surface::Surface;

use crate::PaperError;
use crate::logo::Logo;
use crate::pdf::{Place, Sheet, Ticket};
use crate::qr::{Qr, Run};
use crate::text::Paragraph;
use crate::typesetter::Style;

/// Width of a page, in points.
pub const PAGE_WIDTH_PT: f32 = 297.64;
/// Height of a page, in points.
pub const PAGE_HEIGHT_PT: f32 = 419.53;

const MARGIN: f32 = 20.0;
const WIDTH: f32 = PAGE_WIDTH_PT - 2.0 * MARGIN;
const LOGO_HEIGHT_MAX: f32 = 34.0;
const LOGO_WIDTH_MAX: f32 = 140.0;
const GAP: f32 = 5.0;
/// A side of the QR with its quiet zone: a module is more than a millimetre.
const QR_SIDE: f32 = 160.0;
const QR_TOP: f32 = 210.0;
const FOOT_TOP: f32 = QR_TOP + QR_SIDE + 2.0;

const fn style(size_pt: f32, bold: bool) -> Style {
    Style { size_pt, bold }
}

const TITLE: [Style; 4] = [style(17.0, true), style(14.0, true), style(11.0, true), style(9.0, true)];
const HEAD: [Style; 3] = [style(13.0, true), style(11.0, true), style(9.0, true)];
const BODY: [Style; 3] = [style(10.0, false), style(9.0, false), style(8.0, false)];
const FOOT: [Style; 3] = [style(7.5, false), style(6.5, false), style(5.5, false)];

/// Draws the page of a ticket.
pub(crate) fn draw(
    surface: &mut Surface<'_>,
    sheet: &Sheet<'_>,
    ticket: &Ticket<'_>,
) -> Result<(), PaperError> {
    surface.set_fill(Some(Fill::default()));
    draw_head(surface, sheet, ticket)?;
    draw_qr(surface, &Qr::of(ticket.qr)?, (PAGE_WIDTH_PT - QR_SIDE) / 2.0, QR_TOP)?;
    draw_foot(surface, sheet, ticket);
    Ok(())
}

/// A text of the head, in which sizes it may be, and how far it stands below the one before.
struct Block<'a> {
    text: Cow<'a, str>,
    styles: &'static [Style],
    lines_max: usize,
    gap: f32,
}

impl Block<'_> {
    /// Set no larger than in its size of this number, the largest being 0.
    fn set(&self, step: usize) -> Paragraph<'_> {
        Paragraph::fit(&self.text, &self.styles[step.min(self.styles.len() - 1)..], WIDTH, self.lines_max)
    }
}

/// Draws what stands above the QR, in sizes in which all of it does; answers where it ends.
fn draw_head(surface: &mut Surface<'_>, sheet: &Sheet<'_>, ticket: &Ticket<'_>) -> Result<f32, PaperError> {
    let mut top = MARGIN;
    if let Some(logo) = sheet.logo {
        top += draw_logo(surface, logo, MARGIN, top)? + GAP;
    }
    let blocks = head(sheet, ticket);
    let set = |step: usize| blocks.iter().map(|block| block.set(step)).collect::<Vec<_>>();
    let gaps: f32 = blocks.iter().map(|block| block.gap).sum();
    let fits = |set: &[Paragraph<'_>]| top + gaps + set.iter().map(Paragraph::height).sum::<f32>() <= QR_TOP;
    let smaller = (0..TITLE.len() - 1).map(set).find(|set| fits(set));
    let paragraphs = smaller.unwrap_or_else(|| set(TITLE.len() - 1));
    for (block, paragraph) in blocks.iter().zip(&paragraphs) {
        paragraph.draw(surface, MARGIN, top + block.gap);
        top += block.gap + paragraph.height();
    }
    Ok(top)
}

/// The texts above the QR.
fn head<'a>(sheet: &Sheet<'a>, ticket: &Ticket<'a>) -> Vec<Block<'a>> {
    let block = |text: Cow<'a, str>, styles, lines_max, gap| Block { text, styles, lines_max, gap };
    let mut blocks =
        vec![block(sheet.event.into(), &TITLE, 3, 0.0), block(date(sheet).into(), &BODY, 2, GAP)];
    blocks.extend(sheet.place.map(|place| block(place.into(), &BODY, 2, 0.0)));
    blocks.push(block(ticket.ticket_type.into(), &HEAD, 2, 2.0 * GAP));
    let seat = |place: Place<'_>| format!("{} · {} · {}", place.section, place.row, place.seat);
    blocks.extend(ticket.place.map(|place| block(seat(place).into(), &HEAD, 1, 0.0)));
    blocks.push(block(ticket.price.into(), &BODY, 1, 0.0));
    blocks
}

/// Draws what stands below the QR; answers where it ends.
fn draw_foot(surface: &mut Surface<'_>, sheet: &Sheet<'_>, ticket: &Ticket<'_>) -> f32 {
    let mut top = FOOT_TOP;
    let mut write = |text: &str, lines_max: usize| {
        let paragraph = Paragraph::fit(text, &FOOT, WIDTH, lines_max);
        paragraph.draw(surface, MARGIN, top);
        top += paragraph.height();
    };
    write(&format!("{} · {}/{}", ticket.id, ticket.number, ticket.of), 1);
    if !sheet.note.is_empty() {
        write(sheet.note, 3);
    }
    top
}

/// When the event is, as its venue's clocks show it.
fn date(sheet: &Sheet<'_>) -> String {
    // The name of a zone was looked up when the event was created.
    let zone = TimeZone::get(sheet.zone).unwrap_or(TimeZone::UTC);
    let there = |at: Timestamp| at.to_zoned(zone.clone());
    let starts = there(sheet.starts_at);
    let mut text = starts.strftime("%A, %-d %B %Y, %H:%M").to_string();
    if let Some(ends) = sheet.ends_at.map(there) {
        let format = if ends.date() == starts.date() { " – %H:%M" } else { " – %-d %B %Y, %H:%M" };
        text.push_str(&ends.strftime(format).to_string());
    }
    format!("{text} ({})", sheet.zone)
}

/// Draws the logo below `top`; answers its height.
pub(crate) fn draw_logo(
    surface: &mut Surface<'_>,
    logo: &Logo,
    left: f32,
    top: f32,
) -> Result<f32, PaperError> {
    let (width, height) = logo.image.size();
    #[allow(clippy::cast_precision_loss)] // at most some hundred thousand
    let (width, height) = (width as f32, height as f32);
    let scale = (LOGO_WIDTH_MAX / width).min(LOGO_HEIGHT_MAX / height);
    let (width, height) = (width * scale, height * scale);
    let size = Size::from_wh(width, height).ok_or(PaperError::Picture)?;
    surface.push_transform(&Transform::from_translate(left, top));
    surface.draw_image(logo.image.clone(), size);
    surface.pop();
    Ok(height)
}

fn draw_qr(surface: &mut Surface<'_>, qr: &Qr, left: f32, top: f32) -> Result<(), PaperError> {
    #[allow(clippy::cast_precision_loss)] // a QR has at most 185 modules a side
    let module = QR_SIDE / qr.side() as f32;
    #[allow(clippy::cast_precision_loss)]
    let at = |modules: usize| modules as f32 * module;
    let mut path = PathBuilder::new();
    for Run { x, y, length } in qr.runs() {
        let dark = Rect::from_xywh(left + at(x), top + at(y), at(length), module);
        path.push_rect(dark.ok_or(PaperError::Picture)?);
    }
    surface.draw_path(&path.finish().ok_or(PaperError::Picture)?);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use krilla::Document;

    use super::*;

    /// Texts of each script up to the longest that may be sent, and the highest logo.
    #[test]
    fn the_longest_texts_touch_neither_the_qr_nor_the_edge() {
        let logo = Qr::of("LOGO").unwrap().png().unwrap();
        let logo = Logo::open(&logo).unwrap();
        let letters = ["W", "ш", "ש", "ॐ", "漢", "แ", "ဪ", "W "];
        for (letter, bytes) in
            letters.iter().flat_map(|letter| (5..=200).step_by(15).map(move |bytes| (letter, bytes)))
        {
            let text = letter.repeat(bytes / letter.len());
            let note = letter.repeat(bytes * 5 / 2 / letter.len());
            let sheet = Sheet {
                event: &text,
                starts_at: "2027-09-01T20:00:00Z".parse().unwrap(),
                ends_at: Some("2027-09-29T03:00:00Z".parse().unwrap()),
                zone: "America/Argentina/ComodRivadavia",
                place: Some(&text),
                logo: Some(&logo),
                note: &note,
            };
            let ticket = Ticket {
                qr: "T1:",
                id: "tkt_3c9pkv0e5gg008000000000096",
                ticket_type: &text,
                place: Some(Place { section: &text, row: &text, seat: "12345678" }),
                price: "EUR 9999999.99",
                number: 50,
                of: 50,
            };
            let mut document = Document::new();
            let mut page = document.start_page();
            let mut surface = page.surface();
            let head = draw_head(&mut surface, &sheet, &ticket).unwrap();
            let foot = draw_foot(&mut surface, &sheet, &ticket);
            surface.finish();
            assert!(head <= QR_TOP, "{bytes} bytes of {letter} end at {head}");
            assert!(foot <= PAGE_HEIGHT_PT, "{bytes} bytes of {letter} end at {foot}");
        }
    }

    #[test]
    fn a_date_is_that_of_the_clocks_of_the_venue() {
        let sheet = |ends_at: Option<&str>| Sheet {
            event: "",
            starts_at: "2027-03-01T23:30:00Z".parse().unwrap(),
            ends_at: ends_at.map(|text| text.parse().unwrap()),
            zone: "Europe/Berlin",
            place: None,
            logo: None,
            note: "",
        };
        assert_eq!(date(&sheet(None)), "Tuesday, 2 March 2027, 00:30 (Europe/Berlin)");
        let same_day = date(&sheet(Some("2027-03-02T04:00:00Z")));
        assert_eq!(same_day, "Tuesday, 2 March 2027, 00:30 – 05:00 (Europe/Berlin)");
        let later = date(&sheet(Some("2027-03-02T23:00:00Z")));
        assert_eq!(later, "Tuesday, 2 March 2027, 00:30 – 3 March 2027, 00:00 (Europe/Berlin)");
    }
}
