//! Sweeps that are disturbed at random moments by whatever can happen to processes and networks.
//!
//! Three of them; `TAILSWEEP_DISTURBED=100 cargo test --release -p tailsweep-e2e --test chaos` runs a
//! hundred, `TAILSWEEP_DISTURBED_FROM=17` begins with number 17. The number of a sweep decides about
//! its faults, not about the moments of the processes. Each fault is proven when it happens: by a
//! process that was alive when its signal came, or by a counter of the network.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use tailsweep_e2e::disturbed::{RUNS, assert_undisturbed, undisturbed};
use tailsweep_e2e::proxy::{Counters, Proxy};
use tailsweep_e2e::{Cluster, Process, attempts, until};

/// Faults of one sweep, besides the loss of a worker and the one of its number, which each has.
const FAULTS: usize = 4;

/// What can happen. The first one of a sweep is that of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    KilledCoordinator,
    CutMessage,
    KilledWorker,
    SlowNetwork,
    StoppedWorker,
    StillNetwork,
    CutConnection,
}

impl Fault {
    const ALL: [Self; 7] = [
        Self::KilledCoordinator,
        Self::CutMessage,
        Self::KilledWorker,
        Self::SlowNetwork,
        Self::StoppedWorker,
        Self::StillNetwork,
        Self::CutConnection,
    ];

    fn of(number: u64) -> Self {
        Self::ALL[(number % Self::ALL.len() as u64) as usize]
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Workers, each behind a network of its own.
struct Workers {
    living: Vec<(Process, Proxy)>,
    born: u32,
}

impl Workers {
    fn add(&mut self, cluster: &Cluster) {
        let proxy = Proxy::start(cluster.port());
        let worker = cluster.start_worker_at(&format!("worker-{}", self.born), proxy.port());
        self.born += 1;
        self.living.push((worker, proxy));
    }

    /// Kills one, and lets another one come.
    fn replace(&mut self, index: usize, cluster: &Cluster) {
        let (worker, _) = self.living.swap_remove(index);
        worker.kill();
        self.add(cluster);
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn disturbed_sweeps_give_the_tables_of_an_undisturbed_one() {
    let from = number("TAILSWEEP_DISTURBED_FROM", 0);
    let count = number("TAILSWEEP_DISTURBED", 3);
    for seed in from..from + count {
        let start = Instant::now();
        let faults = disturbed(seed);
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("sweep {seed}: a lost worker, {faults:?} in {seconds:.1} s");
    }
}

/// Runs one sweep; the faults that happened to it, besides the loss of a worker.
fn disturbed(seed: u64) -> Vec<Fault> {
    let mut random = Random(seed);
    let mut cluster = Cluster::start();
    let mut workers = Workers {
        living: Vec::new(),
        born: 0,
    };
    for _ in 0..2 {
        workers.add(&cluster);
    }
    cluster.submit(&undisturbed().1);
    until("a run in computation", || {
        (cluster.runs("running") > 0).then_some(())
    });

    // One that computes is lost, whatever else happens.
    until("a worker with a run", || {
        lose_one(&mut workers, &cluster).then_some(())
    });
    assert!(
        cluster.runs("done") < RUNS,
        "sweep {seed}: it was over before it was disturbed"
    );
    let mut happened = Vec::new();
    let mut next = Fault::of(seed);
    for _ in 0..=FAULTS {
        make(next, &mut random, &mut cluster, &mut workers);
        happened.push(next);
        thread::sleep(Duration::from_millis(random.below(700)));
        if cluster.runs("done") == RUNS {
            break;
        }
        next = Fault::of(random.below(u64::MAX));
    }
    cluster.watch();
    let report = cluster.report();
    assert_undisturbed(&report);

    let attempts = attempts(&report);
    let lost = attempts
        .iter()
        .filter(|attempt| attempt.was("lost"))
        .count();
    assert!(lost > 0, "sweep {seed}: no run was lost: {attempts:?}");
    let finished = attempts
        .iter()
        .filter(|attempt| attempt.was("finished"))
        .count();
    assert_eq!(
        finished as u64, RUNS,
        "sweep {seed}: one result for each run"
    );
    happened
}

/// Kills a worker that computes, if one does.
fn lose_one(workers: &mut Workers, cluster: &Cluster) -> bool {
    let attempts = cluster.attempts();
    let computes = |name: &str| {
        attempts.iter().any(|attempt| {
            let ended = ["finished", "lost", "handed_back", "failed"];
            let is_over = ended.iter().any(|word| attempt.was(word));
            attempt.worker == name && attempt.was("started") && !is_over
        })
    };
    let first = workers.born - workers.living.len() as u32;
    let found = (0..workers.living.len())
        .find(|index| computes(&format!("worker-{}", first + *index as u32)));
    let Some(index) = found else {
        return false;
    };
    workers.replace(index, cluster);
    true
}

/// Lets a fault happen, and proves that it did.
fn make(fault: Fault, random: &mut Random, cluster: &mut Cluster, workers: &mut Workers) {
    let index = random.below(workers.living.len() as u64) as usize;
    let pause = Duration::from_millis(100 + random.below(900));
    let (worker, proxy) = &workers.living[index];
    let counters = proxy.counters();
    // Workers give signs of life all the time, so bytes pass.
    let counts = |what: &str, counter: &AtomicU64, before: u64| {
        until(what, || (Counters::get(counter) > before).then_some(()));
    };
    match fault {
        Fault::KilledWorker => workers.replace(index, cluster),
        Fault::KilledCoordinator => {
            cluster.coordinator.take().unwrap().kill();
            thread::sleep(pause);
            cluster.start_coordinator();
        }
        Fault::StoppedWorker => {
            worker.signal("STOP");
            // Sometimes beyond the lease of three seconds.
            thread::sleep(pause * 4);
            worker.signal("CONT");
        }
        Fault::CutConnection => until("a connection to cut", || (proxy.cut() > 0).then_some(())),
        Fault::CutMessage => {
            let before = Counters::get(&counters.cut);
            proxy.cut_after(1 + random.below(1000));
            counts("a message that is cut", &counters.cut, before);
        }
        Fault::StillNetwork => {
            let before = Counters::get(&counters.stopped);
            proxy.hold(true);
            thread::sleep(pause * 4);
            counts("bytes that stand still", &counters.stopped, before);
            proxy.hold(false);
        }
        Fault::SlowNetwork => {
            let before = Counters::get(&counters.delayed);
            proxy.delay(Duration::from_millis(1 + random.below(50)));
            counts("bytes that are late", &counters.delayed, before);
        }
    }
}
