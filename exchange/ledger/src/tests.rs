mod archives;
mod audits;
mod copies;
mod crash;
mod epochs;
mod full_disk;
mod log;
mod nonces;
mod notes;
mod seals;
mod sm2;
mod starts;
mod texts;
mod trees;
mod vault;
mod witnesses;

use std::path::Path;
use std::sync::Arc;

use catalog_core::context::Channel;
use catalog_core::evidence::{Actor, Event, EvidenceLog as _, EvidenceRecord};
use catalog_core::{ResourceCode, Timestamp};
use exchange_crypto::SigningKey;
use tempfile::{TempDir, tempdir};
use uuid::Uuid;

use super::*;

const ORIGIN: &str = "data.example.gov.cn/log";

fn record(number: u64) -> EvidenceRecord {
    let actor = Actor {
        id: format!("k-{}", number % 3),
        department: None,
        operator: None,
        purpose: Some("企业开办".to_owned()),
        matter: None,
        ticket: None,
        substitutions: Vec::new(),
        channel: Channel::Sql,
    };
    let resource = ResourceCode::new(format!("301001/{:06}", number % 5)).unwrap();
    let event = Event::OpenDownloads { resource, count: number, bytes: 1 };
    let at = Timestamp(1_795_000_000_000_000).plus_seconds(i64::try_from(number).unwrap());
    EvidenceRecord {
        id: Uuid::now_v7().to_string(),
        request_id: format!("r-{number}"),
        at,
        actor,
        event,
        fact: None,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A log that seals segments of a few records.
fn settings(folder: &Path) -> Settings {
    let (signer, _) = SigningKey::generate().unwrap();
    Settings { segment_bytes: 1500, ..Settings::new(folder, ORIGIN, Arc::new(signer)) }
}

fn open(settings: &Settings) -> Ledger {
    Ledger::open(settings.clone()).unwrap().0
}

fn append(log: &Ledger, records: &[EvidenceRecord]) {
    for record in records {
        block_on(log.append(record.clone())).unwrap();
    }
}

/// Keeps what opens a commitment, as the log does before a record.
fn keep_text(
    vault: &Vault,
    id: &str,
    of: Committed,
    salt: &[u8; 32],
    text: &[u8],
) -> Result<(), LedgerError> {
    let month = vault.seal(id, of, salt, text)?;
    crate::texts::Texts::within(vault.file("x").parent().unwrap()).append([&month])
}

/// A folder whose log holds that many records in several segments, with checkpoints on the way.
fn written(count: u64) -> (TempDir, Settings, Vec<EvidenceRecord>) {
    let folder = tempdir().unwrap();
    let settings = settings(folder.path());
    let records: Vec<_> = (0..count).map(record).collect();
    let log = open(&settings);
    for some in records.chunks(7) {
        append(&log, some);
        log.checkpoint().unwrap();
    }
    drop(log);
    (folder, settings, records)
}

fn read(log: &Ledger, filter: Filter) -> Vec<EvidenceRecord> {
    log.scan(filter).unwrap().map(|leaf| leaf.unwrap().record).collect()
}
