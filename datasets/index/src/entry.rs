/// Bytes of an entry in the file.
pub(crate) const BYTES: usize = 32;

/// One row of a version in the index. Ordered by identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Keyed hash of the row's identifier.
    pub id: [u8; 16],
    /// Keyed hash of the identifier with the further values.
    pub tag: [u8; 8],
    /// Which row: its place in the version, from 0.
    pub row: u64,
}

impl Entry {
    pub(crate) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(&self.id);
        bytes[16..24].copy_from_slice(&self.tag);
        bytes[24..].copy_from_slice(&self.row.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let part = |at: usize| bytes[at];
        Self {
            id: std::array::from_fn(part),
            tag: std::array::from_fn(|at| part(16 + at)),
            row: u64::from_le_bytes(std::array::from_fn(|at| part(24 + at))),
        }
    }

    /// The first eight bytes of the identifier as a number that sorts alike.
    pub(crate) fn prefix(id: &[u8; 16]) -> u64 {
        u64::from_be_bytes(std::array::from_fn(|at| id[at]))
    }
}
