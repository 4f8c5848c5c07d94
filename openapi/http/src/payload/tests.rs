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
