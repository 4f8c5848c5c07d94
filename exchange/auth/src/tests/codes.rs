use std::os::unix::fs::PermissionsExt as _;

use catalog_core::{ErrorCode, Timestamp};

use super::NOW;
use crate::*;

fn refusal(code: &FirstCode, typed: &str, now: Timestamp) -> ErrorCode {
    catalog_core::Error::from(code.redeem(typed, now).unwrap_err()).code
}

#[test]
fn a_code_works_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("code");
    let code = FirstCode::at(path.clone());
    assert_eq!(refusal(&code, "", NOW), ErrorCode::Unauthenticated, "none is waiting");
    let made = code.issue(NOW).unwrap().unwrap().code;
    assert!(code.issue(NOW).unwrap().is_none(), "it is shown once");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&path).unwrap().contains(&made));
    for wrong in ["", "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", &OneTimeCode::generate().unwrap().code] {
        assert_eq!(refusal(&code, wrong, NOW), ErrorCode::Unauthenticated, "{wrong}");
    }
    code.redeem(&made.to_lowercase().replace('-', " "), NOW).unwrap();
    assert_eq!(refusal(&code, &made, NOW), ErrorCode::Unauthenticated);
    assert_ne!(code.issue(NOW).unwrap().unwrap().code, made);
}

#[test]
fn a_code_expires_and_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let code = FirstCode::at(folder.path().join("code"));
    let made = code.issue(NOW).unwrap().unwrap().code;
    let late = NOW.plus_seconds(7 * 86_400);
    assert_eq!(refusal(&code, &made, late), ErrorCode::Unauthenticated);
    let next = code.issue(late).unwrap().unwrap().code;
    code.redeem(&next, late.plus_seconds(1)).unwrap();
}

#[test]
fn only_a_few_tries_a_minute_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let code = FirstCode::at(folder.path().join("code"));
    let made = code.issue(NOW).unwrap().unwrap().code;
    for _ in 0..10 {
        assert_eq!(refusal(&code, "wrong", NOW), ErrorCode::Unauthenticated);
    }
    assert_eq!(refusal(&code, &made, NOW.plus_seconds(59)), ErrorCode::Unavailable, "not even the right one");
    code.redeem(&made, NOW.plus_seconds(60)).unwrap();
}
