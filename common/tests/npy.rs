//! `.npy` files written by NumPy (`tests/npy/make.py`), and damaged ones.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::fs;

use proptest::prelude::*;
use tailsweep_common::npy::{Dtype, Npy, NpyError, encode_f32};

fn file(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/npy");
    fs::read(format!("{folder}/{name}.npy")).unwrap()
}

/// What `make.py` puts into an array of so many values.
fn expected(integers: bool, len: usize) -> Vec<f64> {
    let numbers = (0..len).map(|k| match integers {
        true => k as f64,
        false => (k as f64 - 5.0) * 0.75,
    });
    numbers.collect()
}

#[test]
fn every_type_and_byte_order_of_numpy_is_read() {
    let types = [
        ("u1", Dtype::U8),
        ("u2", Dtype::U16),
        ("u4", Dtype::U32),
        ("u8", Dtype::U64),
        ("i1", Dtype::I8),
        ("i2", Dtype::I16),
        ("i4", Dtype::I32),
        ("i8", Dtype::I64),
        ("f2", Dtype::F16),
        ("f4", Dtype::F32),
        ("f8", Dtype::F64),
        ("big-u2", Dtype::U16),
        ("big-i8", Dtype::I64),
        ("big-f2", Dtype::F16),
        ("big-f4", Dtype::F32),
        ("big-f8", Dtype::F64),
    ];
    for (name, dtype) in types {
        let bytes = file(name);
        let array = Npy::read(&bytes).unwrap();
        assert_eq!(
            (array.shape(), array.dtype()),
            (&[3, 4][..], dtype),
            "{name}"
        );
        let values: Vec<f64> = array.values().collect();
        assert_eq!(values, expected(dtype.is_integer(), 12), "{name}");
    }
}

#[test]
fn every_version_shape_and_memory_order_is_read() {
    let shapes: [(&str, &[usize]); 8] = [
        ("fortran-2d", &[3, 4]),
        ("fortran-3d", &[2, 3, 4]),
        ("version-2", &[3, 4]),
        ("version-3", &[3, 4]),
        ("scalar", &[]),
        ("vector", &[12]),
        ("no-rows", &[0, 4]),
        ("no-columns", &[4, 0]),
    ];
    for (name, shape) in shapes {
        let bytes = file(name);
        let array = Npy::read(&bytes).unwrap();
        assert_eq!(array.shape(), shape, "{name}");
        let values: Vec<f64> = array.values().collect();
        assert_eq!(values, expected(false, array.len()), "{name}");
        assert_eq!(array.len(), shape.iter().product::<usize>(), "{name}");
    }
}

#[test]
fn a_row_is_one_index_of_the_first_axis() {
    for name in ["f8", "fortran-2d"] {
        let bytes = file(name);
        let array = Npy::read(&bytes).unwrap();
        for row in 0..3 {
            let values: Vec<f64> = array.row(row).collect();
            assert_eq!(values, expected(false, 12)[4 * row..][..4], "{name}");
        }
    }
    let vector = file("vector");
    let second: Vec<f64> = Npy::read(&vector).unwrap().row(1).collect();
    assert_eq!(second, [-3.0]);
}

#[test]
fn what_is_no_real_number_is_named() {
    let files = [
        ("bool", "booleans"),
        ("complex", "complex numbers"),
        ("text", "texts"),
        ("bytes", "texts"),
        ("date", "dates or times"),
        ("record", "records"),
        ("object", "Python objects"),
        ("long-double", "floats of an unusual width"),
    ];
    for (name, what) in files {
        let bytes = file(name);
        match Npy::read(&bytes) {
            Err(NpyError::Dtype { what: named, .. }) => assert_eq!(named, what, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_refused_and_so_is_a_longer_one() {
    let bytes = file("version-2");
    for len in 0..bytes.len() {
        let problem = Npy::read(&bytes[..len]).unwrap_err();
        let truncated = matches!(problem, NpyError::Truncated { .. });
        assert_eq!(truncated, len >= 128, "{len}: {problem}");
    }
    let mut longer = bytes.clone();
    longer.extend(&bytes);
    let problem = Npy::read(&longer).unwrap_err().to_string();
    assert!(
        problem.contains("(3, 4)") && problem.contains("one array"),
        "{problem}"
    );
}

#[test]
fn half_precision_has_subnormals_and_infinities() {
    let mut bytes = file("f2");
    let halves: [u16; 4] = [0x0001, 0x83ff, 0x7c00, 0xfbff];
    let start = bytes.len() - 24;
    for (index, half) in halves.into_iter().enumerate() {
        bytes[start + 2 * index..][..2].copy_from_slice(&half.to_le_bytes());
    }
    let array = Npy::read(&bytes).unwrap();
    let first: Vec<f64> = array.row(0).collect();
    let smallest = 2_f64.powi(-24);
    assert_eq!(
        first,
        [smallest, -1023.0 * smallest, f64::INFINITY, -65504.0]
    );
}

#[test]
fn what_is_written_is_laid_out_as_numpy_lays_it_out() {
    let values: Vec<f32> = expected(false, 12)
        .iter()
        .map(|value| *value as f32)
        .collect();
    assert_eq!(encode_f32(&[3, 4], &values), file("f4"));
    assert_eq!(encode_f32(&[12], &values), file("vector"));
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        shape in prop::collection::vec(0_usize..5, 0..4),
        first in any::<f32>(),
    ) {
        let len: usize = shape.iter().product();
        let values: Vec<f32> = (0..len).map(|index| first * index as f32).collect();
        let bytes = encode_f32(&shape, &values);
        let array = Npy::read(&bytes).unwrap();
        prop_assert_eq!(array.shape(), &shape[..]);
        let bits = |value: f64| (value as f32).to_bits();
        for (read, value) in array.values().zip(&values) {
            prop_assert!(bits(read) == value.to_bits() || value.is_nan());
        }
        prop_assert_eq!(array.values().count(), len);
    }

    #[test]
    fn no_header_panics(
        mut bytes in Just(file("fortran-3d")),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for (place, byte) in changes {
            let place = place.index(128);
            bytes[place] = byte;
        }
        if let Ok(array) = Npy::read(&bytes) {
            array.values().count();
        }
    }

    #[test]
    fn no_text_in_a_header_panics(
        text in "[{'()},: a-z0-9\\[\\]TrueFalseé]{0,40}|\
            \\{'descr': '[<>=|]?[uif][1248]', 'fortran_order': (True|False), \
            'shape': \\([0-9]{0,20},( ?[0-9]{1,20},){0,3}\\)\\}",
    ) {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        if let Ok(array) = Npy::read(&bytes) {
            prop_assert_eq!(array.values().count(), array.len());
        }
    }
}
