//! SM2 with SM3 against the standards' examples, against openssl, and under attack.

use std::fs;
use std::process::Command;

use proptest::prelude::*;
use sm3::{Digest as _, Sm3};
use tempfile::tempdir;

use crate::*;

/// The order of the curve (GB/T 32918.5).
const ORDER: &str = "fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123";
/// GB/T 32918.5 A.2: private key, public key, and signature of [`MESSAGE`].
const SECRET: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const PUBLIC: &str = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                      ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
const SIGNED: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3\
                      b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
const MESSAGE: &[u8] = b"message digest";

fn hex(text: &str) -> Vec<u8> {
    from_hex(text).unwrap()
}

fn public() -> PublicKey {
    PublicKey::from_bytes(&hex(PUBLIC)).unwrap()
}

fn fresh() -> SigningKey {
    SigningKey::generate_for(Suite::Sm2).unwrap().0
}

/// PKCS#8 of a secret number, without its public key.
fn pkcs8(secret: &[u8]) -> Vec<u8> {
    let head = "3041020100301306072a8648ce3d020106082a811ccf5501822d042730250201010420";
    [hex(head), secret.to_vec()].concat()
}

#[test]
fn the_example_of_gb_t_32918_5_verifies() {
    public().verify(MESSAGE, &hex(SIGNED)).unwrap();
    assert_eq!(SigningKey::from_pkcs8(&pkcs8(&hex(SECRET))).unwrap().public(), public());
    public().verify(b"message digesT", &hex(SIGNED)).unwrap_err();
}

#[test]
fn the_examples_of_gb_t_32905_and_openssl_agree_on_sm3() {
    let sm3 = |text: &[u8]| to_hex(&Sm3::digest(text));
    assert_eq!(sm3(b"abc"), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    let blocks = "abcd".repeat(16);
    assert_eq!(sm3(blocks.as_bytes()), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
    let folder = tempdir().unwrap();
    let file = folder.path().join("text");
    for length in [0, 1, 55, 56, 63, 64, 65, 1000] {
        let text: Vec<u8> = (0..length).map(|place: u32| place.to_le_bytes()[0]).collect();
        fs::write(&file, &text).unwrap();
        let said = openssl(&["dgst", "-sm3", "-r", file.to_str().unwrap()]).unwrap();
        assert!(said.starts_with(sm3(&text).as_bytes()), "{length}");
    }
}

/// Computed with another language's SHA-256 and base64url from the key of GB/T 32918.5 A.2.
#[test]
fn a_key_is_named_by_its_thumbprint_and_belongs_to_one_suite() {
    assert_eq!(public().id(), "lgVsnVqdKsFLJ2q4y2l6gACWaCOEQcWQb1t30j4Q6fU");
    let key = public();
    let (x, y) = key.coordinates();
    assert_eq!(PublicKey::from_coordinates(x, y), Ok(public()));
    let other = PublicKey::from_coordinates(x, None).unwrap();
    assert_eq!((public().suite(), other.suite()), (Suite::Sm2, Suite::Ed25519));
    assert_ne!(other.id(), public().id(), "the same x is another key in the other suite");
    assert_eq!(fresh().suite(), Suite::Sm2);
    for suite in Suite::ALL {
        assert_eq!(suite.to_string().parse(), Ok(suite));
    }
    assert_eq!("SM2".parse::<Suite>(), Err(CryptoError::Suite));
}

fn openssl(arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    output.status.success().then_some(output.stdout)
}

/// PKCS#8 of a key that openssl makes.
fn generated(options: &[&str]) -> Vec<u8> {
    let folder = tempdir().unwrap();
    let file = folder.path().join("key.pem");
    let file = file.to_str().unwrap();
    openssl(&[&["genpkey", "-out", file], options].concat()).unwrap();
    openssl(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", file]).unwrap()
}

/// `r` and `s` as the ASN.1 that openssl speaks.
fn to_der(signature: &[u8; 64]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let sign = if bytes[zeros] < 0x80 { vec![] } else { vec![0] };
        let value = [sign, bytes[zeros..].to_vec()].concat();
        [vec![2, u8::try_from(value.len()).unwrap()], value].concat()
    };
    let both = [number(&signature[..32]), number(&signature[32..])].concat();
    [vec![0x30, u8::try_from(both.len()).unwrap()], both].concat()
}

fn from_der(der: &[u8]) -> Vec<u8> {
    let number = |der: &[u8]| {
        let length = usize::from(der[1]);
        let value = &der[2..2 + length];
        let wide = [vec![0; 32], value.to_vec()].concat();
        (wide[wide.len() - 32..].to_vec(), 2 + length)
    };
    let (r, read) = number(&der[2..]);
    [r, number(&der[2 + read..]).0].concat()
}

#[test]
fn openssl_verifies_ours_and_signs_what_we_verify() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ours, document) = SigningKey::generate_for(Suite::Sm2).unwrap();
    fs::write(path("ours.der"), document).unwrap();
    fs::write(path("sm2.der"), generated(&["-algorithm", "SM2"])).unwrap();
    let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2"];
    fs::write(path("ec.der"), generated(&curve)).unwrap();
    let theirs = |name: &str| SigningKey::from_pkcs8(&fs::read(path(name)).unwrap()).unwrap();
    assert_eq!(theirs("ours.der").public(), ours.public());
    for name in ["ours.der", "sm2.der", "ec.der"] {
        let (key, private) = (theirs(name), path(name));
        assert_eq!(key.suite(), Suite::Sm2);
        let read =
            openssl(&["pkey", "-inform", "DER", "-in", &private, "-pubout", "-outform", "DER"]).unwrap();
        assert_eq!(read, key.public().to_spki(), "{name}");
        let how = ["-rawin", "-digest", "sm3", "-inkey", &private, "-keyform", "DER", "-in", &path("text")];
        for text in [&b"x"[..], "数据桥".as_bytes(), &[7; 1000]] {
            fs::write(path("text"), text).unwrap();
            let signature = key.sign(text);
            assert_eq!(key.public().to_openssl(&signature).unwrap(), to_der(&signature));
            fs::write(path("signature"), to_der(&signature)).unwrap();
            let verify = |id: &str| {
                let (file, id) = (path("signature"), format!("distid:{id}"));
                let given = ["-sigfile", &file, "-pkeyopt", &id];
                openssl(&[&["pkeyutl", "-verify"], &how[..], &given].concat())
            };
            assert!(verify("1234567812345678").is_some(), "{name}");
            assert!(verify("1234567812345679").is_none(), "{name}: the identifier is signed too");
            let sign = [&["pkeyutl", "-sign"], &how[..], &["-pkeyopt", "distid:1234567812345678"]].concat();
            let signature = from_der(&openssl(&sign).unwrap());
            key.public().verify(text, &signature).unwrap();
            assert!(key.public().verify(b"y", &signature).is_err());
        }
    }
}

