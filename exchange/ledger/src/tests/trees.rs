//! Trees and proofs against the definitions of RFC 9162 written down plainly, and against an implementation that nobody
//! here wrote.

use std::convert::Infallible;

use exchange_crypto::Digest;
use proptest::prelude::*;
use tlog_tiles::tlog;

use crate::merkle::{Frontier, consistency, extends, includes, inclusion, leaf_hash, node_hash, root};

/// MTH of RFC 9162 section 2.1.1, by the book.
fn naive_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [one] => *one,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            node_hash(&naive_root(&leaves[..split]), &naive_root(&leaves[split..]))
        }
    }
}

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

fn nodes(leaves: &[Digest]) -> impl Fn(u32, u64) -> Result<Digest, Infallible> {
    |level, number| {
        let (start, length) = (usize::try_from(number << level).unwrap(), 1 << level);
        Ok(naive_root(&leaves[start..start + length]))
    }
}

fn theirs(digest: &Digest) -> tlog::Hash {
    tlog::Hash(*digest.as_bytes())
}

fn their_path(path: &[Digest]) -> Vec<tlog::Hash> {
    path.iter().map(theirs).collect()
}

/// The stored nodes in the other implementation's order.
struct Stored(Vec<Digest>);

impl tlog::HashReader for Stored {
    fn read_hashes(&self, places: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(places.iter().map(|place| theirs(&self.0[usize::try_from(*place).unwrap()])).collect())
    }
}

fn stored(leaves: &[Digest]) -> Stored {
    let (mut frontier, mut nodes) = (Frontier::default(), Vec::new());
    for leaf in leaves {
        frontier.push(*leaf, |node| nodes.push(*node));
    }
    Stored(nodes)
}

/// RFC 9162 section 2.1.1: the hash of a leaf has a zero byte in front.
#[test]
fn the_hashes_of_nothing_are_the_published_ones() {
    let leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    assert_eq!(leaf_hash(b"").to_hex(), leaf);
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(root(0, &nodes(&[])).unwrap().to_hex(), empty);
}

#[test]
fn every_proof_of_small_trees_holds_here_and_there() {
    let all = leaves(70);
    for size in 1..=70_u64 {
        let leaves = &all[..usize::try_from(size).unwrap()];
        let (node, head) = (nodes(leaves), naive_root(leaves));
        assert_eq!(root(size, &node).unwrap(), head);
        assert_eq!(Frontier::of(size, &node).unwrap().root(), head);
        let stored = stored(leaves);
        assert_eq!(stored.0.len() as u64, tlog::stored_hash_count(size));
        assert_eq!(crate::tree_file::count(size), tlog::stored_hash_count(size));
        assert_eq!(tlog::tree_hash(size, &stored).unwrap().0, *head.as_bytes());
        for index in 0..size {
            let leaf = &leaves[usize::try_from(index).unwrap()];
            let path = inclusion(index, size, &node).unwrap();
            assert!(includes(leaf, index, size, &path, &head), "{index} of {size}");
            assert_eq!(their_path(&path), tlog::prove_record(size, index, &stored).unwrap());
            tlog::check_record(&their_path(&path), size, theirs(&head), index, theirs(leaf)).unwrap();
        }
        for first in 1..=size {
            let old = naive_root(&leaves[..usize::try_from(first).unwrap()]);
            let path = consistency(first, size, &node).unwrap();
            assert!(extends((first, &old), (size, &head), &path), "{first} to {size}");
            assert_eq!(their_path(&path), tlog::prove_tree(size, first, &stored).unwrap());
            tlog::check_tree(&their_path(&path), size, theirs(&head), first, theirs(&old)).unwrap();
        }
        assert!(extends((0, &Digest::of(b"")), (size, &head), &[]));
    }
}

proptest! {
    /// Ours and theirs say the same of any path, proof or not.
    #[test]
    fn a_changed_proof_holds_neither_here_nor_there(
        size in 1..300_u64, index: u64, other: u64, spoil in 0..5_u8, place: usize,
    ) {
        let leaves = leaves(size);
        let (node, head) = (nodes(&leaves), naive_root(&leaves));
        let (index, other) = (index % size, other % (size + 2));
        let leaf = leaves[usize::try_from(index).unwrap()];
        let mut path = inclusion(index, size, &node).unwrap();
        let mut asked = index;
        match spoil {
            0 => asked = other,
            1 if !path.is_empty() => { let place = place % path.len(); path[place] = leaf_hash(b"x"); }
            2 => path.push(leaf),
            3 => { path.pop(); }
            _ => {}
        }
        let held = includes(&leaf, asked, size, &path, &head);
        let check = asked < size
            && tlog::check_record(&their_path(&path), size, theirs(&head), asked, theirs(&leaf)).is_ok();
        prop_assert_eq!(held, check);
        prop_assert!(!held || asked == index);

        let first = index + 1;
        let old = naive_root(&leaves[..usize::try_from(first).unwrap()]);
        let mut path = consistency(first, size, &node).unwrap();
        let mut from = first;
        match spoil {
            0 => from = other.max(1),
            1 if !path.is_empty() => { let place = place % path.len(); path[place] = leaf_hash(b"x"); }
            2 => path.push(leaf),
            3 => { path.pop(); }
            _ => {}
        }
        let held = extends((from, &old), (size, &head), &path);
        let check = from <= size
            && tlog::check_tree(&their_path(&path), size, theirs(&head), from, theirs(&old)).is_ok();
        prop_assert_eq!(held, check);
        prop_assert!(!held || from == first);
    }
}
