//! Reads put together: the start and the end of a stream are two records.

use std::collections::HashMap;

use super::{Place, Placed};
use crate::evidence::{Actor, Event, SourceRead};
use crate::time::Timestamp;

/// A read that has ended, or of which nothing but its start is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Served {
    /// When it began.
    pub(super) at: Timestamp,
    /// When it ended.
    pub(super) ended: Timestamp,
    /// Who read.
    pub(super) actor: Actor,
    /// What was read.
    pub(super) sources: Vec<SourceRead>,
    /// Rows that left.
    pub(super) rows: u64,
    /// The record of its start.
    pub(super) place: Place,
}

/// Reads under way, by request.
#[derive(Debug, Default)]
pub(super) struct Reads(HashMap<String, Served>);

impl Reads {
    /// Takes the next record; answers the read that it completes.
    pub(super) fn take(&mut self, placed: &Placed) -> Option<Served> {
        let record = &placed.record;
        let begun = |sources: &[SourceRead], rows| Served {
            at: record.at,
            ended: record.at,
            actor: record.actor.clone(),
            sources: sources.to_vec(),
            rows,
            place: placed.place,
        };
        match &record.event {
            Event::Access { sources, rows, .. } => Some(begun(sources, *rows)),
            Event::AccessStarted { sources, .. } => {
                self.0.insert(record.request_id.clone(), begun(sources, 0));
                None
            }
            Event::AccessEnded { rows, .. } => {
                let ended = |served| Served { rows: *rows, ended: record.at, ..served };
                self.0.remove(&record.request_id).map(ended)
            }
            // What was refused after it had begun served nobody.
            Event::AccessRefused { .. } => {
                self.0.remove(&record.request_id);
                None
            }
            _ => None,
        }
    }

    /// Reads whose end the log does not hold.
    pub(super) fn unended(self) -> impl Iterator<Item = Served> {
        self.0.into_values()
    }
}
