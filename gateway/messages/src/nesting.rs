//! How deep the elements of MJML are nested, found without recursion and before it is compiled: the compiler reads and renders by recursion.
//! Tags are read as the compiler's reader (htmlparser 0.2) does: what stands in quotes or in a comment is none.

/// Elements that have neither content nor a closing tag.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];
/// Begin conditional comments.
const CONDITIONS: [&str; 4] = ["<!--[if", "<![if", "<![endif]", "<!--<![endif"];
/// What may follow the bracket that closes a condition: at anything else the compiler's reader panics.
const CONDITION_ENDS: [&str; 4] = [">-->", "><!-->", "-->", ">"];
/// Begins what the reader takes for the end of a condition, whatever follows.
const CONDITION_END: &str = "<![endif";
/// What is no tag, and how it ends.
const OTHERS: [(&str, &str); 4] = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">")];

/// What a tag does to the depth.
enum Tag {
    Opens,
    Closes,
    Neither,
}

/// How deep elements are nested, at most; `None`: a tag or a comment does not end.
pub(crate) fn depth(mjml: &str) -> Option<usize> {
    let (mut depth, mut deepest, mut rest) = (0_usize, 0, mjml);
    while let Some(at) = rest.find('<') {
        let (tag, behind) = tag(&rest[at..])?;
        rest = behind;
        match tag {
            Tag::Opens => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Tag::Closes => depth = depth.saturating_sub(1),
            Tag::Neither => {}
        }
    }
    Some(deepest)
}

/// The tag or comment that a text begins with, and what is behind it.
fn tag(text: &str) -> Option<(Tag, &str)> {
    if CONDITIONS.iter().any(|begin| text.starts_with(*begin)) {
        let (_, closed) = text.split_once(']')?;
        let behind = CONDITION_ENDS.iter().find_map(|end| closed.strip_prefix(*end))?;
        return Some((Tag::Neither, behind));
    }
    if text.starts_with(CONDITION_END) {
        return None;
    }
    for (begin, end) in OTHERS {
        if let Some(inner) = text.strip_prefix(begin) {
            return inner.split_once(end).map(|(_, behind)| (Tag::Neither, behind));
        }
    }
    if let Some(inner) = text.strip_prefix("</") {
        return inner.split_once('>').map(|(_, behind)| (Tag::Closes, behind));
    }
    opening(text.strip_prefix('<')?)
}

/// An opening tag behind its `<`: it ends with the first `>` that is in no quotes.
fn opening(inner: &str) -> Option<(Tag, &str)> {
    let (mut quote, mut last) = (None, ' ');
    for (at, letter) in inner.char_indices() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '>' => {
                let ends_name = |letter: char| letter.is_whitespace() || letter == '/' || letter == '>';
                let name = inner.split(ends_name).next().unwrap_or_default();
                let is_empty = last == '/' || VOID.contains(&name);
                return Some((if is_empty { Tag::Neither } else { Tag::Opens }, &inner[at + 1..]));
            }
            None if letter == '"' || letter == '\'' => quote = Some(letter),
            None => {}
        }
        last = letter;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_counted_as_the_compiler_reads_them() {
        let check = |mjml: &str, expected| assert_eq!(depth(mjml), expected, "{mjml}");
        check("x", Some(0));
        check("<a><b></b><b></b></a>", Some(2));
        check("<a><b /><br><br ></a>", Some(1));
        check("<a x=\"/>\"><b y='</a>'>", Some(2));
        check("<a x='\"'><b/>", Some(1));
        check("<a><!-- </a> <b><b> --><b>", Some(2));
        check("<a><![CDATA[</a>]]><b>", Some(2));
        check("<?xml </a> ?><a>", Some(1));
        check("<a><!--[if mso]><b><![endif]--></b></a>", Some(2));
        check("<a><!-- x", None);
        check("<a x=\">", None);
        check("<!--[if mso]x", None);
        check("<![endif x]>", None);
        check("a < b", None);
    }
}
