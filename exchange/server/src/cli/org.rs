//! `org`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `org` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Org {
    /// List the departments.
    #[command(after_help = "Example:\n  shuqiao org list")]
    List,
    /// Create or change departments from a JSON file (one object or a list).
    #[command(after_help = "Example:\n  shuqiao org put departments.json")]
    Put {
        /// The file.
        file: PathBuf,
    },
    /// Create or change people from a JSON file (one object or a list).
    #[command(
        after_help = "Example:\n  shuqiao org people people.json --as :security_administrator --operator zhao"
    )]
    People {
        /// The file.
        file: PathBuf,
    },
    /// Give a person a one-time code, by which they set the password of their local account.
    #[command(
        after_help = "Example:\n  shuqiao org invite zhang --as :security_administrator --operator zhao"
    )]
    Invite {
        /// Their login name.
        id: String,
    },
    /// Become the first system administrator, with the one-time code that `init` printed and a key of your own.
    #[command(
        after_help = "Example:\n  shuqiao org claim --code CPNK3-X7RAM-T8DTX-VXSME-49RV9 --id li --name 李明 --key li.pem --server https://data.example.gov.cn"
    )]
    Claim(Claim),
}

/// Options of `org claim`.
#[derive(Debug, Args)]
pub(crate) struct Claim {
    /// The code.
    #[arg(long)]
    pub(crate) code: String,
    /// Your login name: letters and digits.
    #[arg(long)]
    pub(crate) id: String,
    /// Your name as shown.
    #[arg(long)]
    pub(crate) name: String,
}
