//! A part of a service's journal, and how it is stored: a line of JSON that says what is in it, then the text, deflated.

use std::io::{Read as _, Write as _};

use autoscaler::Timestamp;
use bytes::Bytes;
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Deserialize, Serialize};

const VERSION: u16 = 1;
/// The longest text that is unpacked: far more than is ever packed.
const LONGEST_TEXT: u64 = 256 * 1024 * 1024;

/// A part of a service's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// When its first entry happened.
    pub(crate) from: Timestamp,
    /// When its last one did.
    pub(crate) until: Timestamp,
    /// When the first snapshot in it was made, where there is one.
    pub(crate) began: Option<Timestamp>,
    /// Entries before it since the service's journal began with this controller.
    pub(crate) before: u64,
    /// Entries in it.
    pub(crate) entries: u64,
    /// Their lines.
    pub(crate) text: String,
}

/// What is told of a chunk without unpacking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    v: u16,
    /// The term of the controller that wrote it.
    pub(crate) term: u64,
    /// As in [`Chunk`].
    pub(crate) from: Timestamp,
    /// As in [`Chunk`].
    pub(crate) until: Timestamp,
    /// As in [`Chunk`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) began: Option<Timestamp>,
    /// As in [`Chunk`].
    pub(crate) before: u64,
    /// As in [`Chunk`].
    pub(crate) entries: u64,
}

impl Chunk {
    /// As it is stored.
    pub(crate) fn pack(&self, term: u64) -> Bytes {
        let Self { from, until, began, before, entries, .. } = *self;
        let head = Head { v: VERSION, term, from, until, began, before, entries };
        let mut packed = serde_json::to_vec(&head).expect("a head is always JSON");
        packed.push(b'\n');
        let mut encoder = DeflateEncoder::new(packed, Compression::default());
        encoder.write_all(self.text.as_bytes()).expect("memory takes everything");
        encoder.finish().expect("memory takes everything").into()
    }
}

/// What a stored chunk says of itself, and its text as it is packed; an error says what is wrong with it.
pub(crate) fn open(packed: &[u8]) -> Result<(Head, &[u8]), String> {
    let end = packed.iter().position(|byte| *byte == b'\n').ok_or("it has no first line")?;
    let head: Head = serde_json::from_slice(&packed[..end]).map_err(|error| error.to_string())?;
    if head.v > VERSION {
        return Err(format!("its version {} is newer than this build's {VERSION}", head.v));
    }
    Ok((head, &packed[end + 1..]))
}

/// The text of a chunk; an error says what is wrong with it.
pub(crate) fn unpack(deflated: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    let mut decoder = DeflateDecoder::new(deflated).take(LONGEST_TEXT);
    decoder.read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}
