//! What restores took back: the catalogue does not show it, and supervision does not count it.

use super::Event;

/// Epoch and index of a record in the log.
type Place = (u64, u64);

/// Changes that the restored catalogue never had.
#[derive(Debug, Default)]
pub struct Undone {
    /// Each restore: the place from which on its catalogue knew nothing, and its own.
    restores: Vec<(Place, Place)>,
}

impl Undone {
    /// Takes note of a restore; every other event changes nothing. To be called in the order of the log.
    pub fn take(&mut self, event: &Event, at: Place) {
        if let Some(known) = event.restored_to() {
            self.restores.push((known, at));
        }
    }

    /// Whether a change at that place was taken back.
    pub fn has(&self, at: Place) -> bool {
        // From the newest restore on back: what its catalogue knew is what stood when that one was made.
        let mut end = (u64::MAX, u64::MAX);
        for (known, restored) in self.restores.iter().rev() {
            if *restored < end {
                if (*restored..end).contains(&at) {
                    return false;
                }
                end = *known;
            }
        }
        at >= end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::entity;

    /// The places from 0 up to `end` whose changes stand after restores, each given by its place and what its catalogue knew.
    fn standing(restores: &[(u64, u64)], end: u64) -> Vec<u64> {
        let mut undone = Undone::default();
        for (at, known) in restores {
            let (action, entity) = ("restored".to_owned(), entity::catalogue(0, *known));
            undone.take(&Event::Changed { action, entity, entity_digest: String::new() }, (0, *at));
        }
        (0..end).filter(|at| !undone.has((0, *at))).collect()
    }

    #[test]
    fn a_restore_takes_back_what_its_catalogue_did_not_know() {
        assert_eq!(standing(&[], 4), [0, 1, 2, 3]);
        assert_eq!(standing(&[(4, 2)], 6), [0, 1, 4, 5]);
        assert_eq!(standing(&[(4, 2), (8, 6)], 10), [0, 1, 4, 5, 8, 9]);
        assert_eq!(standing(&[(4, 2), (8, 1)], 10), [0, 8, 9], "before both");
        assert_eq!(
            standing(&[(4, 2), (8, 3)], 10),
            [0, 1, 2, 8, 9],
            "what the first one took back is there again"
        );
        // The last catalogue was made between the first two restores: it lacks what the first took back, and has the rest.
        assert_eq!(standing(&[(4, 2), (8, 3), (12, 6)], 14), [0, 1, 4, 5, 12, 13]);
    }
}
