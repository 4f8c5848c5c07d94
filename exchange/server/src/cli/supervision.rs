//! `supervise` and `assess`.

use std::path::PathBuf;

use clap::Args;

/// A period, and where to write what is found.
#[derive(Debug, Args)]
pub(crate) struct Supervised {
    /// From this time on (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) from: String,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: String,
}

/// Options of `assess`.
#[derive(Debug, Args)]
pub(crate) struct Assess {
    #[command(flatten)]
    pub(crate) period: Supervised,
    /// Write a spreadsheet to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) xlsx: Option<PathBuf>,
}
