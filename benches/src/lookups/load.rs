//! Requests over many connections at once, as many as go or at a rate.

use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::Method;
use tokio::task::JoinSet;

use super::client::{Client, Failure};

/// The pause before a server that is gone is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// How a server is asked.
#[derive(Clone)]
pub(crate) struct Load {
    /// Connections, each with one request at a time.
    pub(crate) connections: usize,
    /// For how long.
    pub(crate) span: Duration,
    /// Requests a second of all connections; as many as go without it.
    pub(crate) rate: Option<f64>,
    /// Where the receipt of each answer is written down, and each failure with its time in microseconds.
    pub(crate) log: Option<Arc<Mutex<File>>>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) failed: usize,
    /// Answers that were not the expected ones.
    pub(crate) wrong: usize,
    pub(crate) span: Duration,
    /// Of each answered request, ascending. At a rate a request waits from the moment at which it is due: a server that stands
    /// still is seen.
    pub(crate) times: Vec<Duration>,
}

/// One request.
pub(crate) struct Asked {
    pub(crate) path: &'static str,
    pub(crate) body: String,
    /// The answer that is right, where there is one word for it.
    pub(crate) expected: Option<&'static str>,
}

/// The request of each number.
pub(crate) type Requests = Arc<dyn Fn(usize) -> Asked + Send + Sync>;

impl Load {
    /// Asks one number after the other.
    pub(crate) async fn run(&self, client: &Client, requests: Requests) -> Result<Figures, Failure> {
        let next = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let mut asking = JoinSet::new();
        for _ in 0..self.connections {
            let (load, client, requests) = (self.clone(), client.clone(), Arc::clone(&requests));
            let next = Arc::clone(&next);
            asking.spawn(async move { load.ask(&client, &requests, &next, begun).await });
        }
        let mut all = Figures::default();
        while let Some(asked) = asking.join_next().await {
            let Figures { failed, wrong, times, .. } = asked??;
            all.times.extend(times);
            all.failed += failed;
            all.wrong += wrong;
        }
        all.span = begun.elapsed();
        all.times.sort_unstable();
        Ok(all)
    }

    async fn ask(
        self,
        client: &Client,
        requests: &Requests,
        next: &AtomicUsize,
        begun: Instant,
    ) -> Result<Figures, Failure> {
        let (mut figures, mut connection) = (Figures::default(), None);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = match self.rate {
                Some(rate) => begun + Duration::from_secs_f64(number as f64 / rate),
                None => Instant::now(),
            };
            if due > begun + self.span {
                return Ok(figures);
            }
            tokio::time::sleep_until(due.into()).await;
            let Asked { path, body, expected } = requests(number);
            let answered = async {
                let open = match &mut connection {
                    Some(open) => open,
                    empty => empty.insert(client.connect().await?),
                };
                client.ask(open, Method::POST, path, body).await
            };
            match answered.await {
                Ok(answer) => {
                    figures.times.push(due.elapsed());
                    figures.wrong +=
                        usize::from(expected.is_some_and(|right| answer.body != right.as_bytes()));
                    self.note(&answer.receipt)?;
                }
                Err(error) => {
                    if figures.failed == 0 && self.log.is_none() {
                        eprintln!("{error}");
                    }
                    figures.failed += 1;
                    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_micros();
                    self.note(&format!("failed {now} {}", error.to_string().replace('\n', " ")))?;
                    connection = None;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn note(&self, line: &str) -> Result<(), Failure> {
        if let Some(log) = &self.log {
            writeln!(log.lock().unwrap_or_else(PoisonError::into_inner), "{line}")?;
        }
        Ok(())
    }
}
