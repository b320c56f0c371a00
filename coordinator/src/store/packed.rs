//! Contents as they lie on disk: zlib streams where that pays.
//!
//! A summary of gradient noise halves at the fastest level; what is shorter than [`SHORT`] is left
//! as it is. A stream is told from other contents by its first byte, which neither begins a JSON
//! text nor an encoded measurement (it would be a field 15), so older states are read as well.

use std::borrow::Cow;
use std::io::{self, BufReader, BufWriter, Read, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is shorter is not packed, bytes.
const SHORT: usize = 4096;
/// The first byte of a zlib stream with a window of 32 KiB (RFC 1950).
const ZLIB: u8 = 0x78;
/// Nothing larger was ever packed by [`pack`], bytes: a stream that says so is damaged.
const LARGEST: u64 = 64 << 20;

/// The packed form of a content.
pub(crate) fn pack(content: Vec<u8>) -> Vec<u8> {
    if content.len() < SHORT {
        return content;
    }
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(content.len() / 2), Compression::fast());
    let packed = encoder.write_all(&content).and_then(|()| encoder.finish());
    packed.expect("memory takes what is written to it")
}

/// The content of what [`pack`] made.
pub(crate) fn unpack(stored: &[u8]) -> io::Result<Cow<'_, [u8]>> {
    if stored.first() != Some(&ZLIB) {
        return Ok(Cow::Borrowed(stored));
    }
    let mut content = Vec::with_capacity(3 * stored.len());
    ZlibDecoder::new(stored)
        .take(LARGEST)
        .read_to_end(&mut content)?;
    Ok(Cow::Owned(content))
}

/// The packed JSON of a value, made without the whole text in memory.
pub(crate) fn pack_json(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let mut writer = BufWriter::with_capacity(1 << 16, encoder);
    serde_json::to_writer(&mut writer, value)?;
    let encoder = writer.into_inner().map_err(|error| error.into_error());
    encoder
        .and_then(ZlibEncoder::finish)
        .map_err(serde_json::Error::io)
}

/// The value of a packed JSON.
pub(crate) fn unpack_json<T: DeserializeOwned>(stored: &[u8]) -> serde_json::Result<T> {
    if stored.first() != Some(&ZLIB) {
        return serde_json::from_slice(stored);
    }
    serde_json::from_reader(BufReader::with_capacity(1 << 16, ZlibDecoder::new(stored)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_read_back() {
        for content in [
            Vec::new(),
            vec![1; SHORT - 1],
            (0..=255).cycle().take(50_000).collect(),
        ] {
            let stored = pack(content.clone());
            assert_eq!(*unpack(&stored).unwrap(), *content);
        }
        assert!(pack(vec![7; 100_000]).len() < 1000);
    }

    #[test]
    fn a_json_text_is_read_packed_or_not() {
        let value: Vec<(String, u32)> = (0..10_000)
            .map(|index| ("learning_rate".to_owned(), index))
            .collect();
        let text = serde_json::to_vec(&value).unwrap();
        let packed = pack_json(&value).unwrap();
        assert!(packed.len() < text.len() / 2);
        assert_eq!(unpack_json::<Vec<(String, u32)>>(&packed).unwrap(), value);
        assert_eq!(unpack_json::<Vec<(String, u32)>>(&text).unwrap(), value);
    }

    #[test]
    fn a_damaged_stream_is_an_error() {
        let mut stored = pack((0..=255).cycle().take(50_000).collect());
        stored.truncate(stored.len() / 2);
        assert!(unpack(&stored).is_err());
    }
}
