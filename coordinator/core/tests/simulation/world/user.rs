//! The user: submits, changes their mind, and in the end wants all of it.

use tailsweep_scheduler::{Event, Input};

use super::{CALM, Happening, World};

impl World {
    /// The user submits until it is durable, and now and then once more.
    pub(super) fn submit(&mut self, plan: usize) {
        let sweep = self.plans[plan].clone();
        let is_durable =
            |event: &Event| matches!(event, Event::Submitted(known) if known.id == sweep.id);
        if !self.store.log.iter().any(is_durable) || self.random.percent(20) {
            self.input(Input::Submit(sweep))
                .expect("there are few runs");
            self.after(2_000, 9_000, Happening::Submit(plan));
        } else {
            let at = self.now.max(CALM) + 60_000;
            self.at(at, Happening::LastWish(plan));
        }
    }

    /// The user changes their mind. What is refused changes nothing.
    pub(super) fn wish(&mut self, plan: usize) {
        let Some(coordinator) = &self.coordinator else {
            return;
        };
        let id = self.plans[plan].id;
        if coordinator.scheduler.sweep(id).is_none() {
            return;
        }
        let wish = match self.random.below(8) {
            0 => Input::Cancel(id),
            1 => Input::Pause(id),
            2 => Input::Resume(id),
            3 => Input::Prioritise {
                sweep: id,
                priority: self.random.between(0, 2) as i32,
            },
            4 => Input::Retry {
                sweep: id,
                failed_only: self.random.percent(50),
            },
            5 => Input::Remove(id),
            _ => Input::Extend {
                sweep: id,
                by: self.plans[self.plans.len() - 1].clone(),
            },
        };
        let tally = match &wish {
            Input::Cancel(_) => Some(&mut self.tally.cancelled),
            Input::Pause(_) => Some(&mut self.tally.paused),
            Input::Remove(_) => Some(&mut self.tally.removed),
            Input::Extend { sweep, by } if *sweep != by.id => Some(&mut self.tally.extended),
            _ => None,
        };
        if let Some(count) = tally {
            *count += 1;
        }
        // Some wishes make no sense: an extension may lack runs, a cancelled sweep is not retried.
        let _ = self.input(wish);
    }

    /// In the end, the user wants everything, until it is durable.
    pub(super) fn last_wish(&mut self, plan: usize) {
        let sweep = self.plans[plan].clone();
        let id = sweep.id;
        self.input(Input::Submit(sweep))
            .expect("there are few runs");
        let wanted = self.coordinator.as_ref().and_then(|coordinator| {
            let view = coordinator.scheduler.sweep(id)?;
            Some(view.stopped.is_none() && !view.paused)
        });
        if wanted == Some(false) {
            let failed_only = false;
            self.input(Input::Retry {
                sweep: id,
                failed_only,
            })
            .expect("a known sweep");
        }
        if wanted.is_none() {
            self.after(2_000, 9_000, Happening::LastWish(plan));
        } else {
            self.content[plan] = true;
        }
    }
}
