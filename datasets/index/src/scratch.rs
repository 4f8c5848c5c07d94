use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use crate::entry::{BYTES, Entry};

/// Entries of a bucket that wait in memory before they go into the scratch file: 64 KiB.
pub(crate) const WAITING: usize = 2048;

/// Entries on their way: 256 buckets by the first byte of the identifier, full ones in a file without a name.
pub(crate) struct Scratch {
    file: BufWriter<File>,
    buckets: Vec<Bucket>,
    written: u64,
}

#[derive(Default)]
struct Bucket {
    waiting: Vec<Entry>,
    /// Where in the file its chunks of `WAITING` entries begin.
    chunks: Vec<u64>,
}

impl Scratch {
    /// A scratch file in `folder`, gone with the process.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::new(tempfile::tempfile_in(folder)?);
        Ok(Self { file, buckets: (0..256).map(|_| Bucket::default()).collect(), written: 0 })
    }

    pub(crate) fn push(&mut self, entry: Entry) -> io::Result<()> {
        let bucket = &mut self.buckets[usize::from(entry.id[0])];
        bucket.waiting.push(entry);
        if bucket.waiting.len() < WAITING {
            return Ok(());
        }
        bucket.chunks.push(self.written);
        for entry in bucket.waiting.drain(..) {
            self.file.write_all(&entry.to_bytes())?;
        }
        self.written += (WAITING * BYTES) as u64;
        Ok(())
    }

    /// Gives all entries in order, bucket after bucket: while one is taken, another core sorts the next.
    pub(crate) fn sorted(self, mut each: impl FnMut(&[Entry]) -> io::Result<()>) -> io::Result<()> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let (sender, sorted) = mpsc::sync_channel(1);
        let buckets = self.buckets;
        thread::scope(|scope| {
            scope.spawn(move || {
                for bucket in buckets {
                    // Who has failed takes no more.
                    if sender.send(bucket.sorted(&file)).is_err() {
                        break;
                    }
                }
            });
            sorted.into_iter().try_for_each(|entries| each(&entries?))
        })
    }
}

impl Bucket {
    fn sorted(self, file: &File) -> io::Result<Vec<Entry>> {
        let Self { waiting: mut entries, chunks } = self;
        let mut chunk = vec![0; WAITING * BYTES];
        entries.reserve(chunks.len() * WAITING);
        for at in chunks {
            file.read_exact_at(&mut chunk, at)?;
            entries.extend(chunk.as_chunks::<BYTES>().0.iter().map(Entry::from_bytes));
        }
        entries.sort_unstable();
        Ok(entries)
    }
}
