//! Templates: compiled when they are saved, rendered for each message.

use minijinja::Environment;
use tessera_correspondence::Kind;

use crate::facts::{Facts, example, is_known};
use crate::nesting;
use crate::sandbox::{self, Bounded};
use crate::{HTML_BYTES_MAX, MJML_BYTES_MAX, MJML_DEPTH_MAX, SUBJECT_BYTES_MAX, TEXT_BYTES_MAX};

/// Names of the parts of a message; what ends in `.html` is escaped.
const PARTS: [&str; 3] = ["subject", "text", "mail.html"];

/// A template as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// MJML.
    pub mjml: String,
}

/// A template as it is rendered: three templates with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML that the MJML became.
    pub html: String,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The field: `subject`, `text` or `mjml`.
    pub field: &'static str,
    /// What is wrong, for whoever wrote it.
    pub message: String,
}

/// A message, made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The subject line, without control characters.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML.
    pub html: String,
}

/// A template that could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the template's {part} cannot be rendered: {reason}")]
pub struct RenderError {
    /// Which part.
    pub part: &'static str,
    /// Why.
    pub reason: String,
}

/// Compiles a template for a kind of message, and tries it with an example.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile(kind: Kind, source: &Source) -> Result<Compiled, Vec<TemplateError>> {
    let mut errors = Vec::new();
    for (field, text, bytes_max) in [
        ("subject", &source.subject, SUBJECT_BYTES_MAX),
        ("text", &source.text, TEXT_BYTES_MAX),
        ("mjml", &source.mjml, MJML_BYTES_MAX),
    ] {
        if text.is_empty() || text.len() > bytes_max {
            let message = format!("it has 1 to {bytes_max} bytes");
            errors.push(TemplateError { field, message });
        } else if let Err(forbidden) = sandbox::check(text) {
            errors.push(TemplateError { field, message: forbidden.to_string() });
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let html = html(&source.mjml).map_err(|message| vec![TemplateError { field: "mjml", message }])?;
    let compiled = Compiled { subject: source.subject.clone(), text: source.text.clone(), html };
    for (field, name, text) in [
        ("subject", PARTS[0], &compiled.subject),
        ("text", PARTS[1], &compiled.text),
        ("mjml", PARTS[2], &compiled.html),
    ] {
        if let Err(message) = check_names(kind, name, text) {
            errors.push(TemplateError { field, message });
        }
    }
    if errors.is_empty()
        && let Err(error) = render(kind, &compiled, &example(kind))
    {
        let field = if error.part == PARTS[2] { "mjml" } else { error.part };
        errors.push(TemplateError { field, message: error.reason });
    }
    if errors.is_empty() { Ok(compiled) } else { Err(errors) }
}

/// Compiles a template of short texts for a kind of message, which has no MJML, and tries it with an example.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compile_short(kind: Kind, source: &Source) -> Result<Compiled, Vec<TemplateError>> {
    let mut errors = Vec::new();
    for (field, text, bytes_max) in
        [(PARTS[0], &source.subject, SUBJECT_BYTES_MAX), (PARTS[1], &source.text, TEXT_BYTES_MAX)]
    {
        let checked = if text.is_empty() || text.len() > bytes_max {
            Err(format!("it has 1 to {bytes_max} bytes"))
        } else {
            sandbox::check(text)
                .map_err(|forbidden| forbidden.to_string())
                .and_then(|()| check_names(kind, field, text))
        };
        if let Err(message) = checked {
            errors.push(TemplateError { field, message });
        }
    }
    if !source.mjml.is_empty() {
        let message = "a short text has no looks".to_owned();
        errors.push(TemplateError { field: "mjml", message });
    }
    let compiled =
        Compiled { subject: source.subject.clone(), text: source.text.clone(), html: String::new() };
    if errors.is_empty()
        && let Err(error) = render(kind, &compiled, &example(kind))
    {
        errors.push(TemplateError { field: error.part, message: error.reason });
    }
    if errors.is_empty() { Ok(compiled) } else { Err(errors) }
}

