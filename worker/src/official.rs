//! The official files of the data sets: where they lie, what they are, how to get them.
//!
//! Sources of the digests: the compressed MNIST files, the CIFAR archives and the files inside them
//! as in torch-rb's torchvision, where several other projects agree; Fashion-MNIST as in several
//! projects that give them beside the MD5 sums of <https://github.com/zalandoresearch/fashion-mnist>.
//! Those of what is in the MNIST files, in the labels of Fashion-MNIST, and two of the CIFAR-10
//! files, were computed from copies.

mod fetch;
mod genuine;
mod verify;

use tailsweep_common::run::DatasetName;

pub use fetch::{FetchError, Progress, fetch};
pub(crate) use genuine::require;
pub use verify::{State, Verified, present, verify};

/// A SHA-256, as 64 hexadecimal digits.
type Hex = &'static str;

/// A file to download.
#[derive(Clone, Debug)]
pub(crate) struct Download {
    /// Where it lies below the data directory, and below a mirror of the user's.
    path: &'static str,
    /// Tried in this order.
    urls: Vec<String>,
    bytes: u64,
    sha256: Hex,
    /// It is a tar.gz archive of the data set's files.
    is_archive: bool,
}

/// A file that is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needed {
    /// Below the data directory, without `.gz`.
    path: &'static str,
    /// Of what is in it, if that is known.
    content: Option<Hex>,
    /// Of the compressed file as it is published, if it is.
    compressed: Option<Hex>,
}

/// What is downloaded, from the data set's own place and its mirrors.
pub(crate) fn downloads(name: DatasetName) -> Vec<Download> {
    match name {
        DatasetName::MnistExcerpt => Vec::new(),
        DatasetName::Mnist => idx_files(
            MNIST,
            &[
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
            ],
        ),
        DatasetName::FashionMnist => idx_files(
            FASHION,
            &[
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ],
        ),
        DatasetName::Cifar10 => cifar(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
        DatasetName::Cifar100 => cifar(
            "cifar-100-binary.tar.gz",
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        ),
    }
}

/// What is read, in the order of the documentation.
pub(crate) fn needed(name: DatasetName) -> Vec<Needed> {
    let idx = |files: [IdxFile; 4]| {
        let needed = |file: IdxFile| Needed {
            path: file.path.trim_end_matches(".gz"),
            content: file.content,
            compressed: Some(file.compressed),
        };
        files.map(needed).to_vec()
    };
    let inside = |files: &[(&'static str, Hex)]| {
        let needed = |(path, content): &(&'static str, Hex)| Needed {
            path,
            content: Some(content),
            compressed: None,
        };
        files.iter().map(needed).collect()
    };
    match name {
        DatasetName::MnistExcerpt => Vec::new(),
        DatasetName::Mnist => idx(MNIST),
        DatasetName::FashionMnist => idx(FASHION),
        DatasetName::Cifar10 => inside(&CIFAR10),
        DatasetName::Cifar100 => inside(&CIFAR100),
    }
}

/// Bytes to download, all files together.
pub fn download_bytes(name: DatasetName) -> u64 {
    downloads(name).iter().map(|download| download.bytes).sum()
}

#[derive(Clone, Copy)]
struct IdxFile {
    path: &'static str,
    bytes: u64,
    compressed: Hex,
    content: Option<Hex>,
}

fn idx_files(files: [IdxFile; 4], mirrors: &[&str]) -> Vec<Download> {
    files
        .map(|file| {
            let name = file.path.rsplit('/').next().unwrap_or(file.path);
            Download {
                path: file.path,
                urls: mirrors
                    .iter()
                    .map(|mirror| format!("{mirror}{name}"))
                    .collect(),
                bytes: file.bytes,
                sha256: file.compressed,
                is_archive: false,
            }
        })
        .to_vec()
}

fn cifar(path: &'static str, bytes: u64, sha256: Hex) -> Vec<Download> {
    let mirrors = [
        "https://www.cs.toronto.edu/~kriz/",
        "https://cave.cs.toronto.edu/kriz/",
    ];
    vec![Download {
        path,
        urls: mirrors
            .iter()
            .map(|mirror| format!("{mirror}{path}"))
            .collect(),
        bytes,
        sha256,
        is_archive: true,
    }]
}

const MNIST: [IdxFile; 4] = [
    IdxFile {
        path: "mnist/train-images-idx3-ubyte.gz",
        bytes: 9_912_422,
        compressed: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        content: Some("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    },
    IdxFile {
        path: "mnist/train-labels-idx1-ubyte.gz",
        bytes: 28_881,
        compressed: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        content: Some("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    },
    IdxFile {
        path: "mnist/t10k-images-idx3-ubyte.gz",
        bytes: 1_648_877,
        compressed: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        content: Some("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    },
    IdxFile {
        path: "mnist/t10k-labels-idx1-ubyte.gz",
        bytes: 4_542,
        compressed: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        content: Some("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    },
];

const FASHION: [IdxFile; 4] = [
    IdxFile {
        path: "fashion-mnist/train-images-idx3-ubyte.gz",
        bytes: 26_421_880,
        compressed: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        content: None,
    },
    IdxFile {
        path: "fashion-mnist/train-labels-idx1-ubyte.gz",
        bytes: 29_515,
        compressed: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        content: Some("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    },
    IdxFile {
        path: "fashion-mnist/t10k-images-idx3-ubyte.gz",
        bytes: 4_422_102,
        compressed: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        content: None,
    },
    IdxFile {
        path: "fashion-mnist/t10k-labels-idx1-ubyte.gz",
        bytes: 5_148,
        compressed: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        content: Some("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    },
];

const CIFAR10: [(&str, Hex); 6] = [
    (
        "cifar-10-batches-bin/data_batch_1.bin",
        "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    ),
    (
        "cifar-10-batches-bin/data_batch_2.bin",
        "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    ),
    (
        "cifar-10-batches-bin/data_batch_3.bin",
        "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    ),
    (
        "cifar-10-batches-bin/data_batch_4.bin",
        "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    ),
    (
        "cifar-10-batches-bin/data_batch_5.bin",
        "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    ),
    (
        "cifar-10-batches-bin/test_batch.bin",
        "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    ),
];

const CIFAR100: [(&str, Hex); 2] = [
    (
        "cifar-100-binary/train.bin",
        "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
    ),
    (
        "cifar-100-binary/test.bin",
        "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
    ),
];
