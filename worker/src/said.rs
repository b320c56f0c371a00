//! The last lines that this process said on stderr, for whoever asks why a run failed.
//!
//! The program sends its logs through [`stderr`], and [`keep_panics`] adds what panics say. Lines of
//! all slots stand together, as they do on stderr; a log line names its run where it has one.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Lines that are kept.
const LINES: usize = 20;
/// Longer lines are cut, bytes.
const LENGTH: usize = 240;

static SAID: Mutex<Lines> = Mutex::new(Lines {
    count: 0,
    last: VecDeque::new(),
});

struct Lines {
    /// All lines so far.
    count: u64,
    last: VecDeque<String>,
}

impl Lines {
    fn add(&mut self, line: &str) {
        let line = without_colours(line);
        if line.trim().is_empty() {
            return;
        }
        self.last
            .push_back(line[..line.floor_char_boundary(LENGTH)].to_owned());
        if self.last.len() > LINES {
            self.last.pop_front();
        }
        self.count += 1;
    }

    fn since(&self, mark: Mark) -> Vec<String> {
        let new = self.count.saturating_sub(mark.0).min(LINES as u64) as usize;
        let from = self.last.len().saturating_sub(new);
        self.last.range(from..).cloned().collect()
    }
}

fn with<T>(look: impl FnOnce(&mut Lines) -> T) -> T {
    look(&mut SAID.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(u64);

/// Now.
pub(crate) fn mark() -> Mark {
    with(|lines| Mark(lines.count))
}

/// The last lines since then.
pub(crate) fn since(mark: Mark) -> Vec<String> {
    with(|lines| lines.since(mark))
}

/// Stderr; what is written to it is kept, too.
pub fn stderr() -> impl Write {
    Keeper(io::stderr())
}

struct Keeper(io::Stderr);

impl Write for Keeper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        let text = String::from_utf8_lossy(&bytes[..written]);
        with(|lines| text.lines().for_each(|line| lines.add(line)));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Keeps what panics say from now on; it is printed as before.
pub fn keep_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        let thread = thread::current();
        let text = format!("thread `{}` {panicked}", thread.name().unwrap_or("?"));
        with(|lines| text.lines().for_each(|line| lines.add(line)));
        print(panicked);
    }));
}

/// A line without the sequences that colour it (ECMA-48: ESC `[` … a letter).
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => {
                letters.find(|letter| letter.is_ascii_alphabetic());
            }
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_without_their_colours() {
        let mut lines = Lines {
            count: 0,
            last: VecDeque::new(),
        };
        lines.add("before");
        let mark = Mark(lines.count);
        lines.add("\u{1b}[33m WARN\u{1b}[0m no data");
        lines.add("");
        lines.add(&"x".repeat(1000));
        assert_eq!(lines.since(mark), [" WARN no data", &"x".repeat(LENGTH)]);
        for number in 0..100 {
            lines.add(&number.to_string());
        }
        let last: Vec<String> = (80..100).map(|number| number.to_string()).collect();
        assert_eq!(lines.since(mark), last);
        assert!(lines.since(Mark(lines.count)).is_empty());
    }
}
