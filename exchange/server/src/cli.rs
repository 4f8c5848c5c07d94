//! The command line as types; clap makes the help and the completion of it.

mod backup;
mod evidence;
mod keys;
mod material;
mod matters;
mod org;
mod supervision;
#[cfg(test)]
mod tests;
mod why;
mod witness;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use exchange_crypto::Suite;

pub(crate) use backup::{Backup, Restore};
pub(crate) use evidence::{Bundle, Evidence, EvidenceCommand, Subject};
pub(crate) use keys::{Key, KeyRotate, Ticket};
pub(crate) use material::Material;
pub(crate) use matters::{Kind as MatterKind, Matter, Step as MatterStep};
pub(crate) use org::Org;
pub(crate) use supervision::{Assess, Supervised};
pub(crate) use why::Why;
pub(crate) use witness::{Witness, WitnessServe};

/// Shuqiao 数桥: departments share data under law, and publish what is not confidential.
#[derive(Debug, Parser)]
#[command(name = "shuqiao", version, about, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The data folder.
    #[arg(long, global = true, env = "SHUQIAO_DATA_DIR", default_value = "shuqiao-data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Speak to this server instead of opening the folder, or to the one that runs on it; needs --key.
    #[arg(long, global = true, env = "SHUQIAO_SERVER", value_name = "URL", requires = "key")]
    pub(crate) server: Option<String>,
    /// Private key (PKCS#8 PEM) that signs the requests.
    #[arg(long, global = true, env = "SHUQIAO_KEY", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// On the folder itself: act for this department, with these roles (`scjg:reviewer,approver`, `:auditor`).
    ///
    /// Roles in a department: directory_editor 目录编制员, data_steward 数据管理员, reviewer 审核员, approver 审批员, analyst 分析员.
    /// For the whole platform, after a colon: authority_officer 主管部门人员, and alone system_administrator 系统管理员,
    /// security_administrator 安全管理员, auditor 审计员. Without roles: directory_editor, data_steward and analyst.
    /// Without this option: `:system_administrator`, who reads no data. At a --server the key says who you are.
    #[arg(long = "as", global = true, value_name = "DEPARTMENT[:ROLES]")]
    pub(crate) acting_as: Option<String>,
    /// On the folder itself: your name, as evidence keeps it.
    #[arg(long, global = true, env = "SHUQIAO_OPERATOR", default_value = "operator", value_name = "NAME")]
    pub(crate) operator: String,
    /// The purpose (business matter) of the access.
    #[arg(long, global = true, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
    /// The matter number 办件号.
    #[arg(long, global = true, value_name = "NUMBER")]
    pub(crate) matter: Option<String>,
    /// Answer in JSON, errors too.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build the sample city, serve it, and show the main job with its real output.
    #[command(
        after_help = "Examples:\n  shuqiao demo\n  shuqiao demo --people 20000 --exit --data-dir /tmp/city"
    )]
    Demo(Demo),
    /// Make a data folder: keys, configuration, a one-time code for the first administrator.
    #[command(
        after_help = "Examples:\n  shuqiao init --data-dir /srv/shuqiao\n  shuqiao init --data-dir /srv/shuqiao --suite sm2"
    )]
    Init {
        /// What the platform signs with: ed25519, or sm2 (国密 SM2 with SM3); ed25519, if not given.
        #[arg(long)]
        suite: Option<Suite>,
    },
    /// Serve the folder until SIGTERM or Ctrl-C; running requests have 30 s to finish (server.drain_seconds).
    #[command(after_help = "Example:\n  shuqiao serve --data-dir /srv/shuqiao --listen 127.0.0.1:8080")]
    Serve(Serve),
    /// Departments and people.
    #[command(subcommand)]
    Org(Org),
    /// Directory entries: import, export, search, review, publish.
    #[command(subcommand)]
    Resource(Resource),
    /// Check a file against a resource's items and make it the next version.
    #[command(
        after_help = "Examples:\n  shuqiao ingest 302001/000001 people.csv --as gaj\n  shuqiao ingest 302001/000001 new.csv --change append --as gaj\n  shuqiao ingest 302001/000001 people.csv --breaking --reason '户别改用统一代码' --notice-days 30 --as gaj"
    )]
    Ingest(Ingest),
    /// Materials 附件 of a dataset: documents and images.
    #[command(subcommand)]
    Material(Material),
    /// Consent to a version that removes or retypes columns, as another person: its notice runs from then.
    #[command(after_help = "Example:\n  shuqiao review 302001/000001 5 --as gaj:reviewer --operator li")]
    Review(Review),
    /// List the versions of a resource, with what is announced and what was withdrawn.
    #[command(after_help = "Example:\n  shuqiao versions 302001/000001 --as gaj")]
    Versions {
        /// Code of the resource.
        code: String,
    },
    /// Ask that items of a resource become open: the machine checks their data, a reviewer decides with `matter step`.
    #[command(
        after_help = "Example:\n  shuqiao publish 307001/000001 --basis '政府信息公开条例第二十条' --as jyj --operator wang"
    )]
    Publish(Publish),
    /// Withdraw a version, or records from all versions; or reinstate records for later deliveries.
    #[command(
        after_help = "Examples:\n  shuqiao withdraw 302001/000001 --version 3 --reason '数据有误' --as gaj\n  shuqiao withdraw 304001/000001 --record 9f27 --reason '信用修复' --as xyb\n  shuqiao withdraw 304001/000001 --record 9f27 --reinstate --reason '已更正' --as xyb"
    )]
    Withdraw(Withdraw),
    /// Ask in SQL across departments, under the grants.
    #[command(
        after_help = "Example:\n  shuqiao query 'select county, count(*) from gaj.population group by county' --as mzj --purpose '社会救助'"
    )]
    Query(Query),
    /// Matters 办件: apply, decide, object, open; grants come from here.
    #[command(subcommand)]
    Matter(Matter),
    /// Grants: list, revoke.
    #[command(subcommand)]
    Grant(Grant),
    /// Bearer tickets for tools that can't sign.
    #[command(subcommand)]
    Ticket(Ticket),
    /// Keys: generate, register, list.
    #[command(subcommand)]
    Key(Key),
    /// Prove offline that a downloaded file, or a receipt and its answer, is genuine.
    #[command(
        after_help = "Examples:\n  shuqiao verify latest.csv --manifest latest.manifest.json --jws latest.jws --keys jwks.json\n  shuqiao verify receipt.json answer.json --keys jwks.json"
    )]
    Verify(Verify),
    /// Fetch the receipt of an answer of yours, signed; `verify` proves it offline.
    #[command(
        after_help = "Example:\n  shuqiao receipt 019aa0c4-0000-7000-8000-000000000001 -o receipt.json --as mzj:analyst --operator wu"
    )]
    Receipt {
        /// Its id, as `query` prints it, or as the field `shuqiao-receipt` of the answer holds it.
        id: String,
        /// The file to write.
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Compute an answer again on the versions, at the time and under the policies of its receipt, and compare.
    #[command(
        after_help = "Example:\n  shuqiao replay receipt.json answer.json --as :auditor --operator sun"
    )]
    Replay(Replay),
    /// Read all evidence, rows and manifests, and name every byte that does not agree with the others.
    #[command(after_help = "Example:\n  shuqiao audit --checkpoint from-the-witness.txt")]
    Audit {
        /// A checkpoint from elsewhere, such as a witness's: the log must hold what it covers.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Why somebody may see something or not: grant, rule, article; and what an application would show.
    #[command(
        after_help = "Examples:\n  shuqiao why 101001/000001 --door sql --purpose 社会救助核对 --item id_number --row county_code=360481 --as mzj:analyst\n  shuqiao why 101001/000001 --of chen --as :auditor --operator sun\n  shuqiao why --if-granted TG-2026-000011 --as gaj:approver --operator li"
    )]
    Why(Why),
    /// Search the evidence: who saw what, when, for which purpose. For auditors; the search is evidence too.
    #[command(
        after_help = "Examples:\n  shuqiao evidence --resource 302001/000001 --from 2026-11-01T00:00:00+08:00 --as :auditor --operator sun\n  shuqiao evidence --department mzj --of-purpose 社会救助核对 --xlsx 存证.xlsx --as :auditor --operator sun"
    )]
    Evidence(Box<Evidence>),
    /// Lights of running matters, breaches and anomalies of a period, as supervisors see them.
    #[command(
        after_help = "Example:\n  shuqiao supervise --from 2026-11-01T00:00:00+08:00 --until 2026-12-01T00:00:00+08:00 --as :authority_officer --operator sun"
    )]
    Supervise(Supervised),
    /// Assess the departments in a period, from evidence alone.
    #[command(
        after_help = "Example:\n  shuqiao assess --from 2026-01-01T00:00:00+08:00 --until 2027-01-01T00:00:00+08:00 --xlsx 考核.xlsx --as :authority_officer --operator sun"
    )]
    Assess(Assess),
    /// The evidence log: key, head, what was asked, erasure, a new start after a loss.
    #[command(subcommand)]
    Log(Log),
    /// Watch the evidence logs of others, and cosign what was not rewritten.
    #[command(subcommand)]
    Witness(Witness),
    /// Copy everything but the private keys into a folder of backups, beside a running server too; or the keys alone.
    #[command(
        after_help = "Examples:\n  shuqiao backup /mnt/backup\n  shuqiao backup --keys keys-2026-11.sealed --passphrase-file passphrase.txt"
    )]
    Backup(Backup),
    /// Make a new data folder of a backup and the newest evidence. What was revoked since stays revoked.
    #[command(
        after_help = "Examples:\n  shuqiao restore /mnt/backup --keys keys-2026-11.sealed --data-dir /srv/new\n  shuqiao restore /mnt/backup --at 2026-11-20T00:00:00+08:00 --log /srv/old --keys keys-2026-11.sealed --data-dir /srv/new"
    )]
    Restore(Restore),
    /// Check the clock, the disk, the folder and the evidence log.
    #[command(after_help = "Examples:\n  shuqiao doctor --data-dir /srv/shuqiao\n  shuqiao doctor --json")]
    Doctor,
    /// Print the OpenAPI 3.1 description of the API.
    #[command(after_help = "Example:\n  shuqiao openapi > openapi.json")]
    Openapi,
    /// Erase objects that no version names, and withdrawn records whose time is over.
    #[command(after_help = "Examples:\n  shuqiao gc --dry-run\n  shuqiao gc")]
    Gc {
        /// Only say what would be erased.
        #[arg(long)]
        dry_run: bool,
    },
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  shuqiao completions bash > /etc/bash_completion.d/shuqiao")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Whether the command goes on as a server.
    pub(crate) fn serves(&self) -> bool {
        matches!(self, Self::Demo(_) | Self::Serve(_) | Self::Witness(Witness::Serve(_)))
    }
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Number of people in the city; 200,000, if not given. A city that is there keeps its number.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    pub(crate) people: Option<u64>,
    /// Address to serve at; a demo never leaves the loopback.
    #[arg(long, default_value = "127.0.0.1:8787")]
    pub(crate) listen: std::net::SocketAddr,
    /// End after the tour.
    #[arg(long)]
    pub(crate) exit: bool,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address, instead of the configured one.
    #[arg(long)]
    pub(crate) listen: Option<std::net::SocketAddr>,
}

