use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;

use super::*;

mod sm2;

#[test]
fn sha1_of_abc_is_the_published_one() {
    assert_eq!(to_hex(&sha1(&b"abc"[..]).unwrap()), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

#[test]
fn digest_of_abc_is_the_published_one() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Digest::of(b"abc").to_hex(), expected);
    assert_eq!(Digest::from_hex(expected), Ok(Digest::of(b"abc")));
}

#[test]
fn hmac_matches_rfc_4231_case_6() {
    let key = MacKey::from_bytes(&[0xaa; 131]).unwrap();
    let tag = key.tag(b"Test Using Larger Than Block-Size Key - Hash Key First");
    assert_eq!(to_hex(&tag), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert!(key.verify(b"another", &tag).is_err());
}

#[test]
fn short_mac_keys_are_refused_and_keys_never_print() {
    assert!(MacKey::from_bytes(&[1; 31]).is_err());
    assert_eq!(format!("{:?}", MacKey::ephemeral().unwrap()), "MacKey(secret)");
}

#[test]
fn key_id_is_the_thumbprint_of_rfc_8037() {
    let x = from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    let key = PublicKey::from_bytes(&x).unwrap();
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn a_key_survives_its_document() {
    let (key, document) = SigningKey::generate().unwrap();
    let again = SigningKey::from_pkcs8(&document).unwrap();
    assert_eq!(key.public(), again.public());
    assert!(SigningKey::from_pkcs8(&document[1..]).is_err());
}

#[test]
fn documents_are_of_version_1_and_version_2_is_read() {
    let (key, document) = SigningKey::generate().unwrap();
    assert_eq!(to_hex(&document[..16]), "302e020100300506032b657004220420");
    assert_eq!(document.len(), 48);
    assert_ne!(SigningKey::generate().unwrap().0.public(), key.public());
    let second = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    assert!(second.as_ref().len() > 48);
    SigningKey::from_pkcs8(second.as_ref()).unwrap();
}

/// NIST CAVP, gcmEncryptExtIV256, key 31bdadd9…: 128 bits of text without further data.
#[test]
fn a_published_ciphertext_opens() {
    let key = from_hex("31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22").unwrap();
    let sealed = "0d18e06c7c725ac9e362e1cefa4362189661d163fcd6a56d8bf0405ad636ac1bbedd5cc3ee727dc2ab4a9489";
    let key = SealingKey::from_bytes(&key.try_into().unwrap()).unwrap();
    let text = key.open(b"", &from_hex(&sealed[2..]).unwrap());
    assert!(text.is_err(), "a nonce that lost a byte");
    assert_eq!(
        to_hex(&key.open(b"", &from_hex(sealed).unwrap()).unwrap()),
        "2db5168e932556f8089a0622981d017d"
    );
}

proptest! {
    #[test]
    fn what_is_sealed_opens_under_its_name_and_unchanged_alone(content: Vec<u8>, byte: usize) {
        let key = SealingKey::from_bytes(&[7; 32]).unwrap();
        let mut sealed = key.seal(b"name", &content).unwrap();
        prop_assert_eq!(key.open(b"name", &sealed).unwrap(), content);
        prop_assert!(key.open(b"other", &sealed).is_err());
        let place = byte % sealed.len();
        sealed[place] ^= 1;
        prop_assert!(key.open(b"name", &sealed).is_err());
    }

    #[test]
    fn encodings_round_trip(bytes: Vec<u8>) {
        prop_assert_eq!(from_hex(&to_hex(&bytes)).unwrap(), bytes.clone());
        prop_assert_eq!(from_base64(&to_base64(&bytes)).unwrap(), bytes.clone());
        prop_assert_eq!(from_base64url(&to_base64url(&bytes)).unwrap(), bytes);
    }

    #[test]
    fn hex_reader_never_panics(text: String) {
        let _ = from_hex(&text);
    }

    #[test]
    fn one_flipped_bit_breaks_a_signature(message: Vec<u8>, bit in 0usize..512) {
        let (key, _) = SigningKey::generate().unwrap();
        let mut signature = key.sign(&message);
        prop_assert!(key.public().verify(&message, &signature).is_ok());
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key.public().verify(&message, &signature).is_err());
    }
}

/// A published vector of PBKDF2-HMAC-SHA256 with two rounds.
#[test]
fn a_passphrase_gives_the_key_that_other_programs_derive() {
    let rounds = std::num::NonZeroU32::new(2).unwrap();
    let ours = SealingKey::from_passphrase(b"password", b"salt", rounds).unwrap();
    let published = "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43";
    let theirs = SealingKey::from_bytes(&from_hex(published).unwrap().try_into().unwrap()).unwrap();
    let sealed = ours.seal(b"keys", b"content").unwrap();
    assert_eq!(theirs.open(b"keys", &sealed), Ok(b"content".to_vec()));
    let other = SealingKey::from_passphrase(b"passwort", b"salt", rounds).unwrap();
    assert_eq!(other.open(b"keys", &sealed), Err(CryptoError::Sealed));
}
