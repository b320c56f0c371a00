//! The one program: everything that a user types.
//!
//! Data goes to stdout, all else to stderr. The exit code says what happened; see [`failure`].

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod allocator;
mod args;
mod authority;
mod client;
mod command;
mod failure;
mod local;
mod numbers;
mod point_table;
mod progress;
#[cfg(test)]
mod reference;
mod remote;
mod report_folder;
mod settings;
mod signals;
mod summary;
mod sweep_file;
mod terminal;
mod trackers;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;
use settings::Settings;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.exit_code()
        }
    }
}

fn run(args: Args) -> Result<(), Failure> {
    let settings = Settings::load(&args)?;
    terminal::start_logging(&settings.log)?;
    // Those that wait for nobody need no runtime.
    match args.command {
        Command::Completions { shell } => return command::completions::run(shell),
        Command::Schema => return command::schema::run(),
        Command::Man(args) => return command::man::run(&args),
        Command::Tls { tls } => return command::tls::run(tls),
        Command::Bench { bench } => return command::bench::run(bench, &settings),
        Command::Estimate(args) => return command::estimate::run(args),
        Command::Data { data } => return command::data::run(data, &settings),
        _ => {}
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if matches!(args.command, Command::Run(_) | Command::Worker(_)) {
        allocator::keep_freed_memory();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_name("tailsweep-io")
        .build()
        .map_err(|problem| Failure::error(format!("can't start: {problem}")))?;
    let done = runtime.block_on(dispatch(args.command, &settings));
    // A computation that was told to stop may still be in its last step.
    runtime.shutdown_background();
    done
}

async fn dispatch(command: Command, settings: &Settings) -> Result<(), Failure> {
    match command {
        Command::Run(args) => command::run::run(args, settings).await,
        Command::Coordinator(args) => command::coordinator::run(args, settings).await,
        Command::Worker(args) => command::worker::run(args, settings).await,
        Command::Submit(args) => command::submit::run(args, settings).await,
        Command::Watch(args) => command::watch::run(args, settings).await,
        Command::Status(args) => command::status::run(args, settings).await,
        Command::Sweeps(args) => command::sweeps::run(args, settings).await,
        Command::Workers(args) => command::workers::run(args, settings).await,
        Command::Report(args) => command::report::run(args, settings).await,
        Command::Query(args) => command::query::run(args, settings).await,
        Command::Runs(args) => command::runs::run(args, settings).await,
        Command::Explain(args) => command::explain::explain(args, settings).await,
        Command::Weights(args) => command::weights::run(args, settings).await,
        Command::Logs(args) => command::logs::run(args, settings).await,
        Command::Cancel(args) => command::control::cancel(args, settings).await,
        Command::Pause(args) => command::control::pause(args, settings).await,
        Command::Resume(args) => command::control::resume(args, settings).await,
        Command::Retry(args) => command::control::retry(args, settings).await,
        Command::Priority(args) => command::control::priority(args, settings).await,
        Command::Extend(args) => command::extend::run(args, settings).await,
        Command::Rm(args) => command::control::rm(args, settings).await,
        Command::Gc(args) => command::gc::run(args, settings).await,
        Command::Export(args) => command::export::run(args, settings).await,
        Command::Import(args) => command::import::run(args, settings).await,
        Command::Plan(args) => command::plan::run(args, settings).await,
        Command::Verify(args) => command::verify::run(args, settings).await,
        Command::Data { data } => command::data::run(data, settings),
        Command::Config(args) => command::config::run(args, settings),
        Command::Bench { bench } => command::bench::run(bench, settings),
        Command::Estimate(args) => command::estimate::run(args),
        Command::Schema => command::schema::run(),
        Command::Man(args) => command::man::run(&args),
        Command::Completions { shell } => command::completions::run(shell),
        Command::Tls { tls } => command::tls::run(tls),
    }
}
