//! Long lists that are the same for everyone without a key, kept until the catalogue changes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;

/// Answers kept.
const KEPT: usize = 64;
/// Bytes of all of them.
const BYTES: usize = 32 << 20;
/// Bytes of a question; a longer one is not asked twice.
const QUESTION: usize = 500;

/// The answers of one revision of the catalogue, by their questions.
#[derive(Default)]
struct Answers {
    revision: i64,
    bytes: usize,
    all: VecDeque<(String, Bytes)>,
}

/// The lists of one server.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Answers>);

impl Kept {
    /// The answer of that revision.
    pub(super) fn get(&self, revision: i64, question: &str) -> Option<Bytes> {
        let answers = self.answers();
        if answers.revision != revision {
            return None;
        }
        let found = answers.all.iter().find(|(asked, _)| asked == question);
        found.map(|(_, answer)| answer.clone())
    }

    /// Keeps an answer, and forgets the oldest ones beyond the bounds, and all of older revisions.
    pub(super) fn put(&self, revision: i64, question: String, answer: Bytes) {
        let mut answers = self.answers();
        if question.len() > QUESTION || answer.len() > BYTES || revision < answers.revision {
            return;
        }
        if revision > answers.revision {
            *answers = Answers { revision, ..Answers::default() };
        }
        answers.bytes += answer.len();
        answers.all.push_back((question, answer));
        while answers.all.len() > KEPT || answers.bytes > BYTES {
            let Some((_, oldest)) = answers.all.pop_front() else { break };
            answers.bytes -= oldest.len();
        }
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_kept_within_bounds_and_one_revision() {
        let kept = Kept::default();
        let answer = |bytes: usize| Bytes::from(vec![b'x'; bytes]);
        kept.put(1, "a".to_owned(), answer(1));
        assert_eq!(kept.get(1, "a"), Some(answer(1)));
        assert_eq!((kept.get(1, "b"), kept.get(2, "a")), (None, None));
        kept.put(2, "b".to_owned(), answer(2));
        kept.put(1, "a".to_owned(), answer(1));
        assert_eq!((kept.get(1, "a"), kept.get(2, "a")), (None, None), "an old one does not come back");
        for place in 0..KEPT {
            kept.put(2, place.to_string(), answer(1));
        }
        assert_eq!((kept.get(2, "b"), kept.get(2, "0")), (None, Some(answer(1))));
        kept.put(2, "large".to_owned(), answer(BYTES));
        assert_eq!((kept.get(2, "63"), kept.get(2, "large").map(|answer| answer.len())), (None, Some(BYTES)));
        kept.put(2, "larger".to_owned(), answer(BYTES + 1));
        kept.put(2, "q".repeat(QUESTION + 1), answer(1));
        assert_eq!((kept.get(2, "larger"), kept.get(2, &"q".repeat(QUESTION + 1))), (None, None));
    }
}
