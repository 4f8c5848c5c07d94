//! The subcommands. Those that touch departments, data or grants speak the API, whichever way it is reached.

mod audit;
mod backup;
mod bundle;
mod data;
mod demo;
mod directory;
mod doctor;
mod exact;
mod gc;
mod grants;
mod init;
mod inspect;
mod keys;
mod log;
mod material;
mod matters;
mod names;
mod receipt;
mod replay;
mod restore;
mod serve;
mod subject;
mod supervision;
mod verify;
mod why;
mod witness;

use catalog_core::{Error, ErrorCode, Result};
use clap::CommandFactory as _;
use serde::de::DeserializeOwned;
use std::path::Path;

pub(crate) use audit::platform_keys;

use crate::cli::{Cli, Command, EvidenceCommand, Global, Key, Org};
use crate::client::{Assertions, Client};
use crate::compose::Platform;
use crate::folder::{Folder, in_use};
use crate::output;

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<()> {
    let global = &cli.global;
    match &cli.command {
        Command::Demo(options) => demo::run(global, options).await,
        Command::Init { suite } => init::run(global, *suite).await,
        Command::Serve(options) => serve::run(global, options).await,
        Command::Verify(options) => verify::run(global, options),
        Command::Audit { checkpoint } => audit::run(global, checkpoint.as_deref()).await,
        Command::Log(command) => log::run(global, command).await,
        Command::Witness(command) => witness::run(global, command).await,
        Command::Backup(options) => backup::run(global, options).await,
        Command::Restore(options) => restore::run(global, options).await,
        Command::Doctor => doctor::run(global).await,
        Command::Openapi => {
            output::document(&openapi_http::openapi());
            Ok(())
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "shuqiao", &mut script);
            output::line(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        Command::Key(Key::Generate { file, suite }) => keys::generate(global, *suite, file),
        Command::Key(Key::Rotate(options)) if options.platform => {
            keys::rotate_platform(global, options.suite).await
        }
        Command::Key(Key::Rotate(options)) if options.indexes => keys::rotate_indexes(global).await,
        command => match bundle::without_server(command) {
            Some(options) => bundle::run(None, global, options).await,
            None => with_client(global, command).await,
        },
    }
}

async fn with_client(global: &Global, command: &Command) -> Result<()> {
    let session = Session::start(global, matches!(command, Command::Org(Org::Claim(_)))).await?;
    let client = &session.client;
    let done = match command {
        Command::Org(command) => directory::org(client, global, command).await,
        Command::Resource(command) => directory::resource(client, global, command).await,
        Command::Ingest(options) => data::ingest(client, global, options).await,
        Command::Material(command) => material::run(client, global, command).await,
        Command::Review(options) => data::review(client, global, options).await,
        Command::Versions { code } => data::versions(client, global, code).await,
        Command::Publish(options) => matters::publish(client, global, options).await,
        Command::Matter(command) => matters::matter(client, global, command).await,
        Command::Withdraw(options) => data::withdraw(client, global, options).await,
        Command::Query(options) => data::query(client, global, options).await,
        Command::Grant(command) => grants::run(client, global, command).await,
        Command::Gc { dry_run } => gc::run(client, global, *dry_run).await,
        Command::Ticket(command) => keys::ticket(client, global, command).await,
        Command::Key(command) => keys::key(client, global, command).await,
        Command::Supervise(period) => supervision::supervise(client, global, period).await,
        Command::Assess(options) => supervision::assess(client, global, options).await,
        Command::Why(asked) => why::run(client, global, asked).await,
        Command::Evidence(wanted) => match &wanted.command {
            None => inspect::run(client, global, wanted).await,
            Some(EvidenceCommand::Subject(options)) => subject::run(client, global, options).await,
            Some(EvidenceCommand::Bundle(options)) => bundle::run(Some(client), global, options).await,
        },
        Command::Receipt { id, out } => receipt::fetch(client, global, id, out).await,
        Command::Replay(options) => replay::run(client, global, options).await,
        _ => Err(Error::internal("this command needs no client")),
    };
    session.end().await?;
    done.map_err(|error| with_the_way_out(global, error))
}

/// Tells whoever has not said as whom they act what they act as.
fn with_the_way_out(global: &Global, mut error: Error) -> Error {
    if error.code == ErrorCode::Forbidden && global.server.is_none() && global.acting_as.is_none() {
        error.message += "; without --as you are :system_administrator: add --as DEPARTMENT:ROLE, such as --as mzj:analyst";
    }
    error
}

/// A client, and the folder behind it where it has one.
struct Session {
    client: Client,
    platform: Option<Platform>,
}

impl Session {
    async fn start(global: &Global, is_claim: bool) -> Result<Self> {
        let assertions = Assertions {
            purpose: global.purpose.clone(),
            matter: global.matter.clone(),
            operator: Some(global.operator.clone()),
        };
        if let Some(server) = &global.server {
            if global.acting_as.is_some() {
                let message =
                    "at a server the key says who you are: leave out --as, or --server (SHUQIAO_SERVER)";
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            // Who claims the administration has no account yet: the code is the proof, and the key signs nothing.
            let key = if is_claim { None } else { global.key.as_deref() };
            return Ok(Self { client: Client::of_server(server, key, assertions).await?, platform: None });
        }
        let acting_as = global.acting_as.as_deref();
        let Some(folder) = Folder::open_unless_owned(&global.data_dir)? else {
            let client = Client::beside(&global.data_dir, acting_as, assertions)?;
            return Ok(Self { client: client.ok_or_else(|| in_use(&global.data_dir))?, platform: None });
        };
        let platform = Platform::start(folder, None).await?;
        let context = platform.operator(&global.operator, acting_as).await?;
        let client = Client::of_folder(platform.router(), context, assertions);
        Ok(Self { client, platform: Some(platform) })
    }

    async fn end(self) -> Result<()> {
        match self.platform {
            Some(platform) => platform.close().await,
            None => Ok(()),
        }
    }
}

/// Reads a JSON file that holds one object or a list of them.
fn read_list<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(path).map_err(|error| crate::folder::io(path, &error))?;
    let wrong = |error: serde_json::Error| {
        Error::new(ErrorCode::InvalidInput, format!("{} is not valid: {error}", path.display()))
    };
    if text.trim_start().starts_with('[') {
        serde_json::from_str(&text).map_err(wrong)
    } else {
        serde_json::from_str(&text).map(|one| vec![one]).map_err(wrong)
    }
}

/// A text as one segment of an address.
fn segment(text: &str) -> String {
    exchange_auth::encode_assertion(text)
}

/// A resource code as addresses write it.
fn code_segment(code: &str) -> Result<String> {
    Ok(catalog_core::ResourceCode::from_path(code)?.path_form())
}
