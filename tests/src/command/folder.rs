//! A data folder: made once, one owner, one format, private keys that are private.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::command::Folder;

#[test]
fn init_makes_a_folder_once() {
    let folder = Folder::empty();
    let first = folder.json(&["init"]);
    let config = folder.data().join("shuqiao.toml");
    fs::write(&config, "[query]\nseconds = 7\n").unwrap();
    let again = folder.json(&["init"]);
    assert!(first["one_time_code"].as_str().unwrap().len() >= 20);
    assert_eq!(again["one_time_code"], Value::Null, "the code is shown once");
    assert_eq!(fs::read_to_string(config).unwrap(), "[query]\nseconds = 7\n");
    for entry in fs::read_dir(folder.data().join("keys")).unwrap() {
        let file = entry.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
    }
    let report = folder.json(&["doctor"]);
    assert!(report.as_array().unwrap().iter().all(|check| check["well"] == true), "{report}");
}

#[test]
fn a_folder_of_another_kind_is_refused() {
    let nothing = Folder::empty();
    assert_eq!(nothing.refusal(&["serve"]), (1, "not_found".to_owned()));
    assert!(!nothing.data().exists());
    let folder = Folder::initialised();
    fs::write(folder.data().join("format"), "999").unwrap();
    for command in ["serve", "init", "gc"] {
        assert_eq!(folder.refusal(&[command]), (1, "illegal_state".to_owned()), "{command}");
    }
    fs::write(folder.data().join("format"), "nonsense").unwrap();
    assert_eq!(folder.refusal(&["serve"]), (1, "corrupt".to_owned()));
    let (_, error) = folder.refused(&["doctor"]);
    assert_eq!(error["problems"][0]["at"], "folder");
}

#[test]
fn an_older_folder_is_brought_to_the_format_of_today() {
    let folder = Folder::initialised();
    let keys = folder.data().join("keys");
    fs::write(folder.data().join("format"), "1").unwrap();
    fs::remove_file(keys.join("one-time-code.json")).unwrap();
    fs::write(keys.join("one-time-code.sha256"), "0".repeat(64)).unwrap();
    folder.ok(&["org", "list"]);
    assert_eq!(fs::read_to_string(folder.data().join("format")).unwrap(), "2");
    assert!(!keys.join("one-time-code.sha256").exists());
    assert!(folder.json(&["init"])["one_time_code"].is_string(), "the old code could never be redeemed");
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    let folder = Folder::initialised();
    let key = folder.data().join("keys").join("platform.pem");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let (_, error) = folder.refused(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(error["message"].as_str().unwrap().contains("chmod 600"), "{error}");
    let own = folder.path("own.pem").to_str().unwrap().to_owned();
    folder.ok(&["key", "generate", &own]);
    fs::set_permissions(&own, Permissions::from_mode(0o640)).unwrap();
    let (_, error) = folder.refused(&["query", "select 1", "--server", "http://127.0.0.1:9", "--key", &own]);
    assert!(error["message"].as_str().unwrap().contains("chmod 600"), "{error}");
}

#[test]
fn settings_are_checked_before_anything_is_served() {
    let folder = Folder::initialised();
    for settings in [
        "[server]\nlisten = \"0.0.0.0:0\"\n",
        "[server]\nlisten = \"0.0.0.0:0\"\nbehind_trusted_proxy = true\n",
        "[server]\ncertificate = \"chain.pem\"\n",
        "[server]\ncertificate = \"absent.pem\"\ncertificate_key = \"absent.pem\"\n",
        "[server]\nlisten = \"nowhere\"\n",
        "[nonsense]\n",
        "[",
    ] {
        fs::write(folder.data().join("shuqiao.toml"), settings).unwrap();
        assert_eq!(folder.refusal(&["serve"]), (2, "invalid_input".to_owned()), "{settings}");
    }
    fs::write(folder.data().join("shuqiao.toml"), "").unwrap();
    assert_eq!(folder.refusal(&["serve", "--listen", "0.0.0.0:0"]), (2, "invalid_input".to_owned()));
    let wrong = folder.run(&["query"]);
    assert_eq!((wrong.status.code(), wrong.stdout.is_empty()), (Some(2), true));
}

#[test]
fn errors_are_json_on_standard_error_where_json_is_asked_for() {
    let folder = Folder::with_departments();
    let output = folder.run(&["query", "select nonsense from no.table", "--as", "gaj", "--json"]);
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((error["code"].clone(), error["problems"].clone()), (json!("unknown_table"), json!([])));
    assert!(output.stdout.is_empty());
    let plain = folder.run(&["query", "select nonsense from no.table", "--as", "gaj"]);
    let text = String::from_utf8(plain.stderr).unwrap();
    assert!(text.starts_with("error [unknown_table] ") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(folder.refusal(&["query", "select 1", "--as", "nobody"]), (1, "not_found".to_owned()));
    assert_eq!(folder.refusal(&["query", "select 1", "--as", "gaj:king"]), (2, "invalid_input".to_owned()));
    let two = ":system_administrator,auditor";
    assert_eq!(folder.refusal(&["org", "list", "--as", two]), (2, "invalid_input".to_owned()));
}
