use exchange_crypto::{from_base64, to_base64};
use http::{HeaderMap, Method};
use proptest::prelude::*;
use sfv::ListEntry;

use super::*;
use crate::fields::parse_dictionary;

const RFC_KEY: &str = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";
const RFC_INPUT: &str = r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
const RFC_SIGNATURE: &str =
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";

fn list(input: &str) -> InnerList {
    match parse_dictionary("signature-input", input).unwrap().swap_remove_index(0) {
        Some((_, ListEntry::InnerList(list))) => list,
        other => panic!("{other:?}"),
    }
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

/// The test request of RFC 9421 appendix B.2, signed in B.2.6.
#[test]
fn rfc_9421_b_2_6_ed25519() {
    let headers = headers(&[
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        ("content-length", "18"),
    ]);
    let target_uri = "https://example.com/foo?param=Value&Pet=dog";
    let request = Request { method: &Method::POST, target_uri, headers: &headers };
    let base = signature_base(&Message { request, response: None }, &list(RFC_INPUT)).unwrap();
    assert_eq!(
        base,
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@authority\": example.com\n\
         \"content-type\": application/json\n\"content-length\": 18\n\"@signature-params\": (\"date\" \"@method\" \"@path\" \
         \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\""
    );
    let key = SigningKey::from_pkcs8(&from_base64(RFC_KEY).unwrap()).unwrap();
    assert_eq!(to_base64(&key.sign(base.as_bytes())), RFC_SIGNATURE);
}

#[test]
fn derived_components_follow_section_2_2() {
    let headers = HeaderMap::new();
    let request = Request {
        method: &Method::GET,
        target_uri: "https://WWW.Example.com:443/path?param=value&foo=bar",
        headers: &headers,
    };
    let base = |input: &str| signature_base(&Message { request, response: None }, &list(input));
    let text = base(r#"s=("@scheme" "@authority" "@query" "@request-target")"#).unwrap();
    assert!(text.starts_with(
        "\"@scheme\": https\n\"@authority\": www.example.com\n\"@query\": ?param=value&foo=bar\n\
         \"@request-target\": /path?param=value&foo=bar\n"
    ));
    for refused in
        [r#"s=("@query-param";name="param")"#, r#"s=("@status")"#, r#"s=("date")"#, r#"s=("@method";req)"#]
    {
        assert!(matches!(base(refused), Err(AuthError::Component { .. })), "{refused}");
    }
}

#[test]
fn fields_are_joined_and_trimmed_as_section_2_1_says() {
    let headers = headers(&[("cache-control", "  max-age=60 "), ("cache-control", "   must-revalidate")]);
    let request = Request { method: &Method::GET, target_uri: "https://example.com/", headers: &headers };
    let base = signature_base(&Message { request, response: None }, &list(r#"s=("cache-control")"#)).unwrap();
    assert!(base.starts_with("\"cache-control\": max-age=60, must-revalidate\n"));
}

fn find(input: &str, signature: &str) -> Result<Option<Signature>, AuthError> {
    Signature::find(&headers(&[("signature-input", input), ("signature", signature)]))
}

#[test]
fn the_signature_with_our_tag_is_found_among_others() {
    let input =
        r#"a=("@method");created=1;keyid="x";tag="other", b=("@method");created=2;keyid="k";tag="shuqiao""#;
    let found = find(input, "a=:AAAA:, b=:AAAA:").unwrap().unwrap();
    assert_eq!((found.label.as_str(), found.key_id.as_str(), found.created.seconds()), ("b", "k", 2));
}

#[test]
fn ambiguous_and_incomplete_signatures_are_refused() {
    let ours = r#"("@method");created=1;keyid="k";tag="shuqiao""#;
    let cases = [
        (format!("a={ours}, a={ours}"), "a=:AAAA:", "twice"),
        (format!("a={ours}, b={ours}"), "a=:AAAA:, b=:AAAA:", "two signatures"),
        (format!("a={ours}"), "b=:AAAA:", "of that label"),
        (format!("a={ours}"), "a=1", "of that label"),
        (r#"a=("@method");created=1;keyid="k""#.to_owned(), "a=:AAAA:", "tag"),
        (r#"a=("@method");keyid="k";tag="shuqiao""#.to_owned(), "a=:AAAA:", "created"),
        (r#"a=("@method");created=1;tag="shuqiao""#.to_owned(), "a=:AAAA:", "keyid"),
        (r#"a=("@method");created="1";keyid="k";tag="shuqiao""#.to_owned(), "a=:AAAA:", "integer"),
        (
            r#"a=("@method" "@method");created=1;keyid="k";tag="shuqiao""#.to_owned(),
            "a=:AAAA:",
            "covered twice",
        ),
        ("a=(".to_owned(), "a=:AAAA:", "not valid"),
    ];
    for (input, signature, part) in cases {
        let error = find(&input, signature).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(part), "{input}: {error}");
    }
    assert!(Signature::find(&headers(&[("signature", "a=:AAAA:")])).is_err());
    let long = format!("a=({});created=1", "\"x\" ".repeat(4000));
    assert!(matches!(find(&long, "a=:AAAA:"), Err(AuthError::TooLarge { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_fields_never_panic(input in "[ -~]{0,80}", signature in "[ -~]{0,40}") {
        let _ = find(&input, &signature);
    }

    #[test]
    fn arbitrary_components_never_panic(name in "[@a-z-]{0,12}", parameter in "(;(req|key|sf|bs|name)(=\"[a-z]{0,4}\")?){0,2}") {
        let input = format!("s=(\"{name}\"{parameter});created=1;keyid=\"k\";tag=\"shuqiao\"");
        let fields = headers(&[("date", "x"), ("signature", "s=:AAAA:")]);
        let request = Request { method: &Method::GET, target_uri: "https://a/?b", headers: &fields };
        if let Ok(Some(found)) = find(&input, "s=:AAAA:") {
            let _ = signature_base(&Message { request, response: None }, &found.input);
        }
    }
}
