use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray};
use arrow::compute::concat_batches;
use exchange_crypto::MacKey;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::scratch::WAITING;
use crate::writer::{BLOCK, HEAD};

fn key(about: &str) -> IndexKey {
    IndexKey::new(&MacKey::from_bytes(&[7; 32]).unwrap(), about)
}

fn built(folder: &Path, entries: &[Entry], key: &IndexKey) -> std::path::PathBuf {
    let path = folder.join("an.index");
    let mut writer = Writer::new(folder).unwrap();
    entries.iter().for_each(|entry| writer.push(*entry).unwrap());
    let size = writer.finish(&path, key).unwrap();
    assert_eq!(size, fs::metadata(&path).unwrap().len());
    path
}

fn row(key: &IndexKey, identifier: &str, value: &str, row: u64) -> Entry {
    Entry { id: key.id(identifier), tag: key.tag(identifier, [value]), row }
}

/// People with names, each in one row.
fn people(key: &IndexKey, count: u64) -> Vec<Entry> {
    (0..count).map(|n| row(key, &format!("id-{n}"), &format!("name-{n}"), n)).collect()
}

fn rows_of(index: &Index, id: &[u8; 16]) -> Vec<u64> {
    index.find(id).unwrap().map(|entry| entry.row).collect()
}

#[test]
fn each_row_is_found_by_its_identifier_and_a_stranger_is_not() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
    let count = 3 * BLOCK as u64 + 17;
    let index = Index::open(&built(folder.path(), &people(&key, count), &key), &key).unwrap();
    assert_eq!((index.len() as u64, index.is_empty()), (count, false));
    for n in 0..count {
        let found: Vec<Entry> = index.find(&key.id(&format!("id-{n}"))).unwrap().collect();
        assert_eq!(found, [row(&key, &format!("id-{n}"), &format!("name-{n}"), n)]);
        assert_eq!(rows_of(&index, &key.id(&format!("nobody-{n}"))), Vec::<u64>::new());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn more_entries_than_wait_in_memory_go_through_the_scratch_file() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
    let one_bucket = |n: u64| {
        let mut id = key.id(&n.to_string());
        id[0] = 9;
        Entry { id, tag: [0; 8], row: n }
    };
    let entries: Vec<Entry> = (0..3 * WAITING as u64 + 5).map(one_bucket).collect();
    let index = Index::open(&built(folder.path(), &entries, &key), &key).unwrap();
    assert!(entries.iter().all(|entry| rows_of(&index, &entry.id) == [entry.row]));
}

#[test]
fn nothing_can_be_found_in_nothing() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
    let index = Index::open(&built(folder.path(), &[], &key), &key).unwrap();
    assert!(index.is_empty());
    assert_eq!(rows_of(&index, &[0; 16]), Vec::<u64>::new());
    assert_eq!(rows_of(&index, &[255; 16]), Vec::<u64>::new());
}

#[test]
fn values_are_told_apart_where_they_meet() {
    let key = key("a");
    assert_ne!(key.tag("1", ["23", "4"]), key.tag("1", ["2", "34"]));
    assert_ne!(key.tag("12", ["3"]), key.tag("1", ["23"]));
    assert_ne!(key.tag("1", ["2"]), key.tag("1", ["2", ""]));
}

#[test]
fn hashes_of_two_indexes_do_not_meet() {
    assert_ne!(key("a").id("1"), key("b").id("1"));
    assert_ne!(key("a").tag("1", ["2"]), key("b").tag("1", ["2"]));
}

#[test]
fn an_index_of_something_else_does_not_open() {
    let (folder, written) = (tempfile::tempdir().unwrap(), key("version 1"));
    let path = built(folder.path(), &people(&written, 5), &written);
    assert!(matches!(Index::open(&path, &key("version 2")), Err(IndexError::Damaged("its seal"))));
    let other = IndexKey::new(&MacKey::from_bytes(&[8; 32]).unwrap(), "version 1");
    assert!(matches!(Index::open(&path, &other), Err(IndexError::Damaged("its seal"))));
    assert!(matches!(Index::open(&folder.path().join("absent"), &written), Err(IndexError::Io(_))));
}

#[test]
fn who_has_an_index_open_keeps_it_when_it_is_replaced() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
    let old = Index::open(&built(folder.path(), &people(&key, 2000), &key), &key).unwrap();
    let new = Index::open(&built(folder.path(), &people(&key, 1), &key), &key).unwrap();
    assert_eq!((rows_of(&old, &key.id("id-1999")), rows_of(&new, &key.id("id-1999"))), (vec![1999], vec![]));
}

