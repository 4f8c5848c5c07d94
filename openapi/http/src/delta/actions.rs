//! The lines of an answer: what a table is and which files it has, in either dialect.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::response::Response;
use catalog_core::evidence::SourceRead;
use catalog_core::services::Dataset;
use catalog_core::{Error, OpContext, Result, Timestamp};
use datasets_store::Part;
use exchange_auth::Token;
use exchange_crypto::Digest;
use exchange_query::OpenTable;
use exchange_query::export::spark_schema;
use futures::stream;
use http::{HeaderName, header};
use serde_json::{Value, json};

use super::capabilities::{Capabilities, Dialect};
use super::question::RefreshToken;
use super::token::token_of;
use crate::app::App;
use crate::downloads::insert;
use crate::evidence::Reading;
use crate::problem::Refusal;

const VERSION: HeaderName = HeaderName::from_static("delta-table-version");
/// Seconds for which an address opens its file, and the most of them where there is much to read.
const ADDRESS_SECONDS: i64 = 15 * 60;
const MOST_SECONDS: i64 = 3600;
/// Bytes that a client takes in a second at least: some clients never ask for fresh addresses.
const SLOWEST: u64 = 1 << 20;

/// What may be done with a file of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is one of the table's files.
    Snapshot,
    /// Its rows came with a version.
    Add,
    /// Its rows went with a version, or stand in another file since.
    Remove,
    /// Its rows say themselves what became of them.
    Changes,
}

/// The version that files are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) version: i64,
    /// When it took effect.
    pub(super) at: Timestamp,
}

impl Commit {
    pub(super) fn of(dataset: &Dataset) -> Self {
        let version = &dataset.version;
        Self { version: version.number, at: version.effective_from().unwrap_or(version.published_at) }
    }
}

/// The protocol that a reader must know: nothing but the oldest is needed.
pub(super) fn protocol(dialect: Dialect) -> Value {
    match dialect {
        Dialect::Parquet => json!({"protocol": {"minReaderVersion": 1}}),
        // Writers of change data are of version 4.
        Dialect::Delta => {
            json!({"protocol": {"deltaProtocol": {"minReaderVersion": 1, "minWriterVersion": 4}}})
        }
    }
}

/// What the table is from a version on, as its reader sees it.
///
/// Its id is another when the policy is: whoever goes on from what they have learns that they must read anew.
pub(super) fn metadata(
    app: &App,
    open: &OpenTable,
    (version, dialect): (i64, Dialect),
    files: Option<&[Part]>,
) -> Result<Value> {
    let Dataset { resource, granted, .. } = &open.dataset;
    let titles = granted.policy.columns.iter().map(|seen| (seen.column.as_str(), seen.title.as_str()));
    let titles: BTreeMap<_, _> = titles.collect();
    let schema = spark_schema(app.engine.shown(open)?.as_ref(), &titles)?;
    let is_feed = granted.policy.statistics.is_none();
    let (feed, delta_feed) = ("enableChangeDataFeed", "delta.enableChangeDataFeed");
    let configuration = match (is_feed, dialect) {
        (false, _) => json!({}),
        (true, Dialect::Parquet) => json!({feed: "true"}),
        (true, Dialect::Delta) => json!({delta_feed: "true"}),
    };
    let mut table = json!({
        "id": table_id(&open.dataset), "name": resource.title, "description": resource.summary,
        "format": {"provider": "parquet"}, "schemaString": schema, "partitionColumns": [],
        "configuration": configuration,
    });
    let mut about = json!({"version": version});
    if let Some(files) = files {
        about["size"] = json!(files.iter().map(|file| file.bytes).sum::<u64>());
        about["numFiles"] = json!(files.len());
    }
    match dialect {
        Dialect::Delta => {
            table["format"]["options"] = json!({});
            about["deltaMetadata"] = table;
            Ok(json!({"metaData": about}))
        }
        Dialect::Parquet => {
            if let (Some(table), Value::Object(about)) = (table.as_object_mut(), about) {
                table.extend(about);
            }
            Ok(json!({"metaData": table}))
        }
    }
}

