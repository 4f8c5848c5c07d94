//! The guard before an `.xls` is parsed.
//!
//! The parser allocates what a file declares before anybody could refuse it: the whole area between the first cell and the
//! last, the area of a `Dimensions` record, a shared text for each cell that names it. So the records are walked here
//! first, as the parser will walk them (MS-XLS 2.1), within a budget; and it is given a file packed anew from just what was
//! walked, without declared areas and formulas.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _, Write as _};
use std::ops::Range;

use catalog_core::Result;
use cfb::{CompoundFile, Version};

use crate::budget::{MAX_COLUMNS, MAX_TEXT};
use crate::{too_large, unreadable};

/// Cells of all sheets together, empty ones between others included.
const MAX_CELLS: usize = 2 << 20;
/// Bytes of a character of UTF-16 in UTF-8, at most.
const CHARACTER: usize = 3;

const BEGIN: u16 = 0x0809;
const END: u16 = 0x000A;
const CONTINUE: u16 = 0x003C;
const CODE_PAGE: u16 = 0x0042;
const SHEET: u16 = 0x0085;
const SHARED_TEXTS: u16 = 0x00FC;
const DIMENSIONS: u16 = 0x0200;
/// A cell without content, which the parser passes over.
const BLANK: u16 = 0x0201;
const FORMULA: u16 = 0x0006;
const SEVERAL_NUMBERS: u16 = 0x00BD;
const SHARED_TEXT: u16 = 0x00FD;
/// Text in place, rich text in place, number, flag or error, compressed number.
const OTHER_CELLS: [u16; 5] = [0x0204, 0x00D6, 0x0203, 0x0205, 0x027E];

/// UTF-16, in which files with shared texts are written.
const UNICODE: [u8; 2] = 1200_u16.to_le_bytes();

/// The same workbook, harmless to parse.
pub(crate) fn defused(file: &[u8]) -> Result<Vec<u8>> {
    let mut stream = unpacked(file)?;
    let mut globals = Globals::default();
    let mut end = globals.walk(&mut stream)?;
    let mut budget = Budget { cells: MAX_CELLS, text: MAX_TEXT };
    for begin in globals.sheets {
        // Sheets that share records could change each other's, and would count more than once.
        if begin < end {
            return Err(broken("two parts of the workbook overlap"));
        }
        end = budget.walk(&mut stream, begin, &globals.texts)?;
    }
    packed(&stream)
}

fn broken(cause: impl std::fmt::Display) -> catalog_core::Error {
    unreadable(".xls", cause)
}

/// The records of a workbook, taken out of their container.
fn unpacked(file: &[u8]) -> Result<Vec<u8>> {
    let mut container = CompoundFile::open(Cursor::new(file)).map_err(broken)?;
    let name = if container.is_stream("/Workbook") { "/Workbook" } else { "/Book" };
    let mut stream = Vec::new();
    let limit = file.len() as u64 + 1;
    container
        .open_stream(name)
        .and_then(|found| found.take(limit).read_to_end(&mut stream))
        .map_err(broken)?;
    if stream.len() > file.len() {
        return Err(broken("the records are longer than the file"));
    }
    Ok(stream)
}

/// Puts records into a container of their own.
pub(crate) fn packed(stream: &[u8]) -> Result<Vec<u8>> {
    let write = || -> std::io::Result<Vec<u8>> {
        let mut container = CompoundFile::create_with_version(Version::V3, Cursor::new(Vec::new()))?;
        container.create_stream("/Workbook")?.write_all(stream)?;
        container.flush()?;
        Ok(container.into_inner().into_inner())
    };
    write().map_err(broken)
}

/// The type of the record at a place, and where its content lies; `None` at the end.
fn record(stream: &[u8], at: usize) -> Result<Option<(u16, Range<usize>)>> {
    if at == stream.len() {
        return Ok(None);
    }
    let content = at + 4;
    let kind = number(stream, at)?;
    let end = content + usize::from(number(stream, at + 2)?);
    if end > stream.len() {
        return Err(broken("a record is longer than the file"));
    }
    Ok(Some((kind, content..end)))
}

/// Two bytes as a number.
fn number(bytes: &[u8], at: usize) -> Result<u16> {
    let pair = bytes.get(at..).and_then(|rest| rest.first_chunk());
    pair.map(|pair| u16::from_le_bytes(*pair)).ok_or_else(|| broken("a record ends early"))
}

/// Four bytes as a number.
fn long_number(bytes: &[u8], at: usize) -> Result<usize> {
    let (low, high) = (number(bytes, at)?, number(bytes, at + 2)?);
    Ok(usize::from(low) | usize::from(high) << 16)
}

/// What stands before the sheets.
#[derive(Default)]
struct Globals {
    /// Where sheets begin.
    sheets: BTreeSet<usize>,
    /// Sizes of the shared texts, in bytes of UTF-8 at most.
    texts: Vec<usize>,
}

