//! Event files of TensorBoard: a folder for each run.
//!
//! A file is a row of records: length (u64, little endian), masked CRC-32C of those 8 bytes, an
//! `Event` in protobuf, masked CRC-32C of it. Source: the format of TFRecord, and
//! `tensorboard/compat/proto/event.proto` and `summary.proto`, of which the fields that are used
//! are told below.

use std::collections::BTreeMap;
use std::path::Path;

use prost::Message;

use super::{Tracked, safe, tracked, write_file};
use crate::failure::Failure;

/// An event of a file.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// In seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    /// Of the first event alone.
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

/// A `Summary.Value` with a `simple_value`.
#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    /// One of several kinds of value: 0 is written, too.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// Writes a folder that `tensorboard --logdir` reads; older files of the same runs are replaced.
/// The number of runs in it.
pub(crate) fn write(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<usize, Failure> {
    let (sweep, runs) = tracked(files)?;
    let id = sweep.id.get(..8).unwrap_or(&sweep.id);
    let home = folder.join(format!("{}-{id}", safe(&sweep.name, 100)));
    for run in &runs {
        let path = home.join(&run.name).join("events.out.tfevents.0.tailsweep");
        write_file(&path, &events(run))?;
    }
    Ok(runs.len())
}

fn events(run: &Tracked) -> Vec<u8> {
    let first = Event {
        file_version: Some("brain.Event:2".to_owned()),
        ..Event::default()
    };
    let mut bytes = record(&first);
    for measured in run.scalars.chunk_by(|left, right| left.0 == right.0) {
        let value = measured.iter().map(|(_, name, value)| Scalar {
            tag: name.clone(),
            simple_value: Some(*value as f32),
        });
        let event = Event {
            step: measured[0].0,
            summary: Some(Summary {
                value: value.collect(),
            }),
            ..Event::default()
        };
        bytes.extend(record(&event));
    }
    bytes
}

fn record(event: &Event) -> Vec<u8> {
    let event = event.encode_to_vec();
    let length = (event.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(crc32c(&length)).to_le_bytes());
    record.extend(&event);
    record.extend(masked(crc32c(&event)).to_le_bytes());
    record
}

/// CRC-32C (Castagnoli; RFC 3720, B.4), bit by bit: event files are small.
fn crc32c(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc = (crc >> 1) ^ (REVERSED_POLYNOMIAL * carry);
        }
    }
    !crc
}

/// So that the sum of a record with sums in it differs from theirs.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_standard() {
        // RFC 3720, B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn records_follow_one_another_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let files = super::super::tests::report();
        assert_eq!(write(folder.path(), &files).unwrap(), 1);
        let path = folder
            .path()
            .join("tiny--1-00ff00ff")
            .join("mnist_fcn_w4_d2_lr0.1_momentum=0.9_s0_01234567")
            .join("events.out.tfevents.0.tailsweep");
        let bytes = std::fs::read(path).unwrap();
        let mut rest = bytes.as_slice();
        let mut events = Vec::new();
        while let Some((head, behind)) = rest.split_first_chunk::<12>() {
            let length = u64::from_le_bytes(head[..8].try_into().unwrap());
            let sum = u32::from_le_bytes(head[8..].try_into().unwrap());
            assert_eq!(sum, masked(crc32c(&head[..8])));
            let (event, behind) = behind.split_at(length as usize);
            let (sum, behind) = behind.split_at(4);
            assert_eq!(sum, masked(crc32c(event)).to_le_bytes());
            events.push(Event::decode(event).unwrap());
            rest = behind;
        }
        assert!(rest.is_empty());
        assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
        let told: Vec<(i64, usize)> = events[1..]
            .iter()
            .map(|event| {
                (
                    event.step,
                    event.summary.as_ref().map_or(0, |all| all.value.len()),
                )
            })
            .collect();
        assert_eq!(told, [(0, 5), (20, 1)]);
        let zero = Scalar {
            tag: "a".to_owned(),
            simple_value: Some(0.0),
        };
        assert_eq!(zero.encode_to_vec(), b"\x0a\x01a\x15\0\0\0\0");
    }
}
