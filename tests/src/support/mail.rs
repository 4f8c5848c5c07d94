//! A mail server that nobody here wrote (aiosmtpd), in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running mail server, which ends with this value.
pub(crate) struct MailServer {
    child: Child,
    output: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) port: u16,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl MailServer {
    /// Starts one as `tests/python/smtp_server.py` is told.
    pub(crate) fn start(told: &Value) -> Self {
        let python = std::env::var("SHUQIAO_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut child = Command::new(python)
            .arg(format!("{}/python/smtp_server.py", env!("CARGO_MANIFEST_DIR")))
            .arg(told.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, output, port: 0 };
        let port = server.next()["port"].as_u64().expect("`tests/run` installs what the server needs");
        server.port = u16::try_from(port).unwrap();
        server
    }

    /// The next letter that it takes; waits for it.
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}
