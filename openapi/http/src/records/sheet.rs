//! Answers as sheets: whole before any of it is sent, so that what a sheet can't hold is refused and not cut.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use catalog_core::evidence::SourceRead;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use datasets_store::PIECE_BYTES;
use exchange_query::export::{Format, encode};
use exchange_query::{QueryAnswer, Watch};
use futures::{StreamExt, stream};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use tokio_util::io::ReaderStream;

use super::{Written, answered, answered_as};
use crate::app::App;
use crate::problem::Refusal;

/// The longest time in which a sheet is sent.
const SENDING: Duration = Duration::from_secs(7_200);

/// An answer of the engine in any format that can be asked for.
pub(crate) async fn answered_in(
    app: &Arc<App>,
    ctx: &OpContext,
    answer: QueryAnswer,
    format: Format,
) -> Result<Response, Refusal> {
    if format != Format::Xlsx {
        return answered(answer, format);
    }
    let is_stranger = !ctx.principal.sees_whole_directory();
    let (sources, watch) = (answer.sources.clone(), app.revocations.watch());
    let mut sheet = stream::empty().boxed();
    let mut response = answered_as(answer, format.media_type(), |answer| {
        sheet = encode(answer, format);
        stream::empty().boxed()
    })?;
    let told = |error: Error| Refusal::from(error).after_opening(sources.clone());
    let (file, room) = spooled(app, sheet, is_stranger).await.map_err(told)?;
    *response.body_mut() = sent(file, room, watch, sources);
    Ok(response)
}

/// How many bytes the sheets take that are on their way to clients, who may be slow: they fill no disk.
pub(crate) struct Sheets {
    taken: Arc<AtomicU64>,
    most: u64,
}

/// The bytes of one of them, given back when it is dropped.
struct Room {
    taken: Arc<AtomicU64>,
    bytes: u64,
}

impl Sheets {
    /// Room for so many bytes.
    pub(crate) fn new(most: u64) -> Self {
        Self { taken: Arc::default(), most }
    }

    fn room(&self) -> Room {
        Room { taken: Arc::clone(&self.taken), bytes: 0 }
    }

    /// Takes more room; strangers leave half of it to the others.
    fn grow(&self, room: &mut Room, bytes: u64, is_stranger: bool) -> Result<()> {
        let most = if is_stranger { self.most / 2 } else { self.most };
        room.bytes = room.bytes.saturating_add(bytes);
        let before = self.taken.fetch_add(bytes, Ordering::Relaxed);
        match before.saturating_add(bytes) <= most {
            true => Ok(()),
            false => {
                let message = "too many sheets are on their way; take another format, or try again later";
                Err(Error::new(ErrorCode::Unavailable, message))
            }
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The whole of a sheet, in a file of the spool that has no name.
async fn spooled(app: &App, mut sheet: Written, is_stranger: bool) -> Result<(File, Room)> {
    let unwritable = |cause: io::Error| {
        Error::new(
            ErrorCode::Unavailable,
            "sheets can't be made now; take another format, or try again later",
        )
        .with_internal(cause)
    };
    let mut file = File::from_std(tempfile::tempfile_in(&app.spool).map_err(unwritable)?);
    let mut room = app.sheets.room();
    while let Some(piece) = sheet.next().await {
        let piece = piece?;
        app.sheets.grow(&mut room, piece.len() as u64, is_stranger)?;
        file.write_all(&piece).await.map_err(unwritable)?;
    }
    file.flush().await.map_err(unwritable)?;
    file.rewind().await.map_err(unwritable)?;
    Ok((file, room))
}

/// The file as a body, cut when the access is revoked or what was read withdrawn, and when it takes too long.
fn sent(file: File, room: Room, watch: Watch, sources: Vec<SourceRead>) -> Body {
    let until = Instant::now() + SENDING;
    let state = Some((ReaderStream::with_capacity(file, PIECE_BYTES), room, watch, sources));
    Body::from_stream(stream::unfold(state, move |state| async move {
        let (mut bytes, room, mut watch, sources) = state?;
        let chunk = tokio::select! {
            biased;
            () = watch.cut(&sources) => {
                let revoked = Error::new(ErrorCode::Revoked, "the access was revoked while the sheet was sent");
                return Some((Err(revoked), None));
            }
            () = sleep_until(until) => {
                let late = Error::new(ErrorCode::Unavailable, "the sheet was not taken within its time");
                return Some((Err(late), None));
            }
            chunk = bytes.next() => chunk?,
        };
        match chunk {
            Ok(chunk) => Some((Ok(chunk), Some((bytes, room, watch, sources)))),
            Err(error) => Some((Err(Error::internal(error)), None)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_on_their_way_have_room_for_so_many_bytes() {
        let sheets = Sheets::new(100);
        let (mut one, mut other) = (sheets.room(), sheets.room());
        assert!(sheets.grow(&mut one, 50, true).is_ok());
        assert_eq!(sheets.grow(&mut other, 1, true).unwrap_err().code, ErrorCode::Unavailable);
        assert!(sheets.grow(&mut other, 49, false).is_ok());
        assert!(sheets.grow(&mut other, 1, false).is_err());
        drop(one);
        drop(other);
        assert!(sheets.grow(&mut sheets.room(), 50, true).is_ok());
    }
}
