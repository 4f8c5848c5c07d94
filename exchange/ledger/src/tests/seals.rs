use std::fs;

use super::*;
use crate::files::EpochFiles;

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(|line| line.to_owned() + "\n").collect()
}

/// The last seals are lost, or all of them, or the last one is torn: the records they were for are there, so nothing may be
/// declared lost, and nothing is written beside them.
#[test]
fn a_lost_seal_is_damage_that_is_named_and_never_a_new_segment() {
    let (_folder, settings, records) = written(50);
    let files = EpochFiles::of(&settings.data_folder, 0);
    let whole = lines(&files.seals());
    let count = whole.len();
    assert!(count > 5);
    let torn = whole[count - 1][..40].to_owned();
    let mut numbers = files.numbers().unwrap();
    numbers.sort_unstable();
    for (kept, rest) in [(count - 1, ""), (count - 2, ""), (0, ""), (count - 1, torn.as_str())] {
        fs::write(files.seals(), whole[..kept].concat() + rest).unwrap();
        let keys = [settings.signer.public()];
        let found = audit(&settings, AuditKeys { log: &keys, witnesses: &[] }, None).unwrap().findings;
        let said = format!("the seal of segment {kept:06} is missing");
        assert!(found.iter().any(|finding| finding.what == said), "{found:?}");
        let error = Ledger::open(settings.clone()).err().unwrap();
        let LedgerError::Damaged { path, line, .. } = &error else { panic!("{error}") };
        assert_eq!((path, *line), (&files.seals(), kept as u64 + 1), "{error}");
        let begun = Ledger::begin_epoch(settings.clone(), None, platform_actor("operator"), Timestamp(1));
        assert!(matches!(begun, Err(LedgerError::Damaged { .. })));
        let mut now = files.numbers().unwrap();
        now.sort_unstable();
        assert_eq!(now, numbers);
    }
    // The segment is gone too, and the one behind it is not.
    fs::write(files.seals(), whole[..count - 1].concat()).unwrap();
    let moved = fs::read(files.archived(count as u64 - 1)).unwrap();
    fs::remove_file(files.archived(count as u64 - 1)).unwrap();
    assert!(matches!(Ledger::open(settings.clone()), Err(LedgerError::Damaged { .. })));
    fs::write(files.archived(count as u64 - 1), moved).unwrap();
    fs::write(files.seals(), whole.concat()).unwrap();
    assert_eq!(read(&open(&settings), Filter::default()), records);
}
