//! Numbers as text that is short: base64 of their bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

fn write<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    STANDARD_NO_PAD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Numbers of two bytes each.
pub(crate) mod halves {
    use half::bf16;
    use serde::{Deserializer, Serializer, de::Error};

    use super::{read, write};

    pub(crate) fn serialize<S: Serializer>(values: &[bf16], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        write(&bytes, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<bf16>, D::Error> {
        let bytes = read(deserializer)?;
        let pairs = bytes.chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(D::Error::custom("an odd number of bytes"));
        }
        Ok(pairs.map(|pair| bf16::from_le_bytes([pair[0], pair[1]])).collect())
    }
}

/// Numbers of eight bytes each, as they are: what goes on after a restart must not differ.
pub(crate) mod doubles {
    use serde::{Deserializer, Serializer, de::Error};

    use super::{read, write};

    pub(crate) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        write(&bytes, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let bytes = read(deserializer)?;
        let values = bytes.chunks_exact(8);
        if !values.remainder().is_empty() {
            return Err(D::Error::custom("not eight bytes for each number"));
        }
        Ok(values.map(|bytes| f64::from_le_bytes(std::array::from_fn(|place| bytes[place]))).collect())
    }
}

/// A symmetric matrix, row by row: of what stands twice, once.
pub(crate) mod symmetric {
    use serde::{Deserializer, Serializer, de::Error};

    use super::doubles;

    pub(crate) fn serialize<S: Serializer>(cells: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let count = cells.len().isqrt().max(1);
        let half: Vec<f64> =
            cells.chunks_exact(count).enumerate().flat_map(|(row, cells)| cells[..=row].iter().copied()).collect();
        doubles::serialize(&half, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let half = doubles::deserialize(deserializer)?;
        let count = (2 * half.len()).isqrt();
        if count * (count + 1) / 2 != half.len() {
            return Err(D::Error::custom("half a matrix has another number of cells"));
        }
        let place = |row: usize, column: usize| row.max(column) * (row.max(column) + 1) / 2 + row.min(column);
        Ok((0..count)
            .flat_map(|row| (0..count).map(move |column| (row, column)))
            .map(|(row, column)| half[place(row, column)])
            .collect())
    }
}

/// One number of four bytes for each member.
pub(crate) mod singles {
    use serde::{Deserializer, Serializer, de::Error};

    use super::{read, write};
    use crate::member::Rounded;

    pub(crate) fn serialize<S: Serializer>(values: &Rounded, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        write(&bytes, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rounded, D::Error> {
        let bytes = read(deserializer)?;
        let values: Vec<f32> =
            bytes.chunks(4).filter_map(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?))).collect();
        Rounded::try_from(values).map_err(|_| D::Error::custom("not four bytes for each member"))
    }
}

/// Reads what must be sound: of another version, or cut short, it is none.
pub(crate) fn sound<'de, D: Deserializer<'de>, T: Deserialize<'de> + Sound>(from: D) -> Result<T, D::Error> {
    let read = T::deserialize(from)?;
    if read.is_sound() { Ok(read) } else { Err(D::Error::custom(T::WANTED)) }
}

/// What can be told to be broken.
pub(crate) trait Sound {
    /// What it must be.
    const WANTED: &str;

    /// Whether everything fits together.
    fn is_sound(&self) -> bool;
}

/// Two numbers of four bytes and a whole one each.
pub(crate) mod triples {
    use serde::{Deserializer, Serializer, de::Error};

    use super::{read, write};
    use crate::capacity::Row;

    pub(crate) fn serialize<S: Serializer>(rows: &[Row], serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> =
            rows.iter().flat_map(|(x, y, n)| [x.to_le_bytes(), y.to_le_bytes(), n.to_le_bytes()].concat()).collect();
        write(&bytes, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Row>, D::Error> {
        let bytes = read(deserializer)?;
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
