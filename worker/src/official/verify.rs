//! Whether files are the official ones: by the SHA-256 of what is in them, compressed or not.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tailsweep_common::run::DatasetName;

use super::{Needed, needed};

/// No official file is larger, bytes; what a compressed one claims beyond is not looked at.
const MAX_CONTENT: u64 = 1 << 30;

/// What a file of a data set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Official, to the byte.
    Official,
    /// Neither the plain nor the compressed file is there.
    Missing,
    /// It is another file.
    Differs {
        /// The SHA-256 of what is in it.
        found: String,
        /// What that should be.
        official: String,
    },
    /// It cannot be read; the system says why.
    Unreadable(String),
    /// Its official content is not known here.
    Unknown(String),
}

/// One file and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Below the data directory, with `.gz` if that is what was found.
    pub file: String,
    /// What it is.
    pub state: State,
}

/// Looks at all files of a data set; none for the one inside the program.
pub fn verify(name: DatasetName, data_dir: &Path) -> Vec<Verified> {
    let files = needed(name);
    files.iter().map(|file| judge(file, data_dir)).collect()
}

/// For each file that is read, whether it is there.
pub fn present(name: DatasetName, data_dir: &Path) -> Vec<bool> {
    let is_here = |file: &Needed| {
        data_dir.join(file.path).is_file() || data_dir.join(format!("{}.gz", file.path)).is_file()
    };
    needed(name).iter().map(is_here).collect()
}

/// What a file is: the plain one, or the compressed one if there is no plain one.
pub(super) fn judge(file: &Needed, data_dir: &Path) -> Verified {
    let plain = data_dir.join(file.path);
    let gz = format!("{}.gz", file.path);
    let packed: PathBuf = data_dir.join(&gz);
    let (found, state) = if plain.is_file() {
        (file.path.to_owned(), compare(&plain, file.content))
    } else if packed.is_file() {
        let as_published = match file.compressed {
            None => State::Unknown(String::new()),
            published => compare(&packed, published),
        };
        let state = match as_published {
            State::Official => State::Official,
            _ => compare_content(&packed, file.content),
        };
        (gz, state)
    } else {
        (file.path.to_owned(), State::Missing)
    };
    Verified { file: found, state }
}

fn compare(path: &Path, expected: Option<&str>) -> State {
    state(sha256_of(path), expected)
}

/// The same for what is in a gzip file.
fn compare_content(path: &Path, expected: Option<&str>) -> State {
    let content = |file| GzDecoder::new(BufReader::with_capacity(1 << 16, file)).take(MAX_CONTENT);
    let digest = File::open(path).and_then(|file| sha256(content(file)));
    state(digest, expected)
}

fn state(digest: io::Result<String>, expected: Option<&str>) -> State {
    match (digest, expected) {
        (Err(why), _) => State::Unreadable(why.to_string()),
        (Ok(digest), None) => State::Unknown(format!("SHA-256 of its content {digest}")),
        (Ok(digest), Some(expected)) if digest == expected => State::Official,
        (Ok(found), Some(expected)) => State::Differs {
            found,
            official: expected.to_owned(),
        },
    }
}

/// The SHA-256 of a file.
pub(super) fn sha256_of(path: &Path) -> io::Result<String> {
    sha256(File::open(path)?)
}

fn sha256(mut content: impl Read) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

/// As hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tempfile::TempDir;

    use super::*;

    fn gz(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn a_file_is_judged_by_what_is_in_it() {
        let dir = TempDir::new().expect("a folder");
        let digest = |content: &[u8]| -> &'static str { hex(&Sha256::digest(content)).leak() };
        let file = Needed {
            path: "file",
            content: Some(digest(b"right")),
            compressed: Some(digest(&gz(b"right"))),
        };
        let put = |name: &str, content: &[u8]| {
            fs::write(dir.path().join(name), content).expect("written");
        };
        let judged = |file: &Needed| {
            let Verified { file, state } = judge(file, dir.path());
            (file, state)
        };
        let is = |found: (String, State), file: &str, official: bool| {
            assert_eq!(found.0, file);
            assert_eq!(found.1 == State::Official, official, "{:?}", found.1);
        };
        assert_eq!(judged(&file), ("file".to_owned(), State::Missing));
        put("file.gz", &gz(b"right"));
        is(judged(&file), "file.gz", true);
        // Packed by somebody else, it is the same file.
        let repacked = Needed {
            compressed: Some(digest(b"as published")),
            ..file
        };
        is(judged(&repacked), "file.gz", true);
        let known_packed_alone = Needed {
            content: None,
            ..file
        };
        is(judged(&known_packed_alone), "file.gz", true);
        put("file.gz", &gz(b"wrong"));
        is(judged(&file), "file.gz", false);
        assert!(matches!(judged(&known_packed_alone).1, State::Unknown(_)));
        put("file.gz", b"no gzip");
        assert!(matches!(judged(&file).1, State::Unreadable(_)));
        put("file", b"right");
        is(judged(&file), "file", true);
        put("file", b"wrong");
        assert!(matches!(judged(&file).1, State::Differs { .. }));
        assert!(matches!(judged(&known_packed_alone).1, State::Unknown(_)));
    }
}
