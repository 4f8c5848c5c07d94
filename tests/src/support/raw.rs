//! HTTP as it is on the wire, for what no well-behaved client sends.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// The longest wait for an answer; nothing measured goes by it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer as it was read.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl RawAnswer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let (head, body) = (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 4..]);
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
        let is_chunked =
            headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if is_chunked { joined(body) } else { body.to_vec() };
        // After `100 Continue` comes the answer.
        match status {
            100 => Self::read(&bytes[end + 4..]),
            _ => Some(Self { status, headers, body }),
        }
    }
}

/// The content of chunks, as far as they came.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&chunks[..end]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let rest = &chunks[end + 2..];
        if size == 0 || rest.len() < size {
            break;
        }
        content.extend_from_slice(&rest[..size]);
        chunks = rest.get(size + 2..).unwrap_or_default();
    }
    content
}

/// A connection to a server, `http://127.0.0.1:8787`.
pub(crate) fn connect(base: &str) -> TcpStream {
    let stream = TcpStream::connect(base.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes, which must ask the server to close the connection, and reads until it does; `None` where it says nothing.
/// `is_cut` leaves after the last byte, whatever the head has promised.
///
/// # Errors
/// A text, where the server neither answers nor closes the connection.
pub(crate) fn exchange(base: &str, sent: &[u8], is_cut: bool) -> Result<Option<RawAnswer>, String> {
    let mut stream = connect(base);
    // The server may refuse before it has read everything.
    let _ = stream.write_all(sent);
    if is_cut {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(format!("no end of the answer: {}", String::from_utf8_lossy(&bytes)));
            }
            Err(_) => break,
        }
    }
    Ok(RawAnswer::read(&bytes))
}
