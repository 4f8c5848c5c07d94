//! `witness`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use exchange_crypto::Suite;

/// `witness` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Witness {
    /// Print the witness's key, made on first use.
    #[command(after_help = "Example:\n  shuqiao witness key w --name witness.example.gov.cn")]
    Key {
        /// Folder of the witness.
        store: PathBuf,
        /// Name of the witness, needed the first time: witness.example.gov.cn.
        #[arg(long)]
        name: Option<String>,
        /// What a new witness signs with: ed25519, or sm2 (国密 SM2 with SM3); ed25519, if not given.
        #[arg(long)]
        suite: Option<Suite>,
    },
    /// Answer logs that ask for cosignatures (C2SP tlog-witness).
    #[command(
        after_help = "Example:\n  shuqiao witness serve w --log data.example.gov.cn/log+1a2b3c4d+AY..."
    )]
    Serve(WitnessServe),
    /// Print the newest checkpoint of each log.
    #[command(after_help = "Example:\n  shuqiao witness heads w")]
    Heads {
        /// Folder of the witness.
        store: PathBuf,
    },
}

/// Options of `witness serve`.
#[derive(Debug, Args)]
pub(crate) struct WitnessServe {
    /// Folder of the witness.
    pub(crate) store: PathBuf,
    /// Key of a log to watch, as `shuqiao log key` prints it; may be repeated, also for a log whose key was replaced: name
    /// the old one and the new one.
    #[arg(long = "log", value_name = "KEY", required = true)]
    pub(crate) logs: Vec<String>,
    /// Address and port; a proxy in front ends TLS.
    #[arg(long, default_value = "127.0.0.1:8790")]
    pub(crate) listen: std::net::SocketAddr,
}
