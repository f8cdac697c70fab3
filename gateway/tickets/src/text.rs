//! Draws text that was laid out.

use krilla::geom::Point;
use krilla::surface::Surface;
use krilla::text::{GlyphId, KrillaGlyph};
use parley::{Layout, Line, Run};

use crate::typesetter::{self, Style};

/// A text in the largest of these styles in which it has no more lines than this; what is longer in all of them is cut off.
pub(crate) struct Paragraph<'a> {
    text: &'a str,
    layout: Layout<()>,
    lines_max: usize,
}

impl<'a> Paragraph<'a> {
    pub(crate) fn fit(text: &'a str, styles: &[Style], width_pt: f32, lines_max: usize) -> Paragraph<'a> {
        let mut layout = Layout::new();
        for style in styles {
            layout = typesetter::set(text, *style, width_pt);
            if layout.len() <= lines_max {
                break;
            }
        }
        Paragraph { text, layout, lines_max }
    }

    /// Height of what is drawn.
    pub(crate) fn height(&self) -> f32 {
        self.lines().map(|line| line.metrics().line_height).sum()
    }

    /// Draws it below `top`.
    pub(crate) fn draw(&self, surface: &mut Surface<'_>, left: f32, top: f32) {
        for line in self.lines() {
            self.draw_line(surface, &line, left, top);
        }
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_, ()>> {
        self.layout.lines().take(self.lines_max)
    }

    fn draw_line(&self, surface: &mut Surface<'_>, line: &Line<'_, ()>, left: f32, top: f32) {
        let metrics = line.metrics();
        let (mut x, y) = (left + metrics.offset, top + metrics.baseline);
        for run in line.runs() {
            let (glyphs, advance) = glyphs(&run);
            let font = typesetter::font(run.font().data.id());
            if let Some(font) = font.filter(|_| !glyphs.is_empty()) {
                surface.draw_glyphs(Point::from_xy(x, y), &glyphs, font, self.text, run.font_size(), false);
            }
            x += advance;
        }
    }
}

/// The glyphs of a run from left to right, in font sizes, and the width of all, in points.
fn glyphs(run: &Run<'_, ()>) -> (Vec<KrillaGlyph>, f32) {
    let size = run.font_size();
    let (mut glyphs, mut advance) = (Vec::<KrillaGlyph>::new(), 0.0);
    for cluster in run.visual_clusters() {
        if cluster.is_ligature_continuation() {
            // It is shown by the glyph of the ligature, which stands for its text, too.
            if let Some(glyph) = glyphs.last_mut() {
                let (range, more) = (glyph.text_range.clone(), cluster.text_range());
                glyph.text_range = range.start.min(more.start)..range.end.max(more.end);
            }
            continue;
        }
        for glyph in cluster.glyphs() {
            glyphs.push(KrillaGlyph::new(
                GlyphId::new(glyph.id),
                glyph.advance / size,
                glyph.x / size,
                glyph.y / size,
                0.0,
                cluster.text_range(),
                None,
            ));
            advance += glyph.advance;
        }
    }
    (glyphs, advance)
}
