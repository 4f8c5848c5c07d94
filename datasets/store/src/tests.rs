use catalog_core::dataset::{ChangeKind, ReplacedManifest, Shape, Tombstone, Version, VersionState};
use catalog_core::directory::{InformationItem, ItemKind, ItemType, ValueFormat};
use catalog_core::{ColumnName, ErrorCode, ResourceCode, Timestamp, fixtures};
use exchange_crypto::{Digest, PublicKey, SigningKey, Suite, from_base64url, to_base64url};
use object_store::ObjectStoreExt;
use proptest::prelude::*;

use super::*;

const FUTURE: Timestamp = Timestamp(i64::MAX);

fn item(column: &str, item_type: ItemType) -> InformationItem {
    InformationItem { item_type, ..fixtures::item(&format!("项{column}"), column).unwrap() }
}

fn items() -> Vec<InformationItem> {
    vec![item("id", ItemType::sized(ItemKind::C, 18)), item("amount", ItemType::plain(ItemKind::Y))]
}

fn manifest(version: i64, parts: Vec<Part>) -> Manifest {
    Manifest {
        resource: ResourceCode::new("301001/000001").unwrap(),
        version,
        change: ChangeKind::Replace,
        based_on: None,
        created_at: Timestamp(1_780_000_000_000_000),
        columns: items().into_iter().map(column).collect(),
        key: vec![ColumnName::new("id").unwrap()],
        sort: Vec::new(),
        places: None,
        rows: parts.iter().map(|part| part.rows).sum(),
        bytes: parts.iter().map(|part| part.bytes).sum(),
        parts,
        source: Source { name: "数据.csv".to_owned(), sha256: "00".to_owned(), bytes: 1 },
        licence: None,
        quality: Quality::default(),
        quarantine: None,
        materials: None,
        breaking: None,
        erased: Vec::new(),
    }
}

fn column(item: InformationItem) -> Column {
    Column { item, statistics: None }
}

fn version_of(manifest: &Manifest) -> Version {
    Version {
        change: manifest.change,
        manifest_digest: manifest.digest().unwrap().to_hex(),
        based_on: manifest.based_on,
        ..fixtures::version(&manifest.resource, manifest.version, manifest.created_at)
    }
}

struct Fixture {
    store: DatasetStore,
    key: SigningKey,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, _) = SigningKey::generate().unwrap();
        Self { store: DatasetStore::new(local_objects(folder.path()).unwrap()), key, _folder: folder }
    }

    async fn part(&self, version: i64, content: &'static str) -> Part {
        let folder = VersionFolder::new(&ResourceCode::new("301001/000001").unwrap(), version);
        let path = folder.part(&VersionFolder::attempt().unwrap(), 0);
        self.store.objects().put(&path, content.into()).await.unwrap();
        let sha256 = Digest::of(content.as_bytes()).to_hex();
        Part { path: path.to_string(), rows: 1, bytes: content.len() as u64, sha256 }
    }
}

#[test]
fn every_item_type_has_its_arrow_type() {
    let all: Vec<_> = ItemKind::ALL
        .iter()
        .map(|(kind, _)| {
            format!("{kind:?} {}", arrow_type(ItemType { kind: *kind, length: 10, scale: 3 }, None))
        })
        .collect();
    let expected = [
        "C Utf8View",
        "N Decimal128(10, 3)",
        "Y Decimal128(18, 2)",
        "D Date32",
        "T Timestamp(µs, \"UTC\")",
        "L Boolean",
        "M Utf8View",
        "G Binary",
        "B Float64",
        "I Int64",
        "F Float32",
    ];
    assert_eq!(all, expected);
    let geometry = arrow_type(ItemType::plain(ItemKind::G), Some(ValueFormat::Geometry));
    assert_eq!(geometry, arrow::datatypes::DataType::Binary);
    assert_eq!(arrow_schema(&items()), manifest(1, Vec::new()).arrow_schema());
}

