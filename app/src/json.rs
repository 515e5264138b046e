//! Reads JSON into the shared types in a quarter of the code that `serde_json` makes for them: one
//! small reader with no types in it (`json/reader.rs`), and errors without words, which nobody would read.
//!
//! The tests hold it to `serde_json`. Not here: writing, which stays `serde_json`'s; numbers with
//! fractions and enums with data, of which no view has any.

mod reader;

use reader::Reader;
use serde::de::value::U64Deserializer;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use std::fmt;

/// How a [`Later`] asks for its text.
const LATER: &str = "Later";

/// The text is no JSON, or is not what was expected.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Reads a whole text.
///
/// # Errors
/// It cannot be read as a `T`.
pub fn read<'de, T: de::Deserialize<'de>>(text: &'de str) -> Result<T, Unreadable> {
    let mut reader = Reader::new(text);
    let value = T::deserialize(&mut reader)?;
    if reader.is_at_end() { Ok(value) } else { Err(Unreadable) }
}

/// The text of a value that is read later, when it is known what it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Later<'a>(pub &'a str);

impl<'de: 'a, 'a> de::Deserialize<'de> for Later<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Later<'de>;
            fn expecting(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Ok(())
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Later(text))
            }
        }
        deserializer.deserialize_newtype_struct(LATER, Text)
    }
}

/// What serde's derived code asks of a reader. Only what it really asks, so that of each type only one
/// way to read it is compiled: structs by name, lists by place.
impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.word()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(Unreadable),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_i64(self.whole()?)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_u64(self.whole()?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_str(self.string()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        if self.takes_null()? { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        if name != LATER {
            return visitor.visit_newtype_struct(self);
        }
        visitor.visit_borrowed_str(self.skipped()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.expect(b'[')?;
        let list = visitor.visit_seq(Items { reader: self, names: &[], is_first: true })?;
        self.expect(b']')?;
        Ok(list)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.expect(b'{')?;
        let object = visitor.visit_map(Items { reader: self, names, is_first: true })?;
        self.expect(b'}')?;
        Ok(object)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(Choice(self.place_in(names)?))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.skipped()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 u8 f32 f64 char bytes byte_buf unit unit_struct tuple_struct map
        identifier
    }
}

/// The items of a list, or the members of an object whose names these are.
struct Items<'reader, 'de> {
    reader: &'reader mut Reader<'de>,
    names: &'static [&'static str],
    is_first: bool,
}

impl<'de> de::SeqAccess<'de> for Items<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unreadable> {
        let goes_on = self.reader.goes_on(b']', &mut self.is_first);
        if goes_on { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> de::MapAccess<'de> for Items<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unreadable> {
        match self.reader.member(self.names, &mut self.is_first)? {
            Some(place) => seed.deserialize(place_among_names(place)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, Unreadable> {
        seed.deserialize(&mut *self.reader)
    }
}

/// Serde's derived code takes a field or a variant by its place among the names that it gave, too, and
/// comparing the names is then done by one function instead of by one for each type.
fn place_among_names(place: u64) -> U64Deserializer<Unreadable> {
    place.into_deserializer()
}

/// A variant without data, by its place among the names.
struct Choice(u64);

impl<'de> de::EnumAccess<'de> for Choice {
    type Error = Unreadable;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), Unreadable> {
        Ok((seed.deserialize(place_among_names(self.0))?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Choice {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Unreadable> {
        Err(Unreadable)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unreadable")
    }
}

impl std::error::Error for Unreadable {}

impl de::Error for Unreadable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