/// Makes the message of a template.
///
/// # Errors
/// [`RenderError`], also where it takes too long or becomes too large.
pub fn render(kind: Kind, compiled: &Compiled, facts: &Facts) -> Result<Rendered, RenderError> {
    let (environment, context) = (sandbox::environment(), facts.context(kind));
    let part = |name: &'static str, source: &str| {
        let failed = |error: minijinja::Error| RenderError { part: name, reason: reason(&error) };
        let template = environment.template_from_named_str(name, source).map_err(failed)?;
        let mut out = Bounded::default();
        template.render_captured_to(&context, &mut out).map_err(failed)?;
        String::from_utf8(out.0).map_err(|_| RenderError { part: name, reason: "it is no UTF-8".to_owned() })
    };
    let subject = part(PARTS[0], &compiled.subject)?;
    let subject = subject.split(char::is_control).collect::<Vec<_>>().join(" ").trim().to_owned();
    Ok(Rendered { subject, text: part(PARTS[1], &compiled.text)?, html: part(PARTS[2], &compiled.html)? })
}

/// The HTML of MJML, placeholders included. No font of another host is linked.
fn html(mjml: &str) -> Result<String, String> {
    match nesting::depth(mjml) {
        None => return Err("it is no MJML: a tag or a comment does not end".to_owned()),
        Some(deep) if deep > MJML_DEPTH_MAX => {
            return Err(format!("its elements are nested more than {MJML_DEPTH_MAX} deep"));
        }
        Some(_) => {}
    }
    let parsed = mrml::parse(mjml).map_err(|error| format!("it is no MJML: {error}"))?;
    let options = mrml::prelude::render::RenderOptions {
        disable_comments: true,
        social_icon_origin: None,
        fonts: std::collections::HashMap::new(),
    };
    let html = parsed.element.render(&options).map_err(|error| format!("it is no MJML: {error}"))?;
    if html.len() > HTML_BYTES_MAX {
        return Err(format!("it becomes {} bytes of HTML; {HTML_BYTES_MAX} is the most", html.len()));
    }
    // What the compiler leaves out, such as a comment, may have stood between the two letters of a tag.
    sandbox::check(&html).map_err(|forbidden| forbidden.to_string())?;
    Ok(html)
}

fn check_names(kind: Kind, name: &str, source: &str) -> Result<(), String> {
    let environment: Environment<'_> = sandbox::environment();
    let template = environment.template_from_named_str(name, source).map_err(|error| reason(&error))?;
    let mut unknown: Vec<_> =
        template.undeclared_variables(true).into_iter().filter(|name| !is_known(kind, name)).collect();
    unknown.sort_unstable();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!("a message of kind {} has no {}", kind.name(), unknown.join(", ")))
}

