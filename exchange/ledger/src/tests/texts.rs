//! What the log commits to is there and opens, or the log says why not.

use std::fs;
use std::path::PathBuf;

use super::*;

const MONTH: &str = "2026-10";
const OCTOBER: u64 = 1_791_000_000;
const NOVEMBER: u64 = 1_795_000_000;

fn now() -> Timestamp {
    Timestamp(i64::try_from((NOVEMBER + 100) * 1_000_000).unwrap())
}

/// The text of a request, and the record of its answer at that second.
fn access(number: u64, second: u64) -> (EvidenceRecord, [(Committed, Commitment, Vec<u8>); 2]) {
    let text = format!("GET https://x/{number}\n00");
    let (asked, answered) = (commit(text.as_bytes()).unwrap(), commit(b"answer").unwrap());
    let event = Event::Access {
        sources: Vec::new(),
        request_commitment: asked.digest.clone(),
        rows: 1,
        bytes: 6,
        answer_commitment: answered.digest.clone(),
        now: None,
        subjects: Vec::new(),
    };
    let time = uuid::Timestamp::from_unix(uuid::NoContext, second, 0);
    let record = EvidenceRecord { id: Uuid::new_v7(time).to_string(), event, ..record(number) };
    let text = format!("{text}\nthe body").into_bytes();
    (record, [(Committed::Request, asked, text), (Committed::Answer, answered, Vec::new())])
}

fn keep(vault: &Vault, id: &str, secrets: &[(Committed, Commitment, Vec<u8>)]) {
    for (of, commitment, text) in secrets {
        keep_text(vault, id, *of, &commitment.salt, text).unwrap();
    }
}

/// A log and its texts: 40 accesses in October, out of order and some long after one another, and two in November.
fn city() -> (TempDir, Settings) {
    let folder = tempdir().unwrap();
    let settings = settings(folder.path());
    let (log, vault) = (open(&settings), Vault::open(folder.path()).unwrap());
    let times = (0..40).map(|number| OCTOBER + (number * 37) % 40 * 50).chain([NOVEMBER, NOVEMBER + 1]);
    let accesses: Vec<_> = (0..).zip(times).map(|(number, time)| access(number, time)).collect();
    // Pairs come into the file the other way round.
    for pair in accesses.chunks(2) {
        for (record, secrets) in pair.iter().rev() {
            keep(&vault, &record.id, secrets);
        }
    }
    // An access that was tried, and whose record was never written.
    keep(&vault, &access(99, OCTOBER + 7).0.id, &access(99, OCTOBER + 7).1);
    append(&log, &accesses.into_iter().map(|(record, _)| record).collect::<Vec<_>>());
    log.checkpoint().unwrap();
    (folder, settings)
}

fn audited(settings: &Settings) -> Audited {
    let keys = [settings.signer.public()];
    audit(settings, AuditKeys { log: &keys, witnesses: &[] }, None).unwrap()
}

/// The one finding, whose place ends so.
fn found(settings: &Settings, place: &str, what: &str) {
    let findings = audited(settings).findings;
    let named = findings.iter().filter(|finding| {
        finding.place.split(" line ").next().unwrap().ends_with(place) && finding.what.contains(what)
    });
    assert_eq!((named.count(), findings.len()), (1, 1), "{place} {what}: {findings:?}");
}

fn say(settings: &Settings, action: &str) {
    let (action, entity) = (action.to_owned(), format!("month {MONTH}"));
    let event = Event::Changed { action, entity, entity_digest: String::new() };
    append(&open(settings), &[EvidenceRecord { event, ..record(100) }]);
}

fn paths(folder: &TempDir) -> [PathBuf; 3] {
    let keys = folder.path().join("keys");
    [
        folder.path().join(format!("secrets/{MONTH}.sealed")),
        keys.join(format!("evidence-{MONTH}.key")),
        keys.join(format!("evidence-{MONTH}.erased")),
    ]
}

#[test]
fn texts_that_are_there_open_what_the_log_commits_to() {
    let (_folder, settings) = city();
    let well = audited(&settings);
    assert_eq!((well.records, well.texts, well.erased_months, well.findings), (42, 86, 0, Vec::new()));
}

