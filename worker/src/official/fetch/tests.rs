//! Against an HTTP server on loopback that breaks off, lies and moves away.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::official::verify::hex;

const CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// How a server answers one request.
#[derive(Clone, Copy)]
enum Answer {
    Whole(&'static [u8]),
    /// Tells the full length, and closes the connection after so many bytes.
    CutAfter(usize),
    /// Tells the full length, sends so many bytes, and then says nothing more.
    SilentAfter(usize),
    /// From where the request asks on.
    Rest,
    /// A part that was not asked for.
    OtherPart,
    NotFound,
}

/// A server that gives these answers, one for each request, and tells what the `Range` was.
fn server(answers: Vec<Answer>) -> (String, Receiver<Option<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (sender, ranges) = channel();
    thread::spawn(move || {
        let mut silent = Vec::new();
        for answer in answers {
            let (mut connection, _) = listener.accept().expect("a request");
            let range = range_of(&connection);
            reply(&mut connection, answer, range.as_deref());
            if let Answer::SilentAfter(_) = answer {
                silent.push(connection);
            }
            // The test may be over.
            let _ = sender.send(range);
        }
        while !silent.is_empty() {
            thread::park();
        }
    });
    (url, ranges)
}

fn range_of(connection: &TcpStream) -> Option<String> {
    let mut range = None;
    for line in BufReader::new(connection).lines() {
        let line = line.expect("a header").to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("range: ") {
            range = Some(value.to_owned());
        }
    }
    range
}

fn reply(connection: &mut TcpStream, answer: Answer, range: Option<&str>) {
    let start = || -> usize {
        let range = range.expect("a range was asked for");
        let start = range.trim_start_matches("bytes=").trim_end_matches('-');
        start.parse().expect("a number")
    };
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n")
    };
    let partial = |start: usize| {
        let end = CONTENT.len() - 1;
        format!("Content-Range: bytes {start}-{end}/{}\r\n", CONTENT.len())
    };
    let (head, body) = match answer {
        Answer::Whole(content) => (head("200 OK", content.len(), ""), content),
        Answer::CutAfter(length) | Answer::SilentAfter(length) => {
            (head("200 OK", CONTENT.len(), ""), &CONTENT[..length])
        }
        Answer::Rest => {
            let rest = &CONTENT[start()..];
            let head = head("206 Partial Content", rest.len(), &partial(start()));
            (head, rest)
        }
        Answer::OtherPart => (
            head("206 Partial Content", CONTENT.len(), &partial(0)),
            CONTENT,
        ),
        Answer::NotFound => (head("404 Not Found", 0, ""), &b""[..]),
    };
    connection.write_all(head.as_bytes()).expect("heard");
    connection.write_all(body).expect("heard");
}

fn download(urls: &[&str], content: &[u8], is_archive: bool) -> Download {
    Download {
        path: if is_archive {
            "some.tar.gz"
        } else {
            "mnist/file.gz"
        },
        urls: urls.iter().map(|url| format!("{url}/file")).collect(),
        bytes: content.len() as u64,
        sha256: hex(&Sha256::digest(content)).leak(),
        is_archive,
    }
}

fn fetched(download: &Download, dir: &TempDir) -> (Result<(), FetchError>, Vec<u64>) {
    let mut seen = Vec::new();
    let mut progress = |progress: Progress<'_>| {
        assert_eq!(progress.bytes, download.bytes);
        seen.push(progress.done);
    };
    let result = fetch_one(
        download,
        &[],
        dir.path(),
        Duration::from_secs(3),
        &mut progress,
    );
    (result, seen)
}

fn content(dir: &TempDir) -> Option<Vec<u8>> {
    fs::read(dir.path().join("mnist/file.gz")).ok()
}

#[test]
fn a_file_arrives_under_its_name_with_progress() {
    let dir = TempDir::new().expect("a folder");
    let (url, _ranges) = server(vec![Answer::Whole(CONTENT)]);
    let (result, seen) = fetched(&download(&[&url], CONTENT, false), &dir);
    result.expect("fetched");
    assert_eq!(content(&dir).as_deref(), Some(CONTENT));
    assert_eq!(seen.last(), Some(&(CONTENT.len() as u64)));
    let left = fs::read_dir(dir.path().join("mnist")).expect("a folder");
    assert_eq!(left.count(), 1, "no part is left");

    // Nothing is asked for what is here, be it plain.
    let gone = download(&["http://127.0.0.1:1"], CONTENT, false);
    fetched(&gone, &dir).0.expect("it is here");
    let path = dir.path().join("mnist/file.gz");
    fs::rename(&path, path.with_file_name("file")).expect("renamed");
    fetched(&gone, &dir).0.expect("it is here");
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let dir = TempDir::new().expect("a folder");
    let (url, ranges) = server(vec![Answer::CutAfter(10), Answer::Rest]);
    let download = download(&[&url], CONTENT, false);
    let (broken, _) = fetched(&download, &dir);
    let message = broken.expect_err("it broke").to_string();
    assert!(message.contains("broke off after 10"), "{message}");
    assert_eq!(content(&dir), None);
    let (resumed, seen) = fetched(&download, &dir);
    resumed.expect("the rest");
    assert_eq!(content(&dir).as_deref(), Some(CONTENT));
    assert!(seen.iter().all(|done| *done > 10));
    let ranges: Vec<_> = ranges.iter().take(2).collect();
    assert_eq!(ranges, [None, Some("bytes=10-".to_owned())]);
}

