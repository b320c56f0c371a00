//! `tailsweep tls`

use std::time::Duration;

use crate::args::{Tls, TlsInitArgs};
use crate::authority;
use crate::failure::Failure;

pub(crate) fn run(tls: Tls) -> Result<(), Failure> {
    match tls {
        Tls::Init(args) => init(args),
    }
}

fn init(args: TlsInitArgs) -> Result<(), Failure> {
    let mut names = authority::names_of_this_machine();
    names.extend(args.host);
    names.sort();
    names.dedup();
    let valid = Duration::from_secs(u64::from(args.days) * 24 * 3600);
    authority::make(&args.out, &names, valid).map_err(Failure::error)?;
    let out = args.out.display();
    let name = names_to_show(&names);
    eprintln!(
        "made `{out}`, valid for {} days:\n  \
         coordinator/  tailsweep coordinator --listen 0.0.0.0:7171 --credentials {out}/coordinator\n  \
         worker/       tailsweep worker --coordinator https://HOST:7171 --credentials DIR\n  \
         user/         the same for submit, watch, report, …; TAILSWEEP_CREDENTIALS=DIR saves the flag\n  \
         read-only/    for those who look: status, watch, report, the page, metrics\n  \
         ca/           signs more; keep it where no machine runs\n\
         give each part its folder and no other; HOST is one of {name}",
        args.days,
    );
    Ok(())
}

fn names_to_show(names: &[String]) -> String {
    names.join(", ")
}
