use proptest::prelude::*;

use super::*;

#[test]
fn the_examples_of_rfc_9110() {
    let of = |field| asked(Some(field), 10_000);
    assert_eq!(of("bytes=0-499"), Asked::Part(0..500));
    assert_eq!(of("bytes=500-999"), Asked::Part(500..1000));
    assert_eq!(of("bytes=-500"), Asked::Part(9500..10_000));
    assert_eq!(of("bytes=9500-"), Asked::Part(9500..10_000));
    assert_eq!(of("bytes=9500-20000"), Asked::Part(9500..10_000));
    assert_eq!(of("bytes=10000-"), Asked::Nothing);
    assert_eq!(of("bytes=-0"), Asked::Nothing);
}

#[test]
fn what_is_not_one_range_gives_the_whole() {
    for field in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=0-1,3-4",
        "lines=1-2",
        "bytes=+1-2",
        "bytes=a-b",
    ] {
        assert_eq!(asked(Some(field), 10), Asked::Whole, "{field}");
    }
    assert_eq!(asked(None, 10), Asked::Whole);
    assert_eq!(asked(Some("bytes=99999999999999999999-"), 10), Asked::Whole);
}

proptest! {
    #[test]
    fn a_part_is_never_empty_and_never_beyond_the_end(field in "bytes=[0-9]{0,4}-[0-9]{0,4}", size in 0u64..3000) {
        if let Asked::Part(span) = asked(Some(&field), size) {
            prop_assert!(span.start < span.end && span.end <= size);
        }
    }

    #[test]
    fn nothing_makes_it_panic(field: String, size: u64) {
        let _ = asked(Some(&field), size);
    }
}
