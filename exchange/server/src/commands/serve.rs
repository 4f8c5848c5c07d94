//! `serve`: until SIGTERM or Ctrl-C; running requests are finished first.

use std::net::SocketAddr;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use catalog_core::{Error, ErrorCode, Result};

use crate::cli::{Global, Serve};
use crate::compose::Platform;
use crate::evidence;
use crate::folder::Folder;
use crate::output;

/// Seconds that running requests have to finish.
const DRAIN: Duration = Duration::from_secs(30);

/// How often used nonces whose time has passed are forgotten.
const HOUR: Duration = Duration::from_secs(3600);

/// Serves the folder.
pub(crate) async fn run(global: &Global, options: &Serve) -> Result<()> {
    let folder = Folder::open(&global.data_dir)?;
    serve(folder, options.listen, |_, address| {
        output::done(format!("serving at {address}"));
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
    if folder.demo().is_some() && !config.server.listen.ip().is_loopback() {
        let message = "a demo folder is served on the loopback only: its keys and people are no secret";
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    let listener = std::net::TcpListener::bind(config.server.listen).map_err(|error| {
        Error::new(ErrorCode::Unavailable, format!("can't listen at {}: {error}", config.server.listen))
    })?;
    listener.set_nonblocking(true).map_err(Error::internal)?;
    let bound = listener.local_addr().map_err(Error::internal)?;
    let base_url = config.base_url(bound);
    let tls = match (&config.server.certificate, &config.server.certificate_key) {
        (Some(chain), Some(key)) => Some(tls(&folder, chain, key).await?),
        _ => None,
    };
    let platform = Platform::start(folder, Some(base_url.clone())).await?;
    let handle = Handle::new();
    let forgetting = tokio::spawn(platform.forget_nonces(HOUR));
    let covering = tokio::spawn(evidence::keep_covered(platform.evidence().clone(), config.log.clone()));
    tokio::spawn(drain_on_signal(handle.clone()));
    ready(&platform, &base_url);
    let app = platform.router().into_make_service();
    let served = match tls {
        Some(tls) => {
            axum_server::from_tcp_rustls(listener, tls)
                .map_err(Error::internal)?
                .handle(handle)
                .serve(app)
                .await
        }
        None => axum_server::from_tcp(listener).map_err(Error::internal)?.handle(handle).serve(app).await,
    };
    forgetting.abort();
    covering.abort();
    platform.close().await?;
    served.map_err(Error::internal)
}

async fn tls(folder: &Folder, chain: &std::path::Path, key: &std::path::Path) -> Result<RustlsConfig> {
    let (chain, key) = (folder.path("").join(chain), folder.path("").join(key));
    RustlsConfig::from_pem_file(&chain, &key).await.map_err(|error| {
        Error::new(ErrorCode::InvalidInput, format!("can't use the certificate {}: {error}", chain.display()))
    })
}

async fn drain_on_signal(handle: Handle<SocketAddr>) {
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
    handle.graceful_shutdown(Some(DRAIN));
}