/// `resource` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Resource {
    /// Search the published directory.
    #[command(
        after_help = "Examples:\n  shuqiao resource search 处罚\n  shuqiao resource search --as gaj --json"
    )]
    Search {
        /// Words in Chinese or English.
        #[arg(default_value = "")]
        text: String,
    },
    /// Show an entry.
    #[command(after_help = "Example:\n  shuqiao resource show 302001/000001")]
    Show {
        /// Its code.
        code: String,
    },
    /// Fill the directory from the 26-column sheet (.xlsx, .xls, .csv), or from DCAT (.ttl, .jsonld, .rdf).
    #[command(
        after_help = "Examples:\n  shuqiao resource import 目录.xlsx --as scjg\n  shuqiao resource import 目录.csv --extension 目录.扩展.csv --as scjg\n  shuqiao resource import 目录.ttl --as scjg"
    )]
    Import {
        /// The sheet.
        file: PathBuf,
        /// The second file 扩展, for .csv.
        #[arg(long)]
        extension: Option<PathBuf>,
    },
    /// Write the department's directory as the 26-column sheet, or as DCAT.
    #[command(
        after_help = "Examples:\n  shuqiao resource export 目录.xlsx --as scjg\n  shuqiao resource export 目录.ttl --as scjg"
    )]
    Export {
        /// The file to write: .xlsx, .csv with a second file beside it, or .ttl, .jsonld, .rdf.
        file: PathBuf,
    },
    /// Move entries on in their life cycle.
    #[command(
        after_help = "Examples:\n  shuqiao resource step submit-registration --as scjg --operator wang\n  shuqiao resource step approve-registration 302001/000001 --as scjg:reviewer --operator li\n  shuqiao resource step return 302001/000001 --remark '摘要太短' --as scjg:reviewer --operator li"
    )]
    Step {
        /// The step.
        step: Step,
        /// Codes; all of the department in the right state, if none is given.
        codes: Vec<String>,
        /// Why, for a return, rejection or withdrawal.
        #[arg(long)]
        remark: Option<String>,
    },
    /// Show what a draft changes.
    #[command(after_help = "Example:\n  shuqiao resource diff 302001/000001 --as scjg")]
    Diff {
        /// The code.
        code: String,
    },
}

