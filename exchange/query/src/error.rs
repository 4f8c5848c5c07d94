//! Engine errors never reach a client as text, for they carry values: each becomes a code and a message of ours.

use std::collections::BTreeSet;
use std::error::Error as StdError;

use arrow::error::ArrowError;
use catalog_core::{Error, ErrorCode};
use datafusion::common::DataFusionError;
use parquet::errors::ParquetError;

use crate::mistakes;

/// An error before the first row was read. `visible` are the columns of the query's tables that the caller sees.
pub(crate) fn planning(error: &DataFusionError, visible: &BTreeSet<String>) -> Error {
    match error.find_root() {
        DataFusionError::SchemaError(found, _) => mistakes::name(found, visible),
        DataFusionError::SQL(..) => {
            Error::new(ErrorCode::SqlSyntax, "a number, interval or name of the query can't be read")
        }
        DataFusionError::Plan(words) | DataFusionError::NotImplemented(words) => mistakes::refused(words),
        DataFusionError::Diagnostic(_, inner) => planning(inner, visible),
        DataFusionError::Collection(errors) => {
            errors.first().map_or_else(|| failed(error), |first| planning(first, visible))
        }
        _ => execution(error),
    }
}

/// An error while rows were read: a code and nothing else.
pub(crate) fn execution(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => {
            Error::new(ErrorCode::LimitMemory, "the query needs more memory than its limit; narrow it down")
        }
        _ => stored(error).unwrap_or_else(|| failed(error)),
    }
}

/// The error of reading stored objects, if it is one: what can't be decoded or is not there is damaged.
fn stored(error: &DataFusionError) -> Option<Error> {
    let mut decoding = false;
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(found) = cause {
        if let Some(error) = found.downcast_ref::<object_store::Error>() {
            return Some(match error {
                object_store::Error::NotFound { .. } => damaged("missing object"),
                _ => {
                    let message = "the object store does not answer; try again later";
                    Error::new(ErrorCode::Unavailable, message).with_internal("storage")
                }
            });
        }
        decoding |= is_decoding(found);
        cause = found.source();
    }
    decoding.then(|| damaged("parquet"))
}

/// How the reader marks the failure of a filter that it evaluates: that is the query's, and no damage.
const FILTER: &str = "Error evaluating filter predicate";

/// Whether a page or a footer could not be read.
fn is_decoding(error: &(dyn StdError + 'static)) -> bool {
    match (error.downcast_ref::<ParquetError>(), error.downcast_ref::<ArrowError>()) {
        (Some(ParquetError::ArrowError(_)), _) => false,
        (Some(ParquetError::External(inner)), _) if inner.is::<ArrowError>() => false,
        (Some(error), _) => !error.to_string().contains(FILTER),
        (_, Some(ArrowError::ParquetError(text))) => !text.starts_with("Arrow: ") && !text.contains(FILTER),
        _ => false,
    }
}

fn damaged(cause: &'static str) -> Error {
    let message = "a stored object is damaged; the operator must restore it from a backup";
    Error::new(ErrorCode::Corrupt, message).with_internal(cause)
}

/// The operator learns the kind of the failure; its text carries rows and stays here.
fn failed(error: &DataFusionError) -> Error {
    let kind = match error.find_root() {
        DataFusionError::ArrowError(..) | DataFusionError::ParquetError(_) => "evaluation",
        DataFusionError::IoError(_) => "spilling",
        DataFusionError::ExecutionJoin(_) => "aborted task",
        DataFusionError::Internal(_) => "engine",
        _ => "execution",
    };
    let message = "the query failed on a value that it met; quote the request id to the operator";
    Error::new(ErrorCode::QueryFailed, message).with_internal(kind)
}
