//! A value that lives on a thread of its own, for what must not leave the thread that made it.
//!
//! Handles of a GPU are such values. The thread is a rayon pool of one, so that work may borrow
//! from its caller, and a caller of another pool does that pool's other work while it waits. Work
//! must not use rayon itself: it would meet the work of others on a value that is in use.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

thread_local! {
    /// The value of this thread.
    static VALUE: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// A `T` on a thread of its own.
pub(crate) struct Confined<T> {
    thread: ThreadPool,
    value: PhantomData<fn() -> T>,
}

impl<T: 'static> Confined<T> {
    /// Makes the value where it will live.
    pub(crate) fn new<E>(make: impl FnOnce() -> Result<T, E> + Send) -> Result<Self, E>
    where
        E: From<ThreadPoolBuildError> + Send,
    {
        let thread = ThreadPoolBuilder::new()
            .num_threads(1)
            .thread_name(|_| "device".to_owned())
            .build()?;
        thread.install(|| make().map(|value| VALUE.set(Some(Box::new(value)))))?;
        let value = PhantomData;
        Ok(Self { thread, value })
    }

    /// Does `work` with it, where it lives.
    pub(crate) fn with<R: Send>(&self, work: impl FnOnce(&mut T) -> R + Send) -> R {
        self.thread.install(|| {
            VALUE.with_borrow_mut(|value| {
                let value = value.as_mut().and_then(|value| value.downcast_mut());
                work(value.expect("it was put there at the start"))
            })
        })
    }
}

impl<T> fmt::Debug for Confined<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confined")
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[test]
    fn what_is_not_send_is_used_from_any_thread() {
        type Error = Box<dyn std::error::Error + Send + Sync>;
        let confined = Confined::new(|| Ok::<_, Error>(Rc::new(RefCell::new(0)))).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| confined.with(|sum| *sum.borrow_mut() += 1));
            }
        });
        assert_eq!(confined.with(|sum| *sum.borrow()), 4);
        assert!(Confined::<u8>::new(|| Err::<u8, Error>("none".into())).is_err());
    }
}
