//! `log archive`, and the settings of what evidence is kept for.

use std::fs;

use serde_json::json;

use crate::support::command::Folder;

fn configure(folder: &Folder, log: &str) {
    let path = folder.data().join("shuqiao.toml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.split("\n[log]").next().unwrap();
    fs::write(path, format!("{text}\n[log]\n{log}\n")).unwrap();
}

#[test]
fn an_archive_is_a_folder_that_is_there() {
    let folder = Folder::initialised();
    let refused = |words: &str| {
        let (_, error) = folder.refused(&["log", "archive"]);
        assert!(error["message"].as_str().unwrap().contains(words), "{words}: {error}");
    };
    refused("there is no archive");
    configure(&folder, "local_days = 3");
    refused("log.local_days needs log.archive");
    configure(&folder, "archive = \"archive\"");
    refused("an absolute path");
    configure(&folder, "texts_months = 35");
    refused("the law asks for 36");
    let archive = folder.path("archive");
    configure(&folder, &format!("archive = \"{}\"\nlocal_days = 0", archive.display()));
    refused("archive");
    assert!(!archive.exists());
    fs::create_dir(&archive).unwrap();
    assert_eq!(folder.json(&["log", "archive"]), json!({"copied": 0, "dropped": 0}), "nothing is sealed yet");
    folder.ok(&["audit"]);
}
