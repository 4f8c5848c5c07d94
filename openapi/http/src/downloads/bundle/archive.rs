//! A ZIP file (APPNOTE 6.3.10) as pieces that are not read before they are sent.
//!
//! Written here and not by a library: those that there are want to read, compress or seek while they write. An entry's length and
//! checksum are known beforehand here, so a plain archive without data descriptors comes out, which every reader takes.

use axum::body::Bytes;
use exchange_crypto::{Digest, Hasher};

use super::super::Piece;

/// The first date of the format, 1980-01-01: the same content gives the same bytes.
const DATE: u16 = 0x21;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// A field of 32 bits that says: look into the extra field.
const LONG: u32 = u32::MAX;
/// Versions of the format that readers need, without and with numbers of 64 bits.
const NEEDED: u16 = 20;
const NEEDED_LONG: u16 = 45;
/// A file of Unix with mode 0644.
const MODE: u32 = 0o100_644 << 16;
const UNIX: u16 = 3 << 8;

/// The checksum of an entry, CRC-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crc(pub(super) u32);

/// An archive that is being put together.
pub(super) struct Archive {
    folder: String,
    pieces: Vec<Piece>,
    entries: Vec<Entry>,
    length: u64,
    hasher: Hasher,
}

struct Entry {
    name: String,
    method: u16,
    crc: Crc,
    /// Bytes in the archive, and unpacked.
    packed: u64,
    plain: u64,
    /// Where it begins.
    offset: u64,
}

impl Entry {
    fn is_long(&self) -> bool {
        self.packed.max(self.plain) >= u64::from(LONG)
    }

    /// What stands before its content, and again in the directory.
    fn fields(&self, out: &mut Vec<u8>, extra: usize, needed: u16) {
        let size = |bytes: u64| if self.is_long() { LONG } else { short(bytes) };
        for field in [needed, FLAGS, self.method, 0, DATE] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc.0, size(self.packed), size(self.plain)] {
            out.extend(field.to_le_bytes());
        }
        for length in [self.name.len(), extra] {
            out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        }
    }

    fn head(&self) -> Vec<u8> {
        let extra = match self.is_long() {
            true => long(&[self.plain, self.packed]),
            false => Vec::new(),
        };
        let mut out = b"PK\x03\x04".to_vec();
        self.fields(&mut out, extra.len(), if self.is_long() { NEEDED_LONG } else { NEEDED });
        out.extend(self.name.as_bytes());
        out.extend(extra);
        out
    }

    fn in_directory(&self) -> Vec<u8> {
        let is_far = self.offset >= u64::from(LONG);
        let sizes: &[u64] = if self.is_long() { &[self.plain, self.packed] } else { &[] };
        let place: &[u64] = if is_far { &[self.offset] } else { &[] };
        let fields = [sizes, place].concat();
        let extra = if fields.is_empty() { Vec::new() } else { long(&fields) };
        let needed = if extra.is_empty() { NEEDED } else { NEEDED_LONG };
        let mut out = b"PK\x01\x02".to_vec();
        out.extend((UNIX | NEEDED_LONG).to_le_bytes());
        self.fields(&mut out, extra.len(), needed);
        // No comment, the first disk, no attributes of a text.
        out.extend([0; 6]);
        out.extend(MODE.to_le_bytes());
        out.extend((if is_far { LONG } else { short(self.offset) }).to_le_bytes());
        out.extend(self.name.as_bytes());
        out.extend(extra);
        out
    }
}

/// A number that fits, or the sign that it does not.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(LONG)
}

/// Numbers of 64 bits as an extra field.
fn long(numbers: &[u64]) -> Vec<u8> {
    let length = u16::try_from(numbers.len() * 8).unwrap_or(u16::MAX);
    let mut out = [1u16.to_le_bytes(), length.to_le_bytes()].concat();
    numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    out
}

impl Archive {
    /// An archive whose entries stand in one folder, so that unpacking it leaves everything else as it is.
    pub(super) fn in_folder(folder: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            pieces: Vec::new(),
            entries: Vec::new(),
            length: 0,
            hasher: Hasher::new(),
        }
    }

    /// Adds a small file as it is.
    pub(super) fn add(&mut self, name: &str, content: impl Into<Bytes>) {
        let content = content.into();
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        self.hasher.update(&content);
        let (size, crc) = (content.len() as u64, Crc(crc.sum()));
        self.push(name, STORED, Piece::Here(content), size, crc);
    }

    /// Adds content that is deflated already and has this digest, unpacked so many bytes with that checksum.
    pub(super) fn add_packed(&mut self, name: &str, (content, sha256): (Piece, &str), plain: u64, crc: Crc) {
        self.hasher.update(sha256.as_bytes());
        self.push(name, DEFLATED, content, plain, crc);
    }

    fn push(&mut self, name: &str, method: u16, content: Piece, plain: u64, crc: Crc) {
        let name = format!("{}/{name}", self.folder);
        let entry = Entry { name, method, crc, packed: content.bytes(), plain, offset: self.length };
        self.put(Piece::Here(entry.head().into()));
        self.put(content);
        self.entries.push(entry);
    }

    fn put(&mut self, piece: Piece) {
        // Heads and the directory tell names, sizes and order; with the contents' digests they tell every byte.
        if let Piece::Here(bytes) = &piece {
            self.hasher.update(&(bytes.len() as u64).to_le_bytes());
            self.hasher.update(bytes);
        }
        self.length += piece.bytes();
        self.pieces.push(piece);
    }

    /// All pieces, and a digest that no other archive has.
    pub(super) fn finish(mut self) -> (Vec<Piece>, Digest) {
        let begin = self.length;
        let directory: Vec<u8> = self.entries.iter().flat_map(Entry::in_directory).collect();
        let (size, count) = (directory.len() as u64, self.entries.len() as u64);
        let mut tail = directory;
        if begin >= u64::from(LONG) {
            tail.extend(long_end(begin, size, count));
        }
        let count = u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes();
        tail.extend(b"PK\x05\x06\0\0\0\0");
        tail.extend(count);
        tail.extend(count);
        tail.extend(short(size).to_le_bytes());
        tail.extend(short(begin).to_le_bytes());
        tail.extend([0; 2]);
        self.put(Piece::Here(tail.into()));
        (self.pieces, self.hasher.finish())
    }
}

