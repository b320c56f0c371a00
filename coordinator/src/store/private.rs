//! Sweeps and results are their owner's: nobody else reads or changes the state.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::DATABASE;
use crate::security::make_private;

/// Makes the folder, or takes the rights of others to it away. A folder that holds other things
/// than a state is left as it is: the files of the state are private in it.
pub(super) fn folder(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => {
            let is_empty = fs::read_dir(folder)?.next().is_none();
            if is_empty || folder.join(DATABASE).exists() {
                make_private(folder)?;
            }
            Ok(())
        }
        made => made,
    }
}

/// Opens a file that only its owner reads, and makes it when it is missing.
pub(super) fn file(path: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    make_private(path)?;
    Ok(file)
}
