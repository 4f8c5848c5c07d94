//! The real command as a child process, on a data folder of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use catalog_core::directory::sheet;
use exchange_auth::{JwkSet, read_key_file};
use exchange_crypto::SigningKey;
use serde_json::Value;
use tempfile::TempDir;

use super::city::{CODE, departments, resource};
use super::server::{Answer, Call, ORIGIN, Server, exchange};

/// The program under test: beside the tests, or where `SHUQIAO_BIN` says.
fn program() -> PathBuf {
    let beside = || {
        let tests = std::env::current_exe().unwrap();
        tests.ancestors().nth(2).unwrap().join("shuqiao")
    };
    let program = std::env::var_os("SHUQIAO_BIN").map_or_else(beside, PathBuf::from);
    let advice = "build it with `cargo build --workspace --bins`";
    assert!(program.is_file(), "{} is missing: {advice}", program.display());
    program
}

/// A temporary folder with a data folder in it. Commands run there.
pub(crate) struct Folder {
    temp: TempDir,
}

impl Folder {
    /// Without a data folder yet.
    pub(crate) fn empty() -> Self {
        Self { temp: tempfile::tempdir().unwrap() }
    }

    /// With a data folder that `init` made.
    pub(crate) fn initialised() -> Self {
        let folder = Self::empty();
        folder.ok(&["init"]);
        folder
    }

    /// With what a server of this process has kept so far, for commands to look at.
    pub(crate) fn of(server: &Server) -> Self {
        let folder = Self::initialised();
        for part in fs::read_dir(folder.data()).unwrap() {
            let path = part.unwrap().path();
            match path.file_name().and_then(|name| name.to_str()) {
                Some("format" | "shuqiao.toml") => {}
                _ if path.is_dir() => fs::remove_dir_all(path).unwrap(),
                _ => fs::remove_file(path).unwrap(),
            }
        }
        copy(server.folder.path(), &folder.data());
        fs::write(folder.data().join("evidence-origin"), ORIGIN).unwrap();
        folder
    }

    /// With the two departments of [`departments`].
    pub(crate) fn with_departments() -> Self {
        let folder = Self::initialised();
        let file = folder.file("departments.json", serde_json::to_string(&departments()).unwrap());
        folder.ok(&["org", "put", &file]);
        folder
    }

    /// With the resource of [`resource`] too, from a spreadsheet, reviewed by another person and published.
    pub(crate) fn with_resource() -> Self {
        let folder = Self::with_departments();
        folder.put_in_force(&resource());
        folder
    }

    /// Imports a resource from a spreadsheet, has it reviewed by another person and publishes it.
    pub(crate) fn put_in_force(&self, resource: &Value) {
        self.put_in_force_at("data", resource);
    }

    /// The same in another data folder.
    pub(crate) fn put_in_force_at(&self, data_dir: &str, resource: &Value) {
        let sheet = self.sheet_of("directory.xlsx", resource);
        let code = resource["code"].as_str().unwrap().replace('/', "-");
        self.ok(&["resource", "import", &sheet, "--as", "scjg", "--data-dir", data_dir]);
        for (step, role, operator) in [
            ("submit-registration", "scjg", "wang"),
            ("approve-registration", "scjg:reviewer", "li"),
            ("submit-publication", "scjg", "wang"),
            ("approve-publication", "scjg:reviewer", "li"),
        ] {
            let step = ["resource", "step", step, &code, "--as", role, "--operator", operator];
            self.ok(&[&step[..], &["--data-dir", data_dir]].concat());
        }
    }

    /// Opens items of the resource to the public, as the department's steward asks and its reviewer decides.
    pub(crate) fn open(&self, options: &[&str]) {
        let ask: [&[&str]; 3] =
            [&["publish", CODE, "--basis", "示例"], options, &["--as", "scjg", "--operator", "wang"]];
        let review = self.json(&ask.concat());
        let number = review["number"].as_str().unwrap();
        if review["state"] == "completing" {
            let justify = ["matter", "step", number, "justify", "--reason", "合成数据", "--as", "scjg"];
            self.ok(&[&justify[..], &["--operator", "wang"]].concat());
        }
        let grant = ["matter", "step", number, "grant", "--all-yes", "--as", "scjg:reviewer"];
        self.ok(&[&grant[..], &["--operator", "li"]].concat());
    }

