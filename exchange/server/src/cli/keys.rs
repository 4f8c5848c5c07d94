//! `key` and `ticket`.

use std::path::PathBuf;

use catalog_core::Timestamp;
use clap::{Args, Subcommand};
use exchange_crypto::Suite;

/// `ticket` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Ticket {
    /// Issue a ticket; its token is shown once.
    #[command(
        after_help = "Example:\n  shuqiao ticket issue --doors sql --hours 2 --purpose 统计 --server https://data.example.gov.cn --key gaj.pem"
    )]
    Issue {
        /// Doors it opens: sql, api, file.
        #[arg(long, value_delimiter = ',', default_value = "sql")]
        doors: Vec<String>,
        /// Hours until it ends, at most 12.
        #[arg(long, default_value_t = 8)]
        hours: u32,
    },
    /// List your tickets.
    #[command(
        after_help = "Example:\n  shuqiao ticket list --server https://data.example.gov.cn --key gaj.pem"
    )]
    List,
    /// End a ticket at once.
    #[command(
        after_help = "Example:\n  shuqiao ticket revoke 019aa0c4-0000-7000-8000-000000000001 --server https://data.example.gov.cn --key gaj.pem"
    )]
    Revoke {
        /// Its id.
        id: String,
    },
}

/// `key` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key pair; the private key goes to a file of mode 0600.
    #[command(
        after_help = "Examples:\n  shuqiao key generate gaj.pem\n  shuqiao key generate gaj.pem --suite sm2"
    )]
    Generate {
        /// The file to write.
        file: PathBuf,
        /// What it signs with: ed25519, or sm2 (国密 SM2 with SM3).
        #[arg(long, default_value_t)]
        suite: Suite,
    },
    /// Register the public key of a department's machine, or of a person.
    #[command(
        after_help = "Examples:\n  shuqiao key register gaj gaj.pem --as :security_administrator\n  shuqiao key register --person zhang zhang.pem --as :security_administrator"
    )]
    Register {
        /// The department, or with --person the login name.
        owner: String,
        /// The private key file, whose public half is taken.
        file: PathBuf,
        /// The key is a person's.
        #[arg(long)]
        person: bool,
        /// When it ends; its successors end then too.
        #[arg(long, value_name = "TIME", value_parser = time)]
        until: Option<Timestamp>,
    },
    /// Replace a key: the new one is valid now, the old one until the overlap ends.
    #[command(
        after_help = "Examples:\n  shuqiao key rotate OLD_KEY_ID new.pem --overlap-days 7 --server https://data.example.gov.cn --key old.pem\n  shuqiao key rotate OLD_KEY_ID new.pem --as :security_administrator\n  shuqiao key rotate --platform\n  shuqiao key rotate --platform --suite sm2"
    )]
    Rotate(KeyRotate),
    /// End a key now. What it signed stays provable.
    #[command(after_help = "Example:\n  shuqiao key retire KEY_ID --as :security_administrator")]
    Retire {
        /// Its id, as `key list` shows it; one of 64 begins with `-`.
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// List all keys with their periods.
    #[command(after_help = "Example:\n  shuqiao key list")]
    List,
}

/// Options of `key rotate`.
#[derive(Debug, Args)]
pub(crate) struct KeyRotate {
    /// Id of the old key, as `key list` shows it; one of 64 begins with `-`.
    #[arg(required_unless_present_any = ["platform", "indexes"], requires = "file", allow_hyphen_values = true)]
    pub(crate) id: Option<String>,
    /// File of the new private key, whose public half is taken.
    pub(crate) file: Option<PathBuf>,
    /// Days for which the old key stays valid beside the new one, at most 90.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(0..=90))]
    pub(crate) overlap_days: u32,
    /// Give the platform a new key; its data folder must not be served meanwhile.
    #[arg(long, conflicts_with_all = ["id", "file", "server"])]
    pub(crate) platform: bool,
    /// Give the indexes of look-ups a new secret; the data folder must not be served meanwhile. What stands under the old one serves
    /// after the next start, until it is written anew in the background.
    #[arg(long, conflicts_with_all = ["id", "file", "server", "platform"])]
    pub(crate) indexes: bool,
    /// What the platform's new key signs with, ed25519 or sm2; as the old one, if not given.
    #[arg(long, requires = "platform")]
    pub(crate) suite: Option<Suite>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "write it like 2026-12-31T16:00:00Z (RFC 3339)".to_owned())
}