/// The end of an archive whose directory lies beyond 4 GiB, and where that end lies.
fn long_end(begin: u64, size: u64, count: u64) -> Vec<u8> {
    let mut out = b"PK\x06\x06".to_vec();
    out.extend(44u64.to_le_bytes());
    out.extend((UNIX | NEEDED_LONG).to_le_bytes());
    out.extend(NEEDED_LONG.to_le_bytes());
    out.extend([0; 8]);
    [count, count, size, begin].iter().for_each(|number| out.extend(number.to_le_bytes()));
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend((begin + size).to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _, Write as _};

    use datasets_store::Part;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use zip::ZipArchive;

    use super::*;

    fn bytes(pieces: &[Piece]) -> Vec<u8> {
        let piece = |piece: &Piece| match piece {
            Piece::Here(bytes) => bytes.to_vec(),
            Piece::Stored(..) => panic!("nothing is stored here"),
        };
        pieces.iter().flat_map(piece).collect()
    }

    #[test]
    fn another_program_reads_what_was_put_in() {
        let text = "案号,县区\n甲,濂溪区\n".repeat(50);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        let packed = Piece::Here(encoder.finish().unwrap().into());
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let made = |note: &'static str| {
            let mut archive = Archive::in_folder("a-v1");
            archive.add("说明.txt", note);
            archive.add_packed("1.csv", (packed.clone(), "d"), text.len() as u64, Crc(crc.sum()));
            archive.add("empty", "");
            archive.finish()
        };
        let (pieces, digest) = made("一");
        let mut read = ZipArchive::new(Cursor::new(bytes(&pieces))).unwrap();
        let names: Vec<_> = read.file_names().map(str::to_owned).collect();
        assert_eq!(names, ["a-v1/说明.txt", "a-v1/1.csv", "a-v1/empty"]);
        let mut found = String::new();
        read.by_name("a-v1/1.csv").unwrap().read_to_string(&mut found).unwrap();
        assert_eq!(found, text);
        assert_eq!(read.by_name("a-v1/1.csv").unwrap().unix_mode(), Some(0o100_644));
        assert_eq!((made("一").1, made("二").1 == digest), (digest, false));
    }

    /// The directory of an archive of ten gigabytes is read without its content.
    #[test]
    fn what_is_longer_than_four_gigabytes_is_told_in_long_numbers() {
        let part = Part { path: "x".to_owned(), rows: 1, bytes: 10 << 30, sha256: String::new() };
        let mut archive = Archive::in_folder("a");
        archive.add_packed("1.csv", (Piece::Stored(part, 0..10 << 30), "d"), 20 << 30, Crc(7));
        archive.add("after", "x");
        let (pieces, _) = archive.finish();
        let Some(Piece::Here(tail)) = pieces.last() else { panic!("the directory is known") };
        let number = |place: usize| u64::from_le_bytes(tail[place..place + 8].try_into().unwrap());
        let end = tail.len() - 22 - 20 - 56;
        assert_eq!(&tail[end..end + 4], b"PK\x06\x06");
        let begin: u64 = pieces[..pieces.len() - 1].iter().map(Piece::bytes).sum();
        assert_eq!(
            (number(end + 24), number(end + 48)),
            (2, begin),
            "entries, and where the directory begins"
        );
        assert_eq!(number(end + 40), end as u64, "bytes of the directory");
        assert_eq!(number(end + 56 + 8), begin + end as u64, "where the long end begins");
        let name = 46;
        assert_eq!(&tail[name..name + 7], b"a/1.csv");
        assert_eq!((number(name + 7 + 4), number(name + 7 + 12)), (20 << 30, 10 << 30));
        let Some(Piece::Here(head)) = pieces.first() else { panic!("a head is known") };
        assert_eq!((head.len(), &head[18..26]), (30 + 7 + 20, &[0xff; 8][..]));
    }
}
