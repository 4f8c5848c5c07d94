//! Durable evidence records per second, and what bounds them. See README.md.

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog_core::evidence::{Actor, Event, EvidenceLog as _, EvidenceRecord, SourceRead};
use catalog_core::{Channel, DepartmentId, GrantId, ResourceCode, Timestamp};
use exchange_crypto::{Digest, SigningKey};
use exchange_ledger::{Ledger, Settings};
use uuid::Uuid;

/// Callers that wait at the same time, from a quiet office to a batch.
const CALLERS: [u64; 4] = [1, 32, 1024, 8192];
/// Records of the fullest run; a run with fewer callers appends fewer.
const RECORDS: u64 = 500_000;

/// An answer complete before its first byte, over two sources: what most records are.
fn record(number: u64) -> Result<EvidenceRecord, Box<dyn Error>> {
    let source = |resource: &str| -> Result<SourceRead, Box<dyn Error>> {
        Ok(SourceRead {
            resource: ResourceCode::new(resource)?,
            version: 3,
            manifest_digest: Digest::of(b"manifest").to_hex(),
            policy_digest: Digest::of(b"policy").to_hex(),
            grant: Some(GrantId::new("0199f8a0-0000-7000-8000-000000000000")?),
        })
    };
    let actor = Actor {
        id: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned(),
        department: Some(DepartmentId::new("mzj")?),
        operator: Some("li".to_owned()),
        purpose: Some("社会救助".to_owned()),
        matter: None,
        ticket: None,
        substitutions: Vec::new(),
        channel: Channel::Sql,
    };
    let event = Event::Access {
        sources: vec![source("302001/000001")?, source("301001/000001")?],
        request_commitment: Digest::of(&number.to_be_bytes()).to_hex(),
        rows: number % 100,
        bytes: number,
        answer_commitment: Digest::of(b"answer").to_hex(),
        now: Some(Timestamp::now()),
        subjects: Vec::new(),
    };
    let (id, request_id) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    Ok(EvidenceRecord { id, request_id, at: Timestamp::now(), actor, event, fact: None })
}

/// Appends `count` records from `callers` tasks, each of which waits for its record before it makes the next.
async fn append(log: &Arc<Ledger>, callers: u64, count: u64) -> Result<Duration, Box<dyn Error>> {
    let model = record(0)?;
    let start = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (log, model) = (log.clone(), model.clone());
            tokio::spawn(async move {
                for _ in 0..count / callers {
                    let id = Uuid::now_v7().to_string();
                    log.append(EvidenceRecord { request_id: id.clone(), id, ..model.clone() }).await?;
                }
                Ok::<_, catalog_core::Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(start.elapsed())
}

/// Writes with an fsync each, of the bytes of one record and of a full batch: the disk alone.
fn disk(folder: &Path, bytes: usize) -> Result<f64, Box<dyn Error>> {
    let path = folder.join("disk");
    let mut file = File::create(&path)?;
    let (block, start, mut writes) = (vec![7; bytes], Instant::now(), 0);
    while start.elapsed() < Duration::from_secs(2) {
        file.write_all(&block)?;
        file.sync_data()?;
        writes += 1;
    }
    std::fs::remove_file(path)?;
    Ok(f64::from(writes) / start.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/bench-evidence".to_owned()));
    std::fs::create_dir_all(&folder)?;
    let size = serde_json::to_vec(&record(0)?)?.len();
    println!(
        "record {size} bytes; fsyncs of one record {:.0}/s, of 4096 records {:.0}/s",
        disk(&folder, size)?,
        disk(&folder, size * 4096)?
    );
    let signer = Arc::new(SigningKey::generate()?.0);
    println!("| callers | records | seconds | durable records/s |\n|---:|---:|---:|---:|");
    for callers in CALLERS {
        let data = folder.join(callers.to_string());
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        let settings = Settings::new(&data, "bench.example/log", signer.clone());
        let log = Arc::new(Ledger::open(settings)?.0);
        let count = RECORDS.min(callers * 1000);
        let took = append(&log, callers, count).await?.as_secs_f64();
        println!("| {callers} | {count} | {took:.2} | {:.0} |", count as f64 / took);
        let covered = log.checkpoint()?.checkpoint.size;
        assert_eq!(covered, count / callers * callers, "every record is a leaf");
    }
    Ok(())
}