/// Steps of the life cycle.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// Submit for registration
    SubmitRegistration,
    /// Approve the registration, as another person
    ApproveRegistration,
    /// Submit for publication
    SubmitPublication,
    /// Approve the publication, as another person
    ApprovePublication,
    /// Send back with a remark
    Return,
    /// Refuse with a reason
    Reject,
    /// Take out of force
    Withdraw,
}

/// Options of `ingest`.
#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// Code of the resource.
    pub(crate) code: String,
    /// CSV, XLSX, JSON Lines, GeoJSON or Parquet.
    pub(crate) file: PathBuf,
    /// How the version comes from the one before.
    #[arg(long, value_enum, default_value = "replace")]
    pub(crate) change: Change,
    /// Share of bad rows in percent up to which the version is published.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) threshold: f64,
    /// Announce a change that removes or retypes columns: in effect after another person's review and the notice.
    #[arg(long, requires = "reason")]
    pub(crate) breaking: bool,
    /// Why, for readers of a breaking change.
    #[arg(long, requires = "breaking", value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Days from the review to the breaking change; 30, if not given.
    #[arg(long, requires = "breaking", value_name = "DAYS")]
    pub(crate) notice_days: Option<u32>,
}

impl Ingest {
    /// A whole file anew.
    pub(crate) fn replacing(code: &str, file: &Path) -> Self {
        Self {
            code: code.to_owned(),
            file: file.to_owned(),
            change: Change::Replace,
            threshold: 5.0,
            breaking: false,
            reason: None,
            notice_days: None,
        }
    }
}