#[test]
fn shape_is_columns_types_and_order_but_not_titles() {
    let manifest = manifest(1, Vec::new());
    let shape = manifest.shape();
    let of = |items: &[InformationItem]| Shape { items: items.to_vec(), ..shape.clone() };
    let mut changed = items();
    changed[0].title = "新名".to_owned();
    changed[0].item_type = ItemType::sized(ItemKind::C, 19);
    assert!(manifest.has_shape_of(&changed) && shape.broken_by(&changed).is_empty());
    assert_eq!(of(&changed).digest(), shape.digest(), "a longer text is no other shape");
    let mut reordered = items();
    reordered[1].item_type = reordered[0].item_type;
    let mut swapped = reordered.clone();
    swapped.swap(0, 1);
    let columns = reordered.iter().cloned().map(column).collect();
    let same_types = Manifest { columns, ..manifest.clone() };
    assert!(same_types.has_shape_of(&reordered) && !same_types.has_shape_of(&swapped));
    assert_ne!(of(&reordered).digest(), of(&swapped).digest());
    changed.push(item("more", ItemType::plain(ItemKind::I)));
    assert!(!manifest.has_shape_of(&changed) && shape.broken_by(&changed).is_empty());
    changed[0].item_type = ItemType::plain(ItemKind::I);
    assert_eq!(shape.broken_by(&changed), [ColumnName::new("id").unwrap()]);
    changed.remove(0);
    assert_eq!(shape.broken_by(&changed), [ColumnName::new("id").unwrap()]);
}

#[tokio::test]
async fn a_version_is_read_back_and_verified() {
    let fixture = Fixture::new();
    let manifest = manifest(1, vec![fixture.part(1, "PAR1").await]);
    let digest = fixture.store.write_manifest(&manifest, &fixture.key).await.unwrap();
    let version = version_of(&manifest);
    assert_eq!(version.manifest_digest, digest.to_hex());
    assert_eq!(*fixture.store.manifest(&version).await.unwrap(), manifest);
    fixture.store.verify(&version, &fixture.key.public()).await.unwrap();

    let (other, _) = SigningKey::generate().unwrap();
    let error = fixture.store.verify(&version, &other.public()).await.unwrap_err();
    assert!(matches!(error, Error::Signature(_)), "{error}");
}

#[tokio::test]
async fn a_changed_or_missing_object_is_corrupt() {
    let fixture = Fixture::new();
    let manifest = manifest(1, vec![fixture.part(1, "PAR1").await]);
    fixture.store.write_manifest(&manifest, &fixture.key).await.unwrap();
    let version = version_of(&manifest);
    let part = object_store::path::Path::from(manifest.parts[0].path.as_str());
    for content in ["PAR2", "PAR"] {
        fixture.store.objects().put(&part, content.into()).await.unwrap();
        let error = fixture.store.verify(&version, &fixture.key.public()).await.unwrap_err();
        assert_eq!(catalog_core::Error::from(error).code, ErrorCode::Corrupt);
    }
    let digest = Digest::from_hex(&version.manifest_digest).unwrap();
    assert_eq!(*fixture.store.manifest(&version).await.unwrap(), manifest, "and it is remembered");
    fixture.store.objects().put(&manifest.folder().manifest(&digest), "{}".into()).await.unwrap();
    let error = fixture.store.manifest(&version).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { what: "digest", .. }), "{error}");
    fixture.store.objects().delete(&manifest.folder().manifest(&digest)).await.unwrap();
    assert!(matches!(fixture.store.manifest(&version).await.unwrap_err(), Error::Missing(_)));
}

#[tokio::test]
async fn an_object_is_proven_once_and_again_when_it_changes() {
    let fixture = Fixture::new();
    let part = fixture.part(1, "PAR1").await;
    fixture.store.prove(&part).await.unwrap();
    fixture.store.prove(&part).await.unwrap();
    let path = object_store::path::Path::from(part.path.as_str());
    for (content, wrong) in [("PAR2", "digest"), ("PAR", "size")] {
        fixture.store.objects().put(&path, content.into()).await.unwrap();
        let error = fixture.store.prove(&part).await.unwrap_err();
        assert!(
            matches!(&error, Error::Corrupt { what, path } if *what == wrong && *path == part.path),
            "{error}"
        );
    }
    fixture.store.objects().put(&path, "PAR1".into()).await.unwrap();
    fixture.store.prove(&part).await.unwrap();
    fixture.store.objects().delete(&path).await.unwrap();
    assert!(matches!(fixture.store.prove(&part).await.unwrap_err(), Error::Missing(_)));
}

