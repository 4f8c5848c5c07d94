//! `material`.

use std::path::PathBuf;

use clap::Subcommand;

/// `material` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Material {
    /// Upload documents and images, and print the SHA-256 by which rows of the dataset name each.
    #[command(
        after_help = "One that was cut short goes on where it ended: meanwhile FILE.upload says where.\n\nExample:\n  shuqiao material put 照片/*.jpg --dataset 301001/000002 --as scjg"
    )]
    Put {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Code of the resource.
        #[arg(long, value_name = "CODE")]
        dataset: String,
    },
}
