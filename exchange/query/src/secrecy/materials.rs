//! What materials 附件 give away: plain text is read line by line as cells are; what is none, a person has to look at.
//!
//! Whatever is found is about those very files: each finding carries a digest over them, so that others are another finding.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog_core::matter::Finding;
use catalog_core::{ColumnName, Error, ResourceCode, Result};
use datasets_store::material_path;
use exchange_crypto::{Digest, Hasher};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::time::timeout;

use super::text::{KINDS, is_name, kinds_in};
use crate::engine::LOOK_THROUGH;

/// The longest text that the machine reads; longer ones are for people.
const TEXT_BYTES: usize = 16 << 20;
/// Different materials of a column that the machine reads; where there are more, all are for people.
const READ: usize = 100_000;
/// First characters of markup, of programs' notations and of documents written as text: what these show is not what stands there.
const NOTATIONS: [char; 5] = ['<', '{', '[', '%', '#'];
/// What notations with escapes write, and how packed texts begin.
const ESCAPES: [&str; 6] = ["&#", "\\u", "\\x", "=?", "~{", "begin 6"];
/// The longest word of a plain text in narrow letters: packed texts have lines of 60 to 76.
const WORD: usize = 40;
/// The longest address that counts as one.
const ADDRESS: usize = 200;
/// What the machine can't read.
const UNREAD: &str = "unread_material";

/// The materials that a column shows, by the rows that name each.
#[derive(Debug)]
pub(super) struct Shown {
    rows: u64,
    /// `None` once they are too many to be kept.
    named: Option<BTreeMap<Digest, u64>>,
}

impl Shown {
    pub(super) fn new() -> Self {
        Self { rows: 0, named: Some(BTreeMap::new()) }
    }

    /// Takes in what a row says.
    pub(super) fn add(&mut self, text: &str) {
        self.rows += 1;
        let Some(named) = &mut self.named else { return };
        // Rows of before the item held materials say something else, which is the digest of no file.
        let digest = Digest::from_hex(text).unwrap_or_else(|_| Digest::of(text.as_bytes()));
        *named.entry(digest).or_default() += 1;
        if named.len() > READ {
            self.named = None;
        }
    }

    /// All as what nobody has read; `version` stands for them where they are too many.
    fn unread(&self, version: &str) -> Count {
        let mut count = Count { rows: self.rows, ..Count::default() };
        match &self.named {
            Some(named) => named.keys().for_each(|digest| count.materials.update(digest.as_bytes())),
            None => count.materials.update(version.as_bytes()),
        }
        count
    }
}

/// What is found by one rule.
#[derive(Default)]
struct Count {
    rows: u64,
    /// Over the digests of the materials that it is about.
    materials: Hasher,
}

impl Count {
    fn add(&mut self, digest: &Digest, rows: u64) {
        self.rows += rows;
        self.materials.update(digest.as_bytes());
    }
}

/// What a text gives away.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    kinds: [bool; KINDS.len()],
    names: bool,
}

/// What was found in the materials of a column of that version (its manifest's digest), among so many rows. What can't be read
/// in time is left to people.
pub(super) async fn findings(
    objects: Arc<dyn ObjectStore>,
    (resource, column): (ResourceCode, ColumnName),
    shown: Shown,
    (version, of): (String, u64),
) -> Result<Vec<Finding>> {
    let counts = match &shown.named {
        Some(named) => timeout(LOOK_THROUGH, counts(&objects, &resource, named)).await.ok().transpose()?,
        None => None,
    };
    let counts = counts.unwrap_or_else(|| vec![(UNREAD, shown.unread(&version))]);
    let found = counts.into_iter().filter(|(_, count)| count.rows > 0);
    let finding = |(rule, count): (&str, Count)| Finding {
        rule: rule.to_owned(),
        columns: vec![column.clone()],
        rows: count.rows,
        of,
        materials: Some(count.materials.finish().to_hex()),
    };
    Ok(found.map(finding).collect())
}

/// Reads all, and counts by rule.
async fn counts(
    objects: &Arc<dyn ObjectStore>,
    resource: &ResourceCode,
    named: &BTreeMap<Digest, u64>,
) -> Result<Vec<(&'static str, Count)>> {
    let mut kinds: [Count; KINDS.len()] = Default::default();
    let (mut names, mut unread) = (Count::default(), Count::default());
    for (digest, rows) in named {
        let Some(told) = look_at(objects, resource, digest).await? else {
            unread.add(digest, *rows);
            continue;
        };
        for (count, is_there) in kinds.iter_mut().zip(told.kinds) {
            if is_there {
                count.add(digest, *rows);
            }
        }
        if told.names {
            names.add(digest, *rows);
        }
    }
    let rules = KINDS.into_iter().chain(["name", UNREAD]);
    Ok(rules.zip(kinds.into_iter().chain([names, unread])).collect())
}

