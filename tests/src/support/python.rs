//! Implementations that nobody here wrote, as scripts of `tests/python` and `tests/node`.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs a script of `tests/python` and reads the JSON that it prints.
pub(crate) fn python(script: &str, arguments: &[&str], input: &str) -> Value {
    run(interpreter(), &format!("python/{script}"), arguments, input)
}

/// Runs a script of `tests/node`, which opens a browser, and reads the JSON that it prints.
pub(crate) fn browser(script: &str, arguments: &[&str]) -> Value {
    // Node comes with the Python packages.
    let node = std::path::Path::new(&interpreter()).with_file_name("node");
    run(node, &format!("node/{script}"), arguments, "")
}

/// The Python that has the packages of `tests/requirements.txt`.
pub(crate) fn interpreter() -> String {
    std::env::var("SHUQIAO_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn run(program: impl AsRef<OsStr>, script: &str, arguments: &[&str], input: &str) -> Value {
    let mut child = Command::new(program)
        .arg(format!("{}/{script}", env!("CARGO_MANIFEST_DIR")))
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
