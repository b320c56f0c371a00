//! `coordinator` and `worker`.

use std::net::SocketAddr;
use std::path::PathBuf;

use tailsweep_worker::Device;

use super::shared::{ComputeArgs, CoordinatorUrl, label};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep coordinator                                  for workers and users on this machine
  tailsweep coordinator --listen 127.0.0.1:7272 --state /data/tailsweep")]
pub(crate) struct CoordinatorArgs {
    /// Address to listen on [default: 127.0.0.1:7171] [env: TAILSWEEP_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Folder of the durable state [env: TAILSWEEP_STATE]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// How long a worker may be silent before its runs go elsewhere [default: 15s]
    /// [env: TAILSWEEP_LEASE]
    #[arg(long, value_name = "TIME")]
    pub(crate) lease: Option<String>,
    /// Folder that `tls init` made for the coordinator: certificate, key, tokens
    /// [env: TAILSWEEP_CREDENTIALS]
    #[arg(long, value_name = "DIR")]
    pub(crate) credentials: Option<PathBuf>,
    /// Name under which browsers ask for the page, besides addresses and `localhost`; may be given
    /// again [env: TAILSWEEP_HOSTS, with spaces between them]
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,
    /// Keep the state on a network file system, where a database can be damaged without a word
    #[arg(long)]
    pub(crate) allow_network_fs: bool,
    /// Let the database grow no further, MiB; the limit is answered like a full disk
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub(crate) max_state_mib: Option<u64>,
    /// Listen on an address that other machines can reach, without authentication
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tailsweep worker --slots 4
  tailsweep worker --device cuda:0                       networks on the first GPU
  tailsweep worker --idle-timeout 10m --time-limit 12h   inside the limits of a batch job

SIGTERM hands its runs back after a checkpoint; they go on elsewhere.")]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) url: CoordinatorUrl,
    #[command(flatten)]
    pub(crate) compute: ComputeArgs,
    /// Where gradients of the steps in `measure.dump` are written, a folder for each run
    #[arg(long, value_name = "DIR", default_value = "tailsweep-dump")]
    pub(crate) dump_dir: PathBuf,
    /// Where networks are computed: `cpu`, or `cuda:0` for the first GPU of NVIDIA
    #[arg(long, default_value = "cpu")]
    pub(crate) device: Device,
    /// Name of this worker, unique among workers [default: HOST-PID-RANDOM]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Memory that its runs may take together, such as `8GiB` [default: nine tenths of the
    /// machine's, or of what its control group is allowed]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
    /// What it is good for, such as `gpu` or `zone=a` (again for more); sweeps ask for it by
    /// `requires`
    #[arg(long, value_name = "LABEL", value_parser = label)]
    pub(crate) label: Vec<String>,
    /// Leave after so long without work, such as `10m`
    #[arg(long, value_name = "TIME")]
    pub(crate) idle_timeout: Option<String>,
    /// Leave after so long, handing back what is not done
    #[arg(long, value_name = "TIME")]
    pub(crate) time_limit: Option<String>,
}

fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => return Err("write a size such as `512MiB` or `8GiB`".to_owned()),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << unit))
        .ok_or_else(|| "write a size such as `512MiB` or `8GiB`".to_owned())
}
