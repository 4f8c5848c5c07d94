use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use catalog_core::ports::{KeyOwner, KeyRecord};
use exchange_crypto::to_base64url;
use tempfile::tempdir;

use super::NOW;
use crate::*;

#[test]
fn a_key_file_is_private_whole_and_never_replaced() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("platform.pem");
    let key = generate_key_file(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(read_key_file(&path).unwrap().public(), key.public());
    let error = generate_key_file(&path).unwrap_err().to_string();
    assert!(error.contains("never overwritten"), "{error}");
    assert_eq!(read_key_file(&path).unwrap().public(), key.public());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
}

#[test]
fn a_key_file_open_to_others_is_refused_with_advice() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key.pem");
    generate_key_file(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = read_key_file(&path).unwrap_err().to_string();
    assert!(error.contains("chmod 600") && error.contains("0640"), "{error}");
}

#[test]
fn what_is_written_openssl_reads() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let key = generate_key_file(&path).unwrap();
    let openssl = ["pkey", "-pubout", "-outform", "DER", "-in"];
    let read = Command::new("openssl").args(openssl).arg(&path).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    assert!(read.stdout.ends_with(key.public().as_bytes()));
}

#[test]
fn what_openssl_writes_is_read_and_other_files_are_named() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key.pem");
    // `openssl genpkey -algorithm ed25519`: the test key of RFC 9421 appendix B.1.4.
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n\
               -----END PRIVATE KEY-----\n";
    write_secret_file(&path, pem.as_bytes()).unwrap();
    let key = read_key_file(&path).unwrap();
    assert_eq!(to_base64url(key.public().as_bytes()), "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs");
    for (name, content) in
        [("empty", ""), ("certificate", "-----BEGIN CERTIFICATE-----"), ("cut", &pem[..60])]
    {
        let path = folder.path().join(name);
        write_secret_file(&path, content.as_bytes()).unwrap();
        let error = read_key_file(&path).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    assert!(read_key_file(&folder.path().join("missing")).is_err());
}

#[test]
fn the_key_set_holds_the_platforms_keys_with_their_periods() {
    let record = |owner, until| {
        let (key, _) = exchange_crypto::SigningKey::generate().unwrap();
        let public_key = to_base64url(key.public().as_bytes());
        KeyRecord { id: key.public().id(), owner, public_key, valid_from: NOW, valid_until: until }
    };
    let records = [
        record(KeyOwner::Platform, Some(NOW.plus_seconds(10))),
        record(KeyOwner::Platform, None),
        record(KeyOwner::Person("li".to_owned()), None),
    ];
    let set = JwkSet::of_platform(&records).unwrap();
    assert_eq!(set.keys.len(), 2);
    let json = serde_json::to_value(&set).unwrap();
    assert_eq!(json["keys"][0]["kty"], "OKP");
    assert_eq!(json["keys"][0]["use"], "sig");
    assert_eq!(json["keys"][0]["nbf"], NOW.seconds());
    assert_eq!(json["keys"][0]["exp"], NOW.seconds() + 10);
    assert!(json["keys"][1].get("exp").is_none());
    let again: JwkSet = serde_json::from_value(json).unwrap();
    assert_eq!(again, set);
    assert!(set.key_at(&records[0].id, NOW).is_some());
    assert!(set.key_at(&records[0].id, NOW.plus_seconds(10)).is_none());
    assert!(set.key_at(&records[2].id, NOW).is_none());
    let mut false_name = set.keys[0].clone();
    false_name.kid = set.keys[1].kid.clone();
    assert!(false_name.public_key().is_err());
}
