//! Order and number of leases, and where they go.

use std::sync::Arc;
use std::time::Duration;

use tailsweep_common::id::RunId;
use tailsweep_common::run::Point;
use tailsweep_common::sweep::Sweep;
use tailsweep_scheduler::{Action, Config, Input, Offer, Scheduler, Tick, Why};

use crate::fixture::{Core, KIND, done, ids, leases, offer, sweep, worker};
use crate::{SILENCE, failed, hand_back, settled};

#[test]
fn the_run_that_is_predicted_longest_goes_first() {
    let mut core = Core::default();
    let plan = sweep("mixed", &[8, 64, 16], 1);
    core.submit(&plan);
    let order: Vec<_> = leases(core.join("a", 3, &[]))
        .into_iter()
        .map(|lease| lease.1)
        .collect();
    let runs = ids(&plan);
    assert_eq!(order, [runs[1], runs[2], runs[0]]);
}

#[test]
fn larger_priority_goes_before_earlier_submission() {
    let mut core = Core::default();
    let (first, second) = (sweep("first", &[64], 1), sweep("second", &[8], 1));
    let mut urgent = sweep("urgent", &[4], 1);
    urgent.priority = 1;
    for plan in [&first, &second, &urgent] {
        core.submit(plan);
    }
    let order: Vec<_> = leases(core.join("a", 3, &[]))
        .into_iter()
        .map(|lease| lease.1)
        .collect();
    assert_eq!(order, [ids(&urgent)[0], ids(&first)[0], ids(&second)[0]]);
}

#[test]
fn a_run_that_two_sweeps_want_has_the_larger_priority_and_is_leased_once() {
    let mut core = Core::default();
    let plan = sweep("slow", &[8, 16], 1);
    let mut urgent = sweep("urgent", &[8], 1);
    urgent.priority = 1;
    core.submit(&plan);
    core.submit(&urgent);
    let order: Vec<_> = leases(core.join("a", 5, &[]))
        .into_iter()
        .map(|lease| lease.1)
        .collect();
    assert_eq!(order, ids(&plan));
}

#[test]
fn leases_go_to_the_emptiest_worker() {
    let mut core = Core::default();
    core.join("a", 2, &[]);
    core.join("b", 4, &[]);
    let leases = leases(core.submit(&sweep("six", &[8], 6)));
    let of = |name: &str| leases.iter().filter(|lease| lease.0 == name).count();
    assert_eq!((of("a"), of("b")), (2, 4));
    assert_eq!(
        leases[2].0, "b",
        "after one each, b is a quarter full and a is half full"
    );
}

#[test]
fn runs_are_given_ahead_only_while_more_wait_than_there_are_slots() {
    let mut core = Core::default();
    core.submit(&sweep("ten", &[8], 10));
    // 2 for the slots; 8 wait for 2 slots: 2 ahead.
    assert_eq!(core.join("a", 2, &[]).len(), 4);
    // 3 for the slots; 3 wait for 5 slots: none ahead.
    assert_eq!(core.join("b", 3, &[]).len(), 3);
    assert_eq!(core.scheduler.queued(), 3);
}

#[test]
fn a_worker_with_one_slot_gets_two_ahead() {
    let mut core = Core::default();
    core.submit(&sweep("ten", &[8], 10));
    assert_eq!(core.join("a", 1, &[]).len(), 3);
}

#[test]
fn sweeps_of_one_priority_share_the_workers() {
    let mut core = Core::default();
    let (first, second) = (sweep("first", &[64], 9), sweep("second", &[8], 9));
    core.submit(&first);
    core.submit(&second);
    let given = leases(core.join("a", 4, &[]));
    let of = |plan: &Sweep| {
        let runs = ids(plan);
        given[..4]
            .iter()
            .filter(|lease| runs.contains(&lease.1))
            .count()
    };
    assert_eq!((of(&first), of(&second)), (2, 2));
}

#[test]
fn a_run_goes_only_where_there_is_memory_for_it() {
    const MIB: u64 = 1 << 20;
    let mut core = Core::default();
    // About 56 MiB and 170 MiB without the data set of 36 MiB.
    let plan = sweep("sizes", &[8, 1024], 2);
    let runs = ids(&plan);
    core.submit(&plan);
    let with = |bytes: u64| Offer {
        memory: Some(bytes),
        ..offer(4, KIND)
    };
    assert_eq!(core.join_with("tiny", with(20 * MIB), &[]), SILENCE);
    let why = |core: &Core, run: RunId| {
        let no = core.scheduler.run_no(run).expect("known");
        core.scheduler.why(no)
    };
    let Some(Why::NoMemory { needs, most }) = why(&core, runs[2]) else {
        panic!("{:?}", why(&core, runs[2]));
    };
    assert!(most == 20 * MIB && needs > 100 * MIB, "{needs}");
    let small = leases(core.join_with("small", with(160 * MIB), &[]));
    let both = [
        ("small".to_owned(), runs[0], 1),
        ("small".to_owned(), runs[1], 1),
    ];
    assert_eq!(small, both, "they share the data set");
    let large = leases(core.join_with("large", with(needs + 10 * MIB), &[]));
    assert_eq!(large, [("large".to_owned(), runs[2], 1)], "one at a time");
    assert!(matches!(
        why(&core, runs[3]),
        Some(Why::InLine { queued: 1 })
    ));
    let next = core.finished("large", runs[2], 1);
    assert!(matches!(&next[1..], [Action::Lease { id, .. }] if *id == runs[3]));
}

