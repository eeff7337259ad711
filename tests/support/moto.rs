//! moto's server: an emulator that no one here wrote.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running server; it stops with the value.
pub struct Moto {
    process: Child,
    /// Holds the recording of its requests.
    _folder: TempDir,
    pub endpoint: String,
}

impl Moto {
    /// Starts a server on a free port.
    pub fn start() -> Self {
        let python = PathBuf::from(
            std::env::var_os("NAVI_TEST_PYTHON")
                .expect("NAVI_TEST_PYTHON names a Python with moto; run the tests with tests/run"),
        );
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(python.with_file_name("moto_server"))
            .args(["-H", "127.0.0.1", "-p", "0"])
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
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
