//! Schemas of what is rendered by hand: texts of a form, and words of a list.

use utoipa::ToSchema;
use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, Ref, RefOr};

/// A text of this form.
pub(crate) fn text(pattern: &str, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .description(Some(description))
        .build()
        .into()
}

/// An instant, RFC 3339.
pub(crate) fn instant(description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some(description))
        .build()
        .into()
}

/// One of these words.
pub(crate) fn words(words: impl IntoIterator<Item = &'static str>, description: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .description(Some(description))
        .build()
        .into()
}

/// A type by its name, as it stands in another.
pub(crate) fn of<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// A list of a type by its name.
pub(crate) fn list_of<T: ToSchema>() -> RefOr<Schema> {
    Schema::Array(ArrayBuilder::new().items(of::<T>()).build()).into()
}

/// One of two shapes.
pub(crate) fn either(one: RefOr<Schema>, other: RefOr<Schema>, description: &str) -> RefOr<Schema> {
    Schema::AnyOf(AnyOfBuilder::new().item(one).item(other).description(Some(description)).build()).into()
}

/// Gives a type whose text is made by hand its schema, under a name of its own.
macro_rules! schemas {
    ($($type:ty, $name:literal $(with $part:ty)* => $schema:expr;)*) => {$(
        impl ::utoipa::PartialSchema for $type {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                $schema
            }
        }

        impl ::utoipa::ToSchema for $type {
            fn name() -> ::std::borrow::Cow<'static, str> {
                $name.into()
            }

            $crate::openapi::schema::parts!($($part)*);
        }
    )*};
}
pub(crate) use schemas;

/// The types that a schema refers to by their names.
macro_rules! parts {
    () => {};
    ($($part:ty)+) => {
        fn schemas(
            schemas: &mut Vec<(String, ::utoipa::openapi::RefOr<::utoipa::openapi::Schema>)>,
        ) {$(
            schemas.push((
                <$part as ::utoipa::ToSchema>::name().into_owned(),
                <$part as ::utoipa::PartialSchema>::schema(),
            ));
            <$part as ::utoipa::ToSchema>::schemas(schemas);
        )+}
    };
}
pub(crate) use parts;
