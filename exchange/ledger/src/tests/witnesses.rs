use std::fs;

use exchange_crypto::Suite;

use super::*;
use crate::note::NoteKey;

const NOW: u64 = 1_795_000_000;

fn witness(folder: &TempDir, logs: Vec<NoteKey>) -> Witness {
    let head = exchange_crypto::from_hex("302e020100300506032b657004220420").unwrap();
    let key = SigningKey::from_pkcs8(&[head, vec![9; 32]].concat()).unwrap();
    Witness::open(folder.path(), "witness.example", key, logs).unwrap()
}

/// What the log sends for its newest checkpoint to a witness that knows `old_size` leaves.
fn request(log: &Ledger, old_size: u64) -> AddCheckpoint {
    let signed = log.checkpoint().unwrap();
    let proof = log.consistency(old_size, signed.checkpoint.size).unwrap();
    AddCheckpoint { old_size, proof, note: signed.note }
}

#[test]
fn a_growing_log_is_cosigned_and_the_cosignature_verifies() {
    let (_folder, settings, _) = written(9);
    let (log, store) = (open(&settings), tempdir().unwrap());
    let watching = witness(&store, vec![log.key()]);
    let first = request(&log, 0);
    assert_eq!(AddCheckpoint::parse(&first.text()).unwrap(), first);
    let line = watching.add(&first, NOW).unwrap().unwrap();
    let mut note = first.note.clone();
    note.signatures.push(line.clone());
    assert_eq!(watching.key().signed(&note), Some(NOW));
    log.add_cosignatures(&log.latest().unwrap(), vec![line]).unwrap();
    append(&log, &[record(9)]);
    assert_eq!(watching.add(&request(&log, 4), NOW).unwrap(), Err(Refusal::OtherHead(9)));
    drop(watching);
    // It remembers after a restart.
    let watching = witness(&store, vec![log.key()]);
    assert_eq!(watching.heads()[0].checkpoint.size, 9);
    watching.add(&request(&log, 9), NOW).unwrap().unwrap();
    assert_eq!(watching.heads()[0].checkpoint, log.latest().unwrap().checkpoint);
    watching.add(&request(&log, 10), NOW + 1).unwrap().unwrap();
}

/// The operator has the real key and writes another history, shorter, longer, or as long.
#[test]
fn a_witness_refuses_a_rewritten_history_signed_with_the_real_key() {
    let (folder, settings, records) = written(9);
    let store = tempdir().unwrap();
    let log = open(&settings);
    let watching = witness(&store, vec![log.key()]);
    watching.add(&request(&log, 0), NOW).unwrap().unwrap();
    let honest = watching.heads();
    drop(log);
    for count in [5, 9, 20] {
        fs::remove_dir_all(folder.path().join("evidence")).unwrap();
        fs::remove_dir_all(folder.path().join("objects")).unwrap();
        let log = open(&settings);
        let others: Vec<_> = (0..count).map(record).collect();
        append(&log, &[&records[..3], &others[3..]].concat());
        for old_size in [0, 3, 9] {
            let head = log.checkpoint().unwrap();
            let proof = log.consistency(old_size.min(count), count).unwrap();
            let request = AddCheckpoint { old_size, proof, note: head.note };
            watching.add(&request, NOW).unwrap().unwrap_err();
        }
        if count >= 9 {
            assert_eq!(watching.add(&request(&log, 9), NOW).unwrap(), Err(Refusal::Rewritten));
        }
        assert_eq!(watching.heads(), honest);
    }
}

#[test]
fn a_witness_cosigns_known_logs_with_known_keys_alone() {
    let (_folder, settings, _) = written(3);
    let (log, store) = (open(&settings), tempdir().unwrap());
    let (stranger, _) = SigningKey::generate().unwrap();
    let foreign = ["other.example/log", &ORIGIN[..ORIGIN.len() - 1]];
    let foreign = foreign.map(|name| NoteKey::of_log(name, settings.signer.public()));
    let watching = witness(&store, foreign.to_vec());
    let unknown = watching.add(&request(&log, 0), NOW).unwrap();
    assert_eq!(unknown, Err(Refusal::UnknownLog(ORIGIN.to_owned())));
    drop(watching);
    let watching = witness(&store, vec![NoteKey::of_log(ORIGIN, stranger.public())]);
    assert_eq!(watching.add(&request(&log, 0), NOW).unwrap(), Err(Refusal::NotSigned));
    for wrong in ["", "old 1\n", "old x\n\n", "old 0\nzz\n\nx", "old -1\n\nx\n\n— a b\n"] {
        AddCheckpoint::parse(wrong).unwrap_err();
    }
}

/// The log goes over to SM2: heads of the old key and of the new one stand in one history.
#[test]
fn a_witness_that_knows_both_keys_of_a_log_goes_on_after_the_change() {
    let (_folder, settings, _) = written(9);
    let store = tempdir().unwrap();
    let log = open(&settings);
    let old = log.key();
    witness(&store, vec![old.clone()]).add(&request(&log, 0), NOW).unwrap().unwrap();
    drop(log);
    let (signer, _) = SigningKey::generate_for(Suite::Sm2).unwrap();
    let log = open(&Settings { signer: Arc::new(signer), ..settings });
    let last = request(&log, 9);
    append(&log, &[record(9)]);
    let next = request(&log, 9);
    for (known, refused) in [(&old, &next), (&log.key(), &last)] {
        let watching = witness(&store, vec![known.clone()]);
        let refusal = watching.add(refused, NOW).unwrap().unwrap_err();
        assert_eq!(refusal, Refusal::NotSigned);
        assert!(refusal.to_string().contains("--log for the old key and for the new one"), "{refusal}");
        assert_eq!(watching.heads()[0].checkpoint.size, 9);
    }
    let watching = witness(&store, vec![old, log.key()]);
    watching.add(&last, NOW).unwrap().unwrap();
    watching.add(&next, NOW).unwrap().unwrap();
    assert_eq!(watching.heads()[0].checkpoint, log.latest().unwrap().checkpoint);
}

/// Whoever sends a known head again makes the witness neither write nor sign, and what it can't verify it does not keep.
#[test]
fn a_known_head_costs_no_write_and_foreign_signatures_are_not_kept() {
    let (_folder, settings, _) = written(9);
    let (log, store) = (open(&settings), tempdir().unwrap());
    let watching = witness(&store, vec![log.key()]);
    let mut first = request(&log, 0);
    let (stranger, _) = SigningKey::generate().unwrap();
    for name in ["stranger.example", "witness.example"] {
        first.note.signatures.push(note::cosign(&first.note.text, name, &stranger, NOW));
    }
    let own = first.note.signatures[0].clone();
    first.note.signatures.push(own.clone());
    let line = watching.add(&first, NOW).unwrap().unwrap();
    assert_eq!(watching.heads()[0].note.signatures, [own, line.clone()]);
    let stored = fs::read(store.path().join("heads.jsonl")).unwrap();
    let again = AddCheckpoint { old_size: 9, proof: Vec::new(), note: first.note.clone() };
    for later in 1..4 {
        assert_eq!(watching.add(&again, NOW + later).unwrap(), Ok(line.clone()));
    }
    assert_eq!(fs::read(store.path().join("heads.jsonl")).unwrap(), stored);
    // Nobody but the log is answered so.
    let mut unsigned = again;
    unsigned.note.signatures.remove(0);
    unsigned.note.signatures.pop();
    assert_eq!(watching.add(&unsigned, NOW).unwrap(), Err(Refusal::NotSigned));
}
