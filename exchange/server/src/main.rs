#![doc = include_str!("../README.md")]

mod backup;
mod cli;
mod client;
mod commands;
mod compose;
mod config;
mod evidence;
mod folder;
mod guard;
mod local;
mod mail;
mod output;
mod platform_key;
mod progress;
mod settings;
mod sign_in;
mod subscriptions;
mod tls;
mod words;

use std::process::ExitCode;

use catalog_core::Error;
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

/// Requests allocate much and briefly, on all cores.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    let json = cli.global.json;
    // A server's log is for its operator; the error of a command says itself what went wrong.
    let usual = if cli.command.serves() { "warn" } else { "off" };
    let filter = EnvFilter::try_from_env("SHUQIAO_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    // Fails only where a provider is there already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::internal)
        .and_then(|runtime| runtime.block_on(commands::run(cli)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error, json),
    }
}
