//! The front page as text: values in, HTML out.

use std::fmt::Write as _;

use tailsweep_proto::wire::{Counts, RunFailure, RunningRun, SweepStatus, WorkerStatus};

use super::Overview;

const STYLE: &str = include_str!("style.css");

/// The whole page; it asks for itself again after five seconds.
pub(super) fn front(overview: &Overview) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"5\"><title>tailsweep</title>\
         <style>{STYLE}</style></head><body><header><h1>tailsweep</h1><p>{}</p></header><main>",
        summary(overview)
    );
    if let Some(trouble) = &overview.trouble {
        put(
            &mut page,
            format_args!(
                "<p class=\"bad-note\">The coordinator can't keep anything now: {}. Workers go on \
                 computing; it goes on by itself when that is over.</p>",
                escape(trouble)
            ),
        );
    }
    sweeps(&mut page, overview);
    for sweep in overview.sweeps.iter().filter(|sweep| !sweep.over) {
        details(&mut page, sweep);
    }
    workers(&mut page, overview);
    let version = env!("CARGO_PKG_VERSION");
    put(
        &mut page,
        format_args!(
            "</main><footer>tailsweep {version} · <a href=\"/metrics\">metrics</a></footer>\
             </body></html>\n"
        ),
    );
    page
}

fn summary(overview: &Overview) -> String {
    let connected = overview.workers.iter().filter(|worker| worker.connected);
    let slots: u32 = connected.clone().map(|worker| worker.slots).sum();
    let computing: u32 = overview.workers.iter().map(|worker| worker.computing).sum();
    format!(
        "{} sweeps · {} workers connected · {computing} of {slots} slots busy · {} runs wait for \
         a slot",
        overview.sweeps_in_all,
        connected.count(),
        overview.queue_depth
    )
}

fn sweeps(page: &mut String, overview: &Overview) {
    page.push_str("<section><h2>Sweeps</h2>");
    if overview.sweeps.is_empty() {
        page.push_str(
            "<p class=\"quiet\">None yet: <code>tailsweep submit SPEC</code> hands one in.</p></section>",
        );
        return;
    }
    page.push_str(
        "<div class=\"wide\"><table><thead><tr><th>name</th><th>id</th><th>progress</th>\
         <th class=\"n\">done</th><th class=\"n\">running</th><th class=\"n\">waiting</th>\
         <th class=\"n\">failed</th><th>report</th></tr></thead><tbody>",
    );
    for sweep in &overview.sweeps {
        let runs = sweep.runs.unwrap_or_default();
        let note = match (sweep.over, sweep.stopped.is_empty()) {
            (_, false) => format!(" <span class=\"tag\">{}</span>", escape(&sweep.stopped)),
            (true, true) => " <span class=\"tag\">over</span>".to_owned(),
            (false, true) => String::new(),
        };
        put(
            page,
            format_args!(
                "<tr><td>{}{note}</td><td><code>{}</code></td><td>{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td><a href=\"/sweeps/{}/report.html\">report</a></td></tr>",
                escape(&sweep.name),
                escape(sweep.id.get(..8).unwrap_or(&sweep.id)),
                bar(&runs),
                runs.done + runs.diverged,
                runs.running,
                runs.waiting,
                runs.failed + runs.cancelled,
                escape(&sweep.id),
            ),
        );
    }
    page.push_str("</tbody></table></div>");
    rest(
        page,
        overview.sweeps_in_all - overview.sweeps.len(),
        "older sweeps",
    );
    page.push_str("</section>");
}

/// What is done, in computation, and failed, as parts of a bar.
fn bar(runs: &Counts) -> String {
    let Counts {
        waiting,
        running,
        done,
        diverged,
        failed,
        cancelled,
        not_needed,
    } = *runs;
    let (ended, given_up) = (done + diverged + not_needed, failed + cancelled);
    let all = (waiting + running + ended + given_up).max(1) as f64;
    let percent = |part: u64| part as f64 / all * 100.0;
    let label = format!("{:.0} %", (percent(ended) * 10.0).floor() / 10.0);
    format!(
        "<span class=\"bar\" role=\"img\" aria-label=\"{label}\"><i class=\"done\" \
         style=\"width:{:.2}%\"></i><i class=\"bad\" style=\"width:{:.2}%\"></i><i class=\"now\" \
         style=\"width:{:.2}%\"></i></span> <small>{label}</small>",
        percent(ended),
        percent(given_up),
        percent(running),
    )
}

