//! Progress bars: on standard error, and only where that is a terminal.

use std::fmt::Write as _;

use bytes::Bytes;
use catalog_core::{Error, Result};
use datasets_ingest::{Progress, Progressed};
use futures::{Stream, StreamExt as _};
use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

const ROWS: &str = "  {msg:24} {bar:32} {human_pos}/{human_len} rows  {rate}/s  {eta} left";
const BYTES: &str = "  {msg:24} {bar:32} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";

/// A bar that counts rows.
pub(crate) fn rows(total: u64) -> Result<ProgressBar> {
    bar(total, ROWS)
}

/// A bar that counts bytes, of which the number is not known yet.
pub(crate) fn bytes(what: &'static str) -> Result<ProgressBar> {
    Ok(bar(0, BYTES)?.with_message(what))
}

fn bar(total: u64, template: &str) -> Result<ProgressBar> {
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        // A bar that can't be written is no reason to stop the work.
        let _ = write!(out, "{}", HumanCount(state.per_sec() as u64));
    };
    let style = ProgressStyle::with_template(template).map_err(Error::internal)?.with_key("rate", rate);
    Ok(ProgressBar::new(total).with_style(style))
}

/// Follows one file: its bytes as they are sent, its rows as they are checked, and these as they are written. Of a
/// server far away only the first is seen.
#[derive(Clone)]
pub(crate) struct FileProgress {
    sending: ProgressBar,
    checking: ProgressBar,
    writing: ProgressBar,
}

impl FileProgress {
    /// Nothing has been done of so many bytes.
    pub(crate) fn new(bytes: u64) -> Result<Self> {
        Ok(Self {
            sending: bar(bytes, BYTES)?.with_message("sending"),
            checking: bar(bytes, BYTES)?,
            writing: bar(0, ROWS)?.with_message("writing"),
        })
    }

    /// Counts what passes.
    pub(crate) fn counted<E, S: Stream<Item = std::result::Result<Bytes, E>>>(
        &self,
        body: S,
    ) -> impl Stream<Item = std::result::Result<Bytes, E>> + use<E, S> {
        let bar = self.sending.clone();
        body.inspect(move |bytes| {
            if let Ok(bytes) = bytes {
                bar.inc(bytes.len() as u64);
            }
        })
    }

    /// Takes the bars away: what was done is told in words.
    pub(crate) fn clear(&self) {
        for bar in [&self.sending, &self.checking, &self.writing] {
            bar.finish_and_clear();
        }
    }
}

impl Progress for FileProgress {
    fn progressed(&self, so_far: Progressed) {
        if so_far.rows_written > 0 {
            self.checking.finish_and_clear();
            self.writing.set_length(so_far.rows_read - so_far.rows_quarantined.min(so_far.rows_read));
            self.writing.set_position(so_far.rows_written);
            return;
        }
        self.sending.finish_and_clear();
        let mut message = format!("{} rows", so_far.rows_read);
        if so_far.rows_quarantined > 0 {
            // Writing to a text never fails.
            let _ = write!(message, ", {} bad", so_far.rows_quarantined);
        }
        self.checking.set_message(message);
        self.checking.set_position(so_far.bytes_read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_then_rows_then_written_rows() {
        let progress = FileProgress::new(10).unwrap();
        let pieces = [Ok(Bytes::from_static(b"1234")), Err("cut"), Ok(Bytes::from_static(b"567890"))];
        let passed: Vec<_> = progress.counted(futures::stream::iter(pieces)).collect().await;
        assert_eq!((passed.len(), progress.sending.position()), (3, 10));
        let checked = Progressed {
            bytes_read: 7,
            bytes_total: 10,
            rows_read: 3,
            rows_quarantined: 1,
            ..Progressed::default()
        };
        progress.progressed(checked);
        assert!(progress.sending.is_finished());
        assert_eq!(
            (progress.checking.position(), progress.checking.message().as_str()),
            (7, "3 rows, 1 bad")
        );
        progress.progressed(Progressed { rows_written: 2, ..checked });
        assert_eq!((progress.writing.position(), progress.writing.length()), (2, Some(2)));
        progress.clear();
        assert!(progress.writing.is_finished());
    }
}
