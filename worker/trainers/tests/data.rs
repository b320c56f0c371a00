//! Data sets from files that are good, bad and absent.

#![allow(clippy::unwrap_used, reason = "in tests")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tailsweep_common::id::BlobId;
use tailsweep_common::npy::encode_f32;
use tailsweep_common::run::{
    Blobs, Dataset, DatasetName, GaussianRegression, OwnData, OwnSplit, Real, Targets,
};
use tailsweep_trainers::data::{self, DataFault, Examples, Label};
use tempfile::TempDir;

fn limited(name: DatasetName, train: u32, test: u32) -> Dataset {
    Dataset {
        source: name.into(),
        train_limit: Some(train),
        test_limit: Some(test),
    }
}

fn classes(examples: &Examples) -> Vec<u32> {
    let class = |label: &Label| match label {
        Label::Class(class) => *class,
        Label::Value(_) => panic!("no class"),
    };
    examples.labels().iter().map(class).collect()
}

/// An IDX file of official size in its header and `examples` examples in its body.
fn idx(magic: u32, count: u32, dimensions: &[u32], body: Vec<u8>) -> Vec<u8> {
    let mut bytes: Vec<u8> = magic.to_be_bytes().to_vec();
    bytes.extend(count.to_be_bytes());
    bytes.extend(
        dimensions
            .iter()
            .flat_map(|dimension| dimension.to_be_bytes()),
    );
    bytes.extend(body);
    bytes
}

fn images(count: u32, examples: usize) -> Vec<u8> {
    let body = (0..examples * 784).map(|i| (i * 31 % 256) as u8).collect();
    idx(0x803, count, &[28, 28], body)
}

