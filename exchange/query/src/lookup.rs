//! Records by their keys, and whether pairs of values agree: through an index of the version, under the same bound policy as
//! every query, without planning one.

mod build;
mod kept;
mod opened;
mod rows;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use catalog_core::directory::VerificationProfile;
use catalog_core::evidence::SourceRead;
use catalog_core::policy::BoundPolicy;
use catalog_core::services::VersionSelector;
use catalog_core::{ColumnName, Error, ErrorCode, OpContext, ResourceCode, Result, Timestamp};
use datasets_index::{Index, IndexError, Records};
use futures::{FutureExt as _, StreamExt, stream};

use crate::answer::{self, QueryAnswer};
use crate::engine::{QueryEngine, geometries};
use crate::past::PastTables;
use crate::revocation::Watch;
use crate::tables::{StoredVersion, TableName, Tables};
use build::Place;
pub use kept::IndexSecrets;
pub(crate) use kept::Kept;
use opened::Opened;
pub(crate) use opened::{Lately, Question};
pub use verdict::{Pair, Verdict};

/// The most records that are looked up at once.
const MOST_KEYS: usize = 1_000;
/// The most pairs that are verified at once.
const MOST_PAIRS: usize = 10_000;
/// Rows of an answer that leave together: between them is looked whether it was revoked.
const PIECE: usize = 64;
/// Bytes of a version's rows that are brought to hand for queries, uncompressed.
const AT_HAND_BYTES: u64 = 256 << 20;
/// Keys and pairs that take less time than to hand them to another thread: they need no place among queries.
pub const SHORT: usize = 16;

/// Records wanted by their keys.
#[derive(Debug, Clone, PartialEq)]
pub struct LookUp {
    /// The dataset, of which the version in effect is looked into: of others no index is kept.
    pub table: TableName,
    /// Keys, 1 to 1,000: each has a value for every key column, in the order of the key.
    pub keys: Vec<Vec<String>>,
    /// Columns by machine name or title; all visible ones when empty.
    pub columns: Vec<String>,
}

/// Pairs to be verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// The dataset.
    pub table: TableName,
    /// What its provider lets others verify.
    pub profile: VerificationProfile,
    /// The pairs, 1 to 10,000.
    pub pairs: Vec<Pair>,
}

/// What verification says.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// A verdict for each pair, in their order.
    pub verdicts: Vec<Verdict>,
    /// The dataset, as evidence names the read.
    pub source: SourceRead,
    /// The item that says whom a record is about, as the directory has it.
    pub subject: Option<ColumnName>,
    /// The time that it took for now.
    pub now: Timestamp,
}

/// What an index is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum About {
    /// The key columns.
    Key,
    /// A profile of verification.
    Profile(VerificationProfile),
}

impl About {
    /// The columns whose values are hashed.
    fn columns(&self, version: &StoredVersion) -> Vec<ColumnName> {
        match self {
            Self::Key => version.key.clone(),
            Self::Profile(profile) => profile.columns().map(ColumnName::clone).to_vec(),
        }
    }
}

impl QueryEngine {
    /// The records that have these keys and that the caller sees, in the order of the keys; what is hidden is as what is not
    /// there.
    ///
    /// `not_granted` where the caller does not see the key in clear: a look-up would tell of it. `invalid_input` where the
    /// dataset has no key, or the keys do not fit it.
    pub async fn look_up(&self, ctx: &OpContext, wanted: LookUp) -> Result<QueryAnswer> {
        let LookUp { table, keys, columns } = wanted;
        if !(1..=MOST_KEYS).contains(&keys.len()) {
            return Err(Error::new(ErrorCode::InvalidInput, format!("name 1 to {MOST_KEYS} keys")));
        }
        // Before anything is decided, so that no revocation falls between.
        let watch = self.watch();
        let question = Question::new(ctx, table, VersionSelector::Latest, About::Key);
        let is_short = keys.len() <= SHORT;
        let asked = Arc::new(keys);
        let keys = Arc::clone(&asked);
        let look = move |opened: &Opened| {
            let keys = opened.keys(&keys)?;
            let rows = find(&opened.index, &keys)?;
            if columns.is_empty() {
                return Ok(opened.policy.shown(&opened.records, &rows)?);
            }
            let places = opened.policy.places(&opened.dataset.granted.policy, &columns)?;
            Ok(opened.policy.projected(&places)?.shown(&opened.records, &rows)?)
        };
        let (opened, rows) = self.looked(self.tables(), ctx, question, is_short, look).await?;
        let (sources, resource) = (vec![opened.source.clone()], &opened.dataset.resource);
        let subject = resource.subject.as_ref();
        let place = subject.and_then(|subject| resource.key.iter().position(|column| column == subject));
        let subjects =
            place.map_or_else(Vec::new, |place| asked.iter().map(|key| key[place].clone()).collect());
        Ok(QueryAnswer {
            schema: rows.schema(),
            limits: self.limits(ctx),
            now: ctx.now,
            next: None,
            geo: geometries(&opened.dataset, &rows.schema()),
            total: Some(rows.num_rows() as u64),
            subjects,
            records: pieces(rows, watch, sources.clone()),
            sources,
        })
    }