#[test]
fn a_sweep_that_asks_for_labels_goes_to_workers_that_have_them() {
    let mut core = Core::default();
    let mut plan = sweep("labelled", &[8], 1);
    plan.requires = vec!["gpu".to_owned(), "zone=a".to_owned()];
    let run = ids(&plan)[0];
    core.submit(&plan);
    let with = |labels: &[&str]| Offer {
        labels: labels.iter().map(|label| (*label).into()).collect(),
        ..offer(1, KIND)
    };
    assert_eq!(core.join_with("a", with(&["gpu"]), &[]), SILENCE);
    let no = core.scheduler.run_no(run).expect("known");
    let requires = plan.requires.clone();
    assert_eq!(core.scheduler.why(no), Some(Why::NoLabels { requires }));
    assert_eq!(
        leases(core.join_with("b", with(&["zone=a", "fast", "gpu"]), &[])),
        [("b".to_owned(), run, 1)]
    );
    // The only worker that can compute it gets it again after a failure.
    failed(&mut core, "b", run, 1);
    assert_eq!(leases(core.pass(1_000)), [("b".to_owned(), run, 2)]);
}

#[test]
fn a_worker_goes_on_with_the_data_set_that_it_has() {
    let mut core = Core::default();
    let with = |name: &str, width: u32, train_limit: u32| {
        let mut plan = sweep(name, &[width], 1);
        let mut point = plan.points[0].network().expect("a network").clone();
        point.dataset.train_limit = Some(train_limit);
        plan.points[0] = Arc::new(Point::Network(point));
        plan
    };
    let (first, mut second) = (with("first", 9, 1_500), with("second", 9, 1_600));
    let shorter = with("shorter", 8, 1_500);
    second.points.extend(shorter.points.iter().cloned());
    core.submit(&first);
    core.join("a", 1, &[]);
    core.finished("a", ids(&first)[0], 1);
    let order: Vec<_> = leases(core.submit(&second))
        .into_iter()
        .map(|lease| lease.1)
        .collect();
    assert_eq!(order, ids(&shorter), "the longer one needs other data");
}

#[test]
fn a_run_that_waits_at_a_busy_worker_is_asked_back_for_a_free_slot() {
    let mut core = Core::default();
    let plan = sweep("four", &[8], 4);
    let runs = ids(&plan);
    core.submit(&plan);
    // One in the slot, two ahead; one more waits.
    assert_eq!(core.join("a", 1, &[]).len(), 3);
    core.started("a", runs[0], 1);
    let told = core.join("b", 2, &[]);
    assert!(matches!(&told[0], Action::Lease { id, .. } if *id == runs[3]));
    let [Action::Recall(of, run, 1)] = &told[1..] else {
        panic!("one slot of b is free: {told:?}");
    };
    let run = *run;
    assert!(**of == *"a" && (run == runs[1] || run == runs[2]));
    assert_eq!(core.heartbeat("b"), SILENCE, "asked once");
    let given = hand_back(&mut core, "a", run, 1);
    assert_eq!(given[..1], settled("a", run, 1));
    assert_eq!(leases(given[1..].to_vec()), [("b".to_owned(), run, 2)]);

    // It had begun: nothing is lost and nothing done twice.
    let left = if run == runs[1] { runs[2] } else { runs[1] };
    let freed = core.finished("b", run, 2);
    assert_eq!(
        freed,
        [
            Action::Settled(worker("b"), run, 2),
            Action::Recall(worker("a"), left, 1)
        ]
    );
    assert_eq!(core.finished("a", runs[0], 1), settled("a", runs[0], 1));
    assert_eq!(core.started("a", left, 1), SILENCE);
    assert_eq!(core.finished("a", left, 1), settled("a", left, 1));
}

#[test]
fn a_worker_without_slots_gets_nothing() {
    let mut core = Core::default();
    core.submit(&sweep("ten", &[8], 10));
    assert_eq!(core.join("a", 0, &[]), SILENCE);
}

#[test]
fn a_time_limit_travels_with_the_lease() {
    let mut core = Core::default();
    let mut plan = sweep("one", &[8], 1);
    plan.limits.time_limit = Some(Duration::from_secs(60));
    core.submit(&plan);
    let lease = core.join("a", 1, &[]);
    assert!(
        matches!(&lease[..], [Action::Lease { time_limit: Some(limit), .. }] if limit.as_secs() == 60)
    );
}

#[test]
fn half_a_million_runs_do_not_slow_down_a_word() {
    let mut plan = sweep("large", &[2], 1);
    plan.seeds = (0..500_000).collect();
    let mut scheduler = Scheduler::new(Config::default());
    scheduler
        .handle(Tick(0), Input::Submit(Arc::new(plan)))
        .expect("taken");
    let begun = std::time::Instant::now();
    let name = worker("a");
    let join = Input::Join {
        worker: name.clone(),
        offer: offer(8, KIND),
        holds: Vec::new(),
    };
    scheduler.handle(Tick(0), join).expect("taken");
    let mut finished = 0;
    while finished < 10_000 {
        while scheduler.poll_event().is_some() {}
        let action = scheduler.poll_action().expect("there is always a lease");
        if let Action::Lease { id, attempt, .. } = action {
            let end = Input::Finished(name.clone(), id, attempt, done());
            scheduler.handle(Tick(0), end).expect("taken");
            finished += 1;
        }
    }
    // Far below 200 µs for a run even on a busy machine: nothing looks at all runs.
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}
