//! Objects as streams.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use object_store::{GetResult, GetResultPayload, Result};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::durable::failed;

/// Bytes of a file that are read or written in one go. Handing a piece to another thread and back takes as
/// long as reading some KiB, of which the object store's own streams and those of tokio make their pieces.
pub const PIECE_BYTES: usize = 256 << 10;

/// The bytes of what was found, piece by piece, the next one read while one is sent: two are held for each reader. A file that ends too early is an error, and
/// never a shorter object.
pub fn in_pieces(found: GetResult) -> BoxStream<'static, Result<Bytes>> {
    let Range { start, end } = found.range;
    match found.payload {
        GetResultPayload::File(file, _) => {
            // Nothing is read before the first piece is asked for.
            let begun = async move { pieces(file, start, end) };
            stream::once(begun).flatten().boxed()
        }
        GetResultPayload::Stream(_) => found.into_stream(),
    }
}

fn pieces(file: File, start: u64, end: u64) -> impl Stream<Item = Result<Bytes>> + Send {
    stream::try_unfold(read(file, start, end), move |next| async move {
        let Some(reading) = next else { return Ok(None) };
        let Piece { bytes, file, start } = reading.await.map_err(failed)?.map_err(failed)?;
        Ok(Some((bytes, read(file, start, end))))
    })
}

/// What was read, and where the next piece starts.
struct Piece {
    bytes: Bytes,
    file: File,
    start: u64,
}

/// Begins to read the piece that starts there; `None` at the end.
fn read(mut file: File, start: u64, end: u64) -> Option<JoinHandle<std::io::Result<Piece>>> {
    let length = PIECE_BYTES.min(usize::try_from(end - start).unwrap_or(PIECE_BYTES));
    (length > 0).then(|| {
        spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(length);
            file.seek(SeekFrom::Start(start))?;
            (&file).take(length as u64).read_to_end(&mut bytes)?;
            match bytes.len() == length {
                true => Ok(Piece { bytes: Bytes::from(bytes), file, start: start + length as u64 }),
                false => Err(Error::from(ErrorKind::UnexpectedEof)),
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use object_store::path::Path;
    use object_store::{GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _};

    use super::*;

    const PIECE: u64 = PIECE_BYTES as u64;

    #[tokio::test]
    async fn pieces_are_the_object_and_a_shorter_file_is_an_error() {
        let folder = tempfile::TempDir::new().unwrap();
        let objects = crate::local_objects(folder.path()).unwrap();
        let whole: Vec<u8> = (0..PIECE * 2 + 77).map(|place| (place % 251) as u8).collect();
        let path = Path::from("a/object");
        objects.put(&path, Bytes::from(whole.clone()).into()).await.unwrap();
        let bounded = |range| GetOptions { range: Some(range), ..GetOptions::default() };
        for range in [0..PIECE * 2 + 77, 0..1, PIECE - 1..PIECE + 1, 5..5 + PIECE, PIECE * 2..PIECE * 2 + 77]
        {
            let found = objects.get_opts(&path, bounded(GetRange::Bounded(range.clone()))).await.unwrap();
            let pieces: Vec<Bytes> = in_pieces(found).try_collect().await.unwrap();
            assert_eq!(pieces.concat(), whole[range.start as usize..range.end as usize]);
            assert!(pieces.len() as u64 == (range.end - range.start).div_ceil(PIECE));
        }
        let found = objects.get(&path).await.unwrap();
        std::fs::OpenOptions::new()
            .write(true)
            .open(folder.path().join("a/object"))
            .unwrap()
            .set_len(PIECE + 9)
            .unwrap();
        let mut pieces = in_pieces(found);
        assert_eq!(pieces.try_next().await.unwrap().unwrap().len() as u64, PIECE);
        assert!(pieces.try_next().await.is_err());
    }
}
