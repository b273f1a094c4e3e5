//! The cases: what is pulled, by whom, and the bars.

mod network;
mod table;

use std::{fs, path::Path, process::Command};

use longhaul_bench_kit::{
    program::{Program, output},
    report::Page,
};

use self::table::{Against, Case, FLOOR, Figure};
use crate::{
    Options,
    origin::Origin,
    side::{Peers, Side},
};

/// What all cases work with.
pub(crate) struct Bench<'a> {
    pub(crate) options: &'a Options,
    pub(crate) origin: &'a Origin,
    pub(crate) peers: &'a Peers,
    pub(crate) folder: &'a Path,
}

pub(crate) async fn run(
    options: &Options,
    origin: &Origin,
    peers: &Peers,
    folder: &Path,
    page: &mut Page,
) -> anyhow::Result<()> {
    let bench = Bench {
        options,
        origin,
        peers,
        folder,
    };
    if options.wants("a") {
        bench.large(page).await?;
    }
    if options.wants("b") {
        bench.slow(page)?;
    }
    if options.wants("c") {
        bench.small(page)?;
    }
    if options.wants("d1") {
        bench.far(page)?;
    }
    if options.wants("d2") {
        bench.narrow(page)?;
    }
    if options.wants("e") {
        bench.encrypted(page)?;
    }
    if options.wants("f") {
        bench.memory(page)?;
    }
    if options.wants("g") {
        bench.limited(page)?;
    }
    Ok(())
}

