//! `matter`: what departments ask of each other, and what becomes open.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `matter` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Matter {
    /// Open a matter from a JSON file: apply for data, object, ask that items become open.
    #[command(
        after_help = "Examples:\n  shuqiao matter open application application.json --as mzj\n  shuqiao matter open secrecy-review opening.json --as jyj --operator wang"
    )]
    Open {
        /// What it is.
        kind: Kind,
        /// Its content, as the API takes it.
        file: PathBuf,
    },
    /// Take the next step: accept, propose, grant, refuse, justify, withdraw, …
    #[command(
        after_help = "Examples:\n  shuqiao matter step SQ-2026-000001 accept --as :authority_officer --operator zhao\n  shuqiao matter step TG-2026-000001 grant --as scjg:approver --operator li\n  shuqiao matter step SC-2026-000001 justify --reason '办公电话' --as jyj --operator wang\n  shuqiao matter step SC-2026-000001 grant --all-yes --as jyj:reviewer --operator li"
    )]
    Step(Step),
    /// Run the machine check of a secrecy review again that was cut short.
    #[command(after_help = "Example:\n  shuqiao matter check SC-2026-000001 --as jyj --operator wang")]
    Check {
        /// Its number.
        number: String,
    },
    /// List the matters that concern you, those due first come first.
    #[command(
        after_help = "Examples:\n  shuqiao matter list --as scjg:approver\n  shuqiao matter list --light red --as :authority_officer"
    )]
    List {
        /// With this light or a worse one: paused, green, yellow, red.
        #[arg(long)]
        light: Option<String>,
        /// Settled ones too.
        #[arg(long)]
        settled: bool,
    },
    /// Show a matter with its history and what can happen next.
    #[command(after_help = "Example:\n  shuqiao matter show TG-2026-000001 --as scjg:approver")]
    Show {
        /// Its number.
        number: String,
    },
}

/// Matters that somebody opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Apply for data 数据共享申请
    Application,
    /// Object to data, an entry, or a use 数据异议
    Objection,
    /// Ask for data that no resource offers 数据需求
    Demand,
    /// Propose an emergency grant 应急共享
    EmergencyGrant,
    /// Enter an agreement from before 存量协议登记
    GrantImport,
    /// Put an item into the opening plan 开放计划项
    OpeningItem,
    /// Ask that items become open 保密审查
    SecrecyReview,
}

impl Kind {
    /// The address at which it is opened.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Application => "/api/v1/applications",
            Self::Objection => "/api/v1/objections",
            Self::Demand => "/api/v1/demands",
            Self::EmergencyGrant => "/api/v1/emergency-grants",
            Self::GrantImport => "/api/v1/grant-imports",
            Self::OpeningItem => "/api/v1/opening-plan",
            Self::SecrecyReview => "/api/v1/secrecy-reviews",
        }
    }
}

/// Options of `matter step`.
#[derive(Debug, Args)]
pub(crate) struct Step {
    /// Number of the matter.
    pub(crate) number: String,
    /// What happens, as `matter show` names it, in either language: accept, propose, grant, grant-in-part, refuse, deliver, justify, complete, withdraw, revoke, …
    pub(crate) event: String,
    /// Why, for people.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// The article it rests on.
    #[arg(long)]
    pub(crate) legal_basis: Option<String>,
    /// Answer every question of a secrecy review's check list with yes.
    #[arg(long)]
    pub(crate) all_yes: bool,
    /// The rest of the step as the API takes it, such as the asks of a decision in part.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}
