//! Does a kind's table of changes reach every field of its spec? For the tests of the kinds alone.

use serde::de::value::Error;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde_json::Value;

use crate::resource::{Change, Effect, Resource};

/// What makes another spec of one: it changes one field.
pub type Edit<K> = fn(&mut K);

/// A row of the table: the field as a plan calls it, how the spec is changed, and what that takes.
pub type Row<K> = (&'static str, Edit<K>, Effect);

/// Goes over the rows: each change is this field's alone and takes this. Then over the fields that are there for the
/// order of things, or said otherwise: they are no difference in AWS. No field of the spec may be left over.
#[track_caller]
pub fn each_field<K: Resource>(
    wanted: &K,
    diff: impl Fn(&K) -> Change,
    rows: &[Row<K>],
    no_difference: &[(&'static str, Edit<K>)],
) {
    let mut changed = all_edited(wanted, rows);
    for ((field, _, effect), edited) in rows.iter().zip(&changed) {
        let change = diff(edited);
        assert_eq!(change.fields.len(), 1, "{field}: {change:?}");
        assert_eq!(change.fields[0].field, *field);
        assert_eq!(change.fields[0].effect, *effect, "{field}");
    }
    for (field, edit) in no_difference {
        let edited = edited(wanted, *edit);
        let change = diff(&edited);
        assert!(change.is_empty(), "{field}: {change:?}");
        assert_eq!(touched::<K, K>(wanted, &edited, ""), [*field]);
        changed.push(edited);
    }
    reached::<K, K>(wanted, &changed, "");
}

/// Whether each field of the `Part` at this place in the spec (a JSON pointer) is another one in some of these specs.
#[track_caller]
pub fn reached<K: Resource, Part: DeserializeOwned>(wanted: &K, changed: &[K], place: &str) {
    let touched: Vec<&str> = changed
        .iter()
        .flat_map(|changed| touched::<K, Part>(wanted, changed, place))
        .collect();
    let fields = fields_of::<Part>();
    assert!(!fields.is_empty());
    let left: Vec<_> = fields
        .iter()
        .filter(|field| !touched.contains(field))
        .collect();
    assert!(
        left.is_empty(),
        "no row changes {left:?} of {}{place}",
        K::KIND
    );
}

/// A spec for each row.
pub fn all_edited<K: Clone>(wanted: &K, rows: &[Row<K>]) -> Vec<K> {
    let edits = rows.iter().map(|(_, edit, _)| *edit);
    edits.map(|edit| edited(wanted, edit)).collect()
}

/// The spec with the change.
pub fn edited<K: Clone>(wanted: &K, edit: Edit<K>) -> K {
    let mut edited = wanted.clone();
    edit(&mut edited);
    edited
}

/// The fields in which the two differ.
fn touched<K: Resource, Part: DeserializeOwned>(
    wanted: &K,
    changed: &K,
    place: &str,
) -> Vec<&'static str> {
    let part = |spec: &K| {
        let spec = serde_json::to_value(spec).unwrap();
        spec.pointer(place).cloned().unwrap_or(Value::Null)
    };
    let (wanted, changed) = (part(wanted), part(changed));
    let fields = fields_of::<Part>().iter().copied();
    fields
        .filter(|field| wanted.get(field) != changed.get(field))
        .collect()
}

/// The names of all fields of a struct, those that are left out where they are empty included: whoever deserialises
/// one is told them.
fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // Always an error: there is nothing to deserialise.
    let _ = T::deserialize(Asked(&mut fields));
    fields
}

/// A deserialiser that only listens.
struct Asked<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("there is nothing"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("there is nothing"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
