//! What restores took back: the catalogue does not show it, and supervision does not count it.

use super::Event;

/// Epoch and index of a record in the log.
type Place = (u64, u64);

/// Changes that the restored catalogue never had: from the place that it knew last up to its restore.
#[derive(Debug, Default)]
pub struct Undone(Vec<(Place, Place)>);

impl Undone {
    /// Takes note of a restore; every other event changes nothing. To be called in the order of the log.
    pub fn take(&mut self, event: &Event, at: Place) {
        if let Some(known) = event.restored_to() {
            // The catalogue that is back was made before these restores, and had what they took back.
            self.0.retain(|(_, restored)| *restored < known);
            self.0.push((known, at));
        }
    }

    /// Whether a change at that place was taken back.
    pub fn has(&self, at: Place) -> bool {
        self.0.iter().any(|(known, restored)| (*known..*restored).contains(&at))
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
    }
}
