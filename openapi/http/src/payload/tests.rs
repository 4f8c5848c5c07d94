use axum::body::Body;
use futures::stream;

use super::*;

#[tokio::test]
async fn a_message_that_never_ends_is_refused_in_its_time() {
    let byte = stream::iter([Ok::<_, std::io::Error>("{")]);
    let mut body = Body::from_stream(byte.chain(stream::pending())).into_data_stream();
    let refused = read_to_memory(&mut body, 100, Duration::ZERO).await.err().unwrap();
    assert_eq!(refused.code, ErrorCode::InvalidInput);
    assert!(refused.message.contains("took longer"), "{}", refused.message);
}

#[test]
fn a_file_has_a_minute_and_then_comes_at_a_pace() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    assert!(!is_too_slow(0, minutes(1)));
    assert!(is_too_slow(1, minutes(2)));
    assert!(is_too_slow(60 * PACE - 1, minutes(2)));
    assert!(!is_too_slow(60 * PACE, minutes(2)));
}
