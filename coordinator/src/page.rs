//! What a browser and a monitor see: a page, reports, metrics. Nothing here changes anything.

mod html;
mod metrics;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::routing::get;
use tailsweep_common::id::SweepId;
use tailsweep_proto::wire;
use tailsweep_report::Choice;
use tokio::sync::Semaphore;

use crate::driver::{Driver, Gone, View};
use crate::security::Guard;
use crate::store::Reader;
use crate::{report, status};

/// Sweeps and workers that the page shows.
const MAX_SWEEPS: usize = 50;
const MAX_WORKERS: usize = 200;
/// Sweeps of which it shows the runs in computation.
const MAX_DETAILED: usize = 4;

/// Nothing of other sites, no scripts, no frames.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the pages are made of.
pub(crate) struct Pages {
    pub(crate) driver: Driver,
    pub(crate) reader: Reader,
    pub(crate) guard: Arc<Guard>,
    /// Reports that may be made at a time, here and by the services.
    pub(crate) reports: Arc<Semaphore>,
}

/// All that the front page shows.
struct Overview {
    /// Newest first; the first ones that go on with their runs.
    sweeps: Vec<wire::SweepStatus>,
    sweeps_in_all: usize,
    workers: Vec<wire::WorkerStatus>,
    workers_in_all: usize,
    queue_depth: usize,
    /// Why nothing can be kept now.
    trouble: Option<Arc<str>>,
}

/// The routes of all pages.
pub(crate) fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/", get(front))
        .route("/healthz", get(async || text("ok\n".to_owned())))
        .route("/metrics", get(metrics))
        .route("/sweeps/{id}/report.html", get(report))
        .with_state(Arc::new(pages))
}

async fn front(State(pages): State<Arc<Pages>>) -> Response<Body> {
    match pages.driver.ask(overview).await {
        Ok(overview) => html(html::front(&overview)),
        Err(gone) => not_ready(&gone),
    }
}

async fn metrics(State(pages): State<Arc<Pages>>) -> Response<Body> {
    let mut gauges = match pages.driver.ask(metrics::of).await {
        Ok(gauges) => gauges,
        Err(gone) => return not_ready(&gone),
    };
    gauges.commits = pages.driver.stats().commits();
    gauges.inbox = pages.driver.waiting();
    gauges.refused = pages.guard.refused.load(Ordering::Relaxed);
    gauges.state_bytes = pages.reader.size();
    text(metrics::text(&gauges))
}

async fn report(State(pages): State<Arc<Pages>>, Path(id): Path<String>) -> Response<Body> {
    let Ok(id) = id.parse::<SweepId>() else {
        return missing();
    };
    let outline = match report::outline(&pages.driver, id).await {
        Ok(Some(outline)) => outline,
        Ok(None) => return missing(),
        Err(gone) => return not_ready(&gone),
    };
    let turn = match Arc::clone(&pages.reports).acquire_owned().await {
        Ok(turn) => turn,
        Err(closed) => return broken(&closed),
    };
    let reader = pages.reader.clone();
    let made = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        report::make(&outline, Choice::default(), &reader)
    });
    let files = match made.await {
        Ok(Ok(files)) => files,
        Ok(Err(problem)) => return broken(&problem),
        Err(problem) => return broken(&problem),
    };
    let page = files.into_iter().find(|(path, _)| path == "report.html");
    match page {
        Some((_, content)) => respond(StatusCode::OK, "text/html; charset=utf-8", content),
        None => missing(),
    }
}

fn overview(view: &View<'_>) -> Overview {
    let mut sweeps: Vec<_> = view.scheduler.sweeps().collect();
    sweeps.reverse();
    let sweeps_in_all = sweeps.len();
    sweeps.truncate(MAX_SWEEPS);
    let mut detailed = 0;
    let told = sweeps.iter().map(|sweep| {
        if sweep.is_over || detailed == MAX_DETAILED {
            return status::brief(sweep);
        }
        detailed += 1;
        status::of_sweep(view, sweep.id).unwrap_or_else(|| status::brief(sweep))
    });
    let sweeps = told.collect();
    let workers_in_all = view.scheduler.workers().count();
    let workers = view.scheduler.workers().take(MAX_WORKERS);
    Overview {
        sweeps,
        sweeps_in_all,
        workers: workers.map(|worker| status::of_worker(&worker)).collect(),
        workers_in_all,
        queue_depth: view.scheduler.queued(),
        trouble: view.trouble.clone(),
    }
}

fn html(content: String) -> Response<Body> {
    respond(
        StatusCode::OK,
        "text/html; charset=utf-8",
        content.into_bytes(),
    )
}

fn text(content: String) -> Response<Body> {
    // The version of Prometheus' text format.
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    respond(StatusCode::OK, kind, content.into_bytes())
}

fn plain(status: StatusCode, said: &str) -> Response<Body> {
    respond(
        status,
        "text/plain; charset=utf-8",
        format!("{said}\n").into_bytes(),
    )
}

fn missing() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "there is no such page")
}

fn not_ready(gone: &Gone) -> Response<Body> {
    plain(StatusCode::SERVICE_UNAVAILABLE, &gone.to_string())
}

fn broken(problem: &dyn std::fmt::Display) -> Response<Body> {
    tracing::error!(%problem, "can't make a report");
    plain(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the report can't be made; the log says why",
    )
}

fn respond(status: StatusCode, kind: &'static str, content: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = status;
    let headers: [(HeaderName, &'static str); 6] = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
