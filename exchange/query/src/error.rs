//! Engine errors never reach a client as text, for they carry values. What the planner says about names does: it knows
//! nothing but the caller's own text and the schemas that the caller sees.

use std::error::Error as StdError;

use arrow::error::ArrowError;
use catalog_core::{Error, ErrorCode};
use datafusion::common::{DataFusionError, SchemaError};
use parquet::errors::ParquetError;

/// The longest planner message that is passed on, in characters.
const MESSAGE_CHARS: usize = 400;

/// An error before the first row was read.
pub(crate) fn planning(error: &DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::FieldNotFound { .. } => shown(ErrorCode::UnknownColumn, schema),
            _ => shown(ErrorCode::SqlUnsupported, schema),
        },
        DataFusionError::Plan(message) if message.contains("No field named") => {
            shown(ErrorCode::UnknownColumn, message)
        }
        DataFusionError::SQL(parser, _) => shown(ErrorCode::SqlSyntax, parser),
        DataFusionError::Plan(message) | DataFusionError::NotImplemented(message) => {
            shown(ErrorCode::SqlUnsupported, message)
        }
        DataFusionError::Diagnostic(_, inner) => planning(inner),
        DataFusionError::Collection(errors) => errors.first().map_or_else(|| failed(error), planning),
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

fn shown(code: ErrorCode, message: impl ToString) -> Error {
    let text = message.to_string();
    let first = text.lines().next().unwrap_or_default();
    Error::new(code, first.chars().take(MESSAGE_CHARS).collect::<String>())
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
