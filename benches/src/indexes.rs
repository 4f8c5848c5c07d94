//! How fast an index for look-ups is built, and how long a look-up takes, by the number of rows. See README.md.

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use catalog_core::identity::{canonical_identifier, canonical_name};
use datasets_index::{BATCH_ROWS, Entry, Index, IndexKey, Writer};
use exchange_crypto::MacKey;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: indexes FOLDER ROWS...";
/// Identifiers that are looked up for one median.
const LOOKED_UP: u64 = 200_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or(USAGE)?);
    std::fs::create_dir_all(&folder)?;
    println!("| rows | built in s | million rows/s | peak MB | look-up p50 us | p99 us | unknown p50 us |");
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    for rows in words {
        let rows: u64 = rows.parse()?;
        let key = IndexKey::new(&MacKey::from_bytes(&[7; 32])?, &rows.to_string());
        let path = folder.join(format!("{rows}.index"));
        let begun = Instant::now();
        build(&folder, &path, &key, rows)?;
        let (built, peak) = (begun.elapsed().as_secs_f64(), peak_megabytes()?);
        let index = Index::open(&path, &key)?;
        // The first time each block is read and its seal checked; what is measured comes after.
        times(&index, &key, rows, 0)?;
        let (half, most) = times(&index, &key, rows, 0)?;
        let (unknown, _) = times(&index, &key, rows, rows)?;
        let rate = rows as f64 / built / 1e6;
        println!("| {rows} | {built:.1} | {rate:.2} | {peak} | {half:.2} | {most:.2} | {unknown:.2} |");
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

/// A number of 18 places and a name, as no person has them: the division is none.
fn person(number: u64) -> (String, String) {
    (
        format!("99{:016}", number.wrapping_mul(2_654_435_761) % 10_000_000_000_000_000),
        format!("某{:04}", number % 9_973),
    )
}

/// As the server builds it: each core hashes a batch, one thread writes.
fn build(
    folder: &std::path::Path,
    path: &std::path::Path,
    key: &IndexKey,
    rows: u64,
) -> Result<(), Box<dyn Error>> {
    let mut writer = Writer::new(folder)?;
    writer.extend(rows.div_ceil(BATCH_ROWS as u64) as usize, |batch| {
        let first = batch as u64 * BATCH_ROWS as u64;
        let entry = |row| {
            let (number, name) = person(row);
            let number = canonical_identifier(&number);
            let name = canonical_name(&name);
            Entry { id: key.id(&number), tag: key.tag(&number, [name.as_str()]), row }
        };
        Ok((first..rows.min(first + BATCH_ROWS as u64)).map(entry).collect())
    })?;
    writer.finish(path, key)?;
    Ok(())
}

/// Median and 99th percentile in microseconds of looking up people spread over all rows, hashing included.
fn times(index: &Index, key: &IndexKey, rows: u64, from: u64) -> Result<(f64, f64), Box<dyn Error>> {
    let mut times = Vec::new();
    for number in 0..LOOKED_UP {
        let (identifier, _) = person(from + number.wrapping_mul(7_919) % rows);
        let begun = Instant::now();
        let found = index.find(&key.id(&identifier))?.len();
        times.push(begun.elapsed());
        assert!(found == usize::from(from == 0), "{identifier}: {found}");
    }
    times.sort_unstable();
    let at = |share: usize| {
        times.get(times.len() * share / 100).map_or(0.0, |time: &Duration| time.as_secs_f64() * 1e6)
    };
    Ok((at(50), at(99)))
}

/// The most memory that this process has held so far.
fn peak_megabytes() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? / 1024)
}
