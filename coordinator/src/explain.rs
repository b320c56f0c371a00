//! Why a run is not being computed, in words.

use tailsweep_scheduler::Why;

/// One word of a fixed list.
pub(crate) fn word(why: &Why) -> &'static str {
    match why {
        Why::BackOff { .. } => "back_off",
        Why::NoWorker => "no_worker",
        Why::SilentWorker(_) => "silent_worker",
        Why::Ahead(_) => "ahead",
        Why::OtherWorker(_) => "other_worker",
        Why::NoLabels { .. } => "no_labels",
        Why::NoMemory { .. } => "no_memory",
        Why::Paused => "paused",
        Why::InLine { .. } => "in_line",
        Why::Unwanted => "unwanted",
    }
}

/// A sentence that says what to do, where something can be done.
pub(crate) fn sentence(why: &Why) -> String {
    match why {
        Why::BackOff { pause } => format!(
            "its last attempt failed; it is tried again in {:.0} s",
            pause.as_secs_f64().ceil()
        ),
        Why::NoWorker => {
            "no worker is connected that takes runs; `tailsweep worker` starts one".to_owned()
        }
        Why::SilentWorker(worker) => format!(
            "its worker `{worker}` has not been heard of for too long; the next free slot takes \
             the run over"
        ),
        Why::Ahead(worker) => format!("it waits at worker `{worker}` for a slot"),
        Why::OtherWorker(worker) => {
            format!("it failed on `{worker}` and waits for a free slot of another worker")
        }
        Why::NoLabels { requires } => format!(
            "no worker has all of the labels that its sweep requires: {}; start one with {}",
            requires.join(", "),
            requires
                .iter()
                .map(|label| format!("--label {label}"))
                .collect::<Vec<_>>()
                .join(" ")
        ),
        Why::NoMemory { needs, most } => format!(
            "nobody offers enough memory: it is predicted to take {} MiB with its data, and the \
             largest worker offers {} MiB; start a worker on a larger machine, or with --memory",
            mebibytes(*needs),
            most >> 20
        ),
        Why::Paused => "its sweep is paused; `tailsweep resume` goes on".to_owned(),
        Why::InLine { queued: 1 } => {
            "it is next: all slots that could compute it are taken".to_owned()
        }
        Why::InLine { queued } => format!(
            "all slots that could compute it are taken; {} other runs wait with it",
            queued - 1
        ),
        Why::Unwanted => {
            "no sweep wants it any more; `tailsweep retry` takes a cancelled sweep up again"
                .to_owned()
        }
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_is_said_with_both_numbers() {
        let why = Why::NoMemory {
            needs: (300 << 20) + 1,
            most: 200 << 20,
        };
        let said = sentence(&why);
        assert!(said.contains("nobody offers enough memory"), "{said}");
        assert!(
            said.contains("301 MiB") && said.contains("200 MiB"),
            "{said}"
        );
    }
}
