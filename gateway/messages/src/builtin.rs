//! The templates that the product has: every kind of message in English and German, one layout for all.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use tessera_correspondence::Kind;

use crate::template::{Compiled, Source, compile, compile_short};

/// The layout of the HTML of every built-in template; `BODY` is its content.
const LAYOUT: &str = include_str!("../templates/layout.mjml");
/// Stands in the layout for the content.
const BODY: &str = "BODY";
/// Between the parts of a file: subject, text, body of the HTML.
const PART: &str = "\n---\n";

macro_rules! files {
    ($($language:literal: [$($kind:ident $file:literal),*]),*) => {
        /// (language, kind, file)
        const FILES: &[(&str, Kind, &str)] = &[$($(
            ($language, Kind::$kind, include_str!(concat!("../templates/", $language, "/", $file, ".txt")))
        ),*),*];

        /// The same for channels of short texts: title and text.
        const SHORT_FILES: &[(&str, Kind, &str)] = &[$($(
            ($language, Kind::$kind, include_str!(concat!("../templates/", $language, "/short/", $file, ".txt")))
        ),*),*];
    };
}

files! {
    "en": [
        Confirmation "confirmation", Offer "offer", Refund "refund", Dispute "dispute", Transfer "transfer",
        Change "change", Reminder "reminder", PaymentFailed "payment_failed", HoldEnding "hold_ending",
        Emergency "emergency", Announcement "announcement"
    ],
    "de": [
        Confirmation "confirmation", Offer "offer", Refund "refund", Dispute "dispute", Transfer "transfer",
        Change "change", Reminder "reminder", PaymentFailed "payment_failed", HoldEnding "hold_ending",
        Emergency "emergency", Announcement "announcement"
    ]
}

