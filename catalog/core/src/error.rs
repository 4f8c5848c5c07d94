//! The one error of the domain: by meaning, with a closed list of codes and no transport in it.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::evidence::SourceRead;

/// The result of a domain operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Defines the closed list of codes together with the text that travels.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// A stable code that clients may rely on; documents list them all.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)+
        }

        impl ErrorCode {
            /// All codes, in documentation order.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name,)+];

            /// The text of the code.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// The input is malformed or breaks a rule; `problems` says where.
    InvalidInput = "invalid_input",
    /// A body, text or file is larger than the stated limit.
    TooLarge = "too_large",
    /// The media type or file format is not one that is read here.
    UnsupportedFormat = "unsupported_format",
    /// Nothing of that name, or nothing the caller may know of.
    NotFound = "not_found",
    /// The name or state is taken, or another writer was faster.
    Conflict = "conflict",
    /// The step is not allowed in the present state of the entity.
    IllegalState = "illegal_state",
    /// No proof of identity where one is needed, or a wrong one.
    Unauthenticated = "unauthenticated",
    /// A signature is wrong, or does not cover what it must.
    SignatureInvalid = "signature_invalid",
    /// The signature's time is outside the window; both times are named.
    ClockSkew = "clock_skew",
    /// The nonce was seen before, or the signature is older than the last start.
    Replayed = "replayed",
    /// The caller's roles do not allow the action.
    Forbidden = "forbidden",
    /// The resource is in the caller's directory, but no grant covers it; says how to apply.
    NotGranted = "not_granted",
    /// Several grants could answer; a purpose must choose.
    AmbiguousGrant = "ambiguous_grant",
    /// The grant demands a purpose, matter number or operator that the request lacks.
    ObligationMissing = "obligation_missing",
    /// The SQL text is not one well-formed query.
    SqlSyntax = "sql_syntax",
    /// The SQL uses a clause, function or table kind that is not offered.
    SqlUnsupported = "sql_unsupported",
    /// The SQL names a table that the caller does not see.
    UnknownTable = "unknown_table",
    /// The SQL names a column that the caller does not see.
    UnknownColumn = "unknown_column",
    /// The query failed while it ran; the correlation id leads the operator to the cause.
    QueryFailed = "query_failed",
    /// The query took longer than its limit.
    LimitTime = "limit_time",
    /// The query needed more memory than its limit.
    LimitMemory = "limit_memory",
    /// The answer has more rows than the limit.
    LimitRows = "limit_rows",
    /// The answer has more bytes than the limit.
    LimitBytes = "limit_bytes",
    /// The SQL text is too long or too deeply nested.
    LimitSql = "limit_sql",
    /// Too much in so short a time, or at once; the message says when to try again.
    LimitRate = "limit_rate",
    /// The access was revoked while it ran.
    Revoked = "revoked",
    /// The version or record was withdrawn; a tombstone says when and why.
    Withdrawn = "withdrawn",
    /// What was answered can't be computed again: its text is erased, its data withdrawn, or its policy no longer known.
    NotReplayable = "not_replayable",
    /// The new version breaks the published shape.
    BreakingChange = "breaking_change",
    /// Too many rows failed validation; the version is not published.
    QualityThreshold = "quality_threshold",
    /// A stored object does not match its digest or signature.
    Corrupt = "corrupt",
    /// Evidence could not be written, so the access did not happen.
    EvidenceUnavailable = "evidence_unavailable",
    /// A store or another service does not answer; trying again may help.
    Unavailable = "unavailable",
    /// A fault of the program; the correlation id leads to the cause.
    Internal = "internal",
}

/// Whose fault an error is. Exit statuses, log levels and the class of HTTP statuses follow from this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The input must change.
    Input,
    /// The caller may not do this, or has not proven that they may.
    Refusal,
    /// Things are not as the request supposes: a name is free or taken, a state has passed.
    State,
    /// The platform or something that it needs; only this is for its operator to mend.
    Server,
}

impl ErrorCode {
    /// Whose fault it is.
    pub fn fault(self) -> Fault {
        match self {
            Self::InvalidInput
            | Self::TooLarge
            | Self::UnsupportedFormat
            | Self::AmbiguousGrant
            | Self::SqlSyntax
            | Self::SqlUnsupported
            | Self::UnknownTable
            | Self::UnknownColumn
            | Self::QueryFailed
            | Self::LimitTime
            | Self::LimitMemory
            | Self::LimitRows
            | Self::LimitBytes
            | Self::LimitSql
            | Self::LimitRate
            | Self::BreakingChange
            | Self::QualityThreshold => Fault::Input,
            Self::Unauthenticated
            | Self::SignatureInvalid
            | Self::ClockSkew
            | Self::Replayed
            | Self::Forbidden
            | Self::NotGranted
            | Self::ObligationMissing
            | Self::Revoked => Fault::Refusal,
            Self::NotFound | Self::Conflict | Self::IllegalState | Self::Withdrawn | Self::NotReplayable => {
                Fault::State
            }
            Self::Corrupt | Self::EvidenceUnavailable | Self::Unavailable | Self::Internal => Fault::Server,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with an input, where it stands and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where: a sheet cell (`目录!H12`), a field (`items[3].column`) or a parameter.
    pub at: String,
    /// Which rule is broken: a stable name.
    pub rule: String,
    /// What is wrong and what to do, for people.
    pub message: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(at: impl Into<String>, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: at.into(), rule: rule.into(), message: message.into() }
    }
}

/// An error of the domain.
///
/// `message` is for the caller. What only the operator may see stays in `internal`, which neither
/// `Display` nor serialization shows; what was opened before it goes to evidence.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The closed code.
    pub code: ErrorCode,
    /// What happened and what to do, for the caller.
    pub message: String,
    /// Every single problem, where the code is about input.
    pub problems: Vec<Problem>,
    internal: Option<String>,
    opened: Vec<SourceRead>,
}

impl Error {
    /// An error whose whole text is for the caller.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), problems: Vec::new(), internal: None, opened: Vec::new() }
    }

    /// A fault of the program or its surroundings; the cause is for the operator alone.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(ErrorCode::Internal, "an internal error occurred; quote the request id to the operator")
            .with_internal(cause)
    }

    /// Refused input, with every problem.
    pub fn invalid(message: impl Into<String>, problems: Vec<Problem>) -> Self {
        Self::new(ErrorCode::InvalidInput, message).with_problems(problems)
    }

    /// Nothing of that name that the caller may know of.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("{what} does not exist"))
    }

    /// Adds every single problem.
    pub fn with_problems(mut self, problems: Vec<Problem>) -> Self {
        self.problems = problems;
        self
    }

    /// Adds a cause that only the operator sees.
    pub fn with_internal(mut self, cause: impl fmt::Display) -> Self {
        self.internal = Some(cause.to_string());
        self
    }

    /// Adds what had been opened for the request by then: an error behind that tells something of it.
    pub fn after_opening(mut self, sources: impl IntoIterator<Item = SourceRead>) -> Self {
        for source in sources {
            if !self.opened.contains(&source) {
                self.opened.push(source);
            }
        }
        self
    }

    /// What had been opened for the request, as evidence names it.
    pub fn opened(&self) -> &[SourceRead] {
        &self.opened
    }

    /// The cause for the operator's log.
    pub fn internal_cause(&self) -> Option<&str> {
        self.internal.as_deref()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        for problem in &self.problems {
            write!(f, "\n  {} [{}] {}", problem.at, problem.rule, problem.message)?;
        }
        match &self.internal {
            Some(cause) => write!(f, " (internal: {cause})"),
            None => Ok(()),
        }
    }
}
