//! Numbers as text that is short: base64 of their bytes.

use crate::member::{Each, Member};

/// Numbers of two bytes each.
pub(crate) mod halves {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    use half::bf16;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(values: &[bf16], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<bf16>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let pairs = bytes.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(D::Error::custom("an odd number of bytes"));
        }
        Ok(pairs.map(|pair| bf16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}

/// Numbers of eight bytes each, as they are: what goes on after a restart must not differ.
pub(crate) mod doubles {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let values = bytes.chunks_exact(8);
        if !values.remainder().is_empty() {
            return Err(D::Error::custom("not eight bytes for each number"));
        }
        Ok(values.map(|bytes| f64::from_le_bytes(std::array::from_fn(|place| bytes[place]))).collect())
    }
}

/// Numbers as a list, in which nothing stands for what is no number: JSON has no other way to write one.
pub(crate) fn nothing_is_no_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Each, D::Error> {
    let read = <[Option<f64>; Member::ALL.len()] as serde::Deserialize>::deserialize(deserializer)?;
    Ok(read.map(|value| value.unwrap_or(f64::NAN)))
}

/// Two numbers of four bytes and a whole one each.
pub(crate) mod triples {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::capacity::Row;

    pub(crate) fn serialize<S: Serializer>(rows: &[Row], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> =
            rows.iter().flat_map(|(x, y, n)| [x.to_le_bytes(), y.to_le_bytes(), n.to_le_bytes()].concat()).collect();
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Row>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let (fours, rest) = bytes.as_chunks::<4>();
        let (rows, left) = fours.as_chunks::<3>();
        if !rest.is_empty() || !left.is_empty() {
            return Err(D::Error::custom("not twelve bytes for each row"));
        }
        let rows =
            rows.iter().map(|[x, y, n]| (f32::from_le_bytes(*x), f32::from_le_bytes(*y), u32::from_le_bytes(*n)));
        Ok(rows.collect())
    }
}