impl Bench<'_> {
    async fn large(&self, page: &mut Page) -> anyhow::Result<()> {
        let file = self.origin.file("large.bin", self.options.mib(4096))?;
        let manifest = self.origin.manifest(&file).await?;
        let url = self.origin.url(&file);
        let (store, s5cmd) = self.s5cmd(&file.name)?;
        let peers = self.peers;
        Case {
            title: "(a) One large file, unshaped",
            note: format!(
                "{} MiB over loopback. Ours proves each block by the manifest's CRC-64/NVME as it lands; the others prove \
                 nothing. s5cmd speaks S3 alone: it pulls the same file from our embedded store. The floor is two bare \
                 loops of read and write, without a check, a record or a retry.",
                file.size >> 20
            ),
            sides: vec![
                peers.ours("longhaul", &["--manifest", &manifest.to_string_lossy(), &url]),
                peers.aria2c("aria2c -x16 -s16", &["-x16", "-s16", &url]),
                peers.aria2c("aria2c", &[&url]),
                peers.curl(&url, &[]),
                peers.wget(&url),
                peers.axel(&url),
                s5cmd,
                peers.bare(FLOOR, &url)?,
            ],
            files: vec![file.clone()],
            bars: vec![
                Against::best(Figure::Time, 0.5),
                Against::best(Figure::Cpu, 0.6),
            ],
        }
        .run(self, page)?;
        drop(store);
        fs::remove_dir_all(self.folder.join("store"))?;
        self.origin.remove(&file)
    }

    /// Our embedded store with the file in it, and s5cmd pulling it.
    fn s5cmd(&self, name: &str) -> anyhow::Result<(Program, Side)> {
        const KEYS: [(&str, &str); 3] = [
            ("AWS_ACCESS_KEY_ID", "bench"),
            ("AWS_SECRET_ACCESS_KEY", "bench-secret"),
            ("AWS_REGION", "us-east-1"),
        ];
        let own = std::env::current_exe()?;
        let serve = own.with_file_name("examples").join("serve");
        let (store, endpoint) = Program::that_says(
            Command::new(serve)
                .arg(self.folder.join("store"))
                .args([KEYS[0].1, KEYS[1].1]),
            &self.folder.join("store.log"),
        )?;
        let s5cmd = move || {
            let mut command = Command::new("s5cmd");
            command.envs(KEYS).env("S3_ENDPOINT_URL", &endpoint);
            command
        };
        output(s5cmd().args(["mb", "s3://bench"]))?;
        let object = format!("s3://bench/{name}");
        output(
            s5cmd()
                .arg("cp")
                .arg(self.origin.path_of(name))
                .arg(&object),
        )?;
        let side = Side::new("s5cmd", move |folder| {
            let mut command = s5cmd();
            command
                .args(["cp", &object])
                .arg(format!("{}/", folder.display()));
            Ok(command)
        });
        Ok((store, side))
    }

    fn slow(&self, page: &mut Page) -> anyhow::Result<()> {
        let file = self.origin.file("slow.bin", self.options.mib(256))?;
        let url = self.origin.slow_url(&file);
        Case {
            title: "(b) 5 MiB/s for each connection",
            note: format!(
                "{} MiB; nginx's limit_rate lets each request burst for its first second, so aria2c's pieces are at \
                 least 16 MiB. 16 connections are aria2c's most for one host; ours finds its number by measurement, up to 64.",
                file.size >> 20
            ),
            sides: vec![
                self.peers.ours("longhaul --connections 64", &["--connections", "64", &url]),
                self.peers.ours("longhaul", &[&url]),
                self.peers.aria2c(
                    "aria2c -x16 -s16",
                    &["-x16", "-s16", "--min-split-size=16M", "--piece-length=16M", &url],
                ),
                self.peers.axel(&url),
            ],
            files: vec![file.clone()],
            bars: vec![Against::side(Figure::Time, "aria2c -x16 -s16", 0.6)],
        }
        .run(self, page)?;
        self.origin.remove(&file)
    }

    fn small(&self, page: &mut Page) -> anyhow::Result<()> {
        let count = 2000 / self.options.shrink.clamp(1, 100);
        let files = (0..count)
            .map(|number| {
                self.origin
                    .file(&format!("small-{number:04}.bin"), 64 << 10)
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let urls: Vec<_> = files.iter().map(|file| self.origin.url(file)).collect();
        let list = self.folder.join("small.list");
        fs::write(&list, urls.join("\n"))?;
        let list = list.to_string_lossy();
        Case {
            title: "(c) Small files",
            note: format!(
                "{count} files of 64 KiB, 16 at a time. Ours is synced, file and folder, before it has its name; the \
                 others' are not."
            ),
            sides: vec![
                self.peers.ours("longhaul", &["-i", &list]),
                self.peers.curl_many(urls, 16),
                self.peers.aria2c("aria2c -j16", &["-j16", "-i", &list]),
                // One after the other over one connection: how far parallelism carries here.
                Side::new("wget -i", {
                    let list = list.to_string();
                    move |folder| {
                        let mut command = Command::new("wget");
                        command.args(["-q", "-i", &list, "-P"]).arg(folder);
                        Ok(command)
                    }
                }),
            ],
            files: files.clone(),
            bars: vec![
                Against::side(Figure::Time, "curl -Z --parallel-max 16", 0.8),
                Against::side(Figure::Time, "aria2c -j16", 0.25),
            ],
        }
        .run(self, page)?;
        files.iter().try_for_each(|file| self.origin.remove(file))
    }

    fn encrypted(&self, page: &mut Page) -> anyhow::Result<()> {
        let file = self.origin.file("tls.bin", self.options.mib(1024))?;
        let url = self.origin.tls_url(&file);
        let authority = self.origin.authority();
        let authority = authority.to_string_lossy();
        Case {
            title: "(e) https",
            note: format!(
                "{} MiB from a server whose certificate a local authority signed.",
                file.size >> 20
            ),
            sides: vec![
                self.peers.ours("longhaul", &["--cacert", &authority, &url]),
                self.peers.curl(&url, &["--cacert", &authority]),
                self.peers.aria2c(
                    "aria2c -x16 -s16",
                    &[
                        "-x16",
                        "-s16",
                        &format!("--ca-certificate={authority}"),
                        &url,
                    ],
                ),
            ],
            files: vec![file.clone()],
            bars: vec![Against::beside(Figure::Cpu, "curl")],
        }
        .run(self, page)?;
        self.origin.remove(&file)
    }

    fn limited(&self, page: &mut Page) -> anyhow::Result<()> {
        let file = self.origin.file("limited.bin", self.options.mib(200))?;
        let url = self.origin.url(&file);
        Case {
            title: "(g) A limit",
            note: format!(
                "{} MiB at 20 MiB/s: {} s would be exact, and 5 % more or less the bar.",
                file.size >> 20,
                file.size / (20 << 20)
            ),
            sides: vec![
                self.peers.ours("longhaul", &["--limit-rate", "20M", &url]),
                self.peers.curl(&url, &["--limit-rate", "20M"]),
                self.peers.aria2c(
                    "aria2c -x16 -s16",
                    &["-x16", "-s16", "--max-overall-download-limit=20M", &url],
                ),
            ],
            files: vec![file.clone()],
            bars: vec![Against::beside(Figure::Time, "curl")],
        }
        .run(self, page)?;
        self.origin.remove(&file)
    }

    fn memory(&self, page: &mut Page) -> anyhow::Result<()> {
        for (title, count, size) in [
            ("(f) Memory: one file", 1_u64, 1024),
            ("(f) Memory: 50 files at once", 50, 16),
        ] {
            let files = (0..count)
                .map(|number| {
                    self.origin
                        .file(&format!("many-{number:02}.bin"), self.options.mib(size))
                })
                .collect::<anyhow::Result<Vec<_>>>()?;
            let urls: Vec<_> = files
                .iter()
                .map(|file| match count {
                    1 => self.origin.url(file),
                    _ => self.origin.slow_url(file),
                })
                .collect();
            let list = self.folder.join("many.list");
            fs::write(&list, urls.join("\n"))?;
            let list = list.to_string_lossy();
            Case {
                title,
                note: match count {
                    1 => format!("{size} MiB, unshaped."),
                    _ => format!(
                        "{size} MiB each, at 5 MiB/s for each connection, so that all run at once."
                    ),
                },
                sides: vec![
                    self.peers
                        .ours("longhaul", &["--concurrent", "50", "-i", &list]),
                    self.peers
                        .aria2c("aria2c -x16 -s16", &["-j50", "-x16", "-s16", "-i", &list]),
                ],
                files: files.clone(),
                bars: vec![Against::beside(Figure::Memory, "aria2c -x16 -s16")],
            }
            .run(self, page)?;
            files.iter().try_for_each(|file| self.origin.remove(file))?;
        }
        Ok(())
    }
}
