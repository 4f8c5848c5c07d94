//! The directory search: a SQLite catalogue of many entries, and what people type into its search field.
//!
//! `search [ENTRIES] [FOLDER]`: 100,000 entries in a folder of its own, which later runs use again.

#[path = "search/entries.rs"]
mod entries;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use catalog_core::directory::UpdateCycle;
use catalog_core::ports::{DirectoryStore as _, SearchQuery};
use catalog_store::CatalogStore;

use entries::{department, entry};

/// Each kind of question is asked so many times, with other words as far as there are others.
const TIMES: usize = 60;
/// Hits on the first page.
const PAGE: u32 = 20;
/// What the product wants to stay below at 100,000 entries, at the 95th percentile.
const GOALS: [(&str, Duration); 2] =
    [("first page", Duration::from_millis(20)), ("facets", Duration::from_millis(60))];

/// A question about the directory.
struct Question {
    kind: &'static str,
    query: SearchQuery,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().as_deref().unwrap_or("100000").parse()?;
    let folder = arguments.next().map_or_else(|| std::env::temp_dir().join("shuqiao-search"), PathBuf::from);
    let store = open(&folder, count).await?;
    let questions = questions(count)?;
    println!(
        "{:<28} {:>10} {:>10} {:>10} {:>10} {:>9}",
        "", "page p50", "page p95", "all p50", "all p95", "hits"
    );
    let mut times = [Vec::new(), Vec::new()];
    for kind in questions.chunk_by(|one, next| one.kind == next.kind) {
        let (mut of_kind, mut hits) = ([Vec::new(), Vec::new()], 0);
        for facets in [false, true] {
            for question in kind {
                let query = SearchQuery { facets, ..question.query.clone() };
                let began = Instant::now();
                hits = hits.max(store.search(&query).await?.total);
                of_kind[usize::from(facets)].push(began.elapsed());
            }
        }
        println!("{}", line(kind[0].kind, &mut of_kind, Some(hits)));
        for (all, some) in times.iter_mut().zip(of_kind) {
            all.extend(some);
        }
    }
    println!("{}", line("all", &mut times, None));
    for ((what, goal), times) in GOALS.into_iter().zip(&times) {
        let verdict = if percentile(times, 95) < goal { "met" } else { "missed" };
        println!("{count} entries, {what} below {} ms at the 95th percentile: {verdict}", goal.as_millis());
    }
    Ok(())
}

/// The catalogue, filled as far as it is not.
async fn open(folder: &Path, count: usize) -> Result<CatalogStore, Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("search-{count}.db"));
    let store = CatalogStore::connect(&format!("sqlite://{}", path.display())).await?;
    entries::fill(&store, count).await?;
    store.close().await;
    let began = Instant::now();
    let store = CatalogStore::connect(&format!("sqlite://{}", path.display())).await?;
    println!("{count} entries in {}, opened in {:.0?}", path.display(), began.elapsed());
    Ok(store)
}

/// What is asked, by kind.
fn questions(count: usize) -> Result<Vec<Question>, Box<dyn Error>> {
    let text = |text: String| SearchQuery { text, limit: PAGE, ..SearchQuery::default() };
    let mut questions = Vec::new();
    for number in 0..TIMES {
        let subject = entries::subject(number).to_owned();
        let place = entries::place(number * 7);
        let title = entry(number * 997 % count)?.draft.title;
        let short: String = subject.chars().take(2).collect();
        let office = department(number)?.id;
        questions.extend([
            ("two characters", text(short)),
            ("a subject", text(subject.clone())),
            ("a whole title", text(title)),
            ("place and subject", text(format!("{place} {subject}"))),
            ("English", text(entries::english(number).to_owned())),
            ("a word of every entry", text(["信息", "数据", "部门", "登记"][number % 4].to_owned())),
            ("a word of no entry", text("量子纠缠".to_owned())),
            ("word and department", SearchQuery { department: Some(office), ..text(subject.clone()) }),
            (
                "word, sharing and cycle",
                SearchQuery {
                    sharing: Some(1 + (number % 2) as u8),
                    update_cycle: Some(UpdateCycle::ALL[number % 8].0),
                    ..text(subject)
                },
            ),
            (
                "filters alone",
                SearchQuery {
                    classification: Some(format!("3{:02}", number % 12 + 1)),
                    opening: Some(["open", "conditional", "closed"][number % 3].to_owned()),
                    ..text(String::new())
                },
            ),
            ("the public, nothing typed", SearchQuery { public_only: true, ..text(String::new()) }),
            ("nothing typed", text(String::new())),
        ]);
    }
    let mut questions: Vec<_> = questions.into_iter().map(|(kind, query)| Question { kind, query }).collect();
    questions.sort_by_key(|question| question.kind);
    Ok(questions)
}

fn line(name: &str, times: &mut [Vec<Duration>; 2], hits: Option<u64>) -> String {
    let mut line = format!("{name:<28}");
    for times in times {
        times.sort_unstable();
        for share in [50, 95] {
            let _ = write!(line, " {:>7.2} ms", percentile(times, share).as_secs_f64() * 1_000.0);
        }
    }
    hits.map_or(line.clone(), |hits| format!("{line} {hits:>9}"))
}

/// The time that so many of a hundred don't exceed; the times are sorted.
fn percentile(times: &[Duration], share: usize) -> Duration {
    let place = (times.len() * share).div_ceil(100).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}
