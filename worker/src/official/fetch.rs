//! Downloads: from one mirror after another, going on where an earlier try stopped.
//!
//! A file grows as `NAME.part` beside where it will lie. When it is whole its SHA-256 is held
//! against the known one, and only then it gets its name, at once. Of an archive, exactly the files
//! that are read are unpacked, each held against its own SHA-256; then the archive goes.
//! Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::GzDecoder;
use tailsweep_common::run::DatasetName;
use ureq::Agent;
use ureq::http::StatusCode;
use ureq::http::header::{CONTENT_RANGE, RANGE};

use super::verify::sha256_of;
use super::{Download, Needed, downloads, needed};

/// A download that stands still for so long is given up.
const PATIENCE: Duration = Duration::from_secs(30);
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
    for mut download in downloads(name) {
        if let Some(mirror) = mirror {
            let url = format!("{}/{}", mirror.trim_end_matches('/'), download.path);
            download.urls.insert(0, url);
        }
        fetch_one(&download, &needed(name), data_dir, progress)?;
    }
    Ok(())
}

fn fetch_one(
    download: &Download,
    needed: &[Needed],
    data_dir: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    let path = data_dir.join(download.path);
    let plain = data_dir.join(download.path.trim_end_matches(".gz"));
    let is_here = |file: &Needed| {
        let path = data_dir.join(file.path);
        path.is_file() || compressed(&path).is_file()
    };
    let is_done = match download.is_archive {
        true => needed.iter().all(is_here),
        false => path.is_file() || plain.is_file(),
    };
    if is_done {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(disk(folder))?;
    }
    if !path.is_file() {
        let part = path.with_file_name(format!("{}.part", file_name(&path)));
        get(download, &part, progress)?;
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
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    let mut tried = Vec::new();
    for url in &download.urls {
        let why = match get_from(url, download, part, progress) {
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

/// Why one mirror did not give the file.
enum Failed {
    Mirror(String),
    Disk(io::Error),
}

impl From<ureq::Error> for Failed {
    fn from(error: ureq::Error) -> Self {
        Self::Mirror(error.to_string())
    }
}

/// Goes on where `part` ends, if the server can; begins anew otherwise.
fn get_from(
    url: &str,
    download: &Download,
    part: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Failed> {
    let mut done = fs::metadata(part).map_or(0, |part| part.len());
    if done > download.bytes {
        fs::remove_file(part).map_err(Failed::Disk)?;
        done = 0;
    }
    if done == download.bytes {
        return Ok(());
    }
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .http_status_as_error(false)
        .user_agent(concat!("tailsweep/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut request = agent.get(url);
    if done > 0 {
        request = request.header(RANGE, format!("bytes={done}-"));
    }
    let mut response = request.call()?;
    let goes_on = match response.status() {
        StatusCode::PARTIAL_CONTENT => {
            let range = response.headers().get(CONTENT_RANGE);
            let range = range.and_then(|range| range.to_str().ok());
            let wanted = format!("bytes {done}-");
            if !range.is_some_and(|range| range.starts_with(&wanted)) {
                return Err(Failed::Mirror("answers with another part".to_owned()));
            }
            true
        }
        StatusCode::OK => false,
        status => return Err(Failed::Mirror(format!("answers {status}"))),
    };
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(goes_on)
        .truncate(!goes_on)
        .open(part)
        .map_err(Failed::Disk)?;
    if !goes_on {
        done = 0;
    }
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    while done < download.bytes {
        let read = body
            .read(&mut buffer)
            .map_err(|why| Failed::Mirror(format!("broke off after {done} bytes: {why}")))?;
        if read == 0 {
            let bytes = download.bytes;
            let why = format!("broke off after {done} of {bytes} bytes");
            return Err(Failed::Mirror(why));
        }
        file.write_all(&buffer[..read]).map_err(Failed::Disk)?;
        done += read as u64;
        progress(Progress {
            file: download.path,
            done: done.min(download.bytes),
            bytes: download.bytes,
        });
    }
    file.sync_all().map_err(Failed::Disk)
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
