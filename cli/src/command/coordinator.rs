//! `tailsweep coordinator`

use tailsweep_coordinator::{Access, Coordinator, Credentials};

use crate::args::CoordinatorArgs;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::signals::serve_until_stopped;

pub(crate) async fn run(args: CoordinatorArgs, settings: &Settings) -> Result<(), Failure> {
    let credentials = settings.credentials.as_deref();
    let access = Access {
        credentials: credentials
            .map(Credentials::read)
            .transpose()
            .map_err(Failure::error)?,
        insecure: args.insecure,
        hosts: settings.hosts.clone(),
    };
    access.permit(settings.listen).map_err(Failure::error)?;
    let coordinator = tailsweep_coordinator::Settings {
        lease: settings.lease,
        allow_network_fs: args.allow_network_fs,
        max_state: args.max_state_mib.map(|size| size << 20),
        ..tailsweep_coordinator::Settings::new(&settings.state)
    };
    let coordinator = Coordinator::open(&coordinator).map_err(Failure::error)?;
    serve_until_stopped(async |stop| {
        coordinator
            .listen(settings.listen, access, stop)
            .await
            .map_err(Failure::error)
    })
    .await
}
