//! Raw gradients of a measured step, as files.
//!
//! `FOLDER/RUN/step-K-SPLIT.npy` holds the P × M gradients that the measurement of a split takes,
//! float32 in C order; `FOLDER/RUN/step-K.safetensors` the weights at which they were taken. A file
//! that has its name is whole, and is not written again: equal runs give equal bytes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tailsweep_common::id::RunId;
use tailsweep_trainers::{TrainError, Training};

/// Why they could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DumpError {
    /// The disk.
    #[error("can't write `{}`: {problem}; `--dump-dir` names another folder", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// The gradients can't be computed.
    #[error(transparent)]
    Train(#[from] TrainError),
}

/// Writes what the present step asks for, unless it is there or `interrupted`.
pub(crate) fn write(
    folder: &Path,
    run: RunId,
    training: &Training,
    interrupted: &(dyn Fn() -> bool + Sync),
) -> Result<(), DumpError> {
    let folder = folder.join(run.to_string());
    let disk = |path: &Path| {
        let path = path.to_owned();
        move |problem| DumpError::Disk { path, problem }
    };
    fs::create_dir_all(&folder).map_err(disk(&folder))?;
    let step = training.step();
    let path = folder.join(format!("step-{step}.safetensors"));
    if !path.exists() {
        whole(&path, |file| {
            file.write_all(&training.weights()).map(|()| true)
        })
        .map_err(disk(&path))?;
    }
    for (split, rows) in training.rows() {
        let path = folder.join(format!("step-{step}-{split}.npy"));
        if path.exists() {
            continue;
        }
        let mut failed = None;
        let written = whole(&path, |file| {
            file.write_all(&header(rows, training.params()))?;
            let mut problem = Ok(());
            let passed = training.each_gradient(split, interrupted, &mut |row| {
                if problem.is_ok() {
                    let mut bytes = row.iter().map(|number| number.to_le_bytes());
                    problem = bytes.try_for_each(|bytes| file.write_all(&bytes));
                }
            });
            problem?;
            Ok(passed.unwrap_or_else(|error| {
                failed = Some(error);
                false
            }))
        });
        written.map_err(disk(&path))?;
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
    Ok(())
}

/// Writes a file under another name, and gives it its own if it came to its end.
fn whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<bool>,
) -> io::Result<()> {
    let part = path.with_added_extension("part");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&part)?);
    if fill(&mut file)? {
        file.into_inner()?.sync_all()?;
        fs::rename(&part, path)
    } else {
        fs::remove_file(&part)
    }
}

/// Of a .npy file of version 1.0: P × M numbers of float32 in C order.
fn header(rows: usize, columns: u64) -> Vec<u8> {
    let mut text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // Magic, version and length take 10 bytes; all of it is a multiple of 64, the last a newline.
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_as_long_as_the_format_wants() {
        for (rows, columns) in [(1, 1), (100, 1_192_960), (120, 10_496_000)] {
            let header = header(rows, columns);
            assert!(header.len().is_multiple_of(64) && header.ends_with(b"\n"));
            assert_eq!(
                usize::from(header[8]) + 256 * usize::from(header[9]) + 10,
                header.len()
            );
        }
    }
}
