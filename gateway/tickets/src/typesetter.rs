//! Lays out text in any script with the fonts that are shipped.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use krilla::text::Font;
use parley::fontique::{Blob, Collection, CollectionOptions, SourceCache};
use parley::{
    Alignment, AlignmentOptions, FontContext, FontFamily, FontFamilyName, FontWeight, Layout, LayoutContext,
    LineHeight, OverflowWrap, StyleProperty,
};

macro_rules! fonts {
    ($($file:literal),* $(,)?) => {
        [$(include_bytes!(concat!("../fonts/", $file)).as_slice()),*]
    };
}

/// Every font, in the order in which a character is looked for. `fonts/README.md` describes them.
static FONTS: [&[u8]; 21] = fonts![
    "NotoSans-Regular.ttf",
    "NotoSans-Bold.ttf",
    "NotoSansArabic-Regular.ttf",
    "NotoSansArmenian-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansEthiopic-Regular.ttf",
    "NotoSansGeorgian-Regular.ttf",
    "NotoSansGujarati-Regular.ttf",
    "NotoSansGurmukhi-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansKannada-Regular.ttf",
    "NotoSansKhmer-Regular.ttf",
    "NotoSansLao-Regular.ttf",
    "NotoSansMalayalam-Regular.ttf",
    "NotoSansMyanmar-Regular.ttf",
    "NotoSansSinhala-Regular.ttf",
    "NotoSansTamil-Regular.ttf",
    "NotoSansTelugu-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "wqy-microhei.ttc",
];

/// Height of a line, in font sizes.
const LINE_HEIGHT: f32 = 1.25;

/// The fonts, parsed once a process.
struct Shelf {
    collection: Collection,
    families: Vec<String>,
    /// By the identity of their bytes.
    fonts: HashMap<u64, Font>,
}

fn shelf() -> &'static Shelf {
    static SHELF: OnceLock<Shelf> = OnceLock::new();
    SHELF.get_or_init(|| {
        let mut collection =
            Collection::new(CollectionOptions { system_fonts: false, ..CollectionOptions::default() });
        let (mut families, mut fonts) = (Vec::new(), HashMap::new());
        for bytes in FONTS {
            let blob = Blob::new(Arc::new(bytes));
            if let Some(font) = Font::new(bytes.into(), 0) {
                fonts.insert(blob.id(), font);
            }
            // A file may have more than one family: the first is that of the font at its beginning.
            if let Some((family, _)) = collection.register_fonts(blob, None).first() {
                families.extend(collection.family_name(*family).map(str::to_owned));
            }
        }
        families.dedup();
        Shelf { collection, families, fonts }
    })
}

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) size_pt: f32,
    pub(crate) bold: bool,
}

/// What a thread lays out with.
struct Typesetter {
    fonts: FontContext,
    layouts: LayoutContext<()>,
}

thread_local! {
    static TYPESETTER: RefCell<Typesetter> = RefCell::new(Typesetter {
        fonts: FontContext { collection: shelf().collection.clone(), source_cache: SourceCache::default() },
        layouts: LayoutContext::new(),
    });
}

/// The lines of a text of this width.
pub(crate) fn set(text: &str, style: Style, width_pt: f32) -> Layout<()> {
    let families: Vec<_> =
        shelf().families.iter().map(|name| FontFamilyName::Named(Cow::Borrowed(name.as_str()))).collect();
    TYPESETTER.with_borrow_mut(|typesetter| {
        let Typesetter { fonts, layouts } = typesetter;
        let mut builder = layouts.ranged_builder(fonts, text, 1.0, false);
        builder.push_default(FontFamily::List(Cow::Borrowed(&families)));
        builder.push_default(StyleProperty::FontSize(style.size_pt));
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(LINE_HEIGHT)));
        // A word that is wider than the page goes on in the next line.
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::BreakWord));
        if style.bold {
            builder.push_default(StyleProperty::FontWeight(FontWeight::BOLD));
        }
        let mut layout = builder.build(text);
        layout.break_all_lines(Some(width_pt));
        layout.align(Alignment::Start, AlignmentOptions::default());
        layout
    })
}

/// The font of these bytes, which a layout has taken from the shelf.
pub(crate) fn font(blob: u64) -> Option<Font> {
    shelf().fonts.get(&blob).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word of each script that `fonts/README.md` names.
    const WORDS: [&str; 25] = [
        "Żółć Größe Việt Nam €",
        "Ελληνικά",
        "Українська",
        "منطقة الوقوف",
        "Հայերեն",
        "বাংলা",
        "हिन्दी पंक्ति",
        "አማርኛ",
        "ქართული",
        "ગુજરાતી",
        "ਪੰਜਾਬੀ",
        "עברית",
        "ಕನ್ನಡ",
        "ភាសាខ្មែរ",
        "ລາວ",
        "മലയാളം",
        "မြန်မာ",
        "සිංහල",
        "தமிழ்",
        "తెలుగు",
        "ภาษาไทย",
        "前排座位",
        "ひらがなカタカナ",
        "한국어 클럽",
        "A · 12 – “x”",
    ];

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        for word in WORDS.iter().map(|word| word.replace(' ', "").repeat(20)) {
            let layout = set(&word, Style { size_pt: 17.0, bold: true }, 250.0);
            assert!(layout.len() > 1, "{word} is one line");
            let widest = layout.lines().map(|line| line.metrics().advance).fold(0.0, f32::max);
            assert!(widest <= 250.0, "{word} is {widest} wide");
        }
    }

    #[test]
    fn every_script_that_is_promised_has_its_glyphs() {
        for word in WORDS {
            let layout = set(word, Style { size_pt: 10.0, bold: true }, 500.0);
            let mut glyphs = 0;
            for run in layout.lines().flat_map(|line| line.runs()) {
                assert!(font(run.font().data.id()).is_some(), "{word} is set in a font that is not shipped");
                for glyph in run.visual_clusters().flat_map(|cluster| cluster.glyphs().collect::<Vec<_>>()) {
                    glyphs += 1;
                    assert_ne!(glyph.id, 0, "{word} has an empty box");
                }
            }
            assert!(glyphs > 0, "{word} is not shown");
        }
    }
}
