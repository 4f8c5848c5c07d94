//! The configuration of a data folder: `shuqiao.toml`, commented, read once and passed on.

mod material;
mod sign_in;
mod subscription;
mod word;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog_core::{Error, ErrorCode, Result};
use openapi_portal::Identity;
use serde::Deserialize;

pub(crate) use material::Material;
pub(crate) use sign_in::{Mail, SignIn};
pub(crate) use subscription::Subscriptions;
pub(crate) use word::Words;

use crate::guard::Bounds;

/// What `init` writes: every setting with its default and meaning.
pub(crate) const TEMPLATE: &str = include_str!("shuqiao.toml");

/// The whole configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where and how to serve.
    pub(crate) server: Server,
    /// Where the catalogue lives.
    pub(crate) catalogue: Catalogue,
    /// Limits of one query.
    pub(crate) query: Query,
    /// Uploads of materials.
    pub(crate) material: Material,
    /// The evidence log.
    pub(crate) log: Log,
    /// Who called what.
    pub(crate) access_log: AccessLog,
    /// How people sign in at a browser.
    pub(crate) sign_in: SignIn,
    /// Letters.
    pub(crate) mail: Mail,
    /// What departments are told without asking.
    pub(crate) word: Words,
    /// What subscribers are told.
    pub(crate) subscription: Subscriptions,
    /// Name and numbers of the portal.
    pub(crate) portal: Identity,
}

/// Where and how to serve.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// Address and port.
    pub(crate) listen: SocketAddr,
    /// The address under which clients reach the server; signatures name it.
    pub(crate) base_url: Option<String>,
    /// Certificate chain (PEM).
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub(crate) certificate_key: Option<PathBuf>,
    /// Whether a proxy on this machine or network ends TLS in front.
    pub(crate) behind_trusted_proxy: bool,
    /// Connections at the same time.
    pub(crate) connections: usize,
    /// Of them, those of one address. Behind a proxy, and where only this machine connects, all are of one.
    pub(crate) connections_per_address: usize,
    /// Milliseconds for the head of a request, and for the next request on a connection.
    pub(crate) head_millis: u64,
    /// Milliseconds in which a client takes some of what it is sent.
    pub(crate) write_millis: u64,
    /// Seconds that running requests have to finish when the server is told to end.
    pub(crate) drain_seconds: u64,
    /// GiB of files made for downloads that are kept.
    pub(crate) extracts_gib: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8787)),
            base_url: None,
            certificate: None,
            certificate_key: None,
            behind_trusted_proxy: false,
            connections: 512,
            connections_per_address: 128,
            head_millis: 20_000,
            write_millis: 60_000,
            drain_seconds: 30,
            extracts_gib: 128,
        }
    }
}

impl Server {
    /// What the server bears of strangers.
    pub(crate) fn bounds(&self) -> Bounds {
        let has_one_client = self.behind_trusted_proxy || self.listen.ip().is_loopback();
        Bounds {
            connections: self.connections,
            per_address: if has_one_client { self.connections } else { self.connections_per_address },
            head: Duration::from_millis(self.head_millis),
            write: Duration::from_millis(self.write_millis),
        }
    }
}

/// Who called what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccessLog {
    /// Days for which it is kept.
    pub(crate) days: u32,
}

impl Default for AccessLog {
    fn default() -> Self {
        Self { days: 180 }
    }
}

/// Where the catalogue lives.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Catalogue {
    /// `postgres://…`; SQLite in the folder without it.
    pub(crate) database: Option<String>,
}

/// Limits of one query.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Query {
    /// Seconds.
    pub(crate) seconds: u64,
    /// MiB of memory of one query; sorts and aggregations beyond it spill to disk.
    pub(crate) memory_mib: usize,
    /// Rows of one answer.
    pub(crate) rows: u64,
    /// MiB of one answer.
    pub(crate) answer_mib: u64,
}

impl Default for Query {
    fn default() -> Self {
        Self { seconds: 300, memory_mib: 1024, rows: 100_000_000, answer_mib: 16_384 }
    }
}

