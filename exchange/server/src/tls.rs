//! The server's certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use exchange_auth::check_secret_file;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, RootCertStore, ServerConfig};

use crate::config::Config;

/// How often is looked whether the certificate's files are others.
const LOOK: Duration = Duration::from_secs(60);

/// A certificate that can be served.
pub(crate) struct Certificate {
    /// What serves it.
    pub(crate) config: Arc<ServerConfig>,
    /// When it ends.
    pub(crate) not_after: Timestamp,
    /// Whether it is valid now.
    pub(crate) is_valid: bool,
}

/// Reads the configured certificate of a folder; `None` where none is configured.
///
/// # Errors
/// `invalid_input` if a file can't be read, the private key may be read by others, or the two don't belong together.
pub(crate) fn read(root: &Path, config: &Config, now: Timestamp) -> Result<Option<Certificate>> {
    let (Some(chain), Some(key)) = (&config.server.certificate, &config.server.certificate_key) else {
        return Ok(None);
    };
    let (chain_file, key_file) = (root.join(chain), root.join(key));
    check_secret_file(&key_file)?;
    let refused = |path: &Path, reason: &dyn std::fmt::Display| {
        Error::new(ErrorCode::InvalidInput, format!("can't use the certificate {}: {reason}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(&chain_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refused(&chain_file, &error))?;
    let first = chain.first().ok_or_else(|| refused(&chain_file, &"it holds no certificate"))?;
    let key = PrivateKeyDer::from_pem_file(&key_file).map_err(|error| refused(&key_file, &error))?;
    let not_after = end_of(first).map_err(|error| refused(&chain_file, &error))?;
    let is_valid = !matches!(
        checked_at(first, now.seconds().unsigned_abs()).map_err(|error| refused(&chain_file, &error))?,
        Some(Validity::Over(_) | Validity::NotYet)
    );
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain.clone(), key)
        .map_err(|error| refused(&chain_file, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Certificate { config: Arc::new(config), not_after, is_valid }))
}

/// Serves the certificate that lies in the configured files, for as long as it is polled: they are read again on SIGHUP, and when
/// they have changed. One that can't be used changes nothing and is reported; connections that are open keep theirs.
pub(crate) async fn renew(root: PathBuf, config: Config, served: RustlsConfig) {
    let mut asked = Asked::new();
    let mut ticks = tokio::time::interval(LOOK);
    let mut seen = stamps(&root, &config);
    loop {
        let is_asked = tokio::select! { () = asked.wait() => true, _ = ticks.tick() => false };
        let found = stamps(&root, &config);
        if !is_asked && found == seen {
            continue;
        }
        seen = found;
        match read(&root, &config, Timestamp::now()) {
            Ok(Some(certificate)) => {
                served.reload_from_config(certificate.config);
                tracing::info!(until = %certificate.not_after, "the certificate was read again");
            }
            Ok(None) => {}
            Err(error) => tracing::error!(error = error.message, "the certificate in use is kept"),
        }
    }
}

/// When the files were written last.
fn stamps(root: &Path, config: &Config) -> [Option<SystemTime>; 2] {
    [&config.server.certificate, &config.server.certificate_key].map(|file| {
        let file = root.join(file.as_ref()?);
        std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
    })
}

/// SIGHUP, where there is such a thing.
struct Asked(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Asked {
    fn new() -> Self {
        #[cfg(unix)]
        let made = Self(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok());
        #[cfg(not(unix))]
        let made = Self();
        made
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

enum Validity {
    NotYet,
    /// Since this second.
    Over(u64),
}

/// The end of a certificate. The library tells it only of one that is over, so it is asked of the far future.
fn end_of(certificate: &CertificateDer<'_>) -> Result<Timestamp, rustls::Error> {
    match checked_at(certificate, 253_402_300_799)? {
        Some(Validity::Over(end)) => Ok(Timestamp::default().plus_seconds(end.cast_signed())),
        _ => Ok(Timestamp(i64::MAX)),
    }
}

/// Its period at a time; who issued it is for clients to judge.
fn checked_at(certificate: &CertificateDer<'_>, seconds: u64) -> Result<Option<Validity>, rustls::Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    let nobody = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], time, algorithms) {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Ok(Some(Validity::Over(not_after.as_secs())))
        }
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Ok(Some(Validity::NotYet)),
        Err(rustls::Error::InvalidCertificate(CertificateError::BadEncoding)) => {
            Err(CertificateError::BadEncoding.into())
        }
        _ => Ok(None),
    }
}
