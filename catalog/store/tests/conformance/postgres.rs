//! A PostgreSQL server of the test's own: started in a temporary folder, reached by a Unix socket, stopped on drop.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where Debian's package puts the programs, beside `PATH`.
const FOLDERS: &str = "/usr/lib/postgresql";

/// Names databases, also of several test processes on one given server.
static DATABASES: AtomicU32 = AtomicU32::new(1);

/// A running server, or the one that `SHUQIAO_TEST_POSTGRES` names (an address without a database).
pub(crate) struct Postgres {
    /// Stops with this value.
    _cluster: Option<Cluster>,
    /// `postgres://user@host`, then `{database}`, then parameters.
    address: String,
    programs: PathBuf,
}

struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Postgres {
    /// Starts a server.
    ///
    /// # Panics
    /// If the programs are missing or do not work: a test without a database proves nothing.
    pub(crate) fn start() -> Self {
        let programs = programs();
        if let Ok(address) = std::env::var("SHUQIAO_TEST_POSTGRES") {
            let address = format!("{}/{{database}}", address.trim_end_matches('/'));
            return Self { _cluster: None, address, programs };
        }
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let cluster = Cluster { folder, programs: programs.clone() };
        let data = cluster.folder.path().join("data");
        run(as_postgres(&programs.join("initdb")).arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]));
        let socket = cluster.folder.path().display().to_string();
        // Nothing listens on the network; what a crash would lose is of no use to anybody.
        let settings = format!("-c listen_addresses='' -c unix_socket_directories='{socket}' -c fsync=off");
        run(as_postgres(&programs.join("pg_ctl"))
            .args(["start", "-w", "-s", "-o", &settings, "-l"])
            .arg(cluster.folder.path().join("log"))
            .arg("-D")
            .arg(&data));
        let address = format!("postgres://postgres@localhost/{{database}}?host={socket}");
        Self { _cluster: Some(cluster), address, programs }
    }

    /// The address of a new, empty database.
    pub(crate) fn new_database(&self) -> String {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let mut psql = as_postgres(&self.programs.join("psql"));
        run(psql
            .args(["-q", "-d", &self.address.replace("{database}", "postgres"), "-c"])
            .arg(format!("CREATE DATABASE {name}")));
        self.address.replace("{database}", &name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let stop = as_postgres(&self.programs.join("pg_ctl"))
            .args(["stop", "-s", "-m", "immediate", "-D"])
            .arg(data)
            .status();
        if !stop.is_ok_and(|status| status.success()) {
            eprintln!("the PostgreSQL server of the test could not be stopped");
        }
    }
}

/// The folder of the newest installed server, else one on `PATH`.
fn programs() -> PathBuf {
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let mut installed: Vec<PathBuf> =
        Path::new(FOLDERS).read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    installed.sort_by_key(version);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders =
        installed.iter().rev().map(|folder| folder.join("bin")).chain(std::env::split_paths(&path));
    folders.find(|folder| folder.join("initdb").is_file()).expect(
        "PostgreSQL is missing: apt-get install postgresql, or name a server in SHUQIAO_TEST_POSTGRES",
    )
}

/// The server refuses to run as root, so root steps down to the package's user.
fn as_postgres(program: &Path) -> Command {
    let mut command = match is_root() {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        }
        false => Command::new(program),
    };
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}
