//! Versions opened for look-ups: decided on once, and again when the catalogue has changed or the time has come.

use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use catalog_core::context::Circumstances;
use catalog_core::directory::Resource;
use catalog_core::evidence::SourceRead;
use catalog_core::policy::filter::{Literal, TypedLiteral, typed_literal};
use catalog_core::remembered::Remembered;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{ColumnName, Error, ErrorCode, OpContext, Result};
use datasets_index::{Index, IndexError, Records};

use super::rows::RowPolicy;
use super::{About, check_in_clear};
use crate::engine::QueryEngine;
use crate::policy;
use crate::tables::{OpenTable, StoredVersion, TableName, Tables};

/// How often is decided anew because the catalogue changed meanwhile.
const DECISIONS: usize = 16;

/// What is looked into, by whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    circumstances: Circumstances,
    table: TableName,
    version: VersionSelector,
    about: About,
}

/// What was opened lately. Nothing of it outlives a change to the catalogue.
pub(crate) type Lately = Remembered<Question, Arc<Opened>>;

/// A version under the policy of one caller, with its rows and one index.
pub(crate) struct Opened {
    pub(super) source: SourceRead,
    pub(super) dataset: Dataset,
    pub(super) policy: RowPolicy,
    pub(super) records: Arc<Records>,
    pub(super) index: Arc<Index>,
}

/// Why nothing was found out.
pub(super) enum Failure {
    /// The request is wrong.
    Refused(Error),
    /// So many rows have an identifier that it names no record.
    Crowded,
    /// A file is damaged, or can't be read.
    Index(IndexError),
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl Question {
    pub(super) fn new(ctx: &OpContext, table: TableName, version: VersionSelector, about: About) -> Self {
        Self { circumstances: ctx.circumstances(), table, version, about }
    }
}

impl Opened {
    /// The keys as the index has them: a value of a type that can be written in several ways in the one in which rows show it.
    pub(super) fn keys(&self, keys: &[Vec<String>]) -> Result<Vec<Vec<String>>> {
        let resource = &self.dataset.resource;
        let written = |values: &Vec<String>| {
            if values.len() != resource.key.len() {
                let names: Vec<_> = resource.key.iter().map(ColumnName::as_str).collect();
                let message = format!("a key of this dataset has a value for each of {}", names.join(", "));
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            resource.key.iter().zip(values).map(|(column, value)| self.written(column, value)).collect()
        };
        keys.iter().map(written).collect()
    }

    fn written(&self, column: &ColumnName, value: &str) -> Result<String> {
        let missing = || Error::internal("a key column that is no item");
        let ty = self.dataset.resource.item(column.as_str()).ok_or_else(missing)?.item_type;
        let literal = typed_literal(&Literal::Text(value.to_owned()), ty).map_err(|_| {
            Error::new(
                ErrorCode::InvalidInput,
                format!("a value of the key column `{column}` is not of its type"),
            )
        })?;
        if let TypedLiteral::Text(text) = literal {
            return Ok(text);
        }
        let array = policy::scalar(column.as_str(), &literal, self.records.schema())
            .and_then(|scalar| scalar.to_array())
            .map_err(Error::internal)?;
        let options = FormatOptions::default();
        let text = ArrayFormatter::try_new(&array, &options).map_err(Error::internal)?;
        Ok(text.value(0).to_string())
    }
}

impl QueryEngine {
    /// Opens what the question is about, and looks into it. Where a file is damaged it is built again, once.
    pub(super) async fn looked<T: Send + 'static>(
        &self,
        from: &dyn Tables,
        ctx: &OpContext,
        question: Question,
        is_short: bool,
        look: impl Fn(&Opened) -> Result<T, Failure> + Send + Sync + 'static,
    ) -> Result<(Arc<Opened>, T)> {
        let look = Arc::new(look);
        for is_first in [true, false] {
            let opened = self.opened(from, ctx, &question).await?;
            let found = match is_short {
                true => look(&opened),
                false => {
                    let (look, opened) = (Arc::clone(&look), Arc::clone(&opened));
                    self.work(async move { Ok(look(&opened)) }).await?
                }
            };
            let error = match found {
                Ok(found) => return Ok((opened, found)),
                Err(Failure::Index(IndexError::Damaged(what))) if is_first => {
                    let version = &opened.dataset.version.manifest_digest;
                    tracing::warn!(what, version, "what look-ups need is damaged and built again");
                    self.kept().discard(version)?;
                    self.let_go();
                    continue;
                }
                Err(Failure::Refused(error)) => error,
                Err(Failure::Crowded) => {
                    let message = "more than 10,000 records have one of these identifiers: it names no record, so nothing is \
                                   verified by it";
                    Error::new(ErrorCode::InvalidInput, message)
                }
                Err(Failure::Index(error)) => Error::internal(error),
            };
            return Err(error.after_opening(vec![opened.source.clone()]));
        }
        Err(Error::internal("an index is damaged as soon as it is built"))
    }

