//! `tailsweep report`

use crate::args::ReportArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::report_folder;
use crate::settings::Settings;

pub(crate) async fn run(args: ReportArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let files = client.report(&args.selector.sweep).await?;
    report_folder::write(&args.out, &files)?;
    report_folder::tell(&args.out, &files, args.json)
}