/// The key decides how a signature is checked, and there is no key of both.
#[test]
fn a_signature_of_one_suite_does_not_hold_under_a_key_of_the_other() {
    let (ed25519, sm2) = (SigningKey::generate().unwrap().0, fresh());
    ed25519.public().verify(MESSAGE, &sm2.sign(MESSAGE)).unwrap_err();
    sm2.public().verify(MESSAGE, &ed25519.sign(MESSAGE)).unwrap_err();
}

#[test]
fn numbers_out_of_range_are_no_signature() {
    let signed = hex(SIGNED);
    let (r, s) = signed.split_at(32);
    let (zero, order, most) = (vec![0; 32], hex(ORDER), vec![0xff; 32]);
    let less_one = [&order[..31], &[order[31] - 1]].concat();
    let one = [&zero[..31], &[1]].concat();
    for (r, s) in [
        (&zero[..], s),
        (r, &zero[..]),
        (&zero, &zero),
        (&order, s),
        (r, &order),
        (&most, s),
        (r, &most),
        // Their sum is the order, so that the public key would not count.
        (&one, &less_one),
        (&less_one, &one),
    ] {
        assert_eq!(public().verify(MESSAGE, &[r, s].concat()), Err(CryptoError::Signature));
    }
    for length in [0, 1, 32, 63] {
        public().verify(MESSAGE, &signed[..length]).unwrap_err();
    }
    public().verify(MESSAGE, &[&signed[..], &[0]].concat()).unwrap_err();
    public().verify(MESSAGE, &to_der(&signed.clone().try_into().unwrap())).unwrap_err();
}

