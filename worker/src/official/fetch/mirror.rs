//! One file from one mirror, over HTTP.
//!
//! Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; a mirror on this
//! machine is asked without one, since no proxy elsewhere reaches it.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ureq::Agent;
use ureq::http::header::{CONTENT_RANGE, RANGE};
use ureq::http::{StatusCode, Uri};

use super::Progress;
use crate::official::Download;

/// Why one mirror did not give the file.
pub(super) enum Failed {
    Mirror(String),
    Disk(io::Error),
}

impl From<ureq::Error> for Failed {
    fn from(error: ureq::Error) -> Self {
        Self::Mirror(error.to_string())
    }
}

/// Goes on where `part` ends, if the server can; begins anew otherwise.
pub(super) fn get_from(
    url: &str,
    download: &Download,
    part: &Path,
    patience: Duration,
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
    let agent = agent(url, patience);
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

/// Gives up a server that is silent for as long as `patience`, at any point of its answer; the whole
/// may take as long as it likes.
fn agent(url: &str, patience: Duration) -> Agent {
    let mut config = Agent::config_builder()
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .http_status_as_error(false)
        .user_agent(concat!("tailsweep/", env!("CARGO_PKG_VERSION")));
    if is_loopback(url) {
        config = config.proxy(None);
    }
    config.build().into()
}

fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
