//! The command as scripts use it: documents, exit codes, pipes that close.

use std::process::Stdio;

use serde_json::json;

use crate::support::command::Folder;

#[test]
fn wrong_words_are_told_as_a_document_too() {
    let folder = Folder::empty();
    for words in [&["query"][..], &["resource", "step", "jump"], &["demo", "--people", "7"], &["nonsense"]] {
        assert_eq!(folder.refusal(words), (2, "invalid_input".to_owned()), "{words:?}");
    }
    let told = folder.run(&["query"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&told.stderr).contains("Usage:"));
    assert!(folder.run(&["--help", "--json"]).status.success());
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let folder = Folder::empty();
    for words in [&["completions", "bash"][..], &["openapi"]] {
        let mut child = folder.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_demo_as_a_document() {
    let folder = Folder::empty();
    let tour = ["demo", "--people", "2000", "--exit", "--listen", "127.0.0.1:0"];
    let document = folder.json(&tour);
    assert_eq!(document["tour"]["answers"].as_array().unwrap().len(), 4, "{document}");
    assert_eq!(document["tour"]["answers"][0]["rows"]["data"].as_array().unwrap().len(), 4);
    assert_eq!(document["tour"]["verified"], serde_json::json!(["1", "2", "3"]));
    assert_eq!(document["tour"]["refused"]["code"], "not_granted");
    assert_eq!(document["people"], 2000);
    let developers = &document["tour"]["developers"];
    assert_eq!(developers["notifications"][1]["type"], "cn.shuqiao.dataset.version-published.v1");
    assert!(developers["material"]["sha256"].as_str().unwrap().len() == 64, "{developers}");
}

#[test]
fn a_demo_for_others_is_refused_before_it_is_built() {
    let folder = Folder::empty();
    let off_loopback = ["demo", "--people", "2000", "--exit", "--listen", "0.0.0.0:0"];
    assert_eq!(folder.refusal(&off_loopback), (2, "invalid_input".to_owned()));
    assert!(!folder.data().exists());
}

#[test]
fn limits_under_which_nothing_answers_are_refused() {
    let folder = Folder::initialised();
    for (section, name) in [
        ("query", "seconds"),
        ("query", "rows"),
        ("query", "memory_mib"),
        ("query", "answer_mib"),
        ("server", "connections"),
        ("server", "connections_per_address"),
        ("server", "head_millis"),
        ("server", "write_millis"),
        ("log", "checkpoint_seconds"),
        ("log", "checkpoint_records"),
        ("access_log", "days"),
    ] {
        std::fs::write(folder.data().join("shuqiao.toml"), format!("[{section}]\n{name} = 0\n")).unwrap();
        let (status, error) = folder.refused(&["serve"]);
        assert_eq!((status, &error["code"]), (2, &json!("invalid_input")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(name));
        let (_, found) = folder.refused(&["doctor"]);
        assert!(found["problems"].to_string().contains(name), "{found}");
    }
}
