use std::collections::HashSet;

use super::*;
use crate::code::Code;

/// Calls `visit` with every object below a value.
fn walk(value: &Value, visit: &mut dyn FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|value| walk(value, visit));
        }
        Value::Array(list) => list.iter().for_each(|value| walk(value, visit)),
        _ => {}
    }
}

#[test]
fn every_route_is_in_the_document_once() {
    let document = build();
    let mut ids = HashSet::new();
    for route in Route::ALL.iter().filter(|route| **route != Route::NotFound) {
        let operation = &document["paths"][route.template()][route.method().to_ascii_lowercase()];
        assert!(operation["summary"].is_string(), "{route:?} is not documented");
        assert!(ids.insert(operation["operationId"].to_string()), "{route:?} has the name of another");
        let tag = operation["tags"][0].as_str();
        assert!(TAGS.iter().any(|(name, _)| Some(*name) == tag), "{route:?} stands under no heading");
    }
}

#[test]
fn every_code_is_some_reply_and_has_an_example() {
    let document = build();
    let mut documented = HashSet::new();
    walk(&json!([document["paths"], document["components"]["responses"]]), &mut |object| {
        let codes = object.get("enum").and_then(Value::as_array).into_iter().flatten();
        documented.extend(codes.filter_map(|code| Some(code.as_str()?.to_owned())));
    });
    for code in Code::ALL {
        assert!(documented.contains(code.text()), "no route may answer {}", code.text());
        assert_eq!(problem::example(*code)["code"], code.text());
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = build();
    let mut used = HashSet::new();
    walk(&document, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            used.insert(pointer.to_owned());
        }
    });
    for kind in ["schemas", "parameters", "headers"] {
        for name in document["components"][kind].as_object().into_iter().flat_map(|one| one.keys()) {
            assert!(used.contains(&format!("/components/{kind}/{name}")), "nobody refers to {kind}/{name}");
        }
    }
}

#[test]
fn limits_in_schemas_are_those_of_the_code() {
    use crate::limits::{
        ACCESS_CODE_BYTES_MAX, BUYER_REFERENCE_BYTES_MAX, BUYER_TOKENS_MAX, NAME_BYTES_MAX, UNITS_SEATS_MAX,
    };
    let document = build();
    let of = |schema: &str, property: &str, limit: &str| {
        document["components"]["schemas"][schema]["properties"][property][limit].as_u64()
    };
    let same = |found: Option<u64>, limit: usize| assert_eq!(found, u64::try_from(limit).ok());
    same(of("EventRequest", "name", "maxLength"), NAME_BYTES_MAX);
    same(of("ApiKeyRequest", "name", "maxLength"), NAME_BYTES_MAX);
    same(of("BuyerTokensRequest", "count", "maximum"), BUYER_TOKENS_MAX);
    same(of("BuyerTokensRequest", "buyers", "maxItems"), BUYER_TOKENS_MAX);
    same(of("HoldRequest", "access_code", "maxLength"), ACCESS_CODE_BYTES_MAX);
    same(of("HoldRequest", "buyer", "maxLength"), BUYER_REFERENCE_BYTES_MAX);
    same(of("UnitsRequest", "seats", "maxItems"), UNITS_SEATS_MAX);
    same(of("HoldRequest", "lines", "maxItems"), tessera_inventory::HOLD_LINES_MAX);
}
