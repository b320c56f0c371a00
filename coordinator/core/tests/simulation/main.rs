//! Hundreds of small worlds in which everything goes wrong, each told again by its seed.
//!
//! `TAILSWEEP_SEED=7 cargo test --release -p tailsweep-scheduler --test simulation` runs one and
//! tells it on standard error; `TAILSWEEP_SEEDS=100000` runs that many.

#[path = "../fixture/mod.rs"]
mod fixture;
mod process;
mod random;
mod store;
mod truth;
mod world;

use std::panic::AssertUnwindSafe;

use tailsweep_common::state::{Reason, RunState};
use tailsweep_common::sweep::{Stop, Sweep};
use tailsweep_scheduler::{Config, Scheduler};
use tailsweep_stats::late::{Seed, pool};

use random::Random;
use truth::Fate;
use world::{Broken, Tally, World};

fn plans(random: &mut Random) -> Vec<Sweep> {
    let count = random.between(1, 3);
    let mut plans: Vec<Sweep> = (0..count)
        .map(|number| {
            let widths: Vec<u32> = (0..random.between(1, 4))
                .map(|index| [8, 16, 32, 64][(index + number) as usize % 4])
                .collect();
            let mut plan =
                fixture::sweep(&format!("sweep {number}"), &widths, random.between(1, 6));
            plan.priority = random.between(0, 1) as i32;
            plan.stop = random.percent(30).then_some(Stop { alpha_ci: 0.06 });
            plan.limits.max_attempts = random.between(1, 4) as u32;
            plan.limits.max_losses = [2, 10, 1_000][random.below(3)];
            plan.limits.max_failures = random.percent(30).then(|| random.between(1, 3) as u32);
            plan
        })
        .collect();
    // The last one has all runs of the others: it may stand for them.
    if random.percent(30) {
        plans.push(fixture::sweep("all of them", &[8, 16, 32, 64], 6));
    }
    plans
}

/// Which seeds are needed follows from the results alone.
fn check_needed(scheduler: &Scheduler, plan: &Sweep) {
    let views: Vec<_> = scheduler.runs_of(plan.id).collect();
    for seeds in views.chunks(plan.seeds.len()) {
        let mut said: Vec<Seed> = Vec::new();
        let mut needed = seeds.len();
        for (place, view) in seeds.iter().enumerate() {
            match (truth::fate(view.id), view.state) {
                _ if plan.stop.is_none() => break,
                (_, RunState::Failed | RunState::Cancelled) => break,
                (Fate::Diverges(_), _) => {}
                _ => said.extend(truth::late(view.id)),
            }
            let half = pool(&said).interval.map(|[low, high]| (high - low) / 2.0);
            let widest = plan.stop.map_or(0.0, |stop| stop.alpha_ci);
            if said.len() >= 3 && half.is_some_and(|half| half <= widest) {
                needed = place + 1;
                break;
            }
        }
        for (place, view) in seeds.iter().enumerate() {
            let is_needed = view.state != RunState::NotNeeded;
            assert_eq!(is_needed, place < needed, "seed {place}: {view:?}");
        }
    }
}

