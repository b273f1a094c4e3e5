//! A server process that has been started, and may or may not serve yet.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    bins::binary,
    bucket::Elsewhere,
    s3::KEYS,
    server::{Place, Server},
};

/// Started; ended by its id when dropped.
#[derive(Debug)]
pub struct Launch {
    process: Option<Child>,
    log: PathBuf,
}

impl Launch {
    pub(crate) fn new(
        place: &Place,
        library: &Path,
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let log = place.path("server.log");
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log");
        let mut command = Command::new(binary("longhaul-server"));
        command
            .arg("--print-ready")
            .arg("--data-dir")
            .arg(place.path("data"))
            .arg("--library")
            .arg(library)
            .args(options)
            .envs(variables.iter().copied())
            .current_dir(place.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr);
        if !options.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !options.contains(&"--initiate-rate") {
            command.args(["--initiate-rate", "off"]);
        }
        if let Some(s3) = Elsewhere::named()
            && !options.contains(&"--s3-endpoint")
        {
            command.args(["--s3-endpoint", &s3.endpoint]);
            command.args(["--s3-bucket", &place.bucket_name()]);
        }
        if options.contains(&"--s3-endpoint") {
            command.envs([
                ("AWS_ACCESS_KEY_ID", KEYS.0),
                ("AWS_SECRET_ACCESS_KEY", KEYS.1),
            ]);
        }
        Self {
            process: Some(command.spawn().expect("the server starts")),
            log,
        }
    }

    /// Waits until it serves.
    ///
    /// # Panics
    /// Where it does not.
    #[must_use]
    pub fn ready(mut self) -> Server {
        let mut process = self.process.take().expect("started");
        let stdout = process.stdout.take().expect("piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("read");
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("no ready line: {log}")
        });
        let text = |field: &str| ready[field].as_str().expect("an address").to_owned();
        Server::new(process, &text("listen"), &text("s3"), self.log.clone())
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Ended already is as good.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Launch {
    fn drop(&mut self) {
        self.end();
    }
}
