//! Implementations that nobody here wrote, as scripts of `tests/python`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs a script of `tests/python` and reads the JSON that it prints.
pub(crate) fn python(script: &str, arguments: &[&str], input: &str) -> Value {
    let python = std::env::var("SHUQIAO_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(python)
        .arg(format!("{}/python/{script}", env!("CARGO_MANIFEST_DIR")))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed; `tests/run` installs what it needs");
    serde_json::from_slice(&output.stdout).unwrap()
}
