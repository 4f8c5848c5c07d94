//! `evidence` as types.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Options of `evidence`: what is left out matches everything.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Evidence {
    /// Something else than a search.
    #[command(subcommand)]
    pub(crate) command: Option<EvidenceCommand>,
    /// From this time on (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Done for this department.
    #[arg(long)]
    pub(crate) department: Option<String>,
    /// By this principal: a login name or key id.
    #[arg(long)]
    pub(crate) principal: Option<String>,
    /// Reads of this resource, its downloads and its changes.
    #[arg(long, value_name = "CODE")]
    pub(crate) resource: Option<String>,
    /// Under this grant, and what became of it.
    #[arg(long)]
    pub(crate) grant: Option<String>,
    /// For this purpose, as it was asserted.
    #[arg(long, value_name = "TEXT")]
    pub(crate) of_purpose: Option<String>,
    /// A kind of event (`access`, `access_refused`) or a change (`grant.created`).
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Of this request.
    #[arg(long, value_name = "ID")]
    pub(crate) request: Option<String>,
    /// Look-ups of this subject, by the keyed hash that `evidence subject` prints.
    #[arg(long, value_name = "HASH")]
    pub(crate) subject: Option<String>,
    /// Go on where the page before ended.
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,
    /// Records of a page.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: usize,
    /// Write a spreadsheet instead.
    #[arg(long, value_name = "FILE")]
    pub(crate) xlsx: Option<PathBuf>,
}

/// `evidence` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Who saw a subject's record 谁看过我; the number is read from a file or from standard input, never from the command line.
    #[command(
        after_help = "Examples:\n  shuqiao evidence subject --file number.txt --as :auditor --operator sun\n  shuqiao evidence subject --file number.txt --as gaj:approver --matter 2026-17"
    )]
    Subject(Subject),
    /// One ZIP for a court: receipts, proofs, answers, keys, and a check by openssl and sha256sum alone.
    #[command(
        after_help = "Examples:\n  shuqiao evidence bundle receipt.json --answer answer.csv -o court.zip --keys jwks.json\n  shuqiao evidence bundle 019aa0c4-0000-7000-8000-000000000001 --grounds -o court.zip --as :auditor"
    )]
    Bundle(Bundle),
}

/// Options of `evidence subject`.
#[derive(Debug, Args)]
pub(crate) struct Subject {
    /// File with the number; standard input, if not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Accesses to this resource alone.
    #[arg(long, value_name = "CODE")]
    pub(crate) resource: Option<String>,
    /// From this time on (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}

/// Options of `evidence bundle`.
#[derive(Debug, Args)]
pub(crate) struct Bundle {
    /// Files of receipts, or ids of receipts that the server or folder has.
    #[arg(required = true, value_name = "RECEIPT")]
    pub(crate) receipts: Vec<String>,
    /// An answer, which goes to the receipt that commits to it; may be repeated.
    #[arg(long = "answer", value_name = "FILE")]
    pub(crate) answers: Vec<PathBuf>,
    /// Key of a witness, so that its cosignatures can be checked; may be repeated.
    #[arg(long = "witness", value_name = "KEY")]
    pub(crate) witnesses: Vec<String>,
    /// The platform's public keys; those that it serves, if not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Add why it was given: the grants, the matters that made them, and the receipts of these decisions. For auditors.
    #[arg(long)]
    pub(crate) grounds: bool,
    /// The file to write.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}
