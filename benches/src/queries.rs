#![doc = include_str!("../README.md")]

#[path = "queries/city.rs"]
mod city;
#[path = "queries/peers.rs"]
mod peers;

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use peers::{Governed, Plain, duckdb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The question set: a line `-- name`, then one query.
const QUERIES: &str = include_str!("../queries/queries.sql");
/// Runs of each query after one to warm up; the fastest counts.
const RUNS: usize = 3;

fn questions() -> Vec<(&'static str, &'static str)> {
    let mut lines = QUERIES.lines();
    std::iter::from_fn(|| Some((lines.next()?.trim_start_matches("-- "), lines.next()?))).collect()
}

async fn fastest<F, Fut>(ask: F) -> Result<(Duration, usize), Box<dyn Error>>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<usize, Box<dyn Error>>>,
{
    let mut rows = ask().await?;
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        rows = ask().await?;
        best = best.min(start.elapsed());
    }
    Ok((best, rows))
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|ratio| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let people = arguments.next().unwrap_or_else(|| "1000000".to_owned()).parse()?;
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "target/bench".to_owned()));
    let files = city::write(people, &folder)?;
    let governed = Governed::new(&folder, &files)?;
    let plain = Plain::new(&folder, &files).await?;
    let peer = duckdb(&folder, &files, &questions(), RUNS)?;
    println!("| query | governed ms | / ungoverned | ungoverned / DuckDB |");
    println!("|---|---:|---:|---:|");
    let (mut barrier, mut engines) = (Vec::new(), Vec::new());
    for (name, sql) in questions() {
        let (with, rows) = fastest(|| governed.ask(sql)).await?;
        let (without, same_rows) = fastest(|| plain.ask(sql)).await?;
        assert_eq!(rows, same_rows, "{name}: governed and ungoverned differ in rows");
        let ratio = with.as_secs_f64() / without.as_secs_f64();
        barrier.push(ratio);
        let beside =
            peer.as_ref().and_then(|times| times.get(name)).map(|seconds| without.as_secs_f64() / seconds);
        engines.extend(beside);
        let beside = beside.map_or("—".to_owned(), |ratio| format!("{ratio:.2}"));
        println!("| {name} | {:.0} | {ratio:.2} | {beside} |", with.as_secs_f64() * 1e3);
    }
    println!(
        "| **geometric mean** | | **{:.3}** | **{:.2}** |",
        geometric_mean(&barrier),
        geometric_mean(&engines)
    );
    Ok(())
}
