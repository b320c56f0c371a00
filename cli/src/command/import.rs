//! `tailsweep import`

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use prost::Message as _;
use serde_json::json;
use tailsweep_proto::export::{MAGIC, Seal, encode};
use tailsweep_proto::wire::{ExportPart, export_part::Part};
use tailsweep_proto::{MAX_MESSAGE, wire};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::args::ImportArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal;

pub(crate) async fn run(args: ImportArgs, settings: &Settings) -> Result<(), Failure> {
    for path in &args.files {
        check(path).map_err(|problem| told(path, problem))?;
    }
    let mut client = Client::connect(&settings.coordinator).await?;
    for path in &args.files {
        let reply = send(&mut client, path).await?;
        tell(path, &reply, args.json)?;
    }
    Ok(())
}

fn tell(path: &Path, reply: &wire::ImportReply, json: bool) -> Result<(), Failure> {
    let wire::ImportReply {
        sweep_id,
        created,
        runs,
        taken,
        known,
    } = reply;
    if json {
        let line = json!({
            "version": 1,
            "file": path.display().to_string(),
            "sweep_id": sweep_id,
            "created": created,
            "runs": runs,
            "taken": taken,
            "known": known,
        });
        return terminal::print(&format!("{line}\n"));
    }
    terminal::print(&format!("{sweep_id}\n"))?;
    let missing = runs - (taken + known).min(*runs);
    let paused = match (created, missing) {
        (true, 1..) => "; it is paused, and `tailsweep resume` computes what is missing",
        _ => "",
    };
    eprintln!(
        "`{}`: {taken} results taken in, {known} were known, of {runs} runs{paused}",
        path.display()
    );
    Ok(())
}

async fn send(client: &mut Client, path: &Path) -> Result<wire::ImportReply, Failure> {
    let (sender, parts) = mpsc::channel(4);
    let file = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        // It was read before: whatever is wrong now, the coordinator misses the end.
        let _ = read(&file, |part| sender.blocking_send(part).is_ok());
    });
    let reply = client.import(ReceiverStream::new(parts)).await;
    // It ends when its receiver does.
    let _ = reading.await;
    reply
}

fn told(path: &Path, problem: io::Error) -> Failure {
    Failure::error(format!("`{}`: {problem}", path.display()))
}

/// Whether the file is a whole export.
fn check(path: &Path) -> io::Result<()> {
    let (mut seal, mut is_whole) = (Seal::default(), false);
    read(path, |part| {
        match part.part {
            Some(Part::End(end)) => is_whole = *end.sha256 == seal.clone().finish(),
            Some(part) => seal.add(&encode(part)),
            None => return false,
        }
        !is_whole
    })?;
    match is_whole {
        true => Ok(()),
        false => Err(damaged("it is incomplete, or it was changed on its way")),
    }
}

fn damaged(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

/// Tells all parts of a file, until it ends or nobody wants more.
fn read(path: &Path, mut tell: impl FnMut(ExportPart) -> bool) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let mut magic = [0; MAGIC.len()];
    let is_export = file.read_exact(&mut magic).is_ok() && magic == *MAGIC;
    if !is_export {
        return Err(damaged("it is no export of `tailsweep export`"));
    }
    while let Some(length) = read_length(&mut file)? {
        if length > MAX_MESSAGE as u64 {
            return Err(damaged("a part of it is larger than any"));
        }
        let mut content = vec![0; length as usize];
        file.read_exact(&mut content)?;
        let part =
            ExportPart::decode(&*content).map_err(|problem| damaged(&problem.to_string()))?;
        if !tell(part) {
            break;
        }
    }
    Ok(())
}

/// A varint; nothing at the end of the file.
fn read_length(file: &mut impl Read) -> io::Result<Option<u64>> {
    let mut length = 0;
    for shift in (0..63).step_by(7) {
        let mut byte = [0];
        if file.read(&mut byte)? == 0 {
            return match shift {
                0 => Ok(None),
                _ => Err(damaged("it ends in the middle")),
            };
        }
        length |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(Some(length));
        }
    }
    Err(damaged("a part of it has no length"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn export() -> Vec<u8> {
        let mut seal = Seal::default();
        let mut file = MAGIC.to_vec();
        let header = wire::ExportHeader {
            version: 1,
            source: "x".repeat(300),
            ..Default::default()
        };
        let record = Part::Record(vec![7; 100].into());
        for part in [Part::Header(header), record] {
            let encoded = encode(part);
            seal.add(&encoded);
            file.extend(encoded);
        }
        let sha256 = seal.finish().to_vec().into();
        file.extend(encode(Part::End(wire::ExportEnd { runs: 0, sha256 })));
        file
    }

    fn problem(bytes: &[u8]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tailsweep");
        fs::write(&path, bytes).unwrap();
        check(&path).err().map(|problem| problem.to_string())
    }

    #[test]
    fn whatever_is_changed_in_a_file_is_noticed() {
        let whole = export();
        assert_eq!(problem(&whole), None);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(problem(&changed).is_some(), "a change of byte {at}");
            assert!(problem(&whole[..at]).is_some(), "only {at} bytes");
        }
        let said = problem(b"something else").unwrap();
        assert!(said.contains("no export"), "{said}");
    }
}
