//! The nodes of the Merkle tree, stored so that a proof reads a few of them and nothing is hashed again.
//!
//! The order is that in which nodes become complete, as C2SP's and Go's transparency logs store theirs: a leaf's hash,
//! then each node that is complete with it. The file follows from the segments and can be made again from them.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exchange_crypto::Digest;

use crate::merkle::{self, Frontier};
use crate::{LedgerError, durable};

const WIDTH: u64 = 32;

/// The place of a node in the file, in nodes.
fn place(level: u32, number: u64) -> u64 {
    // Node `number` of `level` stands `level` behind the last leaf below it.
    let mut leaf = ((number + 1) << level) - 1;
    let mut before = 0;
    while leaf > 0 {
        before += leaf;
        leaf >>= 1;
    }
    before + u64::from(level)
}

/// The nodes of a tree of `size` leaves.
pub(crate) fn count(size: u64) -> u64 {
    match size {
        0 => 0,
        // Behind the last leaf stand the nodes that are complete with it.
        _ => place(0, size - 1) + 1 + u64::from(size.trailing_zeros()),
    }
}

/// Reads nodes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TreeReader {
    path: Arc<PathBuf>,
    file: Arc<File>,
}

impl TreeReader {
    /// The nodes in the file at that path.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        let file = File::open(path).map_err(LedgerError::io(path))?;
        Ok(Self { path: Arc::new(path.to_owned()), file: Arc::new(file) })
    }

    /// A node of a complete subtree.
    pub(crate) fn node(&self, level: u32, number: u64) -> Result<Digest, LedgerError> {
        let mut bytes = [0; WIDTH as usize];
        self.file
            .read_exact_at(&mut bytes, place(level, number) * WIDTH)
            .map_err(LedgerError::io(&self.path))?;
        Ok(Digest::from_bytes(bytes))
    }

    /// The root over the first `size` leaves.
    pub(crate) fn root(&self, size: u64) -> Result<Digest, LedgerError> {
        merkle::root(size, &|level, number| self.node(level, number))
    }

    /// See [`merkle::inclusion`].
    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Digest>, LedgerError> {
        merkle::inclusion(index, size, &|level, number| self.node(level, number))
    }

    /// See [`merkle::consistency`].
    pub(crate) fn consistency(&self, first: u64, second: u64) -> Result<Vec<Digest>, LedgerError> {
        merkle::consistency(first, second, &|level, number| self.node(level, number))
    }
}

/// Adds nodes.
pub(crate) struct TreeFile {
    path: PathBuf,
    file: File,
    frontier: Frontier,
}

impl TreeFile {
    /// Opens the file with the nodes of `size` leaves and forgets all others; `None` if it has not that many.
    pub(crate) fn open(path: &Path, size: u64) -> Result<Option<Self>, LedgerError> {
        let file = durable::open(path)?;
        let needed = count(size) * WIDTH;
        if file.metadata().map_err(LedgerError::io(path))?.len() < needed {
            return Ok(None);
        }
        file.set_len(needed).map_err(LedgerError::io(path))?;
        let reader = TreeReader::open(path)?;
        let frontier = Frontier::of(size, &|level, number| reader.node(level, number))?;
        Ok(Some(Self { path: path.to_owned(), file, frontier }))
    }

    /// Starts the file anew.
    pub(crate) fn create(path: &Path) -> Result<Self, LedgerError> {
        let file = durable::open(path)?;
        file.set_len(0).map_err(LedgerError::io(path))?;
        Ok(Self { path: path.to_owned(), file, frontier: Frontier::default() })
    }

    /// Adds leaves, or none where it fails. Readers see their nodes at once; they are durable after [`TreeFile::sync`].
    pub(crate) fn append(&mut self, leaves: &[Digest]) -> Result<(), LedgerError> {
        let start = count(self.frontier.size()) * WIDTH;
        let mut frontier = self.frontier.clone();
        let mut nodes = Vec::with_capacity(leaves.len() * 2 * WIDTH as usize);
        for leaf in leaves {
            frontier.push(*leaf, |node| nodes.extend_from_slice(node.as_bytes()));
        }
        self.file.write_all_at(&nodes, start).map_err(LedgerError::unwritten(&self.path))?;
        self.frontier = frontier;
        Ok(())
    }

    /// Makes all nodes durable.
    pub(crate) fn sync(&self) -> Result<(), LedgerError> {
        self.file.sync_data().map_err(LedgerError::io(&self.path))
    }

    /// The root over all leaves.
    pub(crate) fn root(&self) -> Digest {
        self.frontier.root()
    }
}