impl Globals {
    /// Reads the records up to the first end; answers where that is.
    fn walk(&mut self, stream: &mut [u8]) -> Result<usize> {
        let mut at = 0;
        let mut code_pages = Vec::new();
        while let Some((kind, content)) = record(stream, at)? {
            at = content.end;
            match kind {
                END => break,
                CODE_PAGE => code_pages.push(content),
                SHEET if !self.sheets.insert(long_number(&stream[content.clone()], 0)?) => {
                    return Err(broken("two sheets are one"));
                }
                SHARED_TEXTS => self.texts = shared_texts(stream, content)?,
                _ => {}
            }
        }
        if !self.texts.is_empty() {
            // In another code page the parser would cut the texts elsewhere.
            for page in code_pages.into_iter().filter(|page| page.len() >= UNICODE.len()) {
                stream[page.start..page.start + UNICODE.len()].copy_from_slice(&UNICODE);
            }
        }
        Ok(at)
    }
}

/// The sizes of the shared texts (MS-XLS 2.4.265), which go on in the records that continue the first.
fn shared_texts(stream: &[u8], first: Range<usize>) -> Result<Vec<usize>> {
    let mut at = first.end;
    let mut pieces = vec![stream[first].get(8..).ok_or_else(|| broken("a record ends early"))?];
    while let Some((CONTINUE, content)) = record(stream, at)? {
        at = content.end;
        pieces.push(&stream[content]);
    }
    let mut pieces = Pieces { rest: &[], later: pieces.into_iter() };
    let mut texts = Vec::new();
    while !pieces.rest.is_empty() || pieces.next().is_ok() {
        texts.push(if pieces.rest.is_empty() { 0 } else { pieces.text()? });
    }
    Ok(texts)
}

/// What is left of a record and its continuations.
struct Pieces<'a> {
    rest: &'a [u8],
    later: std::vec::IntoIter<&'a [u8]>,
}

impl<'a> Pieces<'a> {
    fn next(&mut self) -> Result<()> {
        self.rest = self.later.next().ok_or_else(|| broken("the shared texts end early"))?;
        Ok(())
    }

    /// Takes bytes that lie in one piece.
    fn take(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.rest.split_at_checked(bytes).ok_or_else(|| broken("the shared texts end early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// Passes over one text; answers its size.
    fn text(&mut self) -> Result<usize> {
        let head = self.take(3)?;
        let (characters, flags) = (usize::from(number(head, 0)?), head[2]);
        let runs = if flags & 8 != 0 { usize::from(number(self.take(2)?, 0)?) } else { 0 };
        let extension = if flags & 4 != 0 { long_number(self.take(4)?, 0)? } else { 0 };
        let (mut left, mut wide) = (characters, flags & 1 != 0);
        while left > 0 {
            let width = if wide { 2 } else { 1 };
            let here = left.min(self.rest.len() / width);
            self.take(here * width)?;
            left -= here;
            if left > 0 {
                self.next()?;
                wide = self.take(1)?[0] & 1 != 0;
            }
        }
        self.skip(runs * 4)?;
        self.skip(extension)?;
        Ok(characters * CHARACTER)
    }

    fn skip(&mut self, mut bytes: usize) -> Result<()> {
        while bytes > 0 {
            if self.rest.is_empty() {
                self.next()?;
            }
            let here = bytes.min(self.rest.len());
            self.take(here)?;
            bytes -= here;
        }
        Ok(())
    }
}

/// What the sheets may still take.
struct Budget {
    cells: usize,
    text: usize,
}

impl Budget {
    /// Counts the cells of the sheet that begins at a place; answers where it ends.
    fn walk(&mut self, stream: &mut [u8], begin: usize, texts: &[usize]) -> Result<usize> {
        let mut at = begin;
        let (mut rows, mut columns) = (0, 0);
        let mut depth = 0_usize;
        while let Some((kind, content)) = record(stream, at)? {
            let head = at;
            at = content.end;
            match kind {
                BEGIN => depth += 1,
                END if depth <= 1 => break,
                END => depth -= 1,
                DIMENSIONS => stream[head..head + 2].copy_from_slice(&BLANK.to_le_bytes()),
                _ => {}
            }
            if kind == FORMULA && content.len() >= 22 {
                // Without tokens there is nothing to spell out.
                stream[content.start + 20..content.start + 22].fill(0);
            }
            let content = &stream[content];
            if matches!(kind, FORMULA | SEVERAL_NUMBERS | SHARED_TEXT) || OTHER_CELLS.contains(&kind) {
                let more = if kind == SEVERAL_NUMBERS { content.len().saturating_sub(6) / 6 } else { 1 };
                rows = rows.max(usize::from(number(content, 0)?) + 1);
                columns = columns.max(usize::from(number(content, 2)?) + more);
            }
            if kind == SHARED_TEXT {
                let size = texts.get(long_number(content, 6)?).copied().unwrap_or(0);
                self.text = self.text.checked_sub(size).ok_or_else(too_much_text)?;
            }
        }
        if columns > MAX_COLUMNS as usize {
            return Err(too_large(format_args!("at most {MAX_COLUMNS} columns")));
        }
        self.cells = self
            .cells
            .checked_sub(rows * columns)
            .ok_or_else(|| too_large(format_args!("at most {MAX_CELLS} cells in an .xls")))?;
        Ok(at)
    }
}

fn too_much_text() -> catalog_core::Error {
    too_large(format_args!("at most {} MiB of text", MAX_TEXT >> 20))
}

#[cfg(test)]
mod tests;