    /// What the question is about, decided on no earlier than the newest change to the catalogue: building an index takes its
    /// time, and what was revoked meanwhile is not answered.
    pub(super) async fn opened(
        &self,
        from: &dyn Tables,
        ctx: &OpContext,
        question: &Question,
    ) -> Result<Arc<Opened>> {
        for _ in 0..DECISIONS {
            let revision = from.revision().await?;
            if let Some(revision) = revision
                && let Some(opened) = self.lately().get(question, revision, ctx.now)
            {
                return Ok(opened);
            }
            let open = from.open(ctx, &question.table, question.version).await?;
            let source = open.dataset.source();
            let opened = self.open_rows(open, &question.about).await;
            let opened = Arc::new(opened.map_err(|error| error.after_opening(vec![source]))?);
            let Some(revision) = revision else { return Ok(opened) };
            if from.revision().await? == Some(revision) {
                if let Some(validity) = opened.dataset.validity(ctx, revision) {
                    self.lately().put(question.clone(), validity, Arc::clone(&opened));
                }
                return Ok(opened);
            }
        }
        Err(Error::new(ErrorCode::Unavailable, "the catalogue is changing all the time; try again later"))
    }

    async fn open_rows(&self, open: OpenTable, about: &About) -> Result<Opened> {
        let (resource, granted) = (&open.dataset.resource, &open.dataset.granted.policy);
        let version = StoredVersion::from(&open);
        let columns = match about {
            About::Key if resource.key.is_empty() => {
                let message = "the dataset has no key: select its records by a filter";
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            About::Profile(profile) if !offers(resource, &version, about) => {
                let message = format!("{} does not offer the verification `{profile}`", resource.code);
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            about => about.columns(&version),
        };
        check_in_clear(granted, columns.iter(), &resource.code)?;
        let policy = RowPolicy::new(&open, self.mask_key()).map_err(Error::internal)?;
        let (records, index) = self.indexed(&version, about).await?;
        Ok(Opened { source: open.dataset.source(), policy, records, index, dataset: open.dataset })
    }
}

/// Whether pairs of the profile are verified against the version: its columns hold texts, which an older version's need not.
fn offers(resource: &Resource, version: &StoredVersion, about: &About) -> bool {
    let About::Profile(profile) = about else { return true };
    resource.verifications.contains(profile) && version.can_verify(profile)
}

impl StoredVersion {
    /// Whether both columns of the profile are there and hold texts.
    pub(super) fn can_verify(&self, profile: &catalog_core::directory::VerificationProfile) -> bool {
        let is_text = |column: &&ColumnName| {
            let field = self.schema.field_with_name(column.as_str());
            field.is_ok_and(|field| matches!(field.data_type(), DataType::Utf8 | DataType::Utf8View))
        };
        profile.columns().iter().all(is_text)
    }
}
