//! Whatever is said to the core, by whomever and in whatever order: it does not panic, its
//! derived state follows from its durable state, and replaying its events rebuilds it.

mod fixture;

use std::sync::Arc;
use std::time::Duration;

use fixture::{ids, offer, sweep, worker};
use proptest::prelude::*;
use tailsweep_common::id::RunId;
use tailsweep_common::state::{Ending, Reason};
use tailsweep_common::sweep::Sweep;
use tailsweep_scheduler::event::SweepEvent;
use tailsweep_scheduler::{Config, Counts, Event, Input, Offer, RunNo, Scheduler, Tick};

#[derive(Clone, Debug)]
enum Step {
    Say(Word, u8, usize, u32, u64),
    Pass(u64),
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Submit,
    Extend,
    Retry,
    RetryFailed,
    Cancel,
    Pause,
    Resume,
    Prioritise,
    Remove,
    Join,
    JoinHolding,
    Disconnect,
    Heartbeat,
    Drain,
    Started,
    Record,
    Checkpoint,
    Done,
    Diverged,
    Failed,
    HandBack,
    Differs,
}

fn step() -> impl Strategy<Value = Step> {
    use Word::*;
    let words = prop::sample::select(vec![
        Submit,
        Submit,
        Extend,
        Retry,
        RetryFailed,
        Cancel,
        Pause,
        Resume,
        Prioritise,
        Remove,
        Join,
        Join,
        JoinHolding,
        Disconnect,
        Heartbeat,
        Drain,
        Started,
        Started,
        Record,
        Checkpoint,
        Done,
        Diverged,
        Failed,
        Failed,
        HandBack,
        Differs,
    ]);
    // An attempt of 0 stands for the current one; of which run, for one that the worker holds.
    let attempts = prop_oneof![4 => Just(0), 1 => 1..5_u32];
    prop_oneof![
        8 => (words, 0..4_u8, 0..40_usize, attempts, 0..6_u64)
            .prop_map(|(word, who, run, attempt, step)| Step::Say(word, who, run, attempt, step)),
        2 => (0..20_000_u64).prop_map(Step::Pass),
    ]
}

fn plans() -> Vec<Sweep> {
    let mut plans = vec![
        sweep("first", &[8, 16], 3),
        sweep("overlapping", &[16, 32], 4),
        sweep("fragile", &[8, 32], 2),
        sweep("the same again", &[8, 16], 3),
        sweep("all of it", &[8, 16, 32], 4),
    ];
    plans[1].priority = 5;
    plans[2].limits.max_attempts = 1;
    plans[2].limits.max_failures = Some(2);
    plans[3].limits.max_losses = 0;
    plans[3].requires = vec!["gpu".to_owned()];
    plans
}

fn input(core: &Scheduler, plans: &[Sweep], runs: &[RunId], step: &Step) -> Option<Input> {
    let Step::Say(word, who, which, attempt, step) = step else {
        return None;
    };
    let name = worker(["a", "b", "c", "d"][usize::from(*who)]);
    let (mut run, mut attempt) = (runs[which % runs.len()], *attempt);
    let held = core
        .workers()
        .find(|view| *view.id == name)
        .map(|view| view.held);
    let held = held.filter(|held| !held.is_empty()).unwrap_or_default();
    if attempt == 0
        && let Some(one) = held.get(which % held.len().max(1))
    {
        (run, attempt) = (one.run, one.attempt);
    }
    let payload: Arc<[u8]> = Arc::from([*which as u8]);
    let join = |holds| Input::Join {
        worker: name.clone(),
        offer: Offer {
            memory: [None, Some(1 << 20), Some(1 << 30)][which % 3],
            labels: ["gpu", "fast"][..which % 3]
                .iter()
                .map(|label| (*label).into())
                .collect(),
            ..offer(u32::from(*who), ["x", "y"][which % 2])
        },
        holds,
    };
    Some(match word {
        Word::Submit => Input::Submit(Arc::new(plans[which % plans.len()].clone())),
        Word::Extend => Input::Extend {
            sweep: plans[which % plans.len()].id,
            by: Arc::new(plans[usize::from(*who) % plans.len()].clone()),
        },
        Word::Retry | Word::RetryFailed => Input::Retry {
            sweep: plans[which % plans.len()].id,
            failed_only: matches!(word, Word::RetryFailed),
        },
        Word::Cancel => Input::Cancel(plans[which % plans.len()].id),
        Word::Pause => Input::Pause(plans[which % plans.len()].id),
        Word::Resume => Input::Resume(plans[which % plans.len()].id),
        Word::Prioritise => Input::Prioritise {
            sweep: plans[which % plans.len()].id,
            priority: i32::from(*who),
        },
        Word::Remove => Input::Remove(plans[which % plans.len()].id),
        Word::Join => join(Vec::new()),
        Word::JoinHolding => {
            let half = held
                .iter()
                .skip(which % 2)
                .map(|held| (held.run, held.attempt));
            join(half.chain([(run, attempt)]).collect())
        }
        Word::Disconnect => Input::Disconnect(name),
        Word::Heartbeat => Input::Heartbeat(name),
        Word::Drain => Input::Drain(name),
        Word::Started => Input::Started(name, run, attempt),
        Word::Record => Input::Record {
            worker: name,
            run,
            attempt,
            step: *step,
            payload,
        },
        Word::Checkpoint => Input::Checkpoint {
            worker: name,
            run,
            attempt,
            step: *step,
            payload,
        },
        Word::Done => {
            let ending = Ending::Done {
                steps: *step,
                accuracy_reached: which % 2 == 0,
            };
            Input::Finished(name, run, attempt, ending)
        }
        Word::Diverged => Input::Finished(name, run, attempt, Ending::Diverged { step: *step }),
        Word::Failed => {
            let message = "é".repeat(which * 40);
            Input::Failed {
                worker: name,
                run,
                attempt,
                reason: Reason::Error,
                message,
            }
        }
        Word::HandBack => Input::HandBack(name, run, attempt),
        Word::Differs => Input::Differs(RunNo(*which as u32)),
    })
}

