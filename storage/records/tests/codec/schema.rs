//! The files in `proto/` say the same as the messages of the codec: names, types and numbers, field by field.

use std::collections::BTreeMap;

const PROTO: [&str; 2] =
    [include_str!("../../proto/record.proto"), include_str!("../../proto/snapshot.proto")];
const MESSAGES: [&str; 6] = [
    include_str!("../../src/wire/mod.rs"),
    include_str!("../../src/wire/config.rs"),
    include_str!("../../src/wire/entry.rs"),
    include_str!("../../src/wire/snapshot.rs"),
    include_str!("../../src/wire/tariff.rs"),
    include_str!("../../src/wire/waitlist.rs"),
];

/// (message, field) to (type, number).
type Fields = BTreeMap<(String, String), (String, u32)>;

fn fields_of_proto() -> Fields {
    let mut fields = Fields::new();
    let mut message = String::new();
    for line in
        PROTO.iter().flat_map(|file| file.lines()).map(str::trim).filter(|line| !line.starts_with("//"))
    {
        let words: Vec<&str> = line.trim_end_matches([';', '{']).split_whitespace().collect();
        match words.as_slice() {
            ["message" | "enum", name] => message = (*name).to_owned(),
            ["repeated" | "optional", kind, name, "=", number] | [kind, name, "=", number] => {
                let entry = ((*kind).to_owned(), number.parse().unwrap());
                fields.insert((message.clone(), (*name).to_owned()), entry);
            }
            _ => {}
        }
    }
    // The codec writes these tags itself.
    assert_eq!(fields.remove(&("Snapshot".into(), "header".into())), Some(("SnapshotHeader".into(), 1)));
    assert_eq!(fields.remove(&("Snapshot".into(), "image".into())), Some(("Image".into(), 2)));
    assert_eq!(fields.remove(&("Record".into(), "header".into())), Some(("Header".into(), 1)));
    assert_eq!(fields.remove(&("Record".into(), "events".into())), Some(("Event".into(), 2)));
    fields
}

/// `HoldPlaced` to `hold_placed`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn inner(kind: &str) -> &str {
    kind.rsplit('<').next().unwrap().trim_end_matches('>')
}

fn fields_of_messages() -> Fields {
    let mut fields = Fields::new();
    for source in MESSAGES {
        let (mut message, mut attribute) = (String::new(), None);
        for line in source.lines().map(str::trim) {
            let words: Vec<&str> =
                line.split([' ', '(', ')', ',', ':']).filter(|word| !word.is_empty()).collect();
            match words.as_slice() {
                ["pub", "crate", "struct", name, "{"] => message = (*name).to_owned(),
                ["pub", "crate", "enum", "Body", "{"] => message = "Event".to_owned(),
                [start, ..] if start.starts_with("#[prost") => attribute = tag(line),
                ["pub", "crate", name, kind] => {
                    if let Some((protobuf, number)) = attribute.take() {
                        let kind = if protobuf == "message" { inner(kind).to_owned() } else { protobuf };
                        fields.insert((message.clone(), (*name).to_owned()), (kind, number));
                    }
                }
                [name, kind] => {
                    if let Some((_, number)) = attribute.take() {
                        fields.insert((message.clone(), snake(name)), (inner(kind).to_owned(), number));
                    }
                }
                _ => {}
            }
        }
    }
    fields
}

/// Type and number of a `#[prost(…)]`; `None` for the oneof itself.
fn tag(attribute: &str) -> Option<(String, u32)> {
    let inside = attribute.strip_prefix("#[prost(")?.strip_suffix(")]")?;
    let number = inside.split("tag = \"").nth(1)?.trim_end_matches('"').parse().ok()?;
    let kind = inside.split(',').next()?;
    let kind = kind
        .strip_prefix("enumeration = ")
        .map_or_else(|| kind.split(' ').next().unwrap().to_owned(), |name| name.trim_matches('"').to_owned());
    Some((kind, number))
}

#[test]
fn the_schema_for_outsiders_agrees_with_the_codec() {
    let proto = fields_of_proto();
    let messages = fields_of_messages();
    assert!(messages.len() > 100, "only {} fields were found", messages.len());
    assert_eq!(proto, messages);
}
