//! The versions of a table, one after another, and which changes lead from one to the next.

use std::ops::RangeInclusive;

use catalog_core::dataset::{Version, VersionState, in_effect};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result, Timestamp};

use crate::app::App;

/// Versions through which one answer goes, at most.
const MOST_STEPS: usize = 100;

/// The versions that are or were a table's data, in the order in which they took effect.
pub(super) struct History {
    code: ResourceCode,
    versions: Vec<Version>,
}

/// A version, and the one whose rows it took the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) before: Option<i64>,
    pub(super) version: i64,
}

impl History {
    pub(super) async fn of(app: &App, ctx: &OpContext, code: &ResourceCode) -> Result<Self> {
        let versions = app.services.versions(ctx, code).await?;
        Ok(Self::new(code, in_effect(&versions, ctx.now).into_iter().cloned().collect()))
    }

    fn new(code: &ResourceCode, versions: Vec<Version>) -> Self {
        Self { code: code.clone(), versions }
    }

    fn readable(&self) -> impl DoubleEndedIterator<Item = &Version> {
        self.versions.iter().filter(|version| version.state == VersionState::Published)
    }

    /// The first readable version that took effect then or later.
    pub(super) fn first_from(&self, time: Timestamp) -> Result<i64> {
        let found = self.readable().find(|version| version.effective_from() >= Some(time));
        found.map(|version| version.number).ok_or_else(|| {
            let message = format!("no version of {} took effect at {time} or later", self.code);
            Error::new(ErrorCode::InvalidInput, message)
        })
    }

    /// The last readable version that took effect by then.
    pub(super) fn last_until(&self, time: Timestamp) -> Result<i64> {
        let found = self.readable().rfind(|version| version.effective_from() <= Some(time));
        found.map(|version| version.number).ok_or_else(|| {
            let message = format!("no version of {} had taken effect at {time}", self.code);
            Error::new(ErrorCode::InvalidInput, message)
        })
    }

    /// The newest readable version.
    pub(super) fn newest(&self) -> Option<i64> {
        self.readable().next_back().map(|version| version.number)
    }

    /// What happened from one version to another, both included.
    ///
    /// # Errors
    /// Where whoever has read up to the first can't go on from there: what they have read last was withdrawn since. And where
    /// it is more than one answer tells.
    pub(super) fn steps(&self, asked: RangeInclusive<i64>) -> Result<Vec<Step>> {
        let (mut steps, mut before, mut lost) = (Vec::new(), None, None);
        for version in &self.versions {
            if version.state == VersionState::Withdrawn {
                lost = Some(version.number).filter(|number| number < asked.start()).or(lost);
                continue;
            }
            if asked.contains(&version.number) {
                if let Some(lost) = lost {
                    return Err(self.withdrawn(lost));
                }
                steps.push(Step { before, version: version.number });
            }
            (before, lost) = (Some(version.number), None);
        }
        match steps.get(MOST_STEPS - 1) {
            Some(last) if steps.len() > MOST_STEPS => Err(too_many(steps.len(), last.version)),
            _ => Ok(steps),
        }
    }

    fn withdrawn(&self, number: i64) -> Error {
        let message = format!(
            "version {number} of {} was withdrawn, so changes from it can't be told; read the table anew and go on \
             from the version that it has",
            self.code
        );
        Error::new(ErrorCode::InvalidInput, message)
    }
}

fn too_many(versions: usize, last: i64) -> Error {
    let message = format!(
        "{versions} versions are asked for, and an answer goes through {MOST_STEPS} at most: end with version {last} and go on \
         from the next"
    );
    Error::new(ErrorCode::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use catalog_core::dataset::{ChangeKind, Tombstone};

    use super::*;

    /// Versions that took effect one second after another; the withdrawn ones are named.
    fn history(count: i64, withdrawn: &[i64]) -> History {
        let code = ResourceCode::new("301001/000001").unwrap();
        let version = |number| Version {
            resource: code.clone(),
            number,
            change: ChangeKind::Replace,
            rows: 0,
            delivered: 0,
            rejected: 0,
            bytes: 0,
            manifest_digest: String::new(),
            based_on: None,
            made_at: Timestamp(0),
            published_at: Timestamp(0).plus_seconds(number),
            published_by: "steward".to_owned(),
            state: match withdrawn.contains(&number) {
                true => VersionState::Withdrawn,
                false => VersionState::Published,
            },
            tombstone: withdrawn.contains(&number).then(|| Tombstone {
                at: Timestamp(0).plus_seconds(1000),
                by: "steward".to_owned(),
                reason: "数据有误".to_owned(),
            }),
            breaking: None,
            cleared: Default::default(),
            erased_through: None,
            replaced: Vec::new(),
        };
        History::new(&code, (1..=count).map(version).collect())
    }

    fn steps(history: &History, asked: RangeInclusive<i64>) -> Option<Vec<(Option<i64>, i64)>> {
        let steps = history.steps(asked).ok()?;
        Some(steps.into_iter().map(|step| (step.before, step.version)).collect())
    }

    #[test]
    fn each_version_follows_the_one_before() {
        let history = history(3, &[]);
        assert_eq!(steps(&history, 0..=9), Some(vec![(None, 1), (Some(1), 2), (Some(2), 3)]));
        assert_eq!(steps(&history, 2..=2), Some(vec![(Some(1), 2)]));
        assert_eq!(history.newest(), Some(3));
    }

    #[test]
    fn what_was_withdrawn_in_between_never_happened() {
        let history = history(4, &[2, 4]);
        assert_eq!(steps(&history, 1..=4), Some(vec![(None, 1), (Some(1), 3)]));
        assert_eq!(
            steps(&history, 2..=4),
            Some(vec![(Some(1), 3)]),
            "whoever has read the first goes on from it"
        );
        assert_eq!(history.newest(), Some(3));
    }

    #[test]
    fn whoever_has_read_nothing_begins_with_what_is_there() {
        assert_eq!(steps(&history(2, &[1]), 1..=2), Some(vec![(None, 2)]));
    }

    #[test]
    fn nobody_goes_on_from_what_was_withdrawn() {
        assert_eq!(steps(&history(3, &[2]), 3..=3), None);
        assert_eq!(steps(&history(3, &[1]), 2..=3), None, "not even from the first");
    }

    #[test]
    fn an_answer_goes_through_a_hundred_versions_and_says_where_to_go_on() {
        let history = history(250, &[]);
        assert_eq!(steps(&history, 1..=100).map(|steps| steps.len()), Some(100));
        let refused = history.steps(101..=i64::MAX).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidInput);
        assert!(refused.message.contains("end with version 200"), "{}", refused.message);
    }

    #[test]
    fn times_name_versions() {
        let history = history(3, &[2]);
        let at = |seconds| Timestamp(0).plus_seconds(seconds);
        assert_eq!((history.first_from(at(0)).ok(), history.first_from(at(2)).ok()), (Some(1), Some(3)));
        assert_eq!((history.first_from(at(4)).ok(), history.last_until(at(2)).ok()), (None, Some(1)));
        assert_eq!((history.last_until(at(9)).ok(), history.last_until(at(0)).ok()), (Some(3), None));
    }
}
