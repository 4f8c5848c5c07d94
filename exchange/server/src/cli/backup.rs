//! `backup` and `restore`.

use std::path::PathBuf;

use clap::Args;

/// Options of `backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// A folder for backups, which may hold earlier ones: what they have is not written again.
    #[arg(required_unless_present = "keys")]
    pub(crate) folder: Option<PathBuf>,
    /// Instead: the private keys and the configuration in this new file, sealed under a passphrase. Keep it apart from the
    /// backups, and make it anew every month and after a rotation of the platform's key.
    #[arg(long, value_name = "FILE", conflicts_with = "folder")]
    pub(crate) keys: Option<PathBuf>,
    /// Its first line is the passphrase; without it you are asked.
    #[arg(long, value_name = "FILE", requires = "keys")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// Options of `restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder of backups, or the list (.json) of one of them.
    pub(crate) backup: PathBuf,
    /// The file of keys that `backup --keys` wrote.
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: PathBuf,
    /// Its first line is the passphrase; without it you are asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The configuration of the new folder, in place of the one in the file of keys: it may name another database, which
    /// must be empty.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The catalogue as it was at this time (RFC 3339): out of the newest backup that is not later.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// The data folder, or what is left of it, whose evidence is newer than the newest backup's.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) log: Option<PathBuf>,
    /// The newest checkpoint that a witness has: the log must hold what it covers.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Where the end of the log is lost: begin a new epoch whose first record names the gap. What was revoked in the gap
    /// nobody knows; look into it before you serve.
    #[arg(long, requires = "checkpoint")]
    pub(crate) begin_epoch: bool,
}
