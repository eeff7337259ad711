//! moto's server: an emulator that no one here wrote.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running server; it stops with the value.
pub struct Moto {
    process: Child,
    /// Holds the recording of its requests.
    _folder: TempDir,
    pub endpoint: String,
    authority: Option<(PathBuf, TempDir)>,
}

impl Moto {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// One that speaks TLS, with a certificate that nobody but its own authority vouches for.
    pub fn with_tls() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(python())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates.py"))
            .arg(folder.path())
            .status()
            .unwrap();
        assert!(made.success());
        let file = |name| folder.path().join(name).to_str().unwrap().to_owned();
        let (certificate, key) = (file("server.pem"), file("server.key"));
        let tls = ["--ssl", "--ssl-cert", &certificate, "--ssl-key", &key];
        let mut moto = Self::start_with(&tls);
        moto.authority = Some((folder.path().join("authority.pem"), folder));
        moto
    }

    /// The certificate to trust.
    pub fn authority(&self) -> &Path {
        &self.authority.as_ref().expect("a server with TLS").0
    }

    fn start_with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(python().with_file_name("moto_server"))
            .args(["-H", "127.0.0.1", "-p", "0"])
            .args(arguments)
            // Without these a service's running count is wrong and a certificate takes a minute.
            .env("MOTO_ECS_SERVICE_RUNNING", "1")
            .env("MOTO_ACM_VALIDATION_WAIT", "1")
            .env("MOTO_RECORDER_FILEPATH", folder.path().join("recording"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        // It says ` * Running on http://127.0.0.1:PORT` once it listens.
        let endpoint = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once("Running on ")?.1.trim().to_owned()))
            .expect("moto says where it listens");
        // Its log must be read, or it stops when the pipe is full.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Moto {
            process,
            _folder: folder,
            endpoint,
            authority: None,
        }
    }
}

fn python() -> PathBuf {
    std::env::var_os("NAVI_TEST_PYTHON")
        .expect("NAVI_TEST_PYTHON names a Python with moto; run the tests with tests/run")
        .into()
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
