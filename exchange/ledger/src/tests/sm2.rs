//! Notes, logs and witnesses that sign with SM2, beside those that sign with Ed25519.

use exchange_crypto::{Digest, Suite, to_base64, to_hex};
use signed_note::{Note as TheirNote, StandardVerifier, VerifierList};

use super::*;
use crate::note::{Checkpoint, Note, NoteKey, cosign};

const WITNESS: &str = "witness.example";

fn key(suite: Suite) -> SigningKey {
    SigningKey::generate_for(suite).unwrap().0
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 7, root: Digest::of(b"root") }
}

#[test]
fn an_sm2_note_verifies_under_its_key_and_purpose_alone() {
    let (log, witness) = (key(Suite::Sm2), key(Suite::Sm2));
    let mut note = checkpoint().sign(&log);
    note.signatures.push(cosign(&note.text, WITNESS, &witness, 1_795_000_000));
    let note = Note::parse(&note.to_string()).unwrap();
    let (log_key, witness_key) =
        (NoteKey::of_log(ORIGIN, log.public()), NoteKey::of_witness(WITNESS, witness.public()));
    assert_eq!((log_key.signed(&note), witness_key.signed(&note)), (Some(0), Some(1_795_000_000)));
    assert_eq!(note.checkpoint_by(&[witness.public(), log.public()]).unwrap(), checkpoint());
    note.checkpoint_by(&[witness.public(), key(Suite::Ed25519).public()]).unwrap_err();
    for other in [
        NoteKey::of_log(WITNESS, witness.public()),
        NoteKey::of_witness(ORIGIN, log.public()),
        NoteKey::of_log("other.example/log", log.public()),
    ] {
        assert_eq!(other.signed(&note), None);
    }
    let later = Note { text: note.text.replace("\n7\n", "\n8\n"), ..note };
    assert_eq!((log_key.signed(&later), witness_key.signed(&later)), (None, None));
}

/// What C2SP signed-note asks of types that it does not know: they stand beside the known ones and disturb none.
#[test]
fn another_implementation_leaves_sm2_lines_alone() {
    let (ed25519, sm2) = (key(Suite::Ed25519), key(Suite::Sm2));
    let mut note = checkpoint().sign(&ed25519);
    note.signatures.extend(checkpoint().sign(&sm2).signatures);
    let theirs = TheirNote::from_bytes(note.to_string().as_bytes()).unwrap();
    let known = StandardVerifier::new(&NoteKey::of_log(ORIGIN, ed25519.public()).to_string()).unwrap();
    let (verified, others) = theirs.verify(&VerifierList::new(vec![Box::new(known)])).unwrap();
    assert_eq!((verified.len(), others.len()), (1, 1));
    for signer in [&ed25519, &sm2] {
        assert_eq!(note.checkpoint_by(&[signer.public()]).unwrap(), checkpoint());
    }
}

#[test]
fn the_text_of_a_key_names_its_type_and_no_other() {
    for suite in Suite::ALL {
        for written in
            [NoteKey::of_log(ORIGIN, key(suite).public()), NoteKey::of_witness(WITNESS, key(suite).public())]
        {
            assert_eq!(NoteKey::parse(&written.to_string()).unwrap(), written);
        }
    }
    // A key under the type of the other suite, with the id that this would have.
    let as_type = |kind: &[u8], key: &SigningKey| {
        let encoded = [kind, key.public().as_bytes()].concat();
        let id = Digest::of(&[ORIGIN.as_bytes(), b"\n", &encoded].concat());
        format!("{ORIGIN}+{}+{}", to_hex(&id.as_bytes()[..4]), to_base64(&encoded))
    };
    let (ed25519, sm2) = (key(Suite::Ed25519), key(Suite::Sm2));
    let name = b"\xffshuqiao/sm2-sm3/note".as_slice();
    NoteKey::parse(&as_type(&[1], &ed25519)).unwrap();
    NoteKey::parse(&as_type(name, &sm2)).unwrap();
    for wrong in [
        as_type(&[1], &sm2),
        as_type(&[4], &sm2),
        as_type(&[0xff], &sm2),
        as_type(&[], &sm2),
        as_type(name, &ed25519),
        as_type(&[2], &ed25519),
        as_type(b"\xffshuqiao/sm2-sm3/", &sm2),
        as_type(b"\xffother/sm2-sm3/note", &sm2),
    ] {
        assert!(NoteKey::parse(&wrong).is_err(), "{wrong}");
    }
}

/// A log changes its suite: older checkpoints stay good, the audit finds nothing, and a witness that knows both keys
/// goes on. One that knows the old key alone does not.
#[test]
fn a_log_goes_on_with_a_key_of_the_other_suite() {
    for (before, after) in [(Suite::Ed25519, Suite::Sm2), (Suite::Sm2, Suite::Ed25519)] {
        let (folder, store) = (tempdir().unwrap(), tempdir().unwrap());
        let [old, new] = [before, after].map(|suite| {
            let signer = Arc::new(key(suite));
            Settings { segment_bytes: 1500, ..Settings::new(folder.path(), ORIGIN, signer) }
        });
        let keys = [&old, &new].map(|settings| settings.signer.public());
        let log = open(&old);
        let request = |log: &Ledger, old_size| {
            let signed = log.checkpoint().unwrap();
            let proof = log.consistency(old_size, signed.checkpoint.size).unwrap();
            AddCheckpoint { old_size, proof, note: signed.note }
        };
        let watching = |keys: &[exchange_crypto::PublicKey], signer| {
            let logs = keys.iter().map(|key| NoteKey::of_log(ORIGIN, *key)).collect();
            Witness::open(store.path(), WITNESS, signer, logs).unwrap()
        };
        append(&log, &[record(0), record(1)]);
        let (_, document) = SigningKey::generate_for(after).unwrap();
        let signer = || SigningKey::from_pkcs8(&document).unwrap();
        watching(&keys[..1], signer()).add(&request(&log, 0), 1).unwrap().unwrap();
        drop(log);
        let log = open(&new);
        append(&log, &[record(2)]);
        let next = request(&log, 2);
        assert_eq!(watching(&keys[..1], signer()).add(&next, 2).unwrap(), Err(Refusal::NotSigned));
        let witness = watching(&keys, signer());
        let line = witness.add(&next, 2).unwrap().unwrap();
        log.add_cosignatures(&log.latest().unwrap(), vec![line]).unwrap();
        let witnesses = [witness.key()];
        drop(log);
        let audited = |log| audit(&new, AuditKeys { log, witnesses: &witnesses }, None).unwrap();
        assert_eq!(audited(&keys).findings, []);
        assert!(!audited(&keys[1..]).findings.is_empty(), "the old key is in the history for a reason");
    }
}
