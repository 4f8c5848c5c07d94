//! JSON Lines: one object per line, UTF-8.

use std::io::{BufRead, BufReader, Read};

use catalog_core::Result;

use super::json::Members;
use super::rows::{TextRows, clipped};
use super::{Input, MAX_RECORD, Output, json};
use crate::fault::{Rule, malformed};

pub(super) fn read(input: &Input<'_>, out: Output<'_>) -> Result<()> {
    let mut lines = BufReader::with_capacity(256 * 1024, input.stream()?);
    let mut rows = TextRows::new(vec![true; input.items.len()], out);
    let mut buffer = Vec::new();
    for number in 1.. {
        buffer.clear();
        let read = lines
            .by_ref()
            .take(MAX_RECORD as u64)
            .read_until(b'\n', &mut buffer)
            .map_err(|cause| input.delivery.unreadable(&cause))?;
        if read == 0 {
            break;
        }
        if read == MAX_RECORD {
            return Err(malformed(format!("line {number} of `{}` is over 16 MiB", input.delivery.name)));
        }
        let line = buffer.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&buffer).trim_ascii();
        if line.is_empty() {
            continue;
        }
        match std::str::from_utf8(line).map(serde_json::from_str::<Members>) {
            Ok(Ok(Members(members))) => json::push(&mut rows, input, number, &members, None)?,
            Ok(Err(_)) => {
                rows.broken(number, 1, Rule::Syntax, clipped(&String::from_utf8_lossy(line)))?;
            }
            Err(_) => rows.broken(number, 1, Rule::Encoding, clipped(&String::from_utf8_lossy(line)))?,
        }
    }
    rows.finish()
}
