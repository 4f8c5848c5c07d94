//! The Merkle tree of RFC 9162 section 2.1: hashes, proofs, and their verification.
//!
//! Proofs are made from the nodes of complete subtrees, which `node(level, number)` gives: level 0 holds the leaves'
//! hashes, and node `n` of level `k` stands over the leaves `n * 2^k` to `(n + 1) * 2^k`.

use exchange_crypto::{Digest, Hasher};

/// The hash of a leaf: SHA-256 of a zero byte and its content.
pub fn leaf_hash(content: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0]);
    hasher.update(content);
    hasher.finish()
}

/// The hash of a node: SHA-256 of a one byte and its two children.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[1]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finish()
}

/// The hash of the tree of the first `size` leaves.
pub fn root<E>(size: u64, node: &impl Fn(u32, u64) -> Result<Digest, E>) -> Result<Digest, E> {
    match size {
        0 => Ok(Digest::of(b"")),
        _ => range(0, size, node),
    }
}

/// The path that proves leaf `index` to be in the tree of `size` leaves; `index` must be below `size`.
pub fn inclusion<E>(
    index: u64,
    size: u64,
    node: &impl Fn(u32, u64) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    let (mut low, mut high) = (0, size);
    let mut path = Vec::new();
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            path.push(range(middle, high, node)?);
            high = middle;
        } else {
            path.push(range(low, middle, node)?);
            low = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The path that proves the tree of `first` leaves to be the start of the tree of `second`; `first` must not be
/// greater.
pub fn consistency<E>(
    first: u64,
    second: u64,
    node: &impl Fn(u32, u64) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    let mut path = Vec::new();
    if first == 0 {
        return Ok(path);
    }
    let (mut low, mut high) = (0, second);
    while first != high {
        let middle = low + split(high - low);
        if first <= middle {
            path.push(range(middle, high, node)?);
            high = middle;
        } else {
            path.push(range(low, middle, node)?);
            low = middle;
        }
    }
    // A subtree that is the whole first tree is known to whoever asks.
    if low != 0 {
        path.push(range(low, high, node)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` proves that the leaf with this hash is number `index` in the tree of `size` leaves with this root
/// (RFC 9162 section 2.1.3.2).
pub fn includes(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let mut place = Place { node: index, last: size - 1 };
    let mut found = *leaf;
    for step in path {
        if place.last == 0 {
            return false;
        }
        found = match place.is_right() {
            true => node_hash(step, &found),
            false => node_hash(&found, step),
        };
        place.rise();
    }
    place.last == 0 && found == *root
}

/// Whether `path` proves that the tree of `second` leaves begins with the tree of `first`
/// (RFC 9162 section 2.1.4.2).
pub fn extends(
    (first, first_root): (u64, &Digest),
    (second, second_root): (u64, &Digest),
    path: &[Digest],
) -> bool {
    if first == 0 || first == second {
        let known = if first == 0 { Digest::of(b"") } else { *second_root };
        return first <= second && path.is_empty() && *first_root == known;
    }
    if first > second {
        return false;
    }
    let mut steps = path.iter();
    let mut place = Place { node: first - 1, last: second - 1 };
    while place.node & 1 == 1 {
        place.up();
    }
    let start = if first.is_power_of_two() { Some(first_root) } else { steps.next() };
    let Some(start) = start else { return false };
    let (mut old, mut new) = (*start, *start);
    for step in steps {
        if place.last == 0 {
            return false;
        }
        if place.is_right() {
            old = node_hash(step, &old);
            new = node_hash(step, &new);
        } else {
            new = node_hash(&new, step);
        }
        place.rise();
    }
    place.last == 0 && old == *first_root && new == *second_root
}

/// Where a verification stands: a node, and the last one of its level (`fn` and `sn` of the RFC).
struct Place {
    node: u64,
    last: u64,
}

impl Place {
    fn is_right(&self) -> bool {
        self.node & 1 == 1 || self.node == self.last
    }

    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }

    /// To the parent, past the levels where the last node has no sibling.
    fn rise(&mut self) {
        if self.node == self.last {
            while self.node & 1 == 0 && self.node != 0 {
                self.up();
            }
        }
        self.up();
    }
}

/// The hash over the leaves `low` to `high` (excluded) as they stand in any tree that holds them as a subtree.
fn range<E>(low: u64, high: u64, node: &impl Fn(u32, u64) -> Result<Digest, E>) -> Result<Digest, E> {
    let length = high - low;
    if length.is_power_of_two() {
        return node(length.trailing_zeros(), low / length);
    }
    let middle = low + split(length);
    Ok(node_hash(&range(low, middle, node)?, &range(middle, high, node)?))
}

/// The largest power of two below `length`, which is at least 2.
fn split(length: u64) -> u64 {
    1 << (length - 1).ilog2()
}

/// The right edge of a growing tree: its complete subtrees, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// The edge of the tree of `size` leaves.
    pub(crate) fn of<E>(size: u64, node: &impl Fn(u32, u64) -> Result<Digest, E>) -> Result<Self, E> {
        let mut peaks = Vec::new();
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            peaks.push(node(level, (size >> level) - 1)?);
        }
        Ok(Self { size, peaks })
    }

    /// Leaves so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf; `made` is told each node that is complete with it, the leaf first.
    pub(crate) fn push(&mut self, leaf: Digest, mut made: impl FnMut(&Digest)) {
        made(&leaf);
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            node = node_hash(&left, &node);
            made(&node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// The root.
    pub(crate) fn root(&self) -> Digest {
        let join = |right: Digest, left: &Digest| node_hash(left, &right);
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            Some(last) => peaks.fold(*last, join),
            None => Digest::of(b""),
        }
    }
}