fn reason(error: &minijinja::Error) -> String {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    format!("{}{detail}{source}{line}", error.kind())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn source(subject: &str, text: &str, inner: &str) -> Source {
        let mjml = format!(
            "<mjml><mj-body><mj-section><mj-column><mj-text>{inner}</mj-text></mj-column></mj-section></mj-body></mjml>"
        );
        Source { subject: subject.to_owned(), text: text.to_owned(), mjml }
    }

    #[test]
    fn a_template_says_what_it_is_given_and_escapes_it_in_html_only() {
        let source = source(
            "Tickets for {{ event.name }}",
            "{% for ticket in tickets %}{{ ticket.type }} {{ ticket.place }}\n{% endfor %}",
            "Dear {{ recipient.name | upper }}",
        );
        let compiled = compile(Kind::Confirmation, &source).unwrap();
        let facts = example(Kind::Confirmation)
            .text("event.name", "A <b>\r\nBcc: eve@example.com")
            .text("recipient.name", "<script>");
        let made = render(Kind::Confirmation, &compiled, &facts).unwrap();
        assert_eq!(made.subject, "Tickets for A <b>  Bcc: eve@example.com", "one line");
        assert_eq!(made.text, "Seat A · 1 · 4\nSeat A · 1 · 5\n");
        assert!(
            made.html.contains("Dear &lt;SCRIPT&gt;") && !made.html.contains("https://"),
            "{}",
            made.html
        );
    }

    #[test]
    fn a_short_template_has_a_title_and_a_text_alone() {
        let short = |subject: &str, text: &str, mjml: &str| Source {
            subject: subject.to_owned(),
            text: text.to_owned(),
            mjml: mjml.to_owned(),
        };
        let fields = |source: Source| {
            let errors = compile_short(Kind::Refund, &source).err().unwrap_or_default();
            errors.iter().map(|error| error.field).collect::<Vec<_>>()
        };
        assert_eq!(fields(short("{{ event.name }}", "{{ order.id }}", "")), [""; 0]);
        assert_eq!(fields(short("", "{% set a = 1 %}", "<mjml />")), ["subject", "text", "mjml"]);
        assert_eq!(fields(short("x", "{{ tickets }}", "")), ["text"]);
        assert_eq!(fields(short("x", "{{ order.id | shout }}", "")), ["text"]);
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said_when_it_is_saved() {
        let check = |subject: &str, text: &str, inner: &str, field: &str, message: &str| {
            let errors = compile(Kind::Refund, &source(subject, text, inner)).unwrap_err();
            let error = errors.iter().find(|error| error.field == field);
            let found = error.is_some_and(|error| error.message.contains(message));
            assert!(found, "{field} {message}: {errors:?}");
        };
        check("", "x", "x", "subject", "1 to 500 bytes");
        check("x", &"x".repeat(TEXT_BYTES_MAX + 1), "x", "text", "bytes");
        check("{{ ticket.owner }}", "x", "x", "subject", "has no ticket.owner");
        check("x", "{{ tickets }}", "{{ nobody }}", "text", "has no tickets");
        check("x", "x", "{{ nobody }}", "mjml", "has no nobody");
        check("x", "{% set a = 1 %}", "x", "text", "no statement");
        check("x", "{% if %}", "x", "text", "syntax error");
        check("x", "{{ order.id | shout }}", "x", "text", "filter");
        check("x", "x", "<mj-nothing>", "mjml", "no MJML");
        check("x", "x", "x</mj-text><mj-include path=\"/etc/passwd\" /><mj-text>", "mjml", "no MJML");
        check("x", "x", &"<div>".repeat(40), "mjml", "deep");
        check("x", "x", &"<p a=\"/>\">".repeat(40), "mjml", "deep");
        check("x", "x", &"<div><!-- </div> -->".repeat(40), "mjml", "deep");
        check("x", "x", "<!--[if mso]x", "mjml", "does not end");
        check("x", "x", "{<!-- -->% set a = 1 %}", "mjml", "no statement");
        check("x", "x", "{<!-- -->{ event.name ~ event.name }}", "mjml", "no operator");
    }

    #[test]
    fn a_template_that_takes_too_long_or_becomes_too_large_is_stopped() {
        let letters = "xxxxxxxxxx".repeat(100);
        let lists = "[1,2,3,4,5,6,7,8,9,0]";
        let mut text = letters;
        for name in ["a", "b", "c", "d", "e"] {
            text = format!("{{% for {name} in {lists} %}}{text}{{% endfor %}}");
        }
        let errors = compile(Kind::Refund, &source("x", &text, "x")).unwrap_err();
        assert!(errors[0].message.contains("too long") || errors[0].message.contains("fuel"), "{errors:?}");
        let mut empty = String::new();
        for name in ["a", "b", "c", "d", "e", "f"] {
            empty = format!("{{% for {name} in {lists} %}}{empty}{{% endfor %}}");
        }
        let errors = compile(Kind::Refund, &source("x", &empty, "x")).unwrap_err();
        assert!(errors[0].message.contains("fuel"), "{errors:?}");
    }
}
