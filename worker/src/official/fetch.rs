//! Downloads: from one mirror after another, going on where an earlier try stopped.
//!
//! A file grows as `NAME.part` beside where it will lie. When it is whole its SHA-256 is held
//! against the known one, and only then it gets its name, at once. Of an archive, exactly the files
//! that are read are unpacked, each held against its own SHA-256; then the archive goes.
//!
//! One fetch at a time writes into a data directory: the others wait, on this machine or on another
//! that shares the folder, and find the files there. The lock is the operating system's on the file
//! `fetch.lock`, so it goes with the process that held it.

mod mirror;

use std::fs::{self, File, TryLockError};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::GzDecoder;
use tailsweep_common::run::DatasetName;
use tracing::warn;

use self::mirror::{Failed, get_from};
use super::verify::sha256_of;
use super::{Download, Needed, downloads, needed};

/// A mirror that is silent for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Whoever fetches into a data directory holds this file.
const LOCK: &str = "fetch.lock";
/// An archive never holds a larger file than this, bytes.
const MAX_UNPACKED: u64 = 1 << 30;

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file, below the data directory.
    pub file: &'a str,
    /// Bytes that are here.
    pub done: u64,
    /// Bytes of the whole file.
    pub bytes: u64,
}

/// Why a data set could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No mirror gave the file.
    #[error("no mirror gave `{file}`:{}", .tried.iter().map(|(url, why)| format!("\n  {url}: {why}")).collect::<String>())]
    NoMirror {
        /// The file, below the data directory.
        file: String,
        /// Each place, and why it failed.
        tried: Vec<(String, String)>,
    },
    /// The data directory cannot be written.
    #[error("can't write `{}`: {why}", .file.display())]
    Disk {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The archive lacks a file, or has another one in its place.
    #[error("the archive `{archive}` is not what it should be: {why}")]
    Archive {
        /// The archive.
        archive: String,
        /// What is wrong.
        why: String,
    },
}

/// Downloads what is missing of a data set into the data directory; what is there is kept. A
/// `mirror` of the user's is tried first: `MIRROR/mnist/train-images-idx3-ubyte.gz`,
/// `MIRROR/cifar-10-binary.tar.gz`, and so on.
///
/// # Errors
///
/// Those of [`FetchError`]; what was downloaded so far stays, and the next try goes on there.
pub fn fetch(
    name: DatasetName,
    data_dir: &Path,
    mirror: Option<&str>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    let needed = needed(name);
    let mut missing = downloads(name);
    missing.retain(|download| !is_here(download, &needed, data_dir));
    if missing.is_empty() {
        return Ok(());
    }
    let _lock = lock(data_dir)?;
    for mut download in missing {
        if let Some(mirror) = mirror {
            let url = format!("{}/{}", mirror.trim_end_matches('/'), download.path);
            download.urls.insert(0, url);
        }
        fetch_one(&download, &needed, data_dir, PATIENCE, progress)?;
    }
    Ok(())
}

/// Waits until nobody else fetches into this folder.
fn lock(data_dir: &Path) -> Result<File, FetchError> {
    let path = data_dir.join(LOCK);
    fs::create_dir_all(data_dir).map_err(disk(data_dir))?;
    let file = File::create(&path).map_err(disk(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            warn!(folder = %data_dir.display(), "waiting: another process downloads into this folder");
            file.lock().map_err(disk(&path))?;
        }
        // Some network file systems have none; alone, one needs none.
        Err(TryLockError::Error(problem)) => {
            warn!(%problem, "can't lock the folder: let no other process download into it");
        }
    }
    Ok(file)
}

fn is_here(download: &Download, needed: &[Needed], data_dir: &Path) -> bool {
    let any = |path: &str| {
        let plain = data_dir.join(path.trim_end_matches(".gz"));
        plain.is_file() || compressed(&plain).is_file()
    };
    match download.is_archive {
        true => needed.iter().all(|file| any(file.path)),
        false => any(download.path),
    }
}

fn fetch_one(
    download: &Download,
    needed: &[Needed],
    data_dir: &Path,
    patience: Duration,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    // Whoever was waited for may have brought it.
    if is_here(download, needed, data_dir) {
        return Ok(());
    }
    let path = data_dir.join(download.path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(disk(folder))?;
    }
    if !path.is_file() {
        let part = path.with_file_name(format!("{}.part", file_name(&path)));
        get(download, &part, patience, progress)?;
        fs::rename(&part, &path).map_err(disk(&path))?;
    }
    if download.is_archive {
        unpack(download, needed, data_dir, &path)?;
        fs::remove_file(&path).map_err(disk(&path))?;
    }
    Ok(())
}

/// Fills `part` from one mirror after another.
fn get(
    download: &Download,
    part: &Path,
    patience: Duration,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    let mut tried = Vec::new();
    for url in &download.urls {
        let why = match get_from(url, download, part, patience, progress) {
            Ok(()) => {
                let digest = sha256_of(part).map_err(disk(part))?;
                if digest == download.sha256 {
                    return Ok(());
                }
                fs::remove_file(part).map_err(disk(part))?;
                format!("has the SHA-256 {digest} instead of {}", download.sha256)
            }
            Err(Failed::Disk(why)) => return Err(disk(part)(why)),
            Err(Failed::Mirror(why)) => why,
        };
        tried.push((url.clone(), why));
    }
    Err(FetchError::NoMirror {
        file: download.path.to_owned(),
        tried,
    })
}

/// Unpacks the files that are needed, and no others.
fn unpack(
    download: &Download,
    needed: &[Needed],
    data_dir: &Path,
    archive: &Path,
) -> Result<(), FetchError> {
    let wrong = |why: String| FetchError::Archive {
        archive: download.path.to_owned(),
        why,
    };
    let file = File::open(archive).map_err(disk(archive))?;
    let mut tar = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let mut missing: Vec<&Needed> = needed.iter().collect();
    for entry in tar.entries().map_err(|why| wrong(why.to_string()))? {
        let entry = entry.map_err(|why| wrong(why.to_string()))?;
        let path = entry.path().map_err(|why| wrong(why.to_string()))?;
        let Some(place) = missing
            .iter()
            .position(|file| Path::new(file.path) == path.as_ref())
        else {
            continue;
        };
        let wanted = missing.swap_remove(place);
        let path = data_dir.join(wanted.path);
        let part = path.with_file_name(format!("{}.part", file_name(&path)));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(disk(folder))?;
        }
        let mut file = File::create(&part).map_err(disk(&part))?;
        io::copy(&mut entry.take(MAX_UNPACKED), &mut file).map_err(disk(&part))?;
        file.sync_all().map_err(disk(&part))?;
        let digest = sha256_of(&part).map_err(disk(&part))?;
        if wanted.content.is_some_and(|content| content != digest) {
            fs::remove_file(&part).map_err(disk(&part))?;
            return Err(wrong(format!("`{}` has the SHA-256 {digest}", wanted.path)));
        }
        fs::rename(&part, &path).map_err(disk(&path))?;
    }
    match missing.first() {
        None => Ok(()),
        Some(file) => Err(wrong(format!("it has no `{}`", file.path))),
    }
}

fn disk(file: &Path) -> impl Fn(io::Error) -> FetchError + use<> {
    let file = file.to_owned();
    move |why| FetchError::Disk {
        file: file.clone(),
        why,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn compressed(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}.gz", file_name(path)))
}

#[cfg(test)]
mod tests;
