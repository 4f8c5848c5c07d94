//! `serve`: until SIGTERM or Ctrl-C; running requests are finished first.

use std::net::SocketAddr;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use catalog_core::{Error, ErrorCode, Result, Timestamp};

use crate::cli::{Global, Serve};
use crate::compose::{Platform, Served};
use crate::evidence;
use crate::folder::Folder;
use crate::guard::guard;
use crate::{local, mail, output, subscriptions, tls};

/// How often used nonces whose time has passed are forgotten, and the clock of the matters runs. A limit ends at midnight.
const HOUR: Duration = Duration::from_secs(3600);

/// How often is looked whether a department or a subscriber is to be told something.
const MINUTE: Duration = Duration::from_secs(60);

/// How often is looked whether letters lie in the outbox: whoever registers waits for one.
const SOON: Duration = Duration::from_secs(5);

/// The longest that the mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves the folder.
pub(crate) async fn run(global: &Global, options: &Serve) -> Result<()> {
    let folder = Folder::open(&global.data_dir)?;
    serve(folder, options.listen, |_, address| {
        output::outcome(global, &serde_json::json!({ "serving": address }), format!("serving at {address}"));
    })
    .await
}

/// Serves an open folder; `ready` is told when the address is bound.
pub(crate) async fn serve(
    folder: Folder,
    listen: Option<SocketAddr>,
    ready: impl FnOnce(&Platform, &str),
) -> Result<()> {
    let mut config = folder.config()?;
    config.server.listen = listen.unwrap_or(config.server.listen);
    config.check_exposure()?;
    if folder.demo().is_some() {
        check_demo(config.server.listen)?;
    }
    let listener = std::net::TcpListener::bind(config.server.listen).map_err(|error| {
        Error::new(
            ErrorCode::Unavailable,
            format!("can't listen at {}: {error}; choose another with --listen", config.server.listen),
        )
    })?;
    listener.set_nonblocking(true).map_err(Error::internal)?;
    let bound = listener.local_addr().map_err(Error::internal)?;
    let base_url = config.base_url(bound);
    let tls = tls::read(folder.root(), &config, Timestamp::now())?;
    let postman = mail::postman(folder.root(), &config, PATIENCE)?;
    let encrypted = tls.is_some() || config.server.behind_trusted_proxy;
    let platform = Platform::start(folder, Some(Served { base_url: base_url.clone(), encrypted })).await?;
    let (door, local) = local::bind(platform.folder().root())?;
    let (handle, local_handle) = (Handle::new(), Handle::new());
    let forgetting = tokio::spawn(platform.forget_nonces(MINUTE));
    let preparing = tokio::spawn(platform.prepare_lookups(HOUR));
    let clock = tokio::spawn(platform.run_clock(HOUR));
    let telling = tokio::spawn(platform.deliver_words(MINUTE));
    let posting = tokio::spawn(mail::keep_posting(postman, SOON));
    let covering = tokio::spawn(evidence::keep_covered(platform.evidence().clone(), config.log.clone()));
    let app = platform.source().app;
    let keeping = tokio::spawn(evidence::keep_for_its_time(app, config.log.clone(), HOUR));
    let notifying = tokio::spawn(subscriptions::keep_notifying(platform.source().app, MINUTE));
    let drain = Duration::from_secs(config.server.drain_seconds);
    tokio::spawn(drain_on_signal(drain, handle.clone(), local_handle.clone()));
    ready(&platform, &base_url);
    let beside = axum_server::from_unix(local)
        .map_err(Error::internal)?
        .handle(local_handle)
        .serve(platform.local_router().into_make_service());
    let routes = platform.router().into_make_service_with_connect_info::<SocketAddr>();
    let server = axum_server::from_tcp(listener).map_err(Error::internal)?.handle(handle);
    let bounds = config.server.bounds();
    let served = match tls {
        Some(certificate) => {
            let tls = RustlsConfig::from_config(certificate.config);
            let renewing = tokio::spawn(tls::renew(platform.folder().root().to_owned(), config, tls.clone()));
            let server = server.acceptor(RustlsAcceptor::new(tls));
            let served = tokio::try_join!(guard(server, bounds).serve(routes), beside);
            renewing.abort();
            served
        }
        None => tokio::try_join!(guard(server, bounds).serve(routes), beside),
    };
    preparing.abort();
    forgetting.abort();
    clock.abort();
    telling.abort();
    posting.abort();
    covering.abort();
    keeping.abort();
    notifying.abort();
    drop(door);
    platform.close().await?;
    served.map(drop).map_err(Error::internal)
}

/// Refuses to serve a demo to others.
pub(crate) fn check_demo(listen: SocketAddr) -> Result<()> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    let message = "a demo folder is served on the loopback only: its keys and people are no secret";
    Err(Error::new(ErrorCode::InvalidInput, message))
}

async fn drain_on_signal(
    drain: Duration,
    handle: Handle<SocketAddr>,
    local: Handle<std::os::unix::net::SocketAddr>,
) {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                tokio::select! { _ = interrupted => {}, _ = terminated.recv() => {} }
            }
            Err(_) => drop(interrupted.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupted.await);
    tracing::info!("draining");
    handle.graceful_shutdown(Some(drain));
    local.graceful_shutdown(Some(drain));
}
