//! A receipt explained to a person: one page without scripts or anything from elsewhere.

use std::fmt::Write;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tessera_inventory::{EventId, Timestamp};
use tessera_proof::{Checkpoint, Note, Outcome, Receipt, hash_of};

use super::receipt_words;
use crate::code::Code;
use crate::ids;
use crate::instant::Rfc3339;
use crate::problem::{self, Problem};
use crate::receipt::{ReceiptDocument, receipt_id};
use crate::render::documents;

/// How the page looks; nothing else may style it.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1b1f;background:#fff}\
h1{font-size:1.6rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #ddd;overflow-wrap:anywhere}\
th{white-space:nowrap;font-weight:600}pre{background:#f4f4f6;padding:1rem;overflow:auto;font-size:.8rem}";

/// The page of a receipt.
pub(crate) fn response(headers: &HeaderMap, receipt: &Receipt) -> Result<HttpResponse, Problem> {
    let json = serde_json::to_string_pretty(&ReceiptDocument::of(receipt));
    let json = json.map_err(|error| problem::internal(error.to_string()))?;
    let hash = STANDARD.encode(hash_of(STYLE.as_bytes()));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'");
    let policy = HeaderValue::from_str(&policy).map_err(|error| problem::internal(error.to_string()))?;
    let page = page(receipt, &json);
    let etag = documents::etag_of(page.as_bytes());
    let mut response = documents::cacheable(headers, &etag, "no-store", || Ok(BoxBody::new(page)))?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(response)
}

fn page(receipt: &Receipt, json: &str) -> String {
    let (headline, meaning) = told(receipt);
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>Receipt: {headline}</title><style>{STYLE}</style></head>\n<body>\n<h1>{headline}</h1>\n<p>{meaning}</p>\n<table>\n",
    );
    for (name, value) in rows(receipt) {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "<tr><th>{}</th><td>{}</td></tr>", escaped(&name), escaped(&value));
    }
    let _ = write!(
        text,
        "</table>\n<h2>What this proves</h2>\n<p>Every decision of this event, refusals included, is a leaf of one growing tree of hashes. The seller signed the root \
         of that tree below. Whoever changes, removes or adds a decision afterwards gets another root, and would have to show two signed trees that contradict each \
         other.</p>\n<p>Nothing here tells who asked.</p>\n<h2>Check it yourself</h2>\n<p>Save the receipt below as <code>receipt.json</code> and the keys from \
         <a href=\"/.well-known/tessera-keys\">/.well-known/tessera-keys</a> as <code>keys.json</code>, then run, without a network:</p>\n\
         <pre>tessera verify receipt.json --keys keys.json</pre>\n<pre>{}</pre>\n</body>\n</html>\n",
        escaped(json)
    );
    text
}

/// The outcome in a few words, and what it means: markup.
fn told(receipt: &Receipt) -> (String, String) {
    let asked = receipt_words::asked(receipt.leaf.kind);
    let sequence = receipt.leaf.sequence;
    match &receipt.leaf.outcome {
        Outcome::Accepted => (
            format!("Accepted: {asked}"),
            format!(
                "It was carried out. It is event {sequence} of the log, which nothing can take out again."
            ),
        ),
        Outcome::Refused { code, .. } => {
            let reason = match Code::find(code) {
                Some(code) => {
                    format!("{} (<a href=\"/docs/errors/{1}\">{1}</a>)", escaped(code.title()), code.text())
                }
                None => escaped(code),
            };
            let meaning = format!(
                "Asked was: {asked}. It was not carried out: {reason}. That was decided on the log up to event {sequence}, and cannot be changed afterwards."
            );
            (
                format!(
                    "Refused: {}",
                    Code::find(code).map_or_else(|| escaped(code), |code| escaped(code.title()))
                ),
                meaning,
            )
        }
    }
}

/// What the receipt says, by name.
fn rows(receipt: &Receipt) -> Vec<(String, String)> {
    let leaf = &receipt.leaf;
    let row = |name: &str, value: String| (name.to_owned(), value);
    let mut rows = vec![
        row("Asked", receipt_words::asked(leaf.kind).to_owned()),
        row("Decided at", Rfc3339(Timestamp(leaf.at_ms)).to_string()),
    ];
    rows.extend(receipt_words::details(&receipt.detail));
    rows.extend([
        row("Event", ids::event(EventId(leaf.event)).to_string()),
        row("Sequence", leaf.sequence.to_string()),
        row("Receipt", receipt_id(receipt.id)),
    ]);
    if let Some(checkpoint) = Note::parse(&receipt.checkpoint).and_then(|note| Checkpoint::parse(&note.text))
    {
        rows.push(row("Signed at", Rfc3339(Timestamp(checkpoint.at_ms)).to_string()));
        rows.push(row("Position", format!("{} of {} decisions", receipt.index + 1, checkpoint.size)));
    }
    rows
}

/// A text between tags.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, character| {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use tessera_proof::{Kind, Leaf};

    use super::*;

    fn refused(code: &str, detail: &str) -> Receipt {
        let leaf = Leaf {
            event: 7,
            kind: Kind::PlaceHold,
            sequence: 3,
            at_ms: 0,
            key: None,
            outcome: Outcome::Refused { epoch: 1, number: 2, code: code.to_owned() },
            detail: hash_of(detail.as_bytes()),
        };
        let (detail, checkpoint) = (detail.to_owned(), detail.to_owned());
        Receipt { id: leaf.id(), leaf, detail, index: 0, path: Vec::new(), checkpoint }
    }

    #[test]
    fn a_refusal_is_told_in_words_with_a_link_to_more() {
        let page = page(&refused("order_size", "min=1 max=4"), "{}");
        for words in [
            "<h1>Refused: Too few or too many units</h1>",
            "Asked was: Hold places for a buyer.",
            "<a href=\"/docs/errors/order_size\">order_size</a>",
            "<tr><th>Max</th><td>4</td></tr>",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }

    #[test]
    fn nothing_in_a_receipt_becomes_markup() {
        let hostile = "<script>alert('1')</script>&\"";
        let page = page(&refused(hostile, hostile), hostile);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"), "{page}");
        assert!(!page.contains("http://") && !page.contains("https://"), "nothing comes from elsewhere");
    }
}