    /// Whether the caller may verify pairs of the profile, and how evidence names the dataset: before anything is counted.
    pub async fn verifiable(
        &self,
        ctx: &OpContext,
        table: &TableName,
        profile: &VerificationProfile,
    ) -> Result<SourceRead> {
        let (ctx, about) = (ctx.verifying(), About::Profile(profile.clone()));
        let question = Question::new(&ctx, table.clone(), VersionSelector::Latest, about);
        Ok(self.opened(self.tables(), &ctx, &question).await?.source.clone())
    }

    /// Whether each pair agrees with a record that the caller may verify; a record that the grant hides is as if it were not there.
    ///
    /// `not_granted` where no grant for verification shows both items in clear; `invalid_input` where the provider declares no
    /// such profile.
    pub async fn verify(&self, ctx: &OpContext, wanted: Verification) -> Result<Verified> {
        if !(1..=MOST_PAIRS).contains(&wanted.pairs.len()) {
            return Err(Error::new(ErrorCode::InvalidInput, format!("name 1 to {MOST_PAIRS} pairs")));
        }
        self.verify_over(self.tables(), &ctx.verifying(), wanted).await
    }

    /// Verifies pairs of a past request over its tables; the context's `now` is that of then.
    pub async fn verify_again(
        &self,
        ctx: &OpContext,
        tables: &PastTables<'_>,
        wanted: Verification,
    ) -> Result<Verified> {
        self.verify_over(tables, ctx, wanted).await
    }

    async fn verify_over(
        &self,
        from: &dyn Tables,
        ctx: &OpContext,
        wanted: Verification,
    ) -> Result<Verified> {
        let Verification { table, profile, pairs } = wanted;
        let about = About::Profile(profile);
        let question = Question::new(ctx, table, VersionSelector::Latest, about);
        let is_short = pairs.len() <= SHORT;
        let look = move |opened: &Opened| verdict::of(&pairs, &opened.index, &opened.records, &opened.policy);
        let (opened, verdicts) = self.looked(from, ctx, question, is_short, look).await?;
        let (source, subject) = (opened.source.clone(), opened.dataset.resource.subject.clone());
        Ok(Verified { verdicts, source, subject, now: ctx.now })
    }

    /// The rows of the version, built where they are not there yet, and take no more than `most` bytes.
    async fn records(&self, version: &StoredVersion, most: u64) -> Result<Arc<Records>> {
        self.kept().records(&version.digest, |place| self.build_records(place, version, most)).await
    }

    /// Writes the rows of objects that are what their manifest says: whoever reads what is built never looks at them again.
    async fn build_records(&self, place: Place, version: &StoredVersion, most: u64) -> Result<()> {
        for file in &version.files {
            self.prove(file).await?;
        }
        self.work(build::records(place, self.stored(version).await?, most)).await
    }

