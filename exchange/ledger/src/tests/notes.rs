//! Notes, checkpoints and cosignatures against implementations that nobody here wrote.

use exchange_crypto::{Digest, SigningKey};
use proptest::prelude::*;
use signed_note::{Note as TheirNote, StandardVerifier, VerifierList};

use super::ORIGIN;
use crate::note::{Checkpoint, Note, NoteKey, cosign};

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 7, root: Digest::of(b"root") }
}

#[test]
fn another_implementation_verifies_our_checkpoints() {
    let (key, _) = SigningKey::generate().unwrap();
    let (witness, _) = SigningKey::generate().unwrap();
    let mut note = checkpoint().sign(&key);
    note.signatures.push(cosign(&note.text, "witness.example", &witness, 1_795_000_000));
    let bytes = note.to_string();
    let theirs = TheirNote::from_bytes(bytes.as_bytes()).unwrap();
    let log = StandardVerifier::new(&NoteKey::of_log(ORIGIN, key.public()).to_string()).unwrap();
    let (verified, others) = theirs.verify(&VerifierList::new(vec![Box::new(log)])).unwrap();
    assert_eq!((verified.len(), others.len()), (1, 1), "the cosignature is of another kind, and left alone");
    let read = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
    assert_eq!((read.origin(), read.size()), (ORIGIN, 7));
    assert_eq!(read.hash().0, *checkpoint().root.as_bytes());
    assert_eq!(Note::parse(&bytes).unwrap(), note);
    assert_eq!(note.checkpoint_by(&[witness.public(), key.public()]).unwrap(), checkpoint());
    note.checkpoint_by(&[witness.public()]).unwrap_err();
}

/// The example of the crate `signed_note` and of Go's package `note`.
#[test]
fn a_published_note_verifies() {
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\n\
                — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let key = NoteKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    assert_eq!(key.signed(&Note::parse(text).unwrap()), Some(0));
    assert_eq!(key.signed(&Note::parse(&text.replace("answer", "Answer")).unwrap()), None);
    NoteKey::parse("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap_err();
}

#[test]
fn a_cosignature_binds_text_time_and_name() {
    let (key, _) = SigningKey::generate().unwrap();
    let text = checkpoint().text();
    let line = cosign(&text, "witness.example", &key, 1_795_000_000);
    let note = Note { text, signatures: vec![line.clone()] };
    let witness = NoteKey::of_witness("witness.example", key.public());
    assert_eq!(NoteKey::parse(&witness.to_string()).unwrap(), witness);
    assert_eq!(witness.signed(&note), Some(1_795_000_000));
    assert_eq!(NoteKey::of_witness("other.example", key.public()).signed(&note), None);
    assert_eq!(NoteKey::of_log("witness.example", key.public()).signed(&note), None);
    let mut later = line;
    later.bytes[7] += 1;
    assert_eq!(witness.signed(&Note { signatures: vec![later], ..note }), None);
}

#[test]
fn a_checkpoint_is_written_in_one_way() {
    let text = checkpoint().text();
    assert_eq!(Checkpoint::parse(&text).unwrap(), checkpoint());
    for wrong in [
        text.replace("\n7\n", "\n07\n"),
        text.replace("\n7\n", "\n+7\n"),
        text.replace("\n7\n", "\n-7\n"),
        format!("{text}extension\n"),
        text.trim_end().to_owned(),
        format!("\n7\n{}\n", checkpoint().root.to_base64()),
        String::new(),
    ] {
        Checkpoint::parse(&wrong).unwrap_err();
    }
}

proptest! {
    #[test]
    fn readers_of_notes_never_panic(text: String) {
        let _ = Note::parse(&text);
        let _ = Checkpoint::parse(&text);
        let _ = NoteKey::parse(&text);
    }

    #[test]
    fn a_flipped_byte_of_a_note_is_never_accepted(place: usize, flip in 1..=255_u8) {
        let (key, _) = SigningKey::generate().unwrap();
        let mut bytes = checkpoint().sign(&key).to_string().into_bytes();
        let place = place % bytes.len();
        bytes[place] ^= flip;
        let accepted = String::from_utf8(bytes).ok().and_then(|text| Note::parse(&text).ok());
        prop_assert!(accepted.is_none_or(|note| note.checkpoint_by(&[key.public()]).is_err()));
    }
}
