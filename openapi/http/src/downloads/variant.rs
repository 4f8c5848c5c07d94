//! Stored files in another dress, made from the stored bytes when these are written: each with a digest and an entity tag of
//! its own.

use std::io::Write as _;
use std::mem;

use axum::body::Bytes;
use catalog_core::{Error, Result};
use datasets_store::{Part, in_pieces};
use exchange_query::export::Format;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{Stream, StreamExt, stream};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::extract::{file_of, store, unreadable};
use super::kind::{COMPRESSED, Kind};
use crate::app::App;

/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes the variants of these files into a folder.
pub(super) async fn write_all(app: &App, folder: &str, parts: &[Part]) -> Result<Vec<Part>> {
    let mut variants = Vec::new();
    for format in COMPRESSED {
        if let Some(part) = file_of(parts, Kind::Data(format)) {
            let bytes = compressed(read(app, part).await?);
            variants.push(write(app, folder, Kind::Gzip(format), part.rows, bytes).await?);
        }
    }
    if let Some(part) = file_of(parts, Kind::Data(Format::Csv)) {
        let mark = stream::iter([Ok(Bytes::from_static(MARK))]);
        let bytes = mark.chain(read(app, part).await?);
        variants.push(write(app, folder, Kind::MarkedCsv, part.rows, bytes).await?);
    }
    Ok(variants)
}

async fn read(app: &App, part: &Part) -> Result<impl Stream<Item = Result<Bytes>> + Send + Unpin + use<>> {
    let found = app.datasets.objects().get(&Path::from(part.path.as_str())).await.map_err(unreadable)?;
    Ok(in_pieces(found).map(|bytes| bytes.map_err(unreadable)))
}

async fn write(
    app: &App,
    folder: &str,
    kind: Kind,
    rows: u64,
    bytes: impl Stream<Item = Result<Bytes>> + Send + Unpin,
) -> Result<Part> {
    let path = Path::from(format!("{folder}/data{}", kind.suffix()));
    let (sha256, bytes) = store(app, &path, bytes).await?;
    Ok(Part { path: path.to_string(), rows, bytes, sha256 })
}

/// The stream by gzip (RFC 1952), without name and time: the same content gives the same bytes.
fn compressed(
    bytes: impl Stream<Item = Result<Bytes>> + Send + Unpin,
) -> impl Stream<Item = Result<Bytes>> + Send + Unpin {
    let encoder = GzEncoder::new(Vec::new(), Compression::default());
    let compressed = stream::unfold(Some((bytes, encoder)), |state| async {
        let (mut bytes, mut encoder) = state?;
        let written = match bytes.next().await {
            Some(Ok(chunk)) => encoder.write_all(&chunk).map(|()| mem::take(encoder.get_mut())),
            Some(Err(error)) => return Some((Err(error), None)),
            None => return Some((encoder.finish().map(Bytes::from).map_err(Error::internal), None)),
        };
        match written {
            Ok(written) => Some((Ok(Bytes::from(written)), Some((bytes, encoder)))),
            Err(error) => Some((Err(Error::internal(error)), None)),
        }
    });
    let is_something = |bytes: &Result<Bytes>| !bytes.as_ref().is_ok_and(Bytes::is_empty);
    Box::pin(compressed.filter(move |bytes| futures::future::ready(is_something(bytes))))
}
