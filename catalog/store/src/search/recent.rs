//! The words lately asked for: paging, filters and facets ask for the same words again, and many people for few words.

use std::collections::VecDeque;
use std::sync::Arc;

use super::listing::Tiers;
use super::tokens::Token;

/// Answers kept: of 100,000 entries one takes 100 kB at most.
const KEPT: usize = 64;

/// What some words were found to match, as of one change.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: i64,
    answers: VecDeque<(Vec<Token>, Arc<Tiers>)>,
}

impl Recent {
    /// The answer for these words, if nothing has changed since.
    pub(super) fn get(&mut self, known: i64, tokens: &[Token]) -> Option<Arc<Tiers>> {
        if self.known != known {
            self.answers.clear();
            self.known = known;
        }
        let place = self.answers.iter().position(|(asked, _)| asked == tokens)?;
        let answer = self.answers.remove(place)?;
        let tiers = Arc::clone(&answer.1);
        self.answers.push_back(answer);
        Some(tiers)
    }

    /// Keeps an answer as of a change, and forgets the one that was asked for longest ago.
    pub(super) fn put(&mut self, known: i64, tokens: Vec<Token>, tiers: Arc<Tiers>) {
        if self.known != known {
            return;
        }
        if self.answers.len() == KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back((tokens, tiers));
    }
}