    /// Writes the directory of the one resource as a spreadsheet.
    pub(crate) fn sheet(&self, name: &str) -> String {
        self.sheet_of(name, &resource())
    }

    fn sheet_of(&self, name: &str, resource: &Value) -> String {
        let resource = serde_json::from_value(resource.clone()).unwrap();
        let workbook = sheet::write(&[resource], &departments()).unwrap();
        self.file(name, catalog_sheet::write_xlsx(&workbook).unwrap())
    }

    /// A path in the temporary folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A command on the data folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).current_dir(self.temp.path()).stdin(Stdio::null());
        // Whatever language whoever runs the tests speaks.
        command.env("LC_ALL", "C");
        command.env("SHUQIAO_DATA_DIR", self.data()).env_remove("SHUQIAO_SERVER").env_remove("SHUQIAO_KEY");
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that must succeed prints.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {}\n{out}\n{err}", output.status);
        out.into_owned()
    }

    /// The JSON document that a command prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// The rows that a department gets for a query.
    pub(crate) fn rows(&self, sql: &str, acting_as: &[&str]) -> Value {
        self.json(&[&["query", sql, "--as"], acting_as].concat())["data"].take()
    }

    /// Exit status and JSON error of a command that must fail, and says nothing else.
    pub(crate) fn refused(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(&[arguments, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?} must fail");
        let error =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"));
        (output.status.code().unwrap(), error)
    }

    /// Exit status and code of a command that must fail.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> (i32, String) {
        let (status, error) = self.refused(arguments);
        (status, error["code"].as_str().unwrap().to_owned())
    }

    /// Makes a department's machine key and registers it; gives its file.
    pub(crate) fn machine_key(&self, department: &str) -> String {
        let file = self.path(&format!("{department}.pem")).to_str().unwrap().to_owned();
        self.ok(&["key", "generate", &file]);
        self.ok(&["key", "register", department, &file, "--as", ":security_administrator"]);
        file
    }

    /// Serves another data folder on a free port.
    pub(crate) fn serve_at(&self, data_dir: &str) -> Serving {
        Serving::start(self.command(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir]))
    }

    /// Serves the folder on a free port.
    pub(crate) fn serve(&self) -> Serving {
        Serving::start(self.command(&["serve", "--listen", "127.0.0.1:0"]))
    }
}

/// A running server. It is killed with this value.
pub(crate) struct Serving {
    child: Child,
    _output: BufReader<ChildStdout>,
    /// Its address.
    pub(crate) base: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    /// Starts a server and waits until it says where it serves.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("serving at ") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the server ended: {:?}", child.wait());
        }
        let base = line.split_once("serving at ").unwrap().1.trim().to_owned();
        Self { child, _output: output, base }
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

/// A client of a [`Serving`] that checks every answer's signature.
pub(crate) struct Visitor {
    pub(crate) http: reqwest::Client,
    base: String,
    keys: JwkSet,
}

impl Visitor {
    pub(crate) async fn of(serving: &Serving) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let address = format!("{}/.well-known/jwks.json", serving.base);
        let keys = http.get(address).send().await.unwrap().json().await.unwrap();
        Self { http, base: serving.base.clone(), keys }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, call: Call<'_>) -> Answer {
        exchange(&self.http, &self.base, &self.keys, catalog_core::Timestamp::now(), call).await
    }

    /// Downloads a file to a path.
    pub(crate) async fn download(&self, path: &str, to: &Path) {
        fs::write(to, self.send(Call::get(path)).await.ok_bytes()).unwrap();
    }
}

/// The private key in a file.
pub(crate) fn key(file: &str) -> SigningKey {
    read_key_file(Path::new(file)).unwrap()
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(fs::copy(&path, &to).unwrap()),
        }
    }
}
