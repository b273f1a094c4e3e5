//! The real nginx with the configuration that is shipped, on ports of its own.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use reqwest::Url;

use crate::server::{DEADLINE, LOOK};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/nginx.conf");

/// It runs; ended by its id when dropped.
#[derive(Debug)]
pub struct Nginx {
    process: Child,
    folder: PathBuf,
    /// Where it listens.
    pub url: Url,
}

/// Writes an nginx.conf around a server configuration, as a distribution's does.
fn around(folder: &Path, site: &str) -> PathBuf {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("site.conf"), site).expect("written");
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {};\n", at(name)))
        .collect();
    let whole = format!(
        "daemon off;\nworker_processes 1;\npid {};\nerror_log {} info;\n\
         events {{ worker_connections 1024; }}\nhttp {{\n{temporary}include {};\n}}\n",
        at("nginx.pid"),
        at("error.log"),
        at("site.conf"),
    );
    let path = folder.join("nginx.conf");
    fs::write(&path, whole).expect("written");
    path
}

/// nginx's own word on the shipped file as it is, but for the folder of its log.
///
/// # Errors
/// With what nginx said.
///
/// # Panics
/// Where nginx is not installed: `make setup` does that.
pub fn accepts_what_is_shipped(folder: &Path) -> Result<(), String> {
    let shipped = fs::read_to_string(SHIPPED).expect("deploy/nginx.conf");
    let site = shipped.replace("/var/log/nginx/", &format!("{}/", folder.display()));
    let said = Command::new("nginx")
        .args(["-t", "-c"])
        .arg(around(folder, &site))
        .output()
        .expect("nginx is installed");
    if said.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&said.stderr).into_owned())
    }
}

/// An address that nobody listens on now.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

impl Nginx {
    /// Starts it before a server, on `port`, with every time limit lowered to `limit`.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn before(server: &Url, port: u16, folder: &Path, limit: &str) -> Self {
        let shipped = fs::read_to_string(SHIPPED).expect("deploy/nginx.conf");
        let address = format!("127.0.0.1:{}", server.port().expect("a port"));
        let site: String = shipped
            .replace("127.0.0.1:3000", &address)
            .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
            .replace("/var/log/nginx/", &format!("{}/", folder.display()))
            .lines()
            .map(|line| match line.trim().split_once(' ') {
                Some((name, _)) if name.ends_with("_timeout") => format!("{name} {limit};\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        assert!(site.contains(&address) && site.contains(&format!(":{port};")));
        assert_eq!(
            site.matches(&format!("_timeout {limit};")).count(),
            8,
            "{site}"
        );
        let process = Command::new("nginx")
            .arg("-c")
            .arg(around(folder, &site))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        let nginx = Self {
            process,
            folder: folder.to_owned(),
            url: format!("http://127.0.0.1:{port}").parse().expect("a URL"),
        };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < DEADLINE, "{}", nginx.read("error.log"));
            std::thread::sleep(LOOK);
        }
        nginx
    }

    /// A file of its folder, such as `longhaul.log`.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, so that the master ends its worker; kill -9 would leave that one.
        let id = self.process.id().to_string();
        let _ = Command::new("kill").arg(id).status();
        let _ = self.process.wait();
    }
}