fn details(page: &mut String, sweep: &SweepStatus) {
    if sweep.running.is_empty() && sweep.failures.is_empty() && sweep.waiting_for.is_empty() {
        return;
    }
    put(
        page,
        format_args!("<section><h2>{}</h2>", escape(&sweep.name)),
    );
    if !sweep.waiting_for.is_empty() {
        put(
            page,
            format_args!("<p class=\"note\">{}</p>", escape(&sweep.waiting_for)),
        );
    }
    if !sweep.running.is_empty() {
        page.push_str(
            "<div class=\"wide\"><table><thead><tr><th>run</th><th>worker</th>\
             <th class=\"n\">step</th><th class=\"n\">loss</th><th class=\"n\">α (published)</th>\
             </tr></thead><tbody>",
        );
        sweep.running.iter().for_each(|run| running(page, run));
        page.push_str("</tbody></table></div>");
    }
    for failure in &sweep.failures {
        failed(page, failure);
    }
    page.push_str("</section>");
}

fn running(page: &mut String, run: &RunningRun) {
    let told = run.progress.clone().unwrap_or_default();
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.3}"));
    put(
        page,
        format_args!(
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{} / {}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            escape(&run.label),
            escape(&run.worker),
            told.step,
            told.steps,
            number(told.loss),
            number(told.alpha),
        ),
    );
}

fn failed(page: &mut String, failure: &RunFailure) {
    let what = if failure.last {
        "failed"
    } else {
        "will be tried again"
    };
    put(
        page,
        format_args!(
            "<p class=\"bad-note\"><strong>{}</strong>, attempt {}: {what} ({}) <code>{}</code></p>",
            escape(&failure.label),
            failure.attempt,
            escape(&failure.reason),
            escape(&failure.message),
        ),
    );
}

fn workers(page: &mut String, overview: &Overview) {
    page.push_str("<section><h2>Workers</h2>");
    if overview.workers.is_empty() {
        page.push_str(
            "<p class=\"quiet\">None: <code>tailsweep worker</code> starts one.</p></section>",
        );
        return;
    }
    page.push_str(
        "<div class=\"wide\"><table><thead><tr><th>name</th><th>kind</th><th>state</th>\
         <th class=\"n\">slots</th><th class=\"n\">computing</th><th class=\"n\">ahead</th></tr>\
         </thead><tbody>",
    );
    for worker in &overview.workers {
        put(
            page,
            format_args!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                escape(&worker.id),
                escape(&worker.kind),
                state(worker),
                worker.slots,
                worker.computing,
                worker.prefetched,
            ),
        );
    }
    page.push_str("</tbody></table></div>");
    rest(
        page,
        overview.workers_in_all - overview.workers.len(),
        "more workers",
    );
    page.push_str("</section>");
}

fn state(worker: &WorkerStatus) -> &'static str {
    match (worker.connected, worker.draining) {
        (true, false) => "connected",
        (true, true) => "leaving",
        (false, _) => "away",
    }
}

fn rest(page: &mut String, count: usize, what: &str) {
    if count > 0 {
        put(
            page,
            format_args!("<p class=\"quiet\">and {count} {what}</p>"),
        );
    }
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text)
        .expect("a string takes what is written to it");
}

/// Text that is no markup.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overview(name: &str) -> Overview {
        Overview {
            sweeps: vec![SweepStatus {
                id: "0123456789abcdef0123456789abcdef".to_owned(),
                name: name.to_owned(),
                runs: Some(Counts {
                    waiting: 1,
                    running: 1,
                    done: 2,
                    ..Counts::default()
                }),
                waiting_for: "no worker is connected".to_owned(),
                ..SweepStatus::default()
            }],
            sweeps_in_all: 3,
            workers: Vec::new(),
            workers_in_all: 0,
            queue_depth: 1,
            trouble: None,
        }
    }

    #[test]
    fn progress_and_links_are_shown() {
        let page = front(&overview("depth"));
        for expected in [
            "width:50.00%",
            "/sweeps/0123456789abcdef0123456789abcdef/report.html",
            "and 2 older sweeps",
            "no worker is connected",
            "1 runs wait",
        ] {
            assert!(page.contains(expected), "`{expected}` is missing in {page}");
        }
    }

    #[test]
    fn names_are_no_markup() {
        let page = front(&overview("<script>alert(\"x\")</script>"));
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)"));
    }
}