/// Options of `review`.
#[derive(Debug, Args)]
pub(crate) struct Review {
    /// Code of the resource.
    pub(crate) code: String,
    /// Number of the version.
    pub(crate) version: i64,
}

/// Kinds of change.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Change {
    /// All rows anew
    Replace,
    /// Rows added
    Append,
    /// Rows added or replaced by key
    Upsert,
}

/// Options of `publish`.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Code of the resource.
    pub(crate) code: String,
    /// Items to open; all that are open without condition, if none is given.
    #[arg(long, value_delimiter = ',')]
    pub(crate) items: Vec<String>,
    /// Law, regulation or decision.
    #[arg(long)]
    pub(crate) basis: String,
    /// Open under this condition only: developers apply and accept it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) condition: Option<String>,
}

/// Options of `withdraw`.
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// Code of the resource.
    pub(crate) code: String,
    /// The version.
    #[arg(long, conflicts_with_all = ["record", "again"], required_unless_present_any = ["record", "again"])]
    pub(crate) version: Option<i64>,
    /// A record's key values, comma-separated; repeat for several records.
    #[arg(long)]
    pub(crate) record: Vec<String>,
    /// The columns that name the records, comma-separated; the resource's key, if not given.
    #[arg(long, value_delimiter = ',', requires = "record")]
    pub(crate) columns: Vec<String>,
    /// Say an earlier withdrawal of the same records again, by its id: for versions that have another key. Without records
    /// it says that they are no longer there.
    #[arg(long)]
    pub(crate) again: Option<String>,
    /// End the records' withdrawal for data delivered whole from now on; earlier versions stay as they are.
    #[arg(long, requires = "record", conflicts_with = "again")]
    pub(crate) reinstate: bool,
    /// Why, for the tombstone.
    #[arg(long)]
    pub(crate) reason: String,
}

