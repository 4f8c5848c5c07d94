//! What a city has set otherwise: the files that the operator has put into the folder.

use std::path::{Path, PathBuf};

use catalog_core::calendar::{Calendar, CalendarYear};
use catalog_core::deadline::{LimitTable, Rules};
use catalog_core::matter::DeveloperBounds;
use catalog_core::notice::NoticeRules;
use catalog_core::quota::Quotas;
use catalog_core::retention::Retention;
use catalog_core::secrecy::SecrecyRules;
use catalog_core::settings::Settings;
use catalog_core::supervision::Thresholds;
use catalog_core::{Error, Result};

use crate::folder::io;

/// Reads `calendar/*.json`, each the notice of one year, `limits.json`, `supervision.json`, `notices.json`, `secrecy.json`,
/// `developers.json`, `retention.json` and `quotas.json`. A malformed file is an error that names it: with half of its calendar a server would tell wrong dates.
pub(crate) fn read(root: &Path) -> Result<Settings> {
    let mut calendar = Calendar::built_in();
    for path in notices(&root.join("calendar"))? {
        let year = CalendarYear::parse(&text(&path)?).map_err(|error| named(&path, error))?;
        calendar = calendar.with(year).map_err(|error| named(&path, error))?;
    }
    Ok(Settings {
        deadlines: Rules { calendar, limits: set(root, "limits.json", LimitTable::with_file)? },
        supervision: set(root, "supervision.json", Thresholds::with_file)?,
        notices: set(root, "notices.json", NoticeRules::with_file)?,
        secrecy: set(root, "secrecy.json", SecrecyRules::with_file)?,
        developers: set(root, "developers.json", DeveloperBounds::with_file)?,
        retention: set(root, "retention.json", Retention::with_file)?,
        quotas: set(root, "quotas.json", Quotas::with_file)?,
    })
}

/// What a file says, if it is there.
fn set<T: Default>(root: &Path, name: &str, with_file: impl Fn(&str) -> Result<T>) -> Result<T> {
    let path = root.join(name);
    match path.exists() {
        false => Ok(T::default()),
        true => with_file(&text(&path)?).map_err(|error| named(&path, error)),
    }
}

/// The files of the folder by name, so that every start reads them in one order.
fn notices(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| io(folder, &error))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| io(folder, &error))?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn named(path: &Path, error: Error) -> Error {
    Error::invalid(format!("{}: {}", path.display(), error.message), error.problems)
}

fn text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| io(path, &error))
}

#[cfg(test)]
mod tests {
    use catalog_core::deadline::LimitKind;
    use chrono::NaiveDate;

    use super::*;

    const NOTICE: &str = r#"{"year": 2027, "source": "国办发明电〔2026〕9号", "issued": "2026-11-05",
        "holidays": [{"name": "元旦", "from": "2027-01-01", "to": "2027-01-03"}], "workdays": []}"#;

    #[test]
    fn what_lies_in_the_folder_adds_to_what_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let friday = NaiveDate::from_ymd_opt(2027, 1, 1).unwrap();
        let before = read(folder.path()).unwrap();
        assert!(!before.deadlines.calendar.knows(friday) && before.deadlines.calendar.is_working_day(friday));
        std::fs::create_dir(folder.path().join("calendar")).unwrap();
        std::fs::write(folder.path().join("calendar/2027.json"), NOTICE).unwrap();
        std::fs::write(folder.path().join("calendar/readme.txt"), "none of it").unwrap();
        let limits = r#"{"formal_check": {"days": 1, "source": "市规则"}}"#;
        std::fs::write(folder.path().join("limits.json"), limits).unwrap();
        std::fs::write(folder.path().join("supervision.json"), r#"{"off_hours_rows": 5}"#).unwrap();
        let after = read(folder.path()).unwrap();
        assert_eq!(after.supervision.off_hours_rows, 5);
        assert!(after.deadlines.calendar.knows(friday) && !after.deadlines.calendar.is_working_day(friday));
        assert_eq!(after.deadlines.limits.get(LimitKind::FormalCheck).days, 1);
    }

    #[test]
    fn a_malformed_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("calendar")).unwrap();
        std::fs::write(folder.path().join("calendar/2027.json"), NOTICE.replace("2027-01-03", "2026-01-03"))
            .unwrap();
        assert!(read(folder.path()).unwrap_err().message.contains("2027.json"));
        std::fs::remove_file(folder.path().join("calendar/2027.json")).unwrap();
        std::fs::write(folder.path().join("limits.json"), "{").unwrap();
        assert!(read(folder.path()).unwrap_err().message.contains("limits.json"));
    }
}