/// By language and kind.
type Templates = BTreeMap<(&'static str, Kind), (Source, Compiled)>;

/// Languages that the built-in templates have; the first is for everybody else.
#[must_use]
pub const fn languages() -> [&'static str; 2] {
    ["en", "de"]
}

/// The layout of the built-in templates, with a body.
#[must_use]
pub fn layout(body: &str) -> String {
    LAYOUT.replacen(BODY, body, 1)
}

/// The built-in template of a kind in a language, with its source; English where there is none.
#[must_use]
pub fn builtin(kind: Kind, language: &str) -> (&'static str, &'static Source, &'static Compiled) {
    static ALL: LazyLock<Templates> = LazyLock::new(compile_all);
    find(&ALL, kind, language)
}

/// The same for channels of short texts.
#[must_use]
pub fn builtin_short(kind: Kind, language: &str) -> (&'static str, &'static Source, &'static Compiled) {
    static ALL: LazyLock<Templates> = LazyLock::new(compile_all_short);
    find(&ALL, kind, language)
}

fn find(
    all: &'static Templates,
    kind: Kind,
    language: &str,
) -> (&'static str, &'static Source, &'static Compiled) {
    let language = languages().into_iter().find(|known| *known == language).unwrap_or(languages()[0]);
    // A test compiles the template of every kind in every language.
    #[allow(clippy::expect_used)]
    let (source, compiled) = all.get(&(language, kind)).expect("every kind has a template in each language");
    (language, source, compiled)
}

fn compile_all() -> Templates {
    let mut all = Templates::new();
    for (language, kind, file) in FILES {
        let mut parts = file.splitn(3, PART);
        let mut part = || parts.next().unwrap_or_default();
        let (subject, text, body) = (part().to_owned(), part().to_owned(), part());
        let source = Source { subject, text, mjml: layout(body) };
        if let Ok(compiled) = compile(*kind, &source) {
            all.insert((*language, *kind), (source, compiled));
        }
    }
    all
}

fn compile_all_short() -> Templates {
    let mut all = Templates::new();
    for (language, kind, file) in SHORT_FILES {
        let (subject, text) = file.split_once(PART).unwrap_or_default();
        let source = Source { subject: subject.to_owned(), text: text.to_owned(), mjml: String::new() };
        if let Ok(compiled) = compile_short(*kind, &source) {
            all.insert((*language, *kind), (source, compiled));
        }
    }
    all
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::facts::{Fact, Facts, example};
    use crate::template::render;

    #[test]
    fn every_kind_has_a_template_in_each_language_that_says_nothing_of_templates() {
        for (language, kind, file) in FILES {
            let parts: Vec<_> = file.splitn(3, PART).collect();
            let source =
                Source { subject: parts[0].to_owned(), text: parts[1].to_owned(), mjml: layout(parts[2]) };
            let errors = compile(*kind, &source).err();
            assert_eq!(errors, None, "{language} {kind:?}");
            let (found, _, compiled) = builtin(*kind, language);
            assert_eq!(found, *language);
            for facts in [example(*kind), Facts::default()] {
                let made = render(*kind, compiled, &facts).unwrap();
                for text in [&made.subject, &made.text, &made.html] {
                    assert!(!text.contains("{{") && !text.contains("{%") && !text.is_empty(), "{text}");
                }
            }
        }
        for kind in Kind::ALL {
            assert_eq!(builtin(*kind, "fr").0, "en");
        }
    }

    #[test]
    fn a_refund_of_no_ticket_says_that_a_part_is_given_back() {
        let check = |language: &str, count: u64, part: &str| {
            let facts = example(Kind::Refund).with("refund.count", Fact::Number(count));
            let mail = render(Kind::Refund, builtin(Kind::Refund, language).2, &facts).unwrap();
            let short = render(Kind::Refund, builtin_short(Kind::Refund, language).2, &facts).unwrap();
            for text in [&mail.text, &mail.html, &short.text] {
                assert!(text.contains(part) && !text.contains("0 of") && !text.contains("0 Ihrer"), "{text}");
            }
        };
        check("en", 0, "Your tickets stay valid.");
        check("en", 1, "1 of your tickets");
        check("de", 0, "Ihre Tickets bleiben gültig.");
        check("de", 2, "2 ");
    }

    #[test]
    fn a_dispute_says_how_it_stands_to_the_buyer_and_to_the_team() {
        let check = |language: &str, what: &str, team: &str, part: &str| {
            let facts = example(Kind::Dispute).text("dispute.what", what).text("dispute.is_team", team);
            let mail = render(Kind::Dispute, builtin(Kind::Dispute, language).2, &facts).unwrap();
            let short = render(Kind::Dispute, builtin_short(Kind::Dispute, language).2, &facts).unwrap();
            for text in [&mail.text, &mail.html, &short.text] {
                assert!(text.contains(part), "{part} is not in {text}");
            }
        };
        check("en", "open", "", "are not valid");
        check("en", "won", "", "valid again");
        check("en", "lost", "", "void");
        check("en", "open", "yes", "disputes the payment");
        check("en", "won", "yes", "is won");
        check("en", "lost", "yes", "is lost");
        check("de", "open", "", "nicht gültig");
        check("de", "won", "", "wieder gültig");
        check("de", "lost", "", "ungültig");
        check("de", "open", "yes", "bestritten");
        check("de", "won", "yes", "gewonnen");
        check("de", "lost", "yes", "verloren");
    }

    #[test]
    fn every_kind_has_a_short_template_in_each_language() {
        for (language, kind, file) in SHORT_FILES {
            let (subject, text) = file.split_once(PART).unwrap();
            let source = Source { subject: subject.to_owned(), text: text.to_owned(), mjml: String::new() };
            assert_eq!(compile_short(*kind, &source).err(), None, "{language} {kind:?}");
            let (found, _, compiled) = builtin_short(*kind, language);
            assert_eq!(found, *language);
            for facts in [example(*kind), Facts::default()] {
                let made = render(*kind, compiled, &facts).unwrap();
                for text in [&made.subject, &made.text] {
                    assert!(!text.contains("{{") && !text.contains("{%") && !text.is_empty(), "{text}");
                }
                assert!(made.text.chars().count() < 320 && made.html.is_empty(), "{}", made.text);
            }
        }
        let made = render(Kind::Change, builtin_short(Kind::Change, "de").2, &example(Kind::Change)).unwrap();
        assert_eq!(made.text.trim(), "An evening of engines (1 January 2030, 20:00) ist abgesagt.");
    }
}
