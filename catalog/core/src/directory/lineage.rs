//! What resources are made from 数据血缘: no resource is made from itself, by whatever way.

use std::collections::BTreeSet;

use super::Resource;
use crate::ids::ResourceCode;

#[cfg(test)]
mod tests;

/// A walk from a resource up to all that it is made from. Whoever walks answers each code with its sources.
#[derive(Debug)]
pub struct Walk {
    start: ResourceCode,
    waiting: Vec<ResourceCode>,
    seen: BTreeSet<ResourceCode>,
    comes_back: bool,
}

impl Walk {
    /// Begins with the sources that the resource names.
    pub fn from(resource: &Resource) -> Self {
        let mut walk = Self {
            start: resource.code.clone(),
            waiting: Vec::new(),
            seen: BTreeSet::new(),
            comes_back: false,
        };
        walk.found(&resource.derived_from);
        walk
    }

    /// The next whose sources are wanted, each once; none when the walk is over or came back.
    pub fn next_code(&mut self) -> Option<ResourceCode> {
        if self.comes_back { None } else { self.waiting.pop() }
    }

    /// Goes on by these sources.
    pub fn found<'a>(&mut self, sources: impl IntoIterator<Item = &'a ResourceCode>) {
        for code in sources {
            self.comes_back |= *code == self.start;
            if self.seen.insert(code.clone()) {
                self.waiting.push(code.clone());
            }
        }
    }

    /// Whether the resource is among what it is made from.
    pub fn comes_back(&self) -> bool {
        self.comes_back
    }
}
