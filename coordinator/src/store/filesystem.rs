//! File systems on which a database can't be trusted to a lock and a shared memory.
//!
//! SQLite's WAL needs memory that all readers and the writer share, and locks that hold; on file
//! systems of other machines neither is certain, and what is lost is noticed late. What lies behind
//! FUSE can't be seen, so it counts as one of them.

use std::io;
use std::path::Path;

/// Numbers by which Linux names file systems (`statfs(2)`, `linux/magic.h`), and their names.
const NETWORK: [(u32, &str); 16] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x7375_7245, "Coda"),
    (0x786f_4256, "a folder of the host of a virtual machine"),
];

/// The name of the file system of a folder if it is one of a network.
#[cfg(target_os = "linux")]
pub(super) fn network(folder: &Path) -> io::Result<Option<&'static str>> {
    let kind = rustix::fs::statfs(folder)?.f_type;
    // The number has 32 bits, whatever type this architecture gives it.
    Ok(name(kind as u32))
}

/// Elsewhere nothing is known of it.
#[cfg(not(target_os = "linux"))]
pub(super) fn network(_: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

fn name(kind: u32) -> Option<&'static str> {
    NETWORK
        .iter()
        .find(|(number, _)| *number == kind)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_known() {
        assert_eq!(name(0x6969), Some("NFS"));
        assert_eq!(name(0xff53_4d42), Some("CIFS"));
        for local in [
            0xef53_u32,
            0x0102_1994,
            0x5846_5342,
            0x9123_683e,
            0x794c_7630,
        ] {
            assert_eq!(
                name(local),
                None,
                "{local:#x} is ext4, tmpfs, XFS, Btrfs or overlayfs"
            );
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_folder_for_tests_is_local() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(network(folder.path()).unwrap(), None);
    }
}