/// Plays one world to its end and judges it.
fn play(seed: u64, broken: Option<Broken>, loud: bool) -> Tally {
    let mut plans = plans(&mut Random::new(random::mix(seed, 8)));
    let only_restarts = seed.is_multiple_of(5);
    if only_restarts {
        // A sweep that stops takes runs back, which a later one may want again.
        for plan in &mut plans {
            plan.limits.max_failures = None;
            plan.stop = None;
        }
    }
    let mut world = World::new(seed, only_restarts, plans);
    world.loud = loud;
    world.broken = broken;
    if broken == Some(Broken::HastyCheckpoint) {
        world
            .processes
            .iter_mut()
            .for_each(|process| process.cautious = false);
    }
    world.run();

    let scheduler = world.scheduler();
    let mut twin = Scheduler::new(Config::default());
    for event in &world.store.log {
        twin.replay(event.clone());
    }
    assert_eq!(
        twin.snapshot(),
        scheduler.snapshot(),
        "what is durable is all there is"
    );

    for plan in &world.plans {
        let sweep = scheduler.sweep(plan.id).expect("all are known in the end");
        if sweep.replaced_by.is_some() {
            continue;
        }
        check_needed(scheduler, plan);
        for view in scheduler.runs_of(plan.id) {
            if view.state == RunState::NotNeeded {
                continue;
            }
            let results = world.store.results.get(&view.no).copied().unwrap_or(0);
            let fate = truth::fate(view.id);
            let last = match (view.state, fate) {
                (RunState::Done, Fate::Fine | Fate::Flaky(_)) => truth::steps(view.id),
                (RunState::Diverged, Fate::Diverges(step)) => step,
                (RunState::Failed, Fate::Broken(_) | Fate::Flaky(_)) => {
                    assert_eq!(results, 0, "a failed run has no result");
                    continue;
                }
                (RunState::Failed, _) if view.reason == Some(Reason::Lost) => {
                    assert!(plan.limits.max_losses < 1_000, "lost too often: {view:?}");
                    continue;
                }
                (RunState::Cancelled, _) => {
                    assert!(sweep.stopped.is_some(), "cancelled, but its sweep goes on");
                    continue;
                }
                _ => panic!("{fate:?} has become {view:?}"),
            };
            assert_eq!(results, 1, "exactly one result of {:?}", view.id);
            assert_eq!(view.steps, last, "steps of {view:?}");
            assert!(!view.nondeterministic, "{view:?}");
            let stored: Vec<_> = world
                .store
                .records
                .range((view.no, 0)..=(view.no, u64::MAX))
                .map(|((_, step), payload)| (*step, payload.clone()))
                .collect();
            let is_of = |kind| stored == truth::records(view.id, kind, last);
            assert!(
                is_of("cpu") || is_of("cuda"),
                "records of {view:?}: {stored:?}"
            );
        }
    }

    if only_restarts {
        let mut computed: Vec<_> = world
            .processes
            .iter()
            .flat_map(|process| process.computed.iter().copied())
            .collect();
        computed.retain(|(run, _)| matches!(truth::fate(*run), Fate::Fine | Fate::Diverges(_)));
        computed.sort();
        let twice = computed
            .windows(2)
            .find(|two| two[0] == two[1])
            .map(|two| two[0]);
        assert_eq!(twice, None, "nothing is computed twice over a restart");
    }
    world.tally
}

fn told(seed: u64, broken: Option<Broken>) -> Result<Tally, String> {
    std::panic::catch_unwind(AssertUnwindSafe(|| play(seed, broken, false))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic without words".to_owned())
    })
}

#[test]
fn each_run_has_exactly_one_result_whatever_happens() {
    if let Ok(seed) = std::env::var("TAILSWEEP_SEED") {
        let tally = play(
            seed.parse().expect("TAILSWEEP_SEED is a number"),
            None,
            true,
        );
        println!("{tally:#?}");
        return;
    }
    let count = std::env::var("TAILSWEEP_SEEDS");
    let count = count.map_or(500, |count| {
        count.parse().expect("TAILSWEEP_SEEDS is a number")
    });
    let mut sum = Tally::default();
    let mut failures = Vec::new();
    for seed in 0..count {
        match told(seed, None) {
            Ok(tally) => sum.add(&tally),
            Err(text) => failures.push((seed, text)),
        }
    }
    for (seed, text) in failures.iter().take(3) {
        eprintln!("TAILSWEEP_SEED={seed}: {text}");
    }
    let seeds: Vec<_> = failures.iter().map(|(seed, _)| seed).collect();
    assert!(
        seeds.is_empty(),
        "{} of {count} seeds fail: {seeds:?}",
        seeds.len()
    );
    println!("{sum:#?}");
    sum.assert_all_happened();
}

/// How many seeds it takes to find out a broken rule, at most.
const TEETH: u64 = 200;

#[test]
fn a_rule_that_is_broken_on_purpose_is_found_out() {
    println!("for docs/guarantees.md:\n\n| broken on purpose | seed | found by |\n|---|---|---|");
    for broken in Broken::ALL {
        let found = (0..TEETH).find_map(|seed| Some((seed, told(seed, Some(broken)).err()?)));
        let Some((seed, text)) = found else {
            panic!("{broken:?} is not found out by {TEETH} seeds");
        };
        let text = text.replace('\n', " ");
        println!("| {} | {seed} | {text:.150} |", broken.told());
    }
}
