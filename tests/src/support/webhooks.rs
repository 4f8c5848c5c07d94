//! A receiver of notifications that nobody here wrote (aiohttp, http-message-signatures, cloudevents), in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A running receiver, which ends with this value.
pub(crate) struct Receiver {
    child: Child,
    output: BufReader<ChildStdout>,
    control: reqwest::Client,
    /// Where it listens.
    pub(crate) port: u16,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Receiver {
    /// Starts one that knows the platform's public keys.
    pub(crate) fn start(jwks: &Value) -> Self {
        let python = std::env::var("SHUQIAO_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut child = Command::new(python)
            .arg(format!("{}/python/webhook_receiver.py", env!("CARGO_MANIFEST_DIR")))
            .arg(json!({ "jwks": jwks }).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let control = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut receiver = Self { child, output, control, port: 0 };
        let port = receiver.next()["port"].as_u64().expect("`tests/run` installs what the receiver needs");
        receiver.port = u16::try_from(port).unwrap();
        receiver
    }

    /// Its address at a path.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// Tells it how to behave from now on; answers how many requests have come.
    pub(crate) async fn control(&self, told: Value) -> u64 {
        let answer = self.control.post(self.address("control")).json(&told).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["received"].as_u64().unwrap()
    }

    /// The next event that it takes, whose signature it has verified; waits for it.
    pub(crate) fn next(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(event.get("problem").unwrap_or(&Value::Null), &Value::Null, "{event}");
        event
    }
}
