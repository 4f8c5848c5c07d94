use super::*;

fn staged(id: &str, expires: i64) -> Staged {
    Staged {
        id: id.to_owned(),
        resource: "301001/000001".parse().unwrap(),
        department: "scjg".parse().unwrap(),
        length: 6,
        offset: 0,
        metadata: String::new(),
        expires: Timestamp(expires),
        sha256: None,
    }
}

fn chunk(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn a_restart_finds_what_was_acknowledged_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::new(folder.path().to_owned());
    let mut upload = staged("a", 10);
    staging.create(&upload, 5, Timestamp(1)).unwrap();
    staging.append(&upload, &mut chunk("abc")).unwrap();
    upload.offset = 3;
    staging.save(&upload).unwrap();
    // Written, and cut before it counted.
    staging.append(&upload, &mut chunk("xyzw")).unwrap();
    let staging = Staging::new(folder.path().to_owned());
    let mut found = staging.get("a").unwrap().unwrap();
    assert_eq!(found, upload);
    staging.append(&found, &mut chunk("def")).unwrap();
    found.offset = 6;
    staging.save(&found).unwrap();
    assert_eq!(io::read_to_string(staging.file("a").unwrap()).unwrap(), "abcdef");
    staging.end(&Staged { sha256: Some("0".to_owned()), ..found }).unwrap();
    assert!(staging.file("a").is_err() && staging.get("a").unwrap().unwrap().sha256.is_some());
    assert_eq!(staging.get("b").unwrap(), None);
}

#[test]
fn bytes_that_are_gone_are_never_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::new(folder.path().to_owned());
    let half = Staged { offset: 3, ..staged("a", 10) };
    staging.create(&half, 5, Timestamp(1)).unwrap();
    // Cut between the two writes of an end.
    let ended = Staged { offset: 6, sha256: Some("0".to_owned()), ..half.clone() };
    staging.write(DONE, &ended).unwrap();
    assert_eq!(staging.get("a").unwrap(), Some(ended));
    remove(&staging.known(DONE, "a")).unwrap();
    assert_eq!(staging.get("a").unwrap().as_ref(), Some(&half));
    let refused = staging.append(&half, &mut chunk("def")).unwrap_err();
    assert_eq!((refused.code, staging.get("a").unwrap()), (ErrorCode::NotFound, None));
    assert!(staging.file("a").is_err());
}

#[test]
fn one_writes_at_a_time_and_a_department_has_so_many() {
    let folder = tempfile::tempdir().unwrap();
    let staging = Staging::new(folder.path().to_owned());
    staging.create(&staged("a", 10), 1, Timestamp(1)).unwrap();
    let refused = staging.create(&staged("b", 10), 1, Timestamp(1)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::LimitRate);
    let busy = staging.enter("a").unwrap();
    assert!(staging.enter("a").is_none());
    assert!(staging.create(&staged("b", 20), 1, Timestamp(10)).is_err(), "nobody loses what they write to");
    drop(busy);
    staging.create(&staged("b", 20), 1, Timestamp(10)).unwrap();
    assert_eq!(staging.get("a").unwrap(), None, "its time was over");
    staging.forget_expired(Timestamp(20)).unwrap();
    assert_eq!(staging.get("b").unwrap(), None);
    staging.give_up("b").unwrap();
}