    /// All rows of the version from what is kept of them, checked; `None` where they can't be kept now: then its objects have
    /// them.
    pub(crate) async fn all_rows(&self, version: &StoredVersion) -> Option<Vec<RecordBatch>> {
        let (kept, digest) = (self.kept(), &version.digest);
        if let Some(rows) = kept.at_hand(digest) {
            return Some(rows);
        }
        for _ in 0..2 {
            let cause = match self.checked_rows(version).await {
                Ok(Ok(rows)) => return rows.inspect(|rows| kept.bring(digest, rows)),
                Ok(Err(IndexError::Damaged(what))) if kept.discard(digest).is_ok() => {
                    tracing::warn!(
                        what,
                        version = digest,
                        "what is kept of a version is damaged and built again"
                    );
                    self.let_go();
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            tracing::warn!(cause, version = digest, "rows are read from their objects");
            break;
        }
        kept.leave(digest);
        None
    }

    async fn checked_rows(
        &self,
        version: &StoredVersion,
    ) -> Result<Result<Option<Vec<RecordBatch>>, IndexError>> {
        if !self.kept().may_bring(&version.digest)? {
            return Ok(Ok(None));
        }
        let records = self.records(version, AT_HAND_BYTES).await?;
        let all = move || (0..records.batches()).map(|number| records.accounted_batch(number)).collect();
        self.work(async move { Ok(all()) }).await.map(|rows: Result<_, _>| rows.map(Some))
    }

    /// The rows of the version and an index of them, built where they are not there yet.
    async fn indexed(&self, version: &StoredVersion, about: &About) -> Result<(Arc<Records>, Arc<Index>)> {
        let records = self.records(version, u64::MAX).await?;
        let columns = about.columns(version);
        let source = Arc::clone(&records);
        let index = self.kept().index(&version.digest, about, |place| {
            let about = about.clone();
            self.work(async move { build::index(&place, &source, &about, &columns) })
        });
        Ok((records, index.await?))
    }

    /// Builds what look-ups of a version need before anybody asks: an index for each profile of verification, and one of the
    /// key where the key of the version before, named by its manifest's digest, was looked up.
    pub async fn prepare(
        &self,
        version: &StoredVersion,
        profiles: &[VerificationProfile],
        before: Option<&str>,
    ) -> Result<()> {
        for about in self.wanted(version, profiles, before) {
            self.indexed(version, &about).await?;
        }
        Ok(())
    }

    /// Prepares a version that is in effect, and writes anew what was written under the secret before.
    pub async fn renew(&self, version: &StoredVersion, profiles: &[VerificationProfile]) -> Result<()> {
        let digest = version.digest.as_str();
        let abouts = self.wanted(version, profiles, Some(digest));
        self.prepare(version, profiles, Some(digest)).await?;
        let mut is_anew = false;
        for about in abouts {
            if let Some(place) = self.kept().outdated(digest, Some(&about)).await? {
                let (records, _) = self.indexed(version, &about).await?;
                let columns = about.columns(version);
                self.work(async move { build::index(&place, &records, &about, &columns) }).await?;
                is_anew = true;
            }
        }
        if let Some(place) = self.kept().outdated(digest, None).await? {
            self.build_records(place, version, u64::MAX).await?;
            is_anew = true;
        }
        if is_anew {
            self.kept().close(digest);
            self.let_go();
        }
        Ok(())
    }

    /// What a version is looked up by.
    fn wanted(
        &self,
        version: &StoredVersion,
        profiles: &[VerificationProfile],
        before: Option<&str>,
    ) -> Vec<About> {
        let has_key = !version.key.is_empty() && before.is_some_and(|digest| self.kept().has_key(digest));
        let profiles = profiles.iter().filter(|profile| version.can_verify(profile));
        profiles.cloned().map(About::Profile).chain(has_key.then_some(About::Key)).collect()
    }

    /// Removes what look-ups need of every version but those of these digests of manifests: it is built again where it is
    /// asked for. Who has it open reads on.
    pub async fn keep_prepared(&self, digests: &BTreeSet<String>) -> Result<()> {
        self.kept().keep(digests).await?;
        self.let_go();
        Ok(())
    }

    /// Removes what look-ups need of one version for good: its rows have to go.
    pub fn forget_prepared(&self, digest: &str) -> Result<()> {
        self.kept().forget(digest)?;
        self.let_go();
        Ok(())
    }
}

/// The rows piece by piece, until they are revoked: then an error, and nothing after it.
fn pieces(rows: RecordBatch, watch: Watch, sources: Vec<SourceRead>) -> answer::Records {
    let pieces: Vec<_> = (0..rows.num_rows().max(1))
        .step_by(PIECE)
        .map(|start| rows.slice(start, PIECE.min(rows.num_rows() - start)))
        .collect();
    let next = async |(mut pieces, mut watch, sources): (std::vec::IntoIter<_>, Watch, Vec<SourceRead>)| {
        let mut piece = pieces.next().map(Ok)?;
        if watch.cut(&sources).now_or_never().is_some() {
            (piece, pieces) = (Err(answer::revoked()), Vec::new().into_iter());
        }
        Some((piece, (pieces, watch, sources)))
    };
    stream::unfold((pieces.into_iter(), watch, sources), next).boxed()
}

/// What is hidden or masked is not asked for: the answer would tell of it.
fn check_in_clear<'a>(
    policy: &BoundPolicy,
    mut columns: impl Iterator<Item = &'a ColumnName>,
    code: &ResourceCode,
) -> Result<()> {
    let clear: BTreeSet<_> = policy
        .stored_columns()
        .iter()
        .filter(|column| column.mask.is_none())
        .map(|column| &column.column)
        .collect();
    let hidden = columns.find(|column| policy.statistics.is_some() || !clear.contains(column));
    match hidden {
        None => Ok(()),
        Some(column) => {
            let message = format!("your grant on {code} does not show `{column}` in clear");
            Err(Error::new(ErrorCode::NotGranted, message))
        }
    }
}

/// The rows that have these keys, in their order.
fn find(index: &Index, keys: &[Vec<String>]) -> Result<Vec<u64>, IndexError> {
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        let id = index.key().id(&build::joined(key.iter().map(String::as_str)));
        rows.extend(index.find(&id)?.map(|entry| entry.row));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
