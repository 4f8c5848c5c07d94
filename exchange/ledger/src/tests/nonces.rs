use std::fs::{self, OpenOptions};
use std::io::Write as _;

use catalog_core::ports::NonceStore as _;

use super::*;

const LATER: Timestamp = Timestamp(3_000_000_000);

fn files(folder: &TempDir) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder.path().join("nonces")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_nonce_is_used_once_whenever_it_would_end_and_whatever_happens_between() {
    let folder = tempdir().unwrap();
    let log = NonceLog::open(folder.path()).unwrap();
    assert!(log.use_nonce("key", "one", Timestamp(10)).await.unwrap());
    assert!(!log.use_nonce("key", "one", Timestamp(10)).await.unwrap());
    assert!(!log.use_nonce("key", "one", LATER).await.unwrap());
    assert!(log.use_nonce("other key", "one", LATER).await.unwrap());
    drop(log);
    for path in files(&folder) {
        OpenOptions::new().append(true).open(path).unwrap().write_all(b"torn").unwrap();
    }
    let again = NonceLog::open(folder.path()).unwrap();
    for (key, nonce) in [("key", "one"), ("other key", "one")] {
        assert!(!again.use_nonce(key, nonce, LATER).await.unwrap(), "{key} {nonce}");
    }
    assert!(again.use_nonce("key", "two", Timestamp(11)).await.unwrap());
    drop(again);
    let last = NonceLog::open(folder.path()).unwrap();
    assert!(!last.use_nonce("key", "two", Timestamp(11)).await.unwrap(), "written behind what was torn");
}

#[tokio::test]
async fn what_has_ended_is_forgotten_and_nothing_else() {
    let folder = tempdir().unwrap();
    let log = NonceLog::open(folder.path()).unwrap();
    assert!(log.use_nonce("key", "one", Timestamp(10)).await.unwrap());
    assert!(log.use_nonce("key", "two", LATER).await.unwrap());
    assert_eq!(
        log.forget_nonces(Timestamp(59_999_999)).await.unwrap(),
        0,
        "others of its file have not ended"
    );
    assert_eq!(log.forget_nonces(Timestamp(60_000_000)).await.unwrap(), 1);
    assert_eq!(files(&folder).len(), 1);
    assert!(log.use_nonce("key", "one", Timestamp(10)).await.unwrap());
    assert!(!log.use_nonce("key", "two", LATER).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_the_first() {
    let folder = tempdir().unwrap();
    let log = Arc::new(NonceLog::open(folder.path()).unwrap());
    let tries = (0..32).map(|_| {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.use_nonce("key", "raced", LATER).await.unwrap() })
    });
    let mut first = 0;
    for tried in tries.collect::<Vec<_>>() {
        first += usize::from(tried.await.unwrap());
    }
    assert_eq!(first, 1);
}
