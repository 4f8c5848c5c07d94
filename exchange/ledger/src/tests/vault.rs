use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// An id of that second, the way records get theirs.
fn id_at(second: u64) -> String {
    let time = uuid::Timestamp::from_unix(uuid::NoContext, second, 0);
    Uuid::new_v7(time).to_string()
}

const OCTOBER: u64 = 1_791_000_000;
const NOVEMBER: u64 = 1_795_000_000;

#[test]
fn what_is_kept_is_read_again_and_stands_nowhere_in_clear() {
    let folder = tempdir().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let (id, other) = (id_at(NOVEMBER), id_at(NOVEMBER + 1));
    let text = b"POST https://x/api/v1/sql\nabc\nselect 110101199003070011";
    keep_text(&vault, &id, Committed::Request, &[1; 32], text).unwrap();
    keep_text(&vault, &other, Committed::Request, &[2; 32], b"").unwrap();
    keep_text(&vault, &id, Committed::Answer, &[3; 32], b"").unwrap();
    drop(vault);
    let path = folder.path().join("secrets/2026-11.sealed");
    let content = fs::read_to_string(&path).unwrap();
    assert!(!content.contains("select") && content.lines().count() == 3);
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = Vault::open(folder.path()).unwrap().of_record(&id).unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!((kept[0].of, kept[0].salt, kept[0].text.as_slice()), (Committed::Request, [1; 32], &text[..]));
    assert_eq!(kept[0].committed(), b"POST https://x/api/v1/sql\nabc");
    assert_eq!((kept[1].of, kept[1].salt), (Committed::Answer, [3; 32]));
}

#[test]
fn a_record_is_found_among_many_and_also_out_of_order() {
    let folder = tempdir().unwrap();
    let vault = Vault::open(folder.path()).unwrap();
    let mut ids: Vec<_> = (0..3000).map(|second| id_at(OCTOBER + second * 10)).collect();
    // A clock that was set back for a while.
    ids.push(id_at(OCTOBER + 5));
    for id in &ids {
        keep_text(&vault, id, Committed::Answer, &[7; 32], id.as_bytes()).unwrap();
    }
    for id in ids.iter().step_by(97).chain(ids.last()) {
        let kept = vault.of_record(id).unwrap();
        assert_eq!(kept.iter().map(|kept| kept.text.as_slice()).collect::<Vec<_>>(), [id.as_bytes()]);
    }
    assert!(vault.of_record(&id_at(OCTOBER + 11)).unwrap().is_empty());
    vault.of_record("nonsense").unwrap_err();
}

#[test]
fn an_erased_month_is_gone_and_the_proofs_stay() {
    let folder = tempdir().unwrap();
    let (vault, log) = (Vault::open(folder.path()).unwrap(), open(&settings(folder.path())));
    let old = EvidenceRecord { id: id_at(OCTOBER), ..record(0) };
    let young = EvidenceRecord { id: id_at(NOVEMBER), ..record(1) };
    for record in [&old, &young] {
        keep_text(&vault, &record.id, Committed::Answer, &[7; 32], b"text").unwrap();
    }
    append(&log, &[old.clone(), young.clone()]);
    let before = log.checkpoint().unwrap();
    let now = Timestamp(i64::try_from(NOVEMBER * 1_000_000).unwrap());
    for refused in ["2026-11", "2026-12", "2026-09", "../2026-10", ""] {
        vault.erase(refused, now).unwrap_err();
    }
    vault.erase("2026-10", now).unwrap();
    assert!(!folder.path().join("keys/evidence-2026-10.key").exists());
    for vault in [vault, Vault::open(folder.path()).unwrap()] {
        assert_eq!(vault.months().unwrap(), [("2026-10".to_owned(), true), ("2026-11".to_owned(), false)]);
        assert!(vault.of_record(&old.id).unwrap().is_empty());
        assert_eq!(vault.of_record(&young.id).unwrap().len(), 1);
        let late = id_at(OCTOBER + 1);
        keep_text(&vault, &late, Committed::Answer, &[7; 32], b"").unwrap_err();
    }
    assert_eq!(log.checkpoint().unwrap(), before);
    for leaf in log.scan(Filter::default()).unwrap().map(Result::unwrap) {
        log.prove(std::slice::from_ref(&leaf)).unwrap();
    }
}

#[test]
fn salts_that_an_older_program_kept_in_clear_are_sealed() {
    let folder = tempdir().unwrap();
    fs::create_dir(folder.path().join("secrets")).unwrap();
    let (path, id) = (folder.path().join("secrets/salts.jsonl"), id_at(OCTOBER));
    let mut text = String::new();
    for (of, byte) in [("request", 1_u8), ("answer", 2)] {
        let salt = exchange_crypto::to_hex(&[byte; 32]);
        writeln!(text, r#"{{"id":"{id}","of":"{of}","salt":"{salt}"}}"#).unwrap();
    }
    // The second time as after a crash between sealing and removing.
    for _ in 0..2 {
        fs::write(&path, &text).unwrap();
        let kept = Vault::open(folder.path()).unwrap().of_record(&id).unwrap();
        assert_eq!(kept.iter().map(|kept| kept.salt[0]).collect::<Vec<_>>(), [1, 2]);
        assert!(!path.exists());
    }
}

#[test]
fn a_torn_last_line_is_cut_off_before_the_next() {
    let folder = tempdir().unwrap();
    let (first, second) = (id_at(NOVEMBER), id_at(NOVEMBER + 1));
    let keep = |id: &str| {
        let vault = Vault::open(folder.path()).unwrap();
        keep_text(&vault, id, Committed::Answer, &[7; 32], b"").unwrap();
    };
    keep(&first);
    let path = folder.path().join("secrets/2026-11.sealed");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{}", &whole[..40])).unwrap();
    keep(&second);
    let vault = Vault::open(folder.path()).unwrap();
    assert_eq!(vault.of_record(&first).unwrap().len(), 1);
    assert_eq!(vault.of_record(&second).unwrap().len(), 1);
}
