//! What restores took back, which supervision must not count.

use super::{Place, Placed};

/// Changes that a restored catalogue never had: from the place that it knew last up to its restore.
#[derive(Debug, Default)]
pub struct Undone(Vec<(Place, Place)>);

impl Undone {
    /// Takes note of a restore; every other record changes nothing.
    pub fn take(&mut self, placed: &Placed) {
        if let Some((epoch, index)) = placed.record.event.restored_to() {
            self.0.push((Place { epoch, index }, placed.place));
        }
    }

    /// The record without what it says of a change that was undone. Reads stay: what was shown was shown.
    pub fn applied(&self, mut placed: Placed) -> Placed {
        if self.0.iter().any(|(from, until)| (*from..*until).contains(&placed.place)) {
            placed.record.fact = None;
        }
        placed
    }
}