#[tokio::test]
async fn gc_erases_what_no_published_version_names() {
    let fixture = Fixture::new();
    let (shared, own, orphan) =
        (fixture.part(1, "one").await, fixture.part(1, "two").await, fixture.part(2, "lost").await);
    let old = manifest(1, vec![shared.clone(), own.clone()]);
    let new = manifest(2, vec![shared.clone(), fixture.part(2, "three").await]);
    for manifest in [&old, &new] {
        fixture.store.write_manifest(manifest, &fixture.key).await.unwrap();
    }
    let mut versions = [version_of(&old), version_of(&new)];
    let dry = Garbage { older_than: FUTURE, dry_run: true };
    let real = Garbage { older_than: FUTURE, dry_run: false };

    let young = Garbage { older_than: Timestamp(0), dry_run: false };
    assert!(fixture.store.gc(&versions, young).await.unwrap().objects.is_empty());
    assert_eq!(fixture.store.gc(&versions, dry).await.unwrap().objects, std::slice::from_ref(&orphan.path));
    let collected = fixture.store.gc(&versions, real).await.unwrap();
    assert_eq!((collected.objects, collected.bytes, collected.kept), (vec![orphan.path], 4, 7));

    let tombstone =
        Tombstone { at: Timestamp(1), by: "reviewer".to_owned(), reason: "信用修复".to_owned() };
    versions[0] =
        Version { state: VersionState::Withdrawn, tombstone: Some(tombstone), ..versions[0].clone() };
    assert_eq!(fixture.store.gc(&versions, real).await.unwrap().objects, [own.path]);
    fixture.store.verify(&versions[1], &fixture.key.public()).await.unwrap();
    fixture.store.manifest(&versions[0]).await.unwrap();
}

#[tokio::test]
async fn a_material_that_is_brought_again_waits_for_a_register_anew() {
    let fixture = Fixture::new();
    let mut named = manifest(1, vec![fixture.part(1, "rows").await]);
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, b"notice").unwrap();
    let (digest, bytes) = fixture.store.put_material(&named.resource, file).await.unwrap();
    let list = Materials::from([(digest, bytes)]);
    named.materials = Some(fixture.store.write_materials(&named.folder(), &list).await.unwrap());
    fixture.store.write_manifest(&named, &fixture.key).await.unwrap();
    let path = material_path(&named.resource, &digest).to_string();
    let is_collected = async |at| {
        let tombstone = Tombstone { at, by: "reviewer".to_owned(), reason: "撤回".to_owned() };
        let version =
            Version { state: VersionState::Withdrawn, tombstone: Some(tombstone), ..version_of(&named) };
        let garbage = Garbage { older_than: Timestamp::now().plus_seconds(3600), dry_run: true };
        let collected = fixture.store.gc(std::slice::from_ref(&version), garbage).await.unwrap();
        collected.objects.contains(&path)
    };
    assert!(is_collected(FUTURE).await, "what a withdrawn version named goes with it");
    assert!(!is_collected(Timestamp(1)).await, "it came after the withdrawal");
}

#[tokio::test]
async fn gc_leaves_what_was_replaced_lately_and_keeps_its_manifests() {
    let fixture = Fixture::new();
    let mut old = manifest(1, vec![fixture.part(1, "with all").await]);
    let list = fixture.store.write_materials(&old.folder(), &Materials::new()).await.unwrap();
    // A collection that left less alone may have been there.
    fixture.store.objects().delete(&list.path.as_str().into()).await.unwrap();
    old.materials = Some(list);
    let new = manifest(1, vec![fixture.part(1, "without").await]);
    for manifest in [&old, &new] {
        fixture.store.write_manifest(manifest, &fixture.key).await.unwrap();
    }
    let before = version_of(&old);
    let replaced = ReplacedManifest {
        manifest_digest: before.manifest_digest.clone(),
        at: Timestamp(i64::MAX - 10),
        rows: 1,
    };
    let version = Version { replaced: vec![replaced], ..version_of(&new) };
    let collect = async |older_than| {
        let garbage = Garbage { older_than: Timestamp(older_than), dry_run: false };
        fixture.store.gc(std::slice::from_ref(&version), garbage).await.unwrap().objects
    };
    assert_eq!(collect(i64::MAX - 10).await, Vec::<String>::new(), "somebody may be reading it");
    assert_eq!(collect(i64::MAX - 9).await, [old.parts[0].path.clone()]);
    fixture.store.verify(&version, &fixture.key.public()).await.unwrap();
    assert_eq!(*fixture.store.manifest(&before).await.unwrap(), old);
    fixture.store.signature(&before).await.unwrap();
}

