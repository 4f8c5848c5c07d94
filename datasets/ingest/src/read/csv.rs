//! CSV: UTF-8, UTF-16 with a mark, or GB18030; comma, tab, semicolon, bar, or whatever ASCII sign the header shows.

use std::io::{BufRead, BufReader, Read};

use catalog_core::Result;
use csv_core::{ReadRecordResult, ReaderBuilder};
use encoding_rs::{CoderResult, Decoder, Encoding, GB18030, UTF_8};

use super::header::{columns_of, item_named, places};
use super::rows::{TextRows, clipped};
use super::{Input, MAX_FIELD, MAX_FIELDS, MAX_RECORD, Output};
use crate::fault::{Rule, malformed};

/// Fields of a record before it counts as too large.
/// The usual delimiters, the likeliest last.
const DELIMITERS: [u8; 4] = [b'|', b';', b'\t', b','];

pub(super) fn read(input: &Input<'_>, out: Output<'_>) -> Result<()> {
    let mut records = Records::open(input)?;
    let Some(header) = records.next()? else {
        return Err(malformed(format!("`{}` has no header line", input.delivery.name)));
    };
    let names: Vec<String> = (0..header.fields()).map(|place| header.text(place).to_owned()).collect();
    let columns = columns_of(&names, input.items, input.required)?;
    let places = places(&columns, input.items.len());
    let mut rows = TextRows::new(places.iter().map(Option::is_some).collect(), out);
    while let Some(record) = records.next()? {
        if record.fields() != columns.len() {
            let value = format!("{} fields instead of {}", record.fields(), columns.len());
            rows.broken(record.line, record.lines(), Rule::Columns, value)?;
        } else if record.is_mangled() {
            rows.broken(record.line, record.lines(), Rule::Encoding, clipped(record.text(0)))?;
        } else {
            rows.push(record.line, places.iter().map(|place| place.map(|place| record.text(place))))?;
        }
    }
    rows.finish()
}

/// One record and where it stands.
struct Record<'a> {
    line: u64,
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    fn fields(&self) -> usize {
        self.ends.len()
    }

    fn text(&self, place: usize) -> &'a str {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        self.text.get(start..self.ends[place]).unwrap_or("")
    }

    /// Lines it spans: a quote that is never closed swallows those that follow.
    fn lines(&self) -> u64 {
        1 + self.text.bytes().filter(|byte| *byte == b'\n').count() as u64
    }

    /// Whether the decoder met bytes that are no text.
    fn is_mangled(&self) -> bool {
        self.text.contains('\u{FFFD}')
    }
}

/// Records of a file, one at a time, in memory bounded by [`MAX_RECORD`].
struct Records {
    name: String,
    input: BufReader<Decoded>,
    parser: csv_core::Reader,
    buffer: Vec<u8>,
    ends: Vec<usize>,
    blank_lines: u64,
}

impl Records {
    fn open(input: &Input<'_>) -> Result<Self> {
        let mut decoded = BufReader::with_capacity(64 * 1024, Decoded::open(input)?);
        let sample = decoded.fill_buf().map_err(|cause| input.delivery.unreadable(&cause))?;
        let delimiter = delimiter(sample, input);
        Ok(Self {
            name: input.delivery.name.clone(),
            input: decoded,
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            buffer: vec![0; 64 * 1024],
            ends: vec![0; input.items.len() + 64],
            blank_lines: 0,
        })
    }

