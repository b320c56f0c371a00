//! Contents without a bound of their own travel in parts.

use std::time::Duration;

use tailsweep_common::id::BlobId;
use tailsweep_proto::{PART, wire};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::unreadable;
use crate::store::Reader;

/// Who does not take a part within this time gets no more, and the content is let go.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stream of parts, made as fast as they are taken.
pub(crate) type Parts<T> = ReceiverStream<Result<T, Status>>;

/// The parts of one content.
pub(crate) fn of_content(content: Vec<u8>) -> Parts<wire::Part> {
    send(vec![content], |_, piece| wire::Part {
        content: piece.to_vec().into(),
    })
}

/// The parts of a file that travelled with a sweep, by its digest.
pub(crate) async fn of_file(reader: &Reader, id: &[u8]) -> Result<Parts<wire::Part>, Status> {
    let id =
        BlobId::try_from(id).map_err(|problem| Status::invalid_argument(problem.to_string()))?;
    let reader = reader.clone();
    let content = tokio::task::spawn_blocking(move || reader.file(id))
        .await
        .map_err(unreadable)?
        .map_err(unreadable)?
        .ok_or_else(|| Status::not_found(format!("no file `{id}`")))?;
    Ok(of_content(content))
}

/// The parts of the files of a report, one file after another.
pub(crate) fn of_files(files: Vec<(String, Vec<u8>)>) -> Parts<wire::ReportPart> {
    let (paths, contents): (Vec<String>, Vec<Vec<u8>>) = files.into_iter().unzip();
    send(contents, move |index, piece| wire::ReportPart {
        path: paths[index].clone(),
        content: piece.to_vec().into(),
    })
}

fn send<T: Send + 'static>(
    contents: Vec<Vec<u8>>,
    part: impl Fn(usize, &[u8]) -> T + Send + 'static,
) -> Parts<T> {
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        for (index, content) in contents.iter().enumerate() {
            // An empty content has one empty part: its existence must arrive too.
            let pieces = content
                .chunks(PART)
                .chain(content.is_empty().then_some(&[][..]));
            for piece in pieces {
                let sent = sender.send_timeout(Ok(part(index, piece)), PATIENCE);
                if sent.await.is_err() {
                    return;
                }
            }
        }
    });
    ReceiverStream::new(receiver)
}
