//! Clients that hold what others need: who takes nothing of an answer, or goes away, leaves nothing running.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use http::StatusCode;
use openapi_http::HttpLimits;
use serde_json::json;

use crate::support::city::City;
use crate::support::raw::connect;
use crate::support::server::{Bounds, Server};

/// Rows of the answer: more bytes than sockets hold.
const ROWS: usize = 19_683;
/// Bytes of each.
const FILLER: usize = 1_000;

/// A city with one place for queries of the public, and so much patience with who takes nothing.
async fn city(patience: Duration) -> City {
    let door = HttpLimits { public_queries: 1, patience, ..HttpLimits::default() };
    City::new_within(Bounds { door, ..Bounds::default() }).await
}

/// A question whose answer has tens of megabytes.
fn question() -> String {
    let tables: Vec<String> = (0..9).map(|number| format!("scjg.penalty t{number}")).collect();
    let sql = format!("select '{}' as filler from {}", "x".repeat(FILLER), tables.join(", "));
    json!({ "sql": sql }).to_string()
}

/// Asks, and reads the first line of the answer.
fn asked(base: &str) -> TcpStream {
    let body = question();
    let head = format!(
        "POST /api/v1/sql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = connect(base);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field that is in no table of HPACK (RFC 7541 section 6.2.2), by the number of its name in the static one.
fn field(name: &[u8], value: &str) -> Vec<u8> {
    [name, &[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
}

/// Asks over HTTP/2 as a client that never makes room for a byte of the answer, and reads until its head has come.
fn asked_without_room(base: &str) -> TcpStream {
    let body = question();
    let (post, http) = (b"\x83", b"\x86");
    let fields = [
        [post.as_slice(), http].concat(),
        field(b"\x04", "/api/v1/sql"),
        field(b"\x01", "x"),
        field(b"\x0f\x10", "application/json"),
    ];
    let no_window = [0, 4, 0, 0, 0, 0];
    let mut stream = connect(base);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(4, 0, 0, &no_window)).unwrap();
    stream.write_all(&frame(1, 4, 1, &fields.concat())).unwrap();
    stream.write_all(&frame(0, 1, 1, body.as_bytes())).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).unwrap();
        match (head[3], head[4]) {
            (4, 0) => stream.write_all(&frame(4, 1, 0, &[])).unwrap(),
            (1, _) => {
                assert_eq!(payload[0], 0x88, ":status 200");
                return stream;
            }
            _ => {}
        }
    }
}

/// Counts the penalties as soon as there is a place for the question. The record of a cut answer's end and the end of
/// its work are two things, and neither waits for the other.
async fn counted_again(city: &City) {
    loop {
        let answer = city.server.send(city.sql("select count(*) as n from scjg.penalty", None)).await;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(answer.ok()["data"], json!([{"n": 3}]));
            return;
        }
    }
}

async fn asking(server: &Server, ask: fn(&str) -> TcpStream) -> TcpStream {
    let base = server.base.clone();
    tokio::task::spawn_blocking(move || ask(&base)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_of_an_answer_holds_no_place() {
    let city = city(Duration::from_secs(1)).await;
    let mut stalled = asking(&city.server, asked).await;
    // It waits until no answer is on its way any longer.
    city.server.app.drain().await.unwrap();
    counted_again(&city).await;
    let rest = tokio::task::spawn_blocking(move || {
        let mut rest = Vec::new();
        let _ = stalled.read_to_end(&mut rest);
        rest
    });
    let rest = rest.await.unwrap();
    assert!(rest.len() < ROWS * FILLER && !rest.ends_with(b"0\r\n\r\n"), "a part never looks whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_leaves_nothing_running() {
    let city = city(Duration::from_secs(3600)).await;
    let gone = asking(&city.server, asked).await;
    let count = city.sql("select count(*) as n from scjg.penalty", None);
    assert_eq!(city.server.send(count).await.code(), "unavailable", "the place is taken");
    drop(gone);
    city.server.app.drain().await.unwrap();
    counted_again(&city).await;
}

/// Nothing is written to such a client that could time out, and nobody asks the answer for more.
#[tokio::test(flavor = "multi_thread")]
async fn who_stays_and_makes_no_room_holds_no_place() {
    let city = city(Duration::from_secs(1)).await;
    let staying = asking(&city.server, asked_without_room).await;
    city.server.app.drain().await.unwrap();
    counted_again(&city).await;
    drop(staying);
}
