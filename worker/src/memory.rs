//! How much memory this machine has for runs.

use std::fs;

/// Nine tenths of the memory that this process may have, bytes: what the machine has, or what its
/// control group is allowed if that is less. `None` where the system does not say.
pub fn memory_here() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .as_deref()
        .and_then(total);
    let group = fs::read_to_string("/proc/self/cgroup")
        .ok()
        .as_deref()
        .and_then(allowed);
    let memory = machine.into_iter().chain(group).min()?;
    Some(memory / 10 * 9)
}

/// What `/proc/meminfo` says that there is.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The least that the control group (version 2) of this process, or one above it, is allowed.
fn allowed(groups: &str) -> Option<u64> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mut folder = std::path::Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/'));
    let mut least = None;
    while folder.starts_with("/sys/fs/cgroup") {
        let limit = fs::read_to_string(folder.join("memory.max")).unwrap_or_default();
        // `max` is no number.
        least = least.into_iter().chain(limit.trim().parse().ok()).min();
        if !folder.pop() {
            break;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_in_kibibytes() {
        let meminfo = "MemTotal:       16384256 kB\nMemFree:         123456 kB\n";
        assert_eq!(total(meminfo), Some(16_384_256 * 1024));
        assert_eq!(total("MemFree: 5 kB"), None);
    }
}
