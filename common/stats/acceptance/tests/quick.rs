//! The quick way of every row.

use std::time::Instant;

use tailsweep_acceptance::{Effort, Row, Verdict};

/// Repeats are put together in their order.
#[test]
fn lines_do_not_depend_on_threads() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| Row::A13.run(Effort::Quick))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn every_row_is_met_in_the_quick_way() {
    for row in Row::ALL {
        let start = Instant::now();
        let lines = row.run(Effort::Quick);
        let seconds = start.elapsed().as_secs_f64();
        println!("{row}: {} lines, {seconds:.1} s", lines.len());
        let mut missed = Vec::new();
        for line in &lines {
            let (expected, measured) = (line.expected_text(), line.measured_text());
            println!(
                "{row} {} | {expected} | {measured} | {}",
                line.what,
                line.verdict()
            );
            if line.verdict() == Verdict::Fail {
                missed.push(&line.what);
            }
        }
        assert!(!lines.is_empty(), "{row}");
        assert!(missed.is_empty(), "{row}: {missed:?}");
    }
}
