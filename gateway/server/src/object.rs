//! Structs that are read from JSON objects only. What serde derives also reads a struct from a list of its fields in order,
//! so that a line could be written `["Standing", 1]`: nobody means that, and it would change its meaning with a new field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

/// A struct whose derived reader is its own function (`#[serde(remote = "Self")]`); [`objects!`] implements this.
pub(crate) trait Fields<'de>: Sized {
    /// Reads the fields with what serde derives.
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// Reads an object, and nothing else.
pub(crate) fn read<'de, T: Fields<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Fields<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::read(MapAccessDeserializer::new(map))
    }
}

/// Has each struct, derived with `#[serde(remote = "Self")]`, read from an object only.
macro_rules! objects {
    ($($name:ident $(<$life:lifetime>)?),* $(,)?) => {$(
        impl<'de $(: $life, $life)?> $crate::object::Fields<'de> for $name $(<$life>)? {
            fn read<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // The derived function, which `remote` makes one of the struct itself.
                $name::deserialize(deserializer)
            }
        }

        impl<'de $(: $life, $life)?> ::serde::Deserialize<'de> for $name $(<$life>)? {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::object::read(deserializer)
            }
        }
    )*};
}
pub(crate) use objects;