/// RFC 8037 appendix A.4, whose header has neither key id nor type: the signing input is the same construction.
#[test]
fn the_published_jws_example_verifies_with_our_key_type() {
    let key = PublicKey::from_bytes(&from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap())
        .unwrap();
    let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    key.verify(input.as_bytes(), &from_base64url(signature).unwrap()).unwrap();
    let jws = "eyJhbGciOiJFZERTQSJ9..".to_owned() + signature;
    assert!(jws::verify_detached(&jws, b"Example of Ed25519 signing", "x", &key).is_err());
}

/// Made with another implementation (Python's `cryptography`) from the key of RFC 8037 appendix A.1.
#[test]
fn a_signature_is_what_another_implementation_makes() {
    let seed = exchange_crypto::from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        .unwrap();
    let prefix = exchange_crypto::from_hex("302e020100300506032b657004220420").unwrap();
    let key = SigningKey::from_pkcs8(&[prefix, seed].concat()).unwrap();
    let expected = concat!(
        "eyJhbGciOiJFZERTQSIsImtpZCI6ImtQcktfcW14VldhWVZBOXd3QkY2SXVvM3ZWeno3VHhIQ1R3WEJ5Z3JTNGsiLCJ0eXAiOiJzaHVxaWFvLW1hbmlmZXN0In0",
        "..",
        "zNGGKEXQD3Ldvk05przXnzJLBmp9w1hnz9Jb44HAr4OdXSN-C8YTtuO25ZwHCA27dRTkIdtAMwu91czNIO-DBQ"
    );
    let payload = r#"{"资源":1}"#.as_bytes();
    assert_eq!(jws::sign_detached(payload, "shuqiao-manifest", &key), expected);
    jws::verify_detached(expected, payload, "shuqiao-manifest", &key.public()).unwrap();
}

#[test]
fn a_header_of_another_kind_is_refused() {
    let (key, _) = SigningKey::generate().unwrap();
    let signed = jws::sign_detached(b"text", "a", &key);
    assert_eq!(jws::key_id(&signed).unwrap(), key.public().id());
    jws::verify_detached(&signed, b"text", "a", &key.public()).unwrap();
    assert!(jws::verify_detached(&signed, b"text", "b", &key.public()).is_err());
}

/// The key decides how a signature is checked: a header that names another algorithm, or another key's, helps nobody.
#[test]
fn a_header_that_names_another_algorithm_than_the_keys_is_refused() {
    let keys = Suite::ALL.map(|suite| SigningKey::generate_for(suite).unwrap().0);
    for (key, other) in [(&keys[0], &keys[1]), (&keys[1], &keys[0])] {
        let signed = jws::sign_detached(b"text", "a", key);
        jws::verify_detached(&signed, b"text", "a", &key.public()).unwrap();
        jws::verify_detached(&signed, b"text", "a", &other.public()).unwrap_err();
        let forged = |alg: &str, kid: &SigningKey| {
            let header = serde_json::json!({ "alg": alg, "kid": kid.public().id(), "typ": "a" }).to_string();
            let header = to_base64url(header.as_bytes());
            let signature = key.sign(format!("{header}.{}", to_base64url(b"text")).as_bytes());
            format!("{header}..{}", to_base64url(&signature))
        };
        let own = key.suite().jose_algorithm();
        assert!(jws::verify_detached(&forged(own, key), b"text", "a", &key.public()).is_ok());
        for alg in ["EdDSA", "SM2SM3", "none", "HS256", "ES256", ""].into_iter().filter(|alg| *alg != own) {
            let verdict = jws::verify_detached(&forged(alg, key), b"text", "a", &key.public());
            assert!(verdict.is_err(), "{alg}");
        }
        for alg in ["EdDSA", "SM2SM3"] {
            let verdict = jws::verify_detached(&forged(alg, other), b"text", "a", &other.public());
            assert!(verdict.is_err(), "{alg} under the other's name");
        }
    }
}

proptest! {
    #[test]
    fn any_change_of_content_breaks_the_signature(payload: Vec<u8>, other: Vec<u8>) {
        let (key, _) = SigningKey::generate().unwrap();
        let signed = jws::sign_detached(&payload, "t", &key);
        let verdict = jws::verify_detached(&signed, &other, "t", &key.public());
        prop_assert_eq!(verdict.is_ok(), payload == other);
    }

    #[test]
    fn the_jws_reader_never_panics(text: String) {
        let (key, _) = SigningKey::generate().unwrap();
        prop_assert!(jws::verify_detached(&text, b"", "t", &key.public()).is_err());
        let _ = jws::key_id(&text);
    }
}
