use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::{Array as _, ArrayData, RecordBatch, make_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::{BatchCoalescer, interleave_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow::ipc::{Block, MetadataVersion, root_as_footer};
use bytes::Bytes;
use tempfile::NamedTempFile;

use crate::mapped::{self, persist};
use crate::{IndexError, IndexKey};

/// Rows of a batch, which is sealed as a whole: large enough to be read in one go, small enough to be checked in one.
pub const BATCH_ROWS: usize = 8192;
/// How every file of records ends; the last byte is the layout's number.
const MAGIC: [u8; 8] = *b"SQRECRD\x01";
/// Bytes at the end: length of the Arrow file, number of rows, seal, magic.
const TAIL: usize = 40;
const SEAL: usize = 16;
/// What the tail's seal is called among the seals; batches are called by their numbers.
const WHOLE: u64 = u64::MAX - 1;
/// Bytes behind the footer of an Arrow file: its length and the format's magic.
const FOOTER_END: usize = 10;

/// Writes the rows of a version as they are stored: an Arrow file without compression, sealed batch by batch.
pub struct RecordsWriter {
    arrow: FileWriter<Vec<u8>>,
    waiting: BatchCoalescer,
    file: BufWriter<NamedTempFile>,
    folder: PathBuf,
    key: IndexKey,
    seals: Vec<u8>,
    bytes: u64,
    rows: u64,
}

impl RecordsWriter {
    /// A writer of rows of that schema, whose file begins in `folder`. It must be on the disk on which the file shall lie.
    pub fn new(folder: &Path, schema: &SchemaRef, key: &IndexKey) -> Result<Self, IndexError> {
        let options = IpcWriteOptions::try_new(64, false, MetadataVersion::V5)?;
        let file = tempfile::Builder::new().prefix(".records-").tempfile_in(folder)?;
        let mut writer = Self {
            arrow: FileWriter::try_new_with_options(Vec::new(), schema, options)?,
            waiting: BatchCoalescer::new(Arc::clone(schema), BATCH_ROWS),
            file: BufWriter::with_capacity(1 << 20, file),
            folder: folder.to_owned(),
            key: key.clone(),
            seals: Vec::new(),
            bytes: 0,
            rows: 0,
        };
        writer.flush()?;
        Ok(writer)
    }

    /// Bytes that were written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next rows.
    pub fn push(&mut self, rows: RecordBatch) -> Result<(), IndexError> {
        self.waiting.push_batch(rows)?;
        self.write_completed()
    }

    /// Writes the rest, and gives the file its name when it is whole and on the disk. Returns the number of rows.
    pub fn finish(mut self, path: &Path) -> Result<u64, IndexError> {
        self.waiting.finish_buffered_batch()?;
        self.write_completed()?;
        self.arrow.finish()?;
        let footer = self.flush()?;
        let mut tail = Vec::with_capacity(TAIL);
        tail.extend(self.bytes.to_le_bytes());
        tail.extend(self.rows.to_le_bytes());
        tail.extend(self.key.seal(WHOLE, &[&footer, &self.seals, &tail[..16]]));
        tail.extend(MAGIC);
        self.file.write_all(&self.seals)?;
        self.file.write_all(&tail)?;
        let named = self.file.into_inner().map_err(|error| error.into_error())?;
        persist(named, path, &self.folder)?;
        Ok(self.rows)
    }

    fn write_completed(&mut self) -> Result<(), IndexError> {
        while let Some(batch) = self.waiting.next_completed_batch() {
            self.arrow.write(&batch)?;
            let written = self.flush()?;
            let number = (self.seals.len() / SEAL) as u64;
            self.seals.extend(self.key.seal(number, &[&written]));
            self.rows += batch.num_rows() as u64;
        }
        Ok(())
    }

    /// Moves what was encoded into the file, and shows it.
    fn flush(&mut self) -> Result<Vec<u8>, IndexError> {
        let written = mem::take(self.arrow.get_mut());
        self.file.write_all(&written)?;
        self.bytes += written.len() as u64;
        Ok(written)
    }
}

/// The rows of a version on the disk, mapped. Cheap to share behind an `Arc`; look-ups never wait for each other.
pub struct Records {
    bytes: Bytes,
    schema: SchemaRef,
    decoder: FileDecoder,
    blocks: Vec<Block>,
    /// Batches that were looked at: their buffers are parts of the map.
    open: Vec<OnceLock<RecordBatch>>,
    /// Where the seals stand.
    seals: usize,
    rows: u64,
    key: IndexKey,
}

impl Records {
    /// Maps the file and checks its end.
    ///
    /// `Damaged` where it is not what was written under this very key; then it is to be built again.
    pub fn open(path: &Path, key: &IndexKey) -> Result<Self, IndexError> {
        let bytes = Bytes::from_owner(mapped::map(&File::open(path)?)?);
        let Tail { length, rows } = Tail::of(&bytes, key).ok_or(IndexError::Damaged("its end"))?;
        let end = length - FOOTER_END;
        let footer = root_as_footer(&bytes[end - footer_length(&bytes[..length])?..end]);
        let footer = footer.map_err(|_| IndexError::Damaged("its footer"))?;
        let (Some(schema), Some(blocks)) = (footer.schema(), footer.recordBatches()) else {
            return Err(IndexError::Damaged("its footer"));
        };
        let schema = Arc::new(fb_to_schema(schema));
        let decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
        let blocks: Vec<Block> = blocks.iter().copied().collect();
        let open = blocks.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { schema, decoder, blocks, open, seals: length, rows, key: key.clone(), bytes })
    }

    /// Columns and their types.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Number of rows.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Number of batches. All but the last have [`BATCH_ROWS`] rows.
    pub fn batches(&self) -> usize {
        self.blocks.len()
    }

    /// A batch by its number from 0.
    ///
    /// `Damaged` where it is not what was written, or not there.
    pub fn batch(&self, number: usize) -> Result<&RecordBatch, IndexError> {
        let open = self.open.get(number).ok_or(IndexError::Damaged("a row that is not there"))?;
        if let Some(batch) = open.get() {
            return Ok(batch);
        }
        let batch = self.read(number)?;
        Ok(open.get_or_init(|| batch))
    }

    /// The same, for whoever accounts for memory: each of its buffers is as large as it says. Those of [`batch`](Self::batch) are
    /// parts of one buffer, the whole map.
    pub fn accounted_batch(&self, number: usize) -> Result<RecordBatch, IndexError> {
        let batch = self.batch(number)?;
        let columns = batch.columns().iter().map(|column| accounted(column.to_data(), &self.bytes));
        let columns = columns.map(|data| data.map(make_array)).collect::<Result<_, ArrowError>>()?;
        Ok(RecordBatch::try_new(batch.schema(), columns)?)
    }

    /// These rows, in this order; these columns of them, where some are named.
    pub fn rows(&self, rows: &[u64], columns: Option<&[usize]>) -> Result<RecordBatch, IndexError> {
        let (mut batches, mut known, mut places) =
            (Vec::new(), HashMap::new(), Vec::with_capacity(rows.len()));
        for row in rows {
            let (number, within) = self.place(*row)?;
            let place = match known.get(&number) {
                Some(place) => *place,
                None => {
                    let batch = self.batch(number)?;
                    batches.push(
                        columns
                            .map(|columns| batch.project(columns))
                            .transpose()?
                            .unwrap_or_else(|| batch.clone()),
                    );
                    known.insert(number, batches.len() - 1);
                    batches.len() - 1
                }
            };
            places.push((place, within));
        }
        match &batches[..] {
            [] => {
                let schema = columns.map(|columns| self.schema.project(columns)).transpose()?.map(Arc::new);
                Ok(RecordBatch::new_empty(schema.unwrap_or_else(|| Arc::clone(&self.schema))))
            }
            // One row is a part of its batch: nothing is copied.
            [batch] if places.len() == 1 => Ok(batch.slice(places[0].1, 1)),
            batches => Ok(interleave_record_batch(&batches.iter().collect::<Vec<_>>(), &places)?),
        }
    }

    fn place(&self, row: u64) -> Result<(usize, usize), IndexError> {
        let row = usize::try_from(row).ok().filter(|_| row < self.rows);
        let row = row.ok_or(IndexError::Damaged("a row that is not there"))?;
        Ok((row / BATCH_ROWS, row % BATCH_ROWS))
    }

    fn read(&self, number: usize) -> Result<RecordBatch, IndexError> {
        let damaged = || IndexError::Damaged("a batch");
        let block = &self.blocks[number];
        let offset = usize::try_from(block.offset()).map_err(|_| damaged())?;
        let head = usize::try_from(block.metaDataLength()).map_err(|_| damaged())?;
        let body = usize::try_from(block.bodyLength()).map_err(|_| damaged())?;
        let until = head.checked_add(body).and_then(|length| offset.checked_add(length));
        until.filter(|until| *until <= self.seals).ok_or_else(damaged)?;
        let written = Buffer::from(self.bytes.slice(offset..offset + head + body));
        let stands = self.seals + number * SEAL;
        let seal = self.key.seal(number as u64, &[&written]);
        if self.bytes.get(stands..stands + SEAL) != Some(&seal[..]) {
            return Err(damaged());
        }
        self.decoder.read_record_batch(block, &written)?.ok_or_else(damaged)
    }
}

/// The same array with buffers of their own over the same bytes.
fn accounted(data: ArrayData, map: &Bytes) -> Result<ArrayData, ArrowError> {
    let part = |buffer: &Buffer| {
        let start = (buffer.as_ptr() as usize).wrapping_sub(map.as_ptr() as usize);
        let end = start.checked_add(buffer.len()).filter(|end| *end <= map.len());
        end.map_or_else(|| buffer.clone(), |end| Buffer::from(map.slice(start..end)))
    };
    let children = data.child_data().iter().map(|child| accounted(child.clone(), map));
    let children = children.collect::<Result<Vec<_>, _>>()?;
    let nulls = data.nulls().map(|nulls| {
        let bits = BooleanBuffer::new(part(nulls.buffer()), nulls.offset(), nulls.len());
        NullBuffer::new(bits)
    });
    let buffers = data.buffers().iter().map(part).collect();
    data.into_builder().buffers(buffers).child_data(children).nulls(nulls).build()
}

/// What the end of a file says.
struct Tail {
    /// Bytes of the Arrow file.
    length: usize,
    rows: u64,
}

impl Tail {
    /// `None` where the file does not end in a seal on its end.
    fn of(bytes: &[u8], key: &IndexKey) -> Option<Self> {
        let start = bytes.len().checked_sub(TAIL)?;
        let (tail, magic) = bytes[start..].split_at_checked(TAIL - MAGIC.len())?;
        let number = |at: usize| Some(u64::from_le_bytes(*tail.get(at..)?.first_chunk()?));
        let (length, rows) = (usize::try_from(number(0)?).ok()?, number(8)?);
        let arrow = bytes.get(..length)?;
        let footer = footer_length(arrow).ok()?.checked_add(FOOTER_END)?;
        let seals = bytes.get(length..start)?;
        // What stands behind the last batch: the end of the stream and the footer.
        let behind = behind_batches(arrow, footer)?;
        let seal = key.seal(WHOLE, &[&arrow[behind..], seals, &tail[..16]]);
        (magic == MAGIC && seal[..] == tail[16..]).then_some(Self { length, rows })
    }
}

/// The bytes of the footer of an Arrow file.
fn footer_length(arrow: &[u8]) -> Result<usize, IndexError> {
    let end = arrow.last_chunk::<FOOTER_END>().ok_or(IndexError::Damaged("its end"))?;
    let length = read_footer_length(*end).map_err(|_| IndexError::Damaged("its end"))?;
    match length <= arrow.len() - FOOTER_END {
        true => Ok(length),
        false => Err(IndexError::Damaged("its end")),
    }
}

/// Where the end of the stream begins: eight bytes before the footer.
fn behind_batches(arrow: &[u8], footer: usize) -> Option<usize> {
    arrow.len().checked_sub(footer)?.checked_sub(8)
}