/// Options of `query`.
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// One SQL query.
    pub(crate) sql: String,
    /// Format of the answer.
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: Format,
}

/// Formats of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// JSON Lines
    Jsonl,
    /// CSV
    Csv,
    /// Arrow IPC stream
    Arrow,
    /// Parquet
    Parquet,
}

/// `grant` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Grant {
    /// List the grants that concern you.
    #[command(after_help = "Example:\n  shuqiao grant list --as gaj")]
    List,
    /// Revoke a grant at once.
    #[command(
        after_help = "Example:\n  shuqiao grant revoke 019aa0c4-0000-7000-8000-000000000001 --reason '协议到期' --as scjg:approver"
    )]
    Revoke {
        /// Its id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// `log` subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Print the key under which the log's checkpoints verify, for witnesses.
    #[command(after_help = "Example:\n  shuqiao log key")]
    Key,
    /// Print a checkpoint over everything.
    #[command(after_help = "Example:\n  shuqiao log checkpoint > checkpoint.txt")]
    Checkpoint,
    /// Show the evidence of a request, and what was asked in it; that it was looked at is evidence too.
    #[command(
        after_help = "Example:\n  shuqiao log open 019aa0c4-0000-7000-8000-000000000001 --operator sun"
    )]
    Open {
        /// Id of the request or record.
        id: String,
    },
    /// Destroy the key of a month's salts and request texts; the log and its proofs stay.
    #[command(after_help = "Example:\n  shuqiao log erase 2026-10 --operator zhao")]
    Erase {
        /// A month that is over: 2026-10.
        month: String,
    },
    /// Copy sealed segments to the archive, and drop those here whose time is over. The server does it every hour.
    #[command(after_help = "Example:\n  shuqiao log archive")]
    Archive,
    /// Begin a new epoch after the end of the log was lost; its first record names the gap.
    #[command(after_help = "Example:\n  shuqiao log begin-epoch --checkpoint from-the-witness.txt")]
    BeginEpoch {
        /// The newest checkpoint that a witness has, if it is newer than the log's own.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
}

/// Options of `replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The receipt.
    pub(crate) receipt: PathBuf,
    /// The answer that it is of.
    pub(crate) answer: PathBuf,
    /// The platform's public keys; those that it serves, if not given.
    #[arg(long)]
    pub(crate) keys: Option<PathBuf>,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The downloaded file, or a receipt.
    pub(crate) file: PathBuf,
    /// The answer that the receipt is of.
    pub(crate) answer: Option<PathBuf>,
    /// Key of a witness that must have cosigned the receipt's checkpoint.
    #[arg(long, value_name = "KEY")]
    pub(crate) witness: Option<String>,
    /// Its manifest; beside the file, if not given.
    #[arg(long)]
    pub(crate) manifest: Option<PathBuf>,
    /// The manifest's detached signature; beside the file, if not given.
    #[arg(long)]
    pub(crate) jws: Option<PathBuf>,
    /// The platform's public keys (its /.well-known/jwks.json), obtained on a way that you trust.
    #[arg(long)]
    pub(crate) keys: PathBuf,
}
