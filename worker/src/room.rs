//! The memory of a worker, as its runs share it.
//!
//! A coordinator hands out runs that fit together by what they are predicted to take. What is left
//! over is lent to measurements for the gradients that they would rather keep than take twice. One that
//! finds no room takes longer and says the same, so slots never keep more at a time than there is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that nothing takes; below zero where more was predicted than there is.
#[derive(Debug)]
pub(crate) struct Room {
    free: Mutex<i128>,
}

impl Room {
    /// `None`: as much as anybody likes.
    pub(crate) fn new(memory: Option<u64>) -> Arc<Self> {
        let free = memory.map_or(i128::MAX / 2, i128::from);
        Arc::new(Self { free: free.into() })
    }

    /// For a run, by what it is predicted to take.
    pub(crate) fn take(self: &Arc<Self>, bytes: u64) -> Taken {
        *self.free() -= i128::from(bytes);
        Taken {
            room: Arc::clone(self),
            bytes,
        }
    }

    /// If there is so much beside the data sets, which take `data` bytes.
    pub(crate) fn lend(self: &Arc<Self>, bytes: u64, data: u64) -> Option<Taken> {
        let mut free = self.free();
        if *free < i128::from(bytes) + i128::from(data) {
            return None;
        }
        *free -= i128::from(bytes);
        drop(free);
        Some(Taken {
            room: Arc::clone(self),
            bytes,
        })
    }

    fn free(&self) -> MutexGuard<'_, i128> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    room: Arc<Room>,
    bytes: u64,
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.room.free() += i128::from(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_and_data_leave_is_lent_once() {
        let room = Room::new(Some(100));
        let run = room.take(30);
        let lent = room.lend(40, 20).expect("50 are left");
        assert!(room.lend(11, 20).is_none());
        assert!(room.lend(10, 20).is_some());
        drop(lent);
        assert!(room.lend(51, 20).is_none());
        drop(run);
        let _large = room.take(90);
        let _larger = room.take(90);
        assert!(room.lend(1, 0).is_none());
        assert!(Room::new(None).lend(u64::MAX, u64::MAX).is_some());
    }
}
