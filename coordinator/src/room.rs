//! Memory for what workers said and the disk has not.
//!
//! Every word waits for room before it is queued, and gives it back when it is on disk. A worker has
//! little of it, so that one that says much waits for itself and not for others; all together have
//! so much that the disk is never idle.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// For all workers, KiB.
const ALL: u32 = 256 << 10;
/// For one worker, KiB: its largest message, or many small ones.
const ONE: u32 = 16 << 10;

/// The room of all workers.
#[derive(Clone, Debug)]
pub(crate) struct Hall(Arc<Semaphore>);

/// The room of one worker.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

/// Room that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Default for Hall {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL as usize)))
    }
}

impl Hall {
    /// Room for one more worker.
    pub(crate) fn place(&self) -> Place {
        Place {
            all: Arc::clone(&self.0),
            own: Arc::new(Semaphore::new(ONE as usize)),
        }
    }
}

impl Place {
    /// Waits for room for so many bytes; what is larger than all of it, such as a checkpoint, takes
    /// all of it.
    pub(crate) async fn take(&self, bytes: usize) -> Taken {
        let kibibytes = u32::try_from(bytes >> 10)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let own = Arc::clone(&self.own).acquire_many_owned(kibibytes.min(ONE));
        let own = own.await.expect("nobody closes it");
        let all = Arc::clone(&self.all).acquire_many_owned(kibibytes.min(ALL));
        let all = all.await.expect("nobody closes it");
        Taken {
            _own: own,
            _all: all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_says_much_waits_for_itself() {
        let hall = Hall::default();
        let (loud, quiet) = (hall.place(), hall.place());
        let first = loud.take(12 << 20).await;
        let mut more = Box::pin(loud.take(12 << 20));
        tokio::select! {
            biased;
            _ = &mut more => panic!("it has more room than its own"),
            _ = quiet.take(12 << 20) => {}
        }
        drop(first);
        more.await;
        quiet.take(usize::MAX).await;
    }
}
