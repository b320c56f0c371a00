//! `tailsweep export`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use prost::Message as _;
use serde_json::json;
use tailsweep_proto::export::{MAGIC, Seal};
use tailsweep_proto::wire::export_part::Part;

use crate::args::ExportArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::terminal::{self, counted};

pub(crate) async fn run(args: ExportArgs, settings: &Settings) -> Result<(), Failure> {
    let mut client = Client::connect(&settings.coordinator).await?;
    let failed = |problem: std::io::Error| {
        Failure::error(format!("can't write `{}`: {problem}", args.out.display()))
    };
    let folder = args.out.parent().filter(|folder| *folder != Path::new(""));
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    let (mut seal, mut results) = (Seal::default(), None);
    {
        let mut out: BufWriter<&mut File> = BufWriter::new(file.as_file_mut());
        out.write_all(MAGIC).map_err(failed)?;
        let write = |part: tailsweep_proto::wire::ExportPart| {
            let encoded = part.encode_length_delimited_to_vec();
            if let Some(Part::End(end)) = &part.part {
                if *end.sha256 != std::mem::take(&mut seal).finish() {
                    return Err(Failure::error("what came is not what was sent; try again"));
                }
                results = Some(end.runs);
            }
            seal.add(&encoded);
            out.write_all(&encoded).map_err(failed)
        };
        client.export(&args.selector.sweep, write).await?;
        out.flush().map_err(failed)?;
    }
    let results = results.ok_or_else(|| Failure::error("the export broke off; try again"))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(&args.out)
        .map_err(|problem| failed(problem.error))?;
    eprintln!(
        "wrote {} to `{}`",
        counted(results, "result"),
        args.out.display()
    );
    if args.json {
        let file = args.out.display().to_string();
        terminal::print_json(&json!({ "version": 1, "file": file, "results": results }))?;
    }
    Ok(())
}
