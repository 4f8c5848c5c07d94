//! The body of a request, read once, within its limit, with its digest.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use catalog_core::{Error, ErrorCode};
use datasets_store::PIECE_BYTES;
use exchange_crypto::{Digest, Hasher};
use futures::StreamExt;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use tempfile::NamedTempFile;
use tokio::io::{AsyncWriteExt, BufWriter};

/// The longest time that a message may take to arrive.
pub(crate) const MESSAGE_TIME: Duration = Duration::from_secs(60);
/// The longest time that a spreadsheet of the directory may take to arrive.
pub(crate) const SHEET_TIME: Duration = Duration::from_secs(600);
/// The longest pause between two pieces of a body.
const IDLE: Duration = Duration::from_secs(60);
/// Bytes of a file that come in a second at least, after that long: whoever sends a byte a minute holds places for ever.
const PACE: u64 = 8 << 10;
/// Bytes read and thrown away after a refusal.
const DRAINED_BYTES: usize = 16 << 20;
/// Time spent on them.
const DRAINED_TIME: Duration = Duration::from_secs(5);

/// An uploaded file, in the spool until the request ends.
pub(crate) struct Upload {
    /// The file; it vanishes with this value.
    pub(crate) file: NamedTempFile,
    /// Its size.
    pub(crate) bytes: u64,
}

/// A body as read.
pub(crate) struct Payload {
    /// Digest; `None` for an empty body.
    pub(crate) digest: Option<Digest>,
    /// What was sent.
    pub(crate) content: Content,
}

/// Where a body lies.
pub(crate) enum Content {
    /// In memory.
    Memory(Vec<u8>),
    /// In the spool.
    Spooled(Upload),
}

/// Refuses what says of itself that it is too large, before any of it is read.
pub(crate) fn check_declared(headers: &HeaderMap, limit: u64) -> Result<(), Error> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match declared.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > limit => Err(too_large(limit)),
        _ => Ok(()),
    }
}

/// Reads a body of at most `limit` bytes into memory, within `time` from the first to the last.
pub(crate) async fn read_to_memory(
    stream: &mut BodyDataStream,
    limit: u64,
    time: Duration,
) -> Result<Payload, Error> {
    let slow = |_| {
        let message = format!("the body took longer than {} s; send it faster", time.as_secs());
        Error::new(ErrorCode::InvalidInput, message)
    };
    tokio::time::timeout(time, read_whole(stream, limit)).await.map_err(slow)?
}

async fn read_whole(stream: &mut BodyDataStream, limit: u64) -> Result<Payload, Error> {
    let mut content = Vec::new();
    while let Some(chunk) = next(stream).await? {
        if content.len() as u64 + chunk.len() as u64 > limit {
            return Err(too_large(limit));
        }
        content.extend_from_slice(&chunk);
    }
    let digest = (!content.is_empty()).then(|| Digest::of(&content));
    Ok(Payload { digest, content: Content::Memory(content) })
}

/// Reads a body of at most `limit` bytes into a file of the spool.
pub(crate) async fn read_to_file(
    stream: &mut BodyDataStream,
    limit: u64,
    spool: &Path,
) -> Result<Payload, Error> {
    let unwritable = |cause: std::io::Error| {
        Error::new(ErrorCode::Unavailable, "uploads can't be stored now; try again later")
            .with_internal(cause)
    };
    let file = NamedTempFile::new_in(spool).map_err(unwritable)?;
    let writer = tokio::fs::File::from_std(file.reopen().map_err(unwritable)?);
    let mut writer = BufWriter::with_capacity(PIECE_BYTES, writer);
    let (mut hasher, mut bytes) = (Hasher::new(), 0);
    let begun = tokio::time::Instant::now();
    while let Some(chunk) = next(stream).await? {
        bytes += chunk.len() as u64;
        if is_too_slow(bytes, begun.elapsed()) {
            let message = format!("the file comes too slowly; send {PACE} bytes a second or more");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        if bytes > limit {
            return Err(too_large(limit));
        }
        hasher.update(&chunk);
        writer.write_all(&chunk).await.map_err(unwritable)?;
    }
    writer.flush().await.map_err(unwritable)?;
    let digest = (bytes > 0).then(|| hasher.finish());
    Ok(Payload { digest, content: Content::Spooled(Upload { file, bytes }) })
}

/// Whether so many bytes in that time are fewer than anyone sends who means to send a file.
fn is_too_slow(bytes: u64, elapsed: Duration) -> bool {
    bytes < elapsed.saturating_sub(IDLE).as_secs().saturating_mul(PACE)
}

/// Reads on for a while after a refusal, so that a client that is still sending gets to read why.
pub(crate) async fn drain(stream: &mut BodyDataStream) {
    let read = async {
        let mut bytes = 0;
        while let Ok(Some(chunk)) = next(stream).await {
            bytes += chunk.len();
            if bytes > DRAINED_BYTES {
                break;
            }
        }
    };
    // A client that sends for longer learns it from the closed connection.
    let _ = tokio::time::timeout(DRAINED_TIME, read).await;
}

async fn next(stream: &mut BodyDataStream) -> Result<Option<Bytes>, Error> {
    let cut = |_| Error::new(ErrorCode::InvalidInput, "the body ended before it was complete");
    let stalled = |_| Error::new(ErrorCode::InvalidInput, "the body stalled; send it without long pauses");
    tokio::time::timeout(IDLE, stream.next()).await.map_err(stalled)?.transpose().map_err(cut)
}

fn too_large(limit: u64) -> Error {
    Error::new(ErrorCode::TooLarge, format!("the body is larger than {limit} bytes"))
}