#[test]
fn texts_do_not_vanish_unseen() {
    let (folder, settings) = city();
    let [file, key, mark] = paths(&folder);
    let name = file.file_name().unwrap().to_str().unwrap();
    let (whole, secret) = (fs::read_to_string(&file).unwrap(), fs::read(&key).unwrap());
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    for gone in [0, 1, 33, 79] {
        let rest: String =
            lines.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, line)| *line).collect();
        fs::write(&file, rest).unwrap();
        found(&settings, name, "nothing opens 1 commitments");
    }
    fs::write(&file, lines[..40].concat()).unwrap();
    found(&settings, name, "nothing opens 40 commitments");
    fs::remove_file(&file).unwrap();
    found(&settings, name, "nothing opens 80 commitments");
    fs::write(&file, &whole).unwrap();
    // The order does not matter.
    fs::write(&file, lines.iter().rev().copied().collect::<String>()).unwrap();
    assert_eq!(audited(&settings).findings, []);
    fs::write(&file, &whole).unwrap();

    fs::remove_file(&key).unwrap();
    let said = audited(&settings).findings;
    assert!(said.len() == 2 && said[1].what.contains("nothing opens 80"), "{said:?}");
    // The key destroyed past the program, with a mark that looks like the program's.
    fs::write(&mark, b"erased\n").unwrap();
    found(&settings, mark.file_name().unwrap().to_str().unwrap(), "no record of the log does");
    fs::remove_file(&file).unwrap();
    found(&settings, mark.file_name().unwrap().to_str().unwrap(), "no record of the log does");
    fs::write(&file, &whole).unwrap();
    fs::write(&key, &secret).unwrap();
    fs::remove_file(&mark).unwrap();
    assert_eq!(audited(&settings).findings, []);
}

/// Who has the month's key seals another text under the same record.
#[test]
fn a_replaced_text_is_named() {
    let (folder, settings) = city();
    let [file, key, _] = paths(&folder);
    let whole = fs::read_to_string(&file).unwrap();
    let first: serde_json::Value = serde_json::from_str(whole.lines().next().unwrap()).unwrap();
    let id = first["id"].as_str().unwrap();
    let kept = Vault::open(folder.path()).unwrap().of_record(id).unwrap();
    let elsewhere = tempdir().unwrap();
    let vault = Vault::open(elsewhere.path()).unwrap();
    fs::copy(&key, elsewhere.path().join(format!("keys/evidence-{MONTH}.key"))).unwrap();
    for text in [b"GET https://x/another\n00\nthe body".as_slice(), b""] {
        keep_text(&vault, id, Committed::Request, &kept[0].salt, text).unwrap();
        let forged = fs::read_to_string(elsewhere.path().join(format!("secrets/{MONTH}.sealed"))).unwrap();
        let rest = whole.split_once('\n').unwrap().1;
        fs::write(&file, format!("{}\n{rest}", forged.lines().last().unwrap())).unwrap();
        found(&settings, &format!("{MONTH}.sealed"), "is not what the record");
    }
}

#[test]
fn an_erased_month_is_one_that_the_log_names() {
    let (folder, settings) = city();
    let [_, key, _] = paths(&folder);
    let secret = fs::read(&key).unwrap();
    // Recorded first: what a crash leaves then is named, and finished by erasing once more.
    say(&settings, "texts.erased");
    found(&settings, key.file_name().unwrap().to_str().unwrap(), "the log says that the texts");
    Vault::open(folder.path()).unwrap().erase(MONTH, now()).unwrap();
    let erased = audited(&settings);
    assert_eq!((erased.erased_months, erased.texts, erased.findings), (1, 4, Vec::new()));
    // The key comes back, as from a copy.
    fs::write(&key, secret).unwrap();
    found(&settings, key.file_name().unwrap().to_str().unwrap(), "the log says that the texts");
}

/// After a restore with older keys the texts of a month are gone up to then, and no later ones.
#[test]
fn lost_texts_are_lost_up_to_the_record_that_says_so() {
    let (folder, settings) = city();
    let [file, key, _] = paths(&folder);
    fs::remove_file(&file).unwrap();
    fs::remove_file(&key).unwrap();
    say(&settings, "texts.lost");
    assert_eq!(audited(&settings).findings, []);
    let (late, secrets) = access(50, OCTOBER + 90_000);
    append(&open(&settings), std::slice::from_ref(&late));
    found(&settings, &format!("{MONTH}.sealed"), "nothing opens 2 commitments");
    keep(&Vault::open(folder.path()).unwrap(), &late.id, &secrets);
    assert_eq!(audited(&settings).findings, []);
}
