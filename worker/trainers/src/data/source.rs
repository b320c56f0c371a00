//! One file of a data set: found plain or compressed, read forward only, never further than
//! asked for.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;
use tailsweep_common::run::DatasetName;

use super::{DataError, DataFault};

/// An open file of a data set.
pub(super) struct Source<'a> {
    dataset: DatasetName,
    file: PathBuf,
    data_dir: &'a Path,
    bytes: Box<dyn Read + 'a>,
    /// Bytes read so far, after decompression.
    position: u64,
}

impl<'a> Source<'a> {
    /// Opens `name` below `data_dir`, or `name.gz` if there is no such file.
    pub(super) fn open(
        dataset: DatasetName,
        data_dir: &'a Path,
        name: &str,
    ) -> Result<Self, DataError> {
        let plain = data_dir.join(name);
        let compressed = data_dir.join(format!("{name}.gz"));
        let fault = |file: &Path, fault| error(dataset, data_dir, file.to_owned(), fault);
        for file in [&plain, &compressed] {
            match File::open(file) {
                Ok(opened) => {
                    let opened = BufReader::with_capacity(1 << 16, opened);
                    let bytes: Box<dyn Read> = if file == &compressed {
                        Box::new(GzDecoder::new(opened))
                    } else {
                        Box::new(opened)
                    };
                    return Ok(Self {
                        dataset,
                        file: file.clone(),
                        data_dir,
                        bytes,
                        position: 0,
                    });
                }
                Err(missing) if missing.kind() == io::ErrorKind::NotFound => {}
                Err(unreadable) => {
                    return Err(fault(file, DataFault::Unreadable(Arc::new(unreadable))));
                }
            }
        }
        Err(fault(&plain, DataFault::Missing))
    }

    /// A compressed file inside the program.
    pub(super) fn embedded(dataset: DatasetName, name: &str, bytes: &'a [u8]) -> Self {
        Self {
            dataset,
            file: PathBuf::from(name),
            data_dir: Path::new(""),
            bytes: Box::new(GzDecoder::new(bytes)),
            position: 0,
        }
    }

    /// The next `length` bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Result<Vec<u8>, DataError> {
        let mut bytes = vec![0; length];
        let needed = self.position + length as u64;
        match self.bytes.read_exact(&mut bytes) {
            Ok(()) => {
                self.position = needed;
                Ok(bytes)
            }
            Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.fault(DataFault::Truncated { needed }))
            }
            Err(unreadable) => Err(self.fault(DataFault::Unreadable(Arc::new(unreadable)))),
        }
    }

    /// The next four bytes, which should be `expected` in big-endian order.
    pub(super) fn header(&mut self, name: &'static str, expected: u32) -> Result<(), DataError> {
        let bytes = self.bytes(4)?;
        let found = u32::from_be_bytes(bytes.try_into().expect("four bytes were asked for"));
        if found == expected {
            Ok(())
        } else {
            Err(self.fault(DataFault::Header {
                name,
                expected,
                found,
            }))
        }
    }

    /// Requires that nothing follows; of a compressed file, this also looks at its checksum.
    pub(super) fn end(mut self) -> Result<(), DataError> {
        match self.bytes.read(&mut [0; 1]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.fault(DataFault::TooLong {
                expected: self.position,
            })),
            Err(unreadable) => Err(self.fault(DataFault::Unreadable(Arc::new(unreadable)))),
        }
    }

    /// Requires that each label is a class of the data set.
    pub(super) fn check_labels(&self, labels: &[u8]) -> Result<(), DataError> {
        let classes = self.dataset.classes();
        match labels
            .iter()
            .position(|label| usize::from(*label) >= classes)
        {
            None => Ok(()),
            Some(example) => Err(self.fault(DataFault::Label {
                example,
                label: labels[example],
                classes,
            })),
        }
    }

    fn fault(&self, fault: DataFault) -> DataError {
        error(self.dataset, self.data_dir, self.file.clone(), fault)
    }
}

fn error(dataset: DatasetName, data_dir: &Path, file: PathBuf, fault: DataFault) -> DataError {
    let (origin, folder) = match dataset {
        DatasetName::MnistExcerpt => {
            let remedy = "the program is damaged: build it again".to_owned();
            return DataError {
                dataset: dataset.to_string(),
                file,
                fault,
                remedy,
            };
        }
        DatasetName::Mnist => ("https://ossci-datasets.s3.amazonaws.com/mnist/", "mnist"),
        DatasetName::FashionMnist => (
            "https://github.com/zalandoresearch/fashion-mnist",
            "fashion-mnist",
        ),
        DatasetName::Cifar10 => (
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "cifar-10-batches-bin",
        ),
        DatasetName::Cifar100 => (
            "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
            "cifar-100-binary",
        ),
    };
    let remedy = format!(
        "`tailsweep data fetch {dataset}` gets the official files; or put those of {origin}, plain \
         or gzip, into `{}`",
        data_dir.join(folder).display()
    );
    DataError {
        dataset: dataset.to_string(),
        file,
        fault,
        remedy,
    }
}