/// The evidence log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// Its name in checkpoints; a name made from the first key without it. It never changes.
    pub(crate) origin: Option<String>,
    /// Seconds after which a checkpoint covers what is new.
    pub(crate) checkpoint_seconds: u64,
    /// New records after which a checkpoint is made before that.
    pub(crate) checkpoint_records: u64,
    /// A folder on another disk or machine that gets a copy of every sealed segment.
    pub(crate) archive: Option<PathBuf>,
    /// Days after its last record after which a segment is in the archive alone; it stays here too without it.
    pub(crate) local_days: Option<u32>,
    /// Months after which the keys of salts and request texts are destroyed.
    pub(crate) texts_months: u32,
    /// Those who cosign checkpoints.
    pub(crate) witness: Vec<LogWitness>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            origin: None,
            checkpoint_seconds: 10,
            checkpoint_records: 10_000,
            archive: None,
            local_days: None,
            texts_months: Self::LEAST_MONTHS,
            witness: Vec::new(),
        }
    }
}

impl Log {
    /// 网络数据安全管理条例 art. 12: records of the provision of personal or important data are kept for three years.
    const LEAST_MONTHS: u32 = 36;

    /// Refuses what the law forbids, and segments that would be nowhere.
    fn check(&self) -> Result<()> {
        let refused = |message: String| Err(Error::new(ErrorCode::InvalidInput, message));
        if self.texts_months < Self::LEAST_MONTHS {
            let least = Self::LEAST_MONTHS;
            return refused(format!("log.texts_months is {}: the law asks for {least}", self.texts_months));
        }
        match (&self.archive, self.local_days) {
            (None, Some(_)) => refused("log.local_days needs log.archive, where segments stay".to_owned()),
            (Some(archive), _) if !archive.is_absolute() => {
                refused(format!("log.archive is `{}`: write an absolute path", archive.display()))
            }
            _ => Ok(()),
        }
    }
}

/// A witness of the evidence log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogWitness {
    /// Its address; none for a former one, whose cosignatures still count.
    pub(crate) url: Option<String>,
    /// Its key, as `shuqiao witness key` prints it.
    pub(crate) key: String,
}

impl Config {
    /// Reads the file; an unknown or malformed setting is an error that names its line.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::new(ErrorCode::NotFound, format!("can't read {}: {error}", path.display()))
        })?;
        let config: Self = toml::from_str(&text).map_err(|error| {
            Error::new(ErrorCode::InvalidInput, format!("{} is not valid: {error}", path.display()))
        })?;
        config.check_limits()?;
        config.log.check()?;
        config.sign_in.check()?;
        Ok(config)
    }

    /// Refuses limits under which nothing could ever be answered, proven or kept.
    fn check_limits(&self) -> Result<()> {
        let Self { server, query, material, log, access_log, .. } = self;
        let limits = [
            ("server.connections", server.connections as u64),
            ("server.connections_per_address", server.connections_per_address as u64),
            ("server.head_millis", server.head_millis),
            ("server.write_millis", server.write_millis),
            ("server.extracts_gib", server.extracts_gib),
            ("query.seconds", query.seconds),
            ("query.memory_mib", query.memory_mib as u64),
            ("query.rows", query.rows),
            ("query.answer_mib", query.answer_mib),
            ("material.mib", material.mib),
            ("material.uploads", material.uploads as u64),
            ("material.days", u64::from(material.days)),
            ("log.checkpoint_seconds", log.checkpoint_seconds),
            ("log.checkpoint_records", log.checkpoint_records),
            ("access_log.days", u64::from(access_log.days)),
        ];
        match limits.into_iter().find(|(_, limit)| *limit == 0) {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("{name} is 0, with which nothing works: set it to 1 or more");
                Err(Error::new(ErrorCode::InvalidInput, message))
            }
        }
    }

    /// Refuses an address off the loopback without TLS or a trusted proxy, and half a certificate.
    pub(crate) fn check_exposure(&self) -> Result<()> {
        let refused = |message: &str| Err(Error::new(ErrorCode::InvalidInput, message));
        let server = &self.server;
        if server.certificate.is_some() != server.certificate_key.is_some() {
            return refused("set both server.certificate and server.certificate_key, or neither");
        }
        if !server.listen.ip().is_loopback() && server.certificate.is_none() && !server.behind_trusted_proxy {
            return refused(
                "an address off the loopback needs TLS: set server.certificate and server.certificate_key, or \
                 server.behind_trusted_proxy = true where a proxy ends TLS",
            );
        }
        if !server.listen.ip().is_loopback() && server.base_url.is_none() {
            return refused("set server.base_url to the address that clients use: signatures name it");
        }
        Ok(())
    }

    /// The address that signatures name, without a slash at its end.
    pub(crate) fn base_url(&self, bound: SocketAddr) -> String {
        let scheme = if self.server.certificate.is_some() { "https" } else { "http" };
        match &self.server.base_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{scheme}://{bound}"),
        }
    }
}