#[test]
fn the_next_mirror_goes_on_and_one_that_cannot_begins_anew() {
    let dir = TempDir::new().expect("a folder");
    let (cut, _cut) = server(vec![Answer::CutAfter(20)]);
    let (lost, _lost) = server(vec![Answer::NotFound]);
    let (other, _other) = server(vec![Answer::OtherPart]);
    let (whole, ranges) = server(vec![Answer::Whole(CONTENT)]);
    let download = download(&[&cut, &lost, &other, &whole], CONTENT, false);
    fetched(&download, &dir).0.expect("the last one gave it");
    assert_eq!(content(&dir).as_deref(), Some(CONTENT));
    assert_eq!(ranges.recv(), Ok(Some("bytes=20-".to_owned())));
}

#[test]
fn a_mirror_that_falls_silent_is_given_up_and_the_next_one_goes_on() {
    let dir = TempDir::new().expect("a folder");
    let (silent, _silent) = server(vec![Answer::SilentAfter(10)]);
    let (other, ranges) = server(vec![Answer::Rest]);
    let begun = Instant::now();
    let download = download(&[&silent, &other], CONTENT, false);
    fetched(&download, &dir).0.expect("the other gave the rest");
    assert!(begun.elapsed() >= Duration::from_secs(3));
    assert_eq!(content(&dir).as_deref(), Some(CONTENT));
    assert_eq!(ranges.recv(), Ok(Some("bytes=10-".to_owned())));
}

#[test]
fn who_fetches_holds_the_folder_until_it_is_done() {
    let dir = TempDir::new().expect("a folder");
    let held = lock(dir.path()).expect("nobody holds it");
    let (sender, taken) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let second = lock(dir.path()).expect("waited for");
            sender.send(()).expect("heard");
            drop(second);
        });
        let early = taken.recv_timeout(Duration::from_millis(200));
        assert!(early.is_err(), "the second did not wait");
        drop(held);
        assert_eq!(taken.recv_timeout(PATIENCE), Ok(()));
    });
}

#[test]
fn another_file_is_never_taken() {
    const LIE: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyZ";
    let dir = TempDir::new().expect("a folder");
    let (liar, _liar) = server(vec![Answer::Whole(LIE)]);
    let (lost, _lost) = server(vec![Answer::NotFound]);
    let download = download(&[&liar, &lost], CONTENT, false);
    let (result, _) = fetched(&download, &dir);
    let message = result.expect_err("no mirror has it").to_string();
    for part in [&*liar, "SHA-256", &*lost, "404", "mnist/file.gz"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(content(&dir), None);
    // The wrong bytes are gone: the next try asks for all of it.
    let (good, ranges) = server(vec![Answer::Whole(CONTENT)]);
    let download = Download {
        urls: vec![good],
        ..download
    };
    fetched(&download, &dir).0.expect("fetched");
    assert_eq!(ranges.recv(), Ok(None));
}

#[test]
fn an_archive_gives_exactly_the_files_that_are_read() {
    let archive = |files: &[(&str, &[u8])]| -> &'static [u8] {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, *content)
                .expect("appended");
        }
        let gz = tar.into_inner().expect("finished");
        gz.finish().expect("finished").leak()
    };
    let needed = ["cifar/a.bin", "cifar/b.bin"].map(|path| Needed {
        path,
        content: Some(hex(&Sha256::digest(path.as_bytes())).leak()),
        compressed: None,
    });
    let unpacked = |files: &[(&str, &[u8])]| {
        let dir = TempDir::new().expect("a folder");
        let content = archive(files);
        let (url, _ranges) = server(vec![Answer::Whole(content)]);
        let download = download(&[&url], content, true);
        let result = fetch_one(&download, &needed, dir.path(), PATIENCE, &mut |_| {});
        (result, dir)
    };
    let [a, b] = needed.map(|file| (file.path, file.path.as_bytes()));
    let (result, dir) = unpacked(&[("cifar/readme.html", b"<html>"), b, a]);
    result.expect("unpacked");
    let read = |name: &str| fs::read(dir.path().join(name)).ok();
    assert_eq!(read("cifar/a.bin").as_deref(), Some(&b"cifar/a.bin"[..]));
    assert_eq!(read("cifar/b.bin").as_deref(), Some(&b"cifar/b.bin"[..]));
    assert_eq!(read("cifar/readme.html"), None);
    assert_eq!(read("some.tar.gz"), None);

    let (result, _) = unpacked(&[a]);
    let message = result.expect_err("a file is missing").to_string();
    assert!(message.contains("no `cifar/b.bin`"), "{message}");
    let (result, dir) = unpacked(&[a, ("cifar/b.bin", b"another")]);
    let message = result.expect_err("another file").to_string();
    assert!(
        message.contains("`cifar/b.bin` has the SHA-256"),
        "{message}"
    );
    assert!(!dir.path().join("cifar/b.bin").exists());
}