/// The events without those of runs that were forgotten later.
fn without_what_was_forgotten(log: &[Event]) -> Vec<Event> {
    let is_said_later = |place: usize, run: RunNo| {
        log[place..].iter().any(|event| match event {
            Event::Sweep(_, SweepEvent::Removed { forgotten, .. }) => {
                let mut ranges = forgotten.iter();
                ranges.any(|(first, last)| (*first..=*last).contains(&run))
            }
            _ => false,
        })
    };
    let told = log.iter().enumerate().filter(|(place, event)| match event {
        Event::Run(run, _) | Event::Recorded { run, .. } | Event::Checkpointed { run, .. } => {
            !is_said_later(*place, *run)
        }
        Event::Submitted(_) | Event::Sweep(..) => true,
    });
    told.map(|(_, event)| event.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_replay_rebuilds_the_core(steps in prop::collection::vec(step(), 0..150)) {
        let plans = plans();
        let mut runs: Vec<_> = plans.iter().flat_map(ids).collect();
        runs.push(RunId::of(b"a run that nobody knows"));
        let config = Config { backoff: Duration::from_secs(4), ..Config::default() };
        let mut core = Scheduler::new(config.clone());
        let (mut now, mut log) = (Tick(5), Vec::new());
        for step in &steps {
            if let Step::Pass(millis) = step {
                now = now + Duration::from_millis(*millis);
                core.handle_timeout(now);
            } else if let Some(input) = input(&core, &plans, &runs, step) {
                let before = core.snapshot();
                let result = core.handle(now, input);
                prop_assert!(result.is_ok() || core.snapshot() == before, "a refusal changes nothing");
            }
            core.check_invariants();
            log.extend(std::iter::from_fn(|| core.poll_event()));
            let actions = std::iter::from_fn(|| core.poll_action()).count();
            prop_assert!(actions < 200);
            // No call is missed: what is due at the tick that it names, is not due before.
            if let Some(tick) = core.poll_timeout() {
                prop_assert!(tick.0 <= now.0 + 60_000);
            }
        }
        let rebuild = |log: &[Event]| {
            let mut rebuilt = Scheduler::new(config.clone());
            log.iter().for_each(|event| rebuilt.replay(event.clone()));
            rebuilt
        };
        let short = without_what_was_forgotten(&log);
        prop_assert_eq!(rebuild(&short).snapshot(), core.snapshot());
        let mut rebuilt = rebuild(&log);
        prop_assert_eq!(rebuilt.snapshot(), core.snapshot());
        rebuilt.recovered(Tick(77));
        rebuilt.check_invariants();
        // A restart gives every lease a fresh term: what waited for a silent worker runs again.
        let counts = |core: &Scheduler| {
            let counts = core.sweeps().map(|view| view.counts);
            let open = counts.map(|counts| Counts {
                waiting: counts.waiting + counts.running,
                running: 0,
                ..counts
            });
            open.collect::<Vec<_>>()
        };
        prop_assert_eq!(counts(&rebuilt), counts(&core));
    }
}