/// A UUID of resource and bound policy.
fn table_id(dataset: &Dataset) -> String {
    let named = format!("{} {}", dataset.resource.code, dataset.granted.policy.digest());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Digest::of(named.as_bytes()).as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The id of a file: of its place and content, so that it is never another's.
fn file_id(path: &str, sha256: &str) -> String {
    format!("{}{sha256}", place(path))
}

/// How the ids of all files begin that lie there.
fn place(path: &str) -> String {
    Digest::of(path.as_bytes()).to_hex()[..16].to_owned()
}

/// Whether that is the id of a file that lies there, whatever is in it.
pub(super) fn is_placed(id: &str, path: &str) -> bool {
    id.starts_with(&place(path))
}

/// Whether that is the id of a file.
pub(super) fn is_named(id: &str, path: &str, sha256: &str) -> bool {
    // The content first: of thousands of files no place is hashed.
    id.ends_with(sha256) && file_id(path, sha256) == id
}

/// Gives files their addresses, in the name of the caller's ticket or developer key.
#[derive(Clone)]
pub(super) struct Addresses {
    app: Arc<App>,
    token: Token,
    now: Timestamp,
    until: Timestamp,
}

impl Addresses {
    pub(super) async fn of(app: &Arc<App>, ctx: &OpContext) -> Result<Self> {
        let token = token_of(app, ctx).await?;
        let addresses = Self { app: Arc::clone(app), token, now: ctx.now, until: ctx.now };
        Ok(addresses.lasting(0))
    }

    /// The same for as long as so many bytes may take.
    pub(super) fn lasting(self, bytes: u64) -> Self {
        let until = self.now.plus_seconds(seconds(bytes)).min(self.token.expires_at);
        Self { until, ..self }
    }

    /// When they end, in milliseconds.
    fn expiration(&self) -> i64 {
        self.until.seconds() * 1000
    }

    /// The action that names a file below this path.
    pub(super) fn action(
        &self,
        folder: &str,
        part: &Part,
        of: Use,
        commit: Commit,
        dialect: Dialect,
    ) -> Value {
        let id = file_id(&part.path, &part.sha256);
        let path = format!("{folder}/{id}.parquet");
        let url = self.app.authenticator.signed_address(&path, &self.token, self.until);
        let stats = json!({"numRecords": part.rows}).to_string();
        let (at, expiration) = (commit.at.0.div_euclid(1000), self.expiration());
        match dialect {
            Dialect::Parquet => {
                let mut file = json!({
                    "url": url, "id": id, "partitionValues": {}, "size": part.bytes, "version": commit.version,
                    "timestamp": at, "expirationTimestamp": expiration,
                });
                if of != Use::Changes {
                    file["stats"] = json!(stats);
                }
                match of {
                    Use::Snapshot => json!({"file": file}),
                    Use::Add => json!({"add": file}),
                    Use::Remove => json!({"remove": file}),
                    Use::Changes => json!({"cdf": file}),
                }
            }
            Dialect::Delta => {
                let mut action = json!({"path": url, "partitionValues": {}, "size": part.bytes});
                action["dataChange"] = json!(of != Use::Changes);
                let name = match of {
                    Use::Changes => "cdc",
                    Use::Remove => {
                        action["deletionTimestamp"] = json!(at);
                        "remove"
                    }
                    Use::Snapshot | Use::Add => {
                        action["modificationTime"] = json!(at);
                        action["stats"] = json!(stats);
                        "add"
                    }
                };
                json!({"file": {
                    "id": id, "version": commit.version, "timestamp": at, "expirationTimestamp": expiration,
                    "deltaSingleAction": {name: action},
                }})
            }
        }
    }

    /// The last action: with what it holds the same files get fresh addresses.
    pub(super) fn end(&self, source: &SourceRead) -> Value {
        json!({"endStreamAction": {
            "refreshToken": RefreshToken::of(source).to_string(), "minUrlExpirationTimestamp": self.expiration(),
        }})
    }
}

/// For how long addresses of so many bytes open them.
fn seconds(bytes: u64) -> i64 {
    let reading = i64::try_from(bytes / SLOWEST).unwrap_or(MOST_SECONDS);
    ADDRESS_SECONDS.saturating_add(reading).min(MOST_SECONDS)
}

/// The answer of these lines, written one by one as they are taken.
pub(super) fn answered(
    lines: impl Iterator<Item = Value> + Send + 'static,
    version: i64,
    capabilities: &Capabilities,
    sources: Vec<SourceRead>,
) -> Result<Response, Refusal> {
    let lines = lines.map(|line| Ok::<_, Error>(Bytes::from(format!("{line}\n"))));
    let mut response = told(version, sources)?;
    *response.body_mut() = Body::from_stream(stream::iter(lines));
    insert(response.headers_mut(), header::CONTENT_TYPE, "application/x-ndjson; charset=utf-8")?;
    capabilities.tell(&mut response)?;
    Ok(response)
}

/// An answer that says of which version it is, with its evidence.
pub(super) fn told(version: i64, sources: Vec<SourceRead>) -> Result<Response, Refusal> {
    let mut response = Response::default();
    insert(response.headers_mut(), VERSION, &version.to_string())?;
    response.extensions_mut().insert(Reading::of(sources));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_last_as_long_as_a_slow_client_reads_and_an_hour_at_most() {
        assert_eq!([0, SLOWEST - 1, 60 * SLOWEST, u64::MAX].map(seconds), [900, 900, 960, 3600]);
    }

    #[test]
    fn an_id_is_that_of_one_file() {
        let id = file_id("a/1", "00ff");
        assert!(is_named(&id, "a/1", "00ff"));
        assert!(is_placed(&id, "a/1") && !is_placed(&id, "a/2"));
        for (path, sha256) in [("a/2", "00ff"), ("a/1", "01ff"), ("a/1", "ff"), ("a/1", "")] {
            assert!(!is_named(&id, path, sha256), "{path} {sha256}");
        }
    }
}
