//! What an access was about that a record ends: ends name no resource, their starts do.

use std::collections::HashMap;

use crate::LedgerError;
use crate::scan::Leaf;

/// Requests whose starts a scan remembers. There are never so many under way at once, so what it forgets has mostly ended.
const REMEMBERED: usize = if cfg!(test) { 3 } else { 8192 };

/// The starts that a scan has come by. An end belongs to the newest start of its request before it, in its epoch.
pub(crate) struct Starts {
    /// By epoch and request, whether the newest start is about what is looked for.
    known: HashMap<(u64, String), bool>,
    /// Whether none was passed over, nor forgotten: then what is not known is not there.
    has_all: bool,
}

impl Starts {
    /// Of a scan that reads all of the log, or only parts of it.
    pub(crate) fn new(reads_all: bool) -> Self {
        Self { known: HashMap::new(), has_all: reads_all }
    }

    /// Remembers a start. In bounded memory: what is forgotten is looked up where it is asked for.
    pub(crate) fn note(&mut self, start: &Leaf, is_topic: bool) {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
            self.has_all = false;
        }
        self.known.insert((start.epoch, start.record.request_id.clone()), is_topic);
    }

    /// Whether the start that belongs to an end is about what is looked for; `look_up` says it of one that is not known.
    pub(crate) fn of(
        &self,
        end: &Leaf,
        look_up: impl FnOnce() -> Result<bool, LedgerError>,
    ) -> Result<bool, LedgerError> {
        match self.known.get(&(end.epoch, end.record.request_id.clone())) {
            Some(is_topic) => Ok(*is_topic),
            None if self.has_all => Ok(false),
            None => look_up(),
        }
    }
}
