//! Which of two representations a client would rather have (RFC 9110, section 12.5.1).

use actix_web::HttpRequest;
use actix_web::http::header::{Accept, Header as _, Quality};
use actix_web::mime::{self, Mime};

/// Whether `Accept` prefers this type to JSON: by its weight, and among equal weights by how exactly it is named. JSON where neither is.
pub(crate) fn prefers(request: &HttpRequest, other: &str) -> bool {
    let Ok(accept) = Accept::parse(request) else { return false };
    let Ok(other) = other.parse() else { return false };
    let wanted = weight(&accept, &other);
    wanted.0 > Quality::ZERO && wanted > weight(&accept, &mime::APPLICATION_JSON)
}

/// The weight of the range that names this type most exactly, and how exactly: 3 the type, 2 its kind, 1 everything, 0 not at all.
fn weight(accept: &Accept, wanted: &Mime) -> (Quality, u8) {
    let ranges = accept.iter().map(|range| (range.quality, exactness(&range.item, wanted)));
    ranges
        .filter(|(_, exactness)| *exactness > 0)
        .max_by_key(|(_, exactness)| *exactness)
        .unwrap_or((Quality::ZERO, 0))
}

fn exactness(range: &Mime, wanted: &Mime) -> u8 {
    match (range.type_(), range.subtype()) {
        (mime::STAR, mime::STAR) => 1,
        (kind, mime::STAR) if kind == wanted.type_() => 2,
        (kind, subtype) if (kind, subtype) == (wanted.type_(), wanted.subtype()) => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_page_is_for_who_prefers_it() {
        for (accept, is_page) in [
            ("text/html", true),
            ("TEXT/HTML", true),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html, */*", true),
            ("text/*", true),
            ("application/json;q=0.5, text/html;q=0.6", true),
            ("application/json, text/html;q=0.1", false),
            ("text/html;q=0, application/json", false),
            ("text/html;q=0, */*", false),
            ("text/html;q=0", false),
            ("application/json, text/html", false),
            ("*/*", false),
            ("application/json", false),
            ("nonsense", false),
            ("", false),
        ] {
            let request = TestRequest::default().insert_header(("accept", accept)).to_http_request();
            assert_eq!(prefers(&request, "text/html"), is_page, "{accept}");
        }
        assert!(!prefers(&TestRequest::default().to_http_request(), "text/html"), "without the header");
    }
}