/// Engines account for memory by the sizes of buffers: a column must not count for the whole file.
#[test]
fn rows_count_for_what_they_are() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
    let number = |n: usize| n as i64;
    let numbers: ArrayRef = Arc::new((0..20_000).map(number).collect::<Int64Array>());
    let texts = (0..20_000).map(|n| (n % 7 > 0).then(|| format!("a text of more than twelve bytes {n}")));
    let texts: ArrayRef = Arc::new(texts.collect::<StringViewArray>());
    let flags: ArrayRef = Arc::new((0..20_000).map(|n| Some(n % 3 == 0)).collect::<BooleanArray>());
    let rows = RecordBatch::try_from_iter([("n", numbers), ("t", texts), ("f", flags)]).unwrap();
    let path = folder.path().join("records");
    let mut writer = RecordsWriter::new(folder.path(), &rows.schema(), &key).unwrap();
    writer.push(rows.clone()).unwrap();
    assert!(writer.bytes() > 8_192 * 9);
    writer.finish(&path).unwrap();
    let records = Records::open(&path, &key).unwrap();
    let size = fs::metadata(&path).unwrap().len() as usize;
    let batches: Vec<_> = (0..records.batches()).map(|n| records.accounted_batch(n).unwrap()).collect();
    for (number, batch) in batches.iter().enumerate() {
        assert_eq!(batch, records.batch(number).unwrap());
        let ours: usize = batch.columns().iter().map(|column| column.get_buffer_memory_size()).sum();
        assert!(ours < size / 2, "{ours} of {size}");
    }
    let all: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    assert!((size / 2..size + 8_192).contains(&all), "{all} of {size}");
    assert_eq!(concat_batches(&rows.schema(), &batches).unwrap(), rows);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Few identifiers, so that many rows share one, also across the edges of blocks.
    #[test]
    fn it_finds_what_a_map_finds(ids in vec(0_u8..6, 0..5000), missing in any::<[u8; 16]>()) {
        let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
        let mut model: BTreeMap<[u8; 16], Vec<u64>> = BTreeMap::new();
        let entries: Vec<Entry> = ids.iter().enumerate().map(|(n, id)| {
            // The first half of an identifier is alike for all, so that only the whole of it decides.
            let id = [[3; 8], [*id; 8]].concat().try_into().unwrap();
            model.entry(id).or_default().push(n as u64);
            Entry { id, tag: [0; 8], row: n as u64 }
        }).collect();
        let index = Index::open(&built(folder.path(), &entries, &key), &key).unwrap();
        for (id, rows) in &model {
            prop_assert_eq!(&rows_of(&index, id), rows);
        }
        prop_assert_eq!(rows_of(&index, &missing).len(), model.get(&missing).map_or(0, Vec::len));
    }

    /// One bit, anywhere: the file does not open, or whoever touches the block is told, and all other answers are right.
    #[test]
    fn a_changed_bit_never_gives_another_answer(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
        let path = built(folder.path(), &people(&key, 2500), &key);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        // What is between the head's 32 bytes and the first entry is nothing.
        prop_assume!(!(32..HEAD).contains(&at));
        bytes[at] ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        match Index::open(&path, &key) {
            Err(IndexError::Damaged(_)) => {}
            Err(error) => prop_assert!(false, "{error}"),
            Ok(index) => {
                let mut damaged = 0;
                for n in 0..2500 {
                    match index.find(&key.id(&format!("id-{n}"))) {
                        Ok(found) => prop_assert_eq!(found.map(|entry| entry.row).collect::<Vec<_>>(), vec![n]),
                        Err(IndexError::Damaged("a block")) => damaged += 1,
                        Err(error) => prop_assert!(false, "{error}"),
                    }
                }
                prop_assert!(damaged >= 400, "a block of the file is damaged, {damaged} look-ups were told");
            }
        }
    }

    /// A file that was cut off, or that something was added to.
    #[test]
    fn a_file_of_another_length_does_not_open(length in 0_usize..90_000) {
        let (folder, key) = (tempfile::tempdir().unwrap(), key("a"));
        let path = built(folder.path(), &people(&key, 2500), &key);
        let mut bytes = fs::read(&path).unwrap();
        prop_assume!(length != bytes.len());
        bytes.resize(length, 0);
        fs::write(&path, bytes).unwrap();
        prop_assert!(matches!(Index::open(&path, &key), Err(IndexError::Damaged(_))));
    }
}
