//! Where the files come from: a private nginx, over http and https, as fast as it can and slowly.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use longhaul_bench_kit::program::Program;
use longhaul_protocol::{Crc64Nvme, Manifest, Sha256, block_size_for};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

/// A running nginx; ended when dropped.
#[derive(Debug)]
pub(crate) struct Origin {
    folder: PathBuf,
    pub(crate) port: u16,
    tls_port: u16,
    _nginx: Program,
}

/// A file at the origin.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) crc: u64,
}

impl Origin {
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.join("origin");
        fs::create_dir_all(folder.join("files"))?;
        certify(&folder)?;
        let (port, tls_port) = (free_port()?, free_port()?);
        let nginx = nginx(&folder, "127.0.0.1", port, Some(tls_port), None)?;
        Ok(Self {
            folder,
            port,
            tls_port,
            _nginx: nginx,
        })
    }

    /// A second nginx over the same files, in a network namespace and at an address in it.
    pub(crate) fn within(&self, namespace: &str, address: &str) -> anyhow::Result<Program> {
        nginx(&self.folder, address, 8080, None, Some(namespace))
    }

    pub(crate) fn url(&self, source: &Source) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, source.name)
    }

    /// 5 MiB a second for each connection.
    pub(crate) fn slow_url(&self, source: &Source) -> String {
        format!("http://127.0.0.1:{}/slow/{}", self.port, source.name)
    }

    pub(crate) fn tls_url(&self, source: &Source) -> String {
        format!("https://localhost:{}/{}", self.tls_port, source.name)
    }

    /// The certificate of the authority that signed the origin's.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Makes a file of random bytes.
    pub(crate) fn file(&self, name: &str, size: u64) -> anyhow::Result<Source> {
        let mut random = SmallRng::seed_from_u64(size);
        let mut file = fs::File::create(self.path_of(name))?;
        let mut crc = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc64Nvme);
        let mut buffer = vec![0; 1 << 20];
        let mut left = size;
        while left > 0 {
            let piece = &mut buffer[..usize::try_from(left.min(1 << 20))?];
            random.fill_bytes(piece);
            crc.update(piece);
            file.write_all(piece)?;
            left -= piece.len() as u64;
        }
        Ok(Source {
            name: name.to_owned(),
            size,
            crc: crc.finalize(),
        })
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join("files").join(name)
    }

    pub(crate) fn remove(&self, source: &Source) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.path_of(&source.name))?)
    }

    /// Writes the manifest of a file, as a job server would give it; its place.
    pub(crate) async fn manifest(&self, source: &Source) -> anyhow::Result<PathBuf> {
        let reply = reqwest::Client::new().head(self.url(source)).send().await?;
        let etag = reply.headers().get("etag").context("no ETag")?.to_str()?;
        let block_size = block_size_for(source.size);
        let manifest = Manifest {
            size: source.size,
            etag: etag.to_owned(),
            block_size,
            crc64nvme: blocks_of(&self.path_of(&source.name), block_size)?
                .map(|crc| crc.map(Crc64Nvme))
                .collect::<anyhow::Result<_>>()?,
            // Nothing here asks for it.
            sha256: Sha256([0; 32]),
        };
        let path = self.folder.join(format!("{}.manifest", source.name));
        fs::write(&path, serde_json::to_vec(&manifest)?)?;
        Ok(path)
    }
}

/// The CRC-64/NVME of each block of a file, a block in memory at a time: the memory of this program
/// would be taken for that of those it starts.
pub(crate) fn blocks_of(
    path: &Path,
    block_size: u64,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<u64>>> {
    let mut file = fs::File::open(path)?;
    let mut block = Vec::new();
    Ok(std::iter::from_fn(move || {
        block.clear();
        match (&mut file).take(block_size).read_to_end(&mut block) {
            Ok(0) => None,
            Ok(_) => {
                let algorithm = crc_fast::CrcAlgorithm::Crc64Nvme;
                Some(Ok(crc_fast::checksum(algorithm, &block)))
            }
            Err(error) => Some(Err(error.into())),
        }
    }))
}

/// A local authority, and a certificate of it for this machine's own names.
fn certify(folder: &Path) -> anyhow::Result<()> {
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new())?;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    // Two certificates of one name would be taken for one that signed itself.
    let name = rcgen::DnType::CommonName;
    params
        .distinguished_name
        .push(name, "Longhaul bench authority");
    let key = rcgen::KeyPair::generate()?;
    let authority = rcgen::CertifiedIssuer::self_signed(params, key)?;
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let own = rcgen::KeyPair::generate()?;
    let signed = rcgen::CertificateParams::new(names)?.signed_by(&own, &authority)?;
    fs::write(folder.join("ca.pem"), authority.pem())?;
    fs::write(folder.join("cert.pem"), signed.pem())?;
    fs::write(folder.join("key.pem"), own.serialize_pem())?;
    Ok(())
}

fn nginx(
    folder: &Path,
    address: &str,
    port: u16,
    tls_port: Option<u16>,
    namespace: Option<&str>,
) -> anyhow::Result<Program> {
    let run = folder.join(format!("nginx-{port}"));
    fs::create_dir_all(&run)?;
    let tls = tls_port.map_or_else(String::new, |port| {
        let folder = folder.display();
        format!(
            "server {{ listen {address}:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;\n\
             root {folder}/files; }}"
        )
    });
    let conf = run.join("nginx.conf");
    fs::write(
        &conf,
        format!(
            "worker_processes auto;\ndaemon off;\nuser root;\npid {run}/pid;\nerror_log {run}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n\
             access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_timeout 65; keepalive_requests 100000;\n\
             client_body_temp_path {run}/body; proxy_temp_path {run}/proxy; fastcgi_temp_path {run}/fastcgi;\n\
             uwsgi_temp_path {run}/uwsgi; scgi_temp_path {run}/scgi;\n\
             server {{ listen {address}:{port} backlog=4096; root {folder}/files;\n\
             location /slow/ {{ alias {folder}/files/; limit_rate 5m; }} }}\n\
             {tls}\n}}\n",
            run = run.display(),
            folder = folder.display(),
        ),
    )?;
    let mut command = match namespace {
        Some(name) => {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", name, "nginx"]);
            command
        }
        None => Command::new("nginx"),
    };
    let program = Program::start(command.arg("-c").arg(&conf), &run.join("log"))?;
    if namespace.is_none() {
        answers(address, port, &run)?;
    }
    Ok(program)
}

/// Waits until somebody listens.
pub(crate) fn answers(address: &str, port: u16, run: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    while std::net::TcpStream::connect((address, port)).is_err() {
        ensure!(
            begun.elapsed() < Duration::from_secs(10),
            "nobody listens: {}",
            fs::read_to_string(run.join("log")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