/// What the material tells, where it is plain text. The looking computes for long: it is done where that keeps nobody waiting.
async fn look_at(
    objects: &Arc<dyn ObjectStore>,
    resource: &ResourceCode,
    digest: &Digest,
) -> Result<Option<Told>> {
    let Some(bytes) = bytes_of(objects, resource, digest).await? else { return Ok(None) };
    let look = move || {
        let text = String::from_utf8(bytes).ok().filter(|text| is_plain(text))?;
        Some(told(&text))
    };
    tokio::task::spawn_blocking(look).await.map_err(Error::internal)
}

/// The material, where it may be text. Of what is none no more is read than shows it.
async fn bytes_of(
    objects: &Arc<dyn ObjectStore>,
    resource: &ResourceCode,
    digest: &Digest,
) -> Result<Option<Vec<u8>>> {
    let failed = |error| Error::from(datasets_store::Error::from(error));
    let found = match objects.get(&material_path(resource, digest)).await {
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        found => found.map_err(failed)?,
    };
    if found.meta.size > TEXT_BYTES as u64 {
        return Ok(None);
    }
    let (mut stream, mut bytes) = (datasets_store::in_pieces(found), Vec::new());
    while let Some(piece) = stream.try_next().await.map_err(failed)? {
        if piece.iter().any(|byte| is_control(*byte)) {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Some(bytes))
}

fn is_control(byte: u8) -> bool {
    (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f
}

/// Whether what stands there is what people read: no markup, no notation with escapes, nothing packed.
fn is_plain(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    !text.starts_with(NOTATIONS)
        && !ESCAPES.iter().any(|sign| text.contains(sign))
        && escaped_bytes(text) <= 2
        && !text.split(|letter: char| letter.is_whitespace() || !letter.is_ascii()).any(is_packed)
}

fn is_packed(word: &str) -> bool {
    let is_address = ["https://", "http://"].iter().any(|scheme| word.starts_with(scheme));
    word.len() > WORD && !(is_address && word.len() <= ADDRESS)
}

/// How many bytes are written by their numbers, as addresses (`%E5`) and letters (`=E5`) do.
fn escaped_bytes(text: &str) -> usize {
    let is_escaped = |three: &&[u8]| matches!(three, [b'%' | b'=', one, other] if one.is_ascii_hexdigit() && other.is_ascii_hexdigit());
    text.as_bytes().windows(3).filter(is_escaped).count()
}

fn told(text: &str) -> Told {
    let (mut told, mut lines, mut names) = (Told::default(), 0, 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        told.kinds.iter_mut().zip(kinds_in(line)).for_each(|(all, is_there)| *all |= is_there);
        lines += 1;
        names += usize::from(line.split([',', '\t', '，', '、', ' ']).any(is_name));
    }
    told.names = names * 2 > lines;
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_as_it_stands_is_plain_text() {
        for text in ["公告\n第一条 依法公开", "\u{feff}a,b\r\n1,2", ""] {
            assert!(is_plain(text), "{text}");
        }
        let packed = "A".repeat(201);
        for text in ["<html>", " {\\rtf1", "%PDF-1.7", "[\"\\u0031\"]", "a &#49;38", packed.as_str()] {
            assert!(!is_plain(text), "{text}");
        }
        let lines = |length: usize| format!("{}\n", "MTM4".repeat(length / 4)).repeat(3);
        for text in [
            lines(76),
            format!("公告\n-----BEGIN CERTIFICATE-----\n{}", lines(64)),
            format!("内容：{}。", "MTM4".repeat(11)),
            "电话 =31=33=38".to_owned(),
            "电话 %31%33%38".to_owned(),
            "电话 \\u0031\\u0033".to_owned(),
            "电话 \\x31".to_owned(),
            "=?utf-8?B?MTM4?=".to_owned(),
            "~{<:Ky~}".to_owned(),
            "begin 644 a.txt".to_owned(),
        ] {
            assert!(!is_plain(&text), "{text}");
        }
        assert!(is_plain("见 https://www.example.gov.cn/zwgk/2026/11/22/announcement.html，增长 5%，n=10"));
        assert!(is_control(0) && is_control(0x1b) && !is_control(b'\n') && !is_control(0xe4));
    }

    #[test]
    fn lines_are_looked_at_as_cells_are() {
        assert_eq!(told("公告\n第一条"), Told::default());
        let phone = told("联系人\n电话：13800138000");
        let kinds: Vec<_> = KINDS.iter().zip(phone.kinds).filter(|(_, is_there)| *is_there).collect();
        assert!(kinds.len() == 1 && *kinds[0].0 == "mobile_number" && !phone.names);
        assert!(told("王芳,1\n李小明,2\n").names);
    }

    #[test]
    fn too_many_are_one_finding_of_their_version() {
        let mut shown = Shown::new();
        shown.add(&Digest::of(b"a").to_hex());
        let of = |shown: &Shown, version: &str| shown.unread(version).materials.finish();
        assert_eq!(of(&shown, "1"), of(&shown, "2"));
        (0..=READ).for_each(|number| shown.add(&number.to_string()));
        assert!(shown.named.is_none() && shown.rows == READ as u64 + 2);
        assert_ne!(of(&shown, "1"), of(&shown, "2"));
    }
}
