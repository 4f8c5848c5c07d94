//! From errors of the database to errors of the domain. What the database says is for the operator alone.

use std::fmt;

use catalog_core::{Error, ErrorCode};
use sqlx::error::ErrorKind;

/// What PostgreSQL says of a text that holds U+0000, which it can't keep; SQLite can.
const NOT_A_TEXT: &str = "22021";

/// Any error of a statement that breaks no rule of ours.
pub(crate) fn failed(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => {
            Error::new(ErrorCode::Unavailable, "the catalogue's database does not answer; try again")
                .with_internal(error)
        }
        sqlx::Error::Database(cause) if cause.code().as_deref() == Some(NOT_A_TEXT) => {
            Error::new(ErrorCode::InvalidInput, "a text holds a character that is none: U+0000")
                .with_internal(error)
        }
        _ => Error::internal(error),
    }
}

/// The error of a statement that can break a constraint. SQLite does not name constraints, so the statement says what
/// a taken value means.
pub(crate) fn violated(taken: impl fmt::Display) -> impl FnOnce(sqlx::Error) -> Error {
    move |error| match error.as_database_error().map(|cause| cause.kind()) {
        Some(ErrorKind::UniqueViolation) => {
            Error::new(ErrorCode::Conflict, taken.to_string()).with_internal(error)
        }
        Some(ErrorKind::ForeignKeyViolation) => {
            Error::new(ErrorCode::InvalidInput, "it refers to a department or resource that does not exist")
                .with_internal(error)
        }
        _ => failed(error),
    }
}