#[test]
fn what_is_no_point_of_the_curve_is_no_key() {
    let point = hex(PUBLIC);
    let changed = |place: usize, with: u8| {
        let mut bytes = point.clone();
        bytes[place] = with;
        bytes
    };
    let p256 = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    for (bytes, what) in [
        (changed(64, point[64] ^ 1), "off the curve"),
        (hex(p256), "on another curve"),
        ([vec![4], vec![0; 64]].concat(), "zeros"),
        ([vec![4], vec![0xff; 64]].concat(), "beyond the field"),
        (vec![0], "the point at infinity"),
        (vec![0; 65], "the point at infinity, filled up"),
        ([&[3], &point[1..33]].concat(), "compressed"),
        (changed(0, 2), "marked as compressed"),
        (changed(0, 5), "marked as compact"),
        (changed(0, 7), "marked as hybrid"),
        (point[1..].to_vec(), "without its mark"),
    ] {
        assert_eq!(PublicKey::from_bytes(&bytes), Err(CryptoError::Key("Ed25519 or SM2 public")), "{what}");
    }
    let (x, y) = (&point[1..33], &point[33..]);
    assert!(PublicKey::from_coordinates(&point[1..32], Some(&point[32..])).is_err(), "cut elsewhere");
    assert!(PublicKey::from_coordinates(x, Some(&y[..31])).is_err());
    assert!(PublicKey::from_coordinates(&point, None).is_err(), "a point is no x");
}

#[test]
fn documents_that_hold_no_sm2_key_are_refused() {
    let order = hex(ORDER);
    let less = |by: u8| [&order[..31], &[order[31] - by]].concat();
    SigningKey::from_pkcs8(&pkcs8(&less(2))).unwrap();
    for (secret, what) in [
        (less(1), "GB/T 32918.1 ends at the order less two"),
        (order.clone(), "the order"),
        (vec![0; 32], "zero"),
        (vec![0xff; 32], "beyond the order"),
    ] {
        assert!(SigningKey::from_pkcs8(&pkcs8(&secret)).is_err(), "{what}");
    }
    let (_, document) = SigningKey::generate_for(Suite::Sm2).unwrap();
    let mut foreign = document.clone();
    let start = foreign.len() - 65;
    foreign[start..].copy_from_slice(&hex(PUBLIC));
    assert!(SigningKey::from_pkcs8(&foreign).is_err(), "with the public key of another");
    let p256 = generated(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    assert!(SigningKey::from_pkcs8(&p256).is_err(), "on another curve");
    assert_eq!(format!("{:?}", fresh()).len(), "SigningKey()".len() + 43, "a private key never prints");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_flipped_bit_breaks_a_signature(message: Vec<u8>, bit in 0usize..512) {
        let key = fresh();
        let mut signature = key.sign(&message);
        prop_assert!(key.public().verify(&message, &signature).is_ok());
        signature[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key.public().verify(&message, &signature).is_err());
    }

    #[test]
    fn one_flipped_bit_breaks_a_message_and_a_key(message in prop::collection::vec(any::<u8>(), 1..100), bit: usize) {
        let key = fresh();
        let signature = key.sign(&message);
        let flip = |bytes: &[u8]| {
            let mut flipped = bytes.to_vec();
            let bit = bit % (8 * bytes.len());
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        };
        prop_assert!(key.public().verify(&flip(&message), &signature).is_err());
        let other = PublicKey::from_bytes(&flip(key.public().as_bytes()));
        prop_assert!(other.is_err(), "a coordinate less one bit is off the curve, but for the odds of 2^-248");
    }

    #[test]
    fn readers_of_keys_and_signatures_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..150), place: usize, with: u8) {
        let _ = PublicKey::from_bytes(&bytes);
        let _ = PublicKey::from_bytes(&[&[4][..], &bytes].concat());
        let _ = SigningKey::from_pkcs8(&bytes);
        let (_, mut document) = SigningKey::generate_for(Suite::Sm2).unwrap();
        let place = place % document.len();
        document[place] = with;
        let _ = SigningKey::from_pkcs8(&document);
        let _ = SigningKey::from_pkcs8(&document[..place]);
        prop_assert!(public().verify(MESSAGE, &bytes).is_err());
    }
}