fn labels(count: u32, examples: usize) -> Vec<u8> {
    idx(
        0x801,
        count,
        &[],
        (0..examples).map(|i| (i % 10) as u8).collect(),
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The first 5 training and 3 test examples of a data set in MNIST's format.
fn mnist(folder: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        let folder = dir.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    };
    write("train-images-idx3-ubyte", images(60_000, 5));
    write("train-labels-idx1-ubyte.gz", gzip(&labels(60_000, 5)));
    write("t10k-images-idx3-ubyte.gz", gzip(&images(10_000, 3)));
    write("t10k-labels-idx1-ubyte", labels(10_000, 3));
    dir
}

fn fault(dataset: &Dataset, dir: &Path) -> (DataFault, String) {
    let error = data::load(dataset, dir).unwrap_err();
    let text = error.to_string();
    assert_eq!(data::check(dataset, dir).unwrap_err().to_string(), text);
    (error.fault, text)
}

#[test]
fn the_excerpt_is_there_without_any_file() {
    let dataset = Dataset {
        source: DatasetName::MnistExcerpt.into(),
        train_limit: None,
        test_limit: None,
    };
    let data = data::load(&dataset, Path::new("/nowhere")).unwrap();
    assert_eq!(data.train.images().dim(), (10_000, 784));
    assert_eq!(data.test.images().dim(), (2_000, 784));
    assert_eq!(classes(&data.train)[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(classes(&data.test)[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    let mean = data.train.images().mean().unwrap();
    assert!(mean.abs() < 0.02, "normalised: {mean}");
    assert_eq!(data.train.images()[[0, 0]], (0.0 - 0.1307) / 0.3081);
    data::check(&dataset, Path::new("/nowhere")).unwrap();
}

#[test]
fn limits_take_the_first_examples() {
    let at = Path::new("/nowhere");
    let some = data::load(&limited(DatasetName::MnistExcerpt, 7, 0), at).unwrap();
    let more = data::load(&limited(DatasetName::MnistExcerpt, 9, 1), at).unwrap();
    assert_eq!((some.train.len(), some.test.len()), (7, 0));
    assert!(some.test.is_empty());
    assert_eq!(
        some.train.images(),
        more.train.images().slice(ndarray::s![..7, ..])
    );
    let many = data::load(&limited(DatasetName::MnistExcerpt, 99_999, 2), at).unwrap();
    assert_eq!(many.train.len(), 10_000);
}

#[test]
fn mnist_is_read_plain_and_compressed() {
    let dir = mnist("mnist");
    let data = data::load(&limited(DatasetName::Mnist, 5, 3), dir.path()).unwrap();
    assert_eq!(classes(&data.train), [0, 1, 2, 3, 4]);
    assert_eq!(classes(&data.test), [0, 1, 2]);
    let pixel = (31.0 / 255.0 - 0.1307) / 0.3081;
    assert_eq!(data.train.images()[[0, 1]], pixel);
    assert_eq!(data.test.images()[[0, 1]], pixel);

    let dir = mnist("fashion-mnist");
    let data = data::load(&limited(DatasetName::FashionMnist, 2, 1), dir.path()).unwrap();
    assert_eq!(
        data.train.images()[[0, 1]],
        (31.0 / 255.0 - 0.2860) / 0.3530
    );
}

#[test]
fn a_missing_file_is_named_with_how_to_get_it() {
    let dir = TempDir::new().unwrap();
    for (name, file, origin) in [
        (DatasetName::Mnist, "mnist/train-images-idx3-ubyte", "mnist"),
        (
            DatasetName::FashionMnist,
            "fashion-mnist/train-images-idx3-ubyte",
            "fashion-mnist",
        ),
        (
            DatasetName::Cifar10,
            "cifar-10-batches-bin/data_batch_1.bin",
            "cifar-10-binary.tar.gz",
        ),
        (
            DatasetName::Cifar100,
            "cifar-100-binary/train.bin",
            "cifar-100-binary.tar.gz",
        ),
    ] {
        let (fault, text) = fault(&limited(name, 1, 1), dir.path());
        assert!(matches!(fault, DataFault::Missing));
        for part in [file, origin, "https://", "data fetch", "put those"] {
            assert!(text.contains(part), "{text}");
        }
    }
}

#[test]
fn wrong_files_are_named_with_what_is_wrong() {
    let dataset = limited(DatasetName::Mnist, 5, 3);
    let wrong = |file: &str, bytes: Vec<u8>| {
        let dir = mnist("mnist");
        fs::write(dir.path().join("mnist").join(file), bytes).unwrap();
        let (fault, text) = fault(&dataset, dir.path());
        assert!(text.contains(file), "{text}");
        fault
    };
    let (train, test) = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz");

    assert!(matches!(
        wrong(train, vec![]),
        DataFault::Truncated { needed: 4 }
    ));
    let needed = 16 + 5 * 784;
    assert!(matches!(
        wrong(train, images(60_000, 4)),
        DataFault::Truncated { needed: found } if found == needed
    ));
    assert!(matches!(
        wrong(train, labels(60_000, 5)),
        DataFault::Header {
            name: "magic number",
            expected: 0x803,
            found: 0x801
        }
    ));
    assert!(matches!(
        wrong(train, images(10_000, 5)),
        DataFault::Header {
            name: "number of images",
            expected: 60_000,
            found: 10_000
        }
    ));
    let wide = idx(0x803, 60_000, &[28, 32], vec![0; 5 * 784]);
    assert!(matches!(
        wrong(train, wide),
        DataFault::Header {
            name: "image width",
            ..
        }
    ));
    let mut bad = labels(10_000, 3);
    bad[9] = 10;
    assert!(matches!(
        wrong("t10k-labels-idx1-ubyte", bad),
        DataFault::Label {
            example: 1,
            label: 10,
            classes: 10
        }
    ));

    // Compressed files: not gzip at all, cut off, and damaged.
    assert!(matches!(
        wrong(test, images(10_000, 3)),
        DataFault::Unreadable(_)
    ));
    let good = gzip(&images(10_000, 3));
    assert!(matches!(
        wrong(test, good[..100].to_vec()),
        DataFault::Truncated { .. }
    ));
    let mut damaged = good.clone();
    damaged[30..60].fill(0xff);
    let found = wrong(test, damaged);
    assert!(matches!(
        found,
        DataFault::Unreadable(_) | DataFault::Truncated { .. } | DataFault::Header { .. }
    ));
}

#[test]
fn a_file_that_is_read_to_its_end_must_end_there() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("cifar-10-batches-bin");
    fs::create_dir_all(&folder).unwrap();
    let dataset = limited(DatasetName::Cifar10, 1, 10_000);
    let record = 3073;
    fs::write(folder.join("data_batch_1.bin"), vec![0; record]).unwrap();

    let whole = vec![0; 10_000 * record];
    fs::write(folder.join("test_batch.bin.gz"), gzip(&whole)).unwrap();
    assert_eq!(data::load(&dataset, dir.path()).unwrap().test.len(), 10_000);

    // A checksum that does not fit is found too.
    let mut damaged = gzip(&whole);
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    fs::write(folder.join("test_batch.bin.gz"), damaged).unwrap();
    assert!(matches!(
        fault(&dataset, dir.path()).0,
        DataFault::Unreadable(_)
    ));

    // A file that claims to be gigabytes long is not read any further.
    let bomb = gzip(&vec![0; 80_000_000]);
    fs::write(folder.join("test_batch.bin.gz"), bomb).unwrap();
    let expected = 30_730_000;
    assert!(matches!(
        fault(&dataset, dir.path()).0,
        DataFault::TooLong { expected: found } if found == expected
    ));
}

#[test]
fn cifar_needs_only_the_files_that_hold_its_examples() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("cifar-10-batches-bin");
    fs::create_dir_all(&folder).unwrap();
    let record = |label: u8, pixel: u8| {
        let mut record = vec![label];
        record.extend([[pixel; 1024], [pixel + 1; 1024], [pixel + 2; 1024]].concat());
        record
    };
    let records = |count: u8| {
        (0..count)
            .flat_map(|i| record(i % 10, i))
            .collect::<Vec<u8>>()
    };
    fs::write(folder.join("data_batch_1.bin"), records(20)).unwrap();
    fs::write(folder.join("test_batch.bin"), records(4)).unwrap();
    let data = data::load(&limited(DatasetName::Cifar10, 12, 4), dir.path()).unwrap();
    assert_eq!(data.train.images().dim(), (12, 3072));
    assert_eq!(classes(&data.train)[9..], [9, 0, 1]);
    let channels = [(0.491, 0.247), (0.482, 0.243), (0.447, 0.262)];
    for (channel, (mean, deviation)) in channels.into_iter().enumerate() {
        let pixel = (7 + channel) as f32 / 255.0;
        let expected: f32 = (pixel - mean) / deviation;
        assert_eq!(data.train.images()[[7, 1024 * channel + 5]], expected);
    }

    fs::remove_file(folder.join("test_batch.bin")).unwrap();
    let (fault_of_both, text) = fault(&limited(DatasetName::Cifar10, 12, 4), dir.path());
    assert!(matches!(fault_of_both, DataFault::Missing) && text.contains("test_batch.bin"));
    data::check(&limited(DatasetName::Cifar10, 12, 0), dir.path()).unwrap();
    fs::write(folder.join("test_batch.bin"), records(4)).unwrap();

    let whole: Vec<u8> = (0..10_000).flat_map(|_| record(3, 5)).collect();
    fs::write(folder.join("data_batch_1.bin"), whole).unwrap();
    let (fault, text) = fault(&limited(DatasetName::Cifar10, 10_001, 4), dir.path());
    assert!(matches!(fault, DataFault::Missing) && text.contains("data_batch_2.bin"));
}

#[test]
fn cifar100_has_fine_labels() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("cifar-100-binary");
    fs::create_dir_all(&folder).unwrap();
    let record = |coarse: u8, fine: u8| [&[coarse, fine], &[9; 3072][..]].concat();
    fs::write(
        folder.join("train.bin"),
        [record(3, 99), record(4, 17)].concat(),
    )
    .unwrap();
    fs::write(folder.join("test.bin"), record(1, 100)).unwrap();
    let dataset = limited(DatasetName::Cifar100, 2, 0);
    let data = data::load(&dataset, dir.path()).unwrap();
    assert_eq!(classes(&data.train), [99, 17]);
    let (fault, _) = fault(&limited(DatasetName::Cifar100, 2, 1), dir.path());
    assert!(matches!(
        fault,
        DataFault::Label {
            label: 100,
            classes: 100,
            ..
        }
    ));
}

#[test]
fn blobs_lie_around_the_centre_of_their_class() {
    let settings = Blobs {
        classes: 3,
        features: 2,
        spread: Real(0.5),
        examples: 9_000,
        test_examples: 90,
        seed: 1,
    };
    let data = data::load(&Dataset::all(settings), Path::new("")).unwrap();
    assert_eq!(data.train.images().dim(), (9_000, 2));
    assert_eq!(data.test.images().dim(), (90, 2));
    let of_class = |examples: &Examples, class: u32, feature: usize| {
        let numbers: Vec<f64> = classes(examples)
            .into_iter()
            .zip(examples.images().column(feature))
            .filter_map(|(other, number)| (other == class).then_some(f64::from(*number)))
            .collect();
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let square = |number: &f64| (number - mean).powi(2);
        (count, mean, numbers.iter().map(square).sum::<f64>() / count)
    };
    for class in 0..3 {
        for feature in 0..2 {
            let (count, centre, variance) = of_class(&data.train, class, feature);
            assert!((count - 3_000.0).abs() < 200.0);
            assert!((variance - 0.25).abs() < 0.03);
            let (_, test_centre, _) = of_class(&data.test, class, feature);
            assert!((test_centre - centre).abs() < 0.4);
        }
    }
}

#[test]
fn gaussian_regression_is_a_plane_with_noise() {
    let settings = GaussianRegression {
        features: 3,
        weights: Real(2.0),
        noise: Real(0.1),
        examples: 5_000,
        test_examples: 500,
        seed: 7,
    };
    let data = data::load(&Dataset::all(settings.clone()), Path::new("")).unwrap();
    let value = |label: &Label| match label {
        Label::Value(value) => f64::from(*value),
        Label::Class(_) => panic!("no value"),
    };
    // With independent features of variance 1, the covariances are the weights.
    let weights: Vec<f64> = (0..3)
        .map(|feature| {
            let numbers = data.train.images().column(feature).to_owned();
            let products = numbers.iter().zip(data.train.labels());
            let sum: f64 = products.map(|(x, y)| f64::from(*x) * value(y)).sum();
            sum / 5_000.0
        })
        .collect();
    let residuals: f64 = data
        .test
        .images()
        .outer_iter()
        .zip(data.test.labels())
        .map(|(x, y)| {
            let plane: f64 = x.iter().zip(&weights).map(|(x, w)| f64::from(*x) * w).sum();
            (value(y) - plane).powi(2)
        })
        .sum();
    let size: f64 = weights.iter().map(|weight| weight * weight).sum();
    assert!(size > 0.5, "{weights:?}");
    assert!(residuals / 500.0 < 0.05, "{}", residuals / 500.0);

    // More examples begin with the same ones; another seed is other data.
    let with = |change: &dyn Fn(&mut GaussianRegression)| {
        let mut settings = settings.clone();
        change(&mut settings);
        data::load(&Dataset::all(settings), Path::new("")).unwrap()
    };
    let fewer = with(&|settings| settings.examples = 10);
    let mut limited = Dataset::all(settings.clone());
    limited.train_limit = Some(10);
    let limited = data::load(&limited, Path::new("")).unwrap();
    assert_eq!((&limited.train, &limited.test), (&fewer.train, &fewer.test));
    assert_eq!(fewer.train.labels(), &data.train.labels()[..10]);
    assert_eq!(fewer.test, data.test);
    assert_ne!(with(&|settings| settings.seed = 8).test, data.test);
}

#[test]
fn own_pixels_are_divided_by_255_and_floats_taken_as_they_are() {
    let npy = |descr: &str, shape: &str, data: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': True, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    };
    // Columns first: the examples are (0, 51) and (255, 102).
    let pixels = npy("|u1", "(2, 2)", &[0, 255, 51, 102]);
    let floats = encode_f32(&[3, 2], &[-1.0, 2.0, 300.0, 4.0, 5.0, 6.0]);
    let two = npy("|u1", "(2,)", &[4, 0]);
    let three = npy("|i1", "(3,)", &[1, 2, 3]);
    let split = |images: &[u8], labels: &[u8], examples| OwnSplit {
        images: BlobId::of(images),
        labels: BlobId::of(labels),
        examples,
    };
    let mut dataset = Dataset::all(OwnData {
        name: "mine".to_owned(),
        shape: [2, 1, 1],
        targets: Targets::Classes(5),
        train: split(&floats, &three, 3),
        test: Some(split(&pixels, &two, 2)),
    });
    dataset.train_limit = Some(2);
    let files: BTreeMap<BlobId, Vec<u8>> = [floats, pixels, two, three]
        .map(|file| (BlobId::of(&file), file))
        .into();
    let data = data::load_own(&dataset, &files).unwrap();
    assert_eq!(
        data.train.images(),
        ndarray::array![[-1.0, 2.0], [300.0, 4.0]]
    );
    assert_eq!(classes(&data.train), [1, 2]);
    assert_eq!(
        data.test.images(),
        ndarray::array![[0.0, 51.0 / 255.0], [1.0, 102.0 / 255.0]]
    );
    assert_eq!(classes(&data.test), [4, 0]);

    let nothing = data::load_own(&dataset, &BTreeMap::new()).unwrap_err();
    assert!(matches!(nothing.fault, DataFault::NotHere));
    let elsewhere = data::load(&dataset, Path::new("")).unwrap_err();
    assert!(matches!(elsewhere.fault, DataFault::NotHere));
    // What is in the files is no longer what the sweep file said.
    for wrong in [b"".to_vec(), encode_f32(&[1, 2], &[0.0, 1.0])] {
        let files = files.keys().map(|id| (*id, wrong.clone())).collect();
        let error = data::load_own(&dataset, &files).unwrap_err();
        assert!(matches!(error.fault, DataFault::OtherArray));
    }
}