    fn next(&mut self) -> Result<Option<Record<'_>>> {
        self.skip_blank()?;
        let line = self.parser.line() + self.blank_lines;
        let (mut text_end, mut field_end, mut quotes) = (0, 0, 0);
        loop {
            let chunk = self.input.fill_buf().map_err(|cause| unreadable(&self.name, &cause))?;
            let at_end = chunk.is_empty();
            let (result, used, written, ended) =
                self.parser.read_record(chunk, &mut self.buffer[text_end..], &mut self.ends[field_end..]);
            quotes += chunk[..used].iter().filter(|byte| **byte == b'"').count();
            self.input.consume(used);
            text_end += written;
            field_end += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.grow(line)?,
                ReadRecordResult::OutputEndsFull if self.ends.len() > MAX_FIELDS => {
                    return Err(self.too_large(line));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Ok(None),
                ReadRecordResult::Record if at_end && quotes % 2 == 1 => return Err(self.cut(line)),
                ReadRecordResult::Record => break,
            }
        }
        self.check_fields(line, field_end)?;
        let text = std::str::from_utf8(&self.buffer[..text_end])
            .map_err(|_| malformed(format!("line {line} of `{}` is not text", self.name)))?;
        Ok(Some(Record { line, text, ends: &self.ends[..field_end] }))
    }

    /// Skips line ends, so that a record's line is that of its first character.
    fn skip_blank(&mut self) -> Result<()> {
        loop {
            let chunk = self.input.fill_buf().map_err(|cause| unreadable(&self.name, &cause))?;
            match chunk.first() {
                Some(b'\n') => self.blank_lines += 1,
                Some(b'\r') => {}
                _ => return Ok(()),
            }
            self.input.consume(1);
        }
    }

    fn cut(&self, line: u64) -> catalog_core::Error {
        malformed(format!(
            "`{}` ends inside quotes that open at line {line} or later: the file is cut off, or a quote is not doubled",
            self.name
        ))
    }

    fn grow(&mut self, line: u64) -> Result<()> {
        if self.buffer.len() >= MAX_RECORD {
            return Err(self.too_large(line));
        }
        self.buffer.resize(self.buffer.len() * 2, 0);
        Ok(())
    }

    fn check_fields(&self, line: u64, fields: usize) -> Result<()> {
        let mut start = 0;
        for end in &self.ends[..fields] {
            if end - start > MAX_FIELD {
                return Err(self.too_large(line));
            }
            start = *end;
        }
        Ok(())
    }

    fn too_large(&self, line: u64) -> catalog_core::Error {
        malformed(format!(
            "the record at line {line} of `{}` has a field of over 1 MiB or over 16 MiB in all: a quote that is never \
             closed?",
            self.name
        ))
    }
}

fn unreadable(name: &str, cause: &std::io::Error) -> catalog_core::Error {
    malformed(format!("`{name}` cannot be read: {}", cause.kind())).with_internal(cause)
}

/// The delimiter under which the header names most items.
fn delimiter(sample: &[u8], input: &Input<'_>) -> u8 {
    let line = sample.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let named = |delimiter: u8| {
        let fields = line.split(char::from(delimiter));
        fields.filter(|field| item_named(input.items, field.trim_matches('"')).is_some()).count()
    };
    let signs = line.bytes().filter(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"');
    // The last of equals wins: an unusual sign must name more items than any usual delimiter.
    signs.chain(DELIMITERS).max_by_key(|delimiter| named(*delimiter)).unwrap_or(b',')
}

/// A byte stream turned into UTF-8. What is no text becomes U+FFFD.
struct Decoded {
    inner: BufReader<super::Counted>,
    decoder: Decoder,
    done: bool,
}

impl Decoded {
    fn open(input: &Input<'_>) -> Result<Self> {
        let mut inner = BufReader::with_capacity(64 * 1024, input.stream()?);
        let start = inner.fill_buf().map_err(|cause| input.delivery.unreadable(&cause))?;
        let fallback = if input.inspection.is_utf8 { UTF_8 } else { GB18030 };
        let (encoding, _) = Encoding::for_bom(start).unwrap_or((fallback, 0));
        Ok(Self { inner, decoder: encoding.new_decoder_with_bom_removal(), done: false })
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while !self.done {
            let chunk = self.inner.fill_buf()?;
            let last = chunk.is_empty();
            let (result, used, written, _) = self.decoder.decode_to_utf8(chunk, buffer, last);
            self.inner.consume(used);
            self.done = last && result == CoderResult::InputEmpty;
            if written > 0 || buffer.is_empty() {
                return Ok(written);
            }
        }
        Ok(0)
    }
}
