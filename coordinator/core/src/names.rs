//! Names that recur (workers, kinds), kept once and referred to by a number.

use std::collections::HashMap;
use std::sync::Arc;

/// The names so far, numbered in the order in which they were first heard.
#[derive(Debug, Default)]
pub(crate) struct Names {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Names {
    /// The number of `name`, a new one if it was never heard.
    pub(crate) fn intern(&mut self, name: &Arc<str>) -> u32 {
        if let Some(number) = self.number(name) {
            return number;
        }
        let number = u32::try_from(self.names.len()).expect("memory ends before the numbers do");
        self.names.push(Arc::clone(name));
        self.numbers.insert(Arc::clone(name), number);
        number
    }

    /// The number of `name`, if it was heard before.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The name with this number.
    pub(crate) fn name(&self, number: u32) -> &Arc<str> {
        &self.names[number as usize]
    }
}
