//! Three hard files the whole way, at once: `make demo`.
//!
//! A large incompressible file, a folder of 500 small files offered as one zip, and a file with a
//! hard name go through the real server and the real terminal client; what arrives is held against
//! the sources. `--size BYTES` makes the large file smaller, `--folder DIR` puts it all elsewhere.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context, bail, ensure};
use longhaul_tests::{
    bins::binary,
    content::{incompressible, sha256},
    server::{Place, files_below},
};
use serde_json::Value;

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// The server's memory at its peak stays below this, whatever the file.
const MEMORY: u64 = 200 * MIB;
const SMALL_FILES: u64 = 500;
const PHASES: [&str; 7] = [
    "clicked", "accepted", "started", "stored", "pulling", "pulled", "finished",
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let (folder, size) = options()?;
    let library = folder.join("demo-library");
    let names = make_library(&library, size)?;
    let place = Place::within(&folder)?;
    let catalog = library.join("catalog.toml");
    let catalog = catalog
        .to_str()
        .context("the folder's name is not unicode")?;
    let files = library.join("files");
    let files = files.to_str().context("the folder's name is not unicode")?;
    let server = place.serve_library(files, &["--catalog", catalog]);
    println!("server {} · S3 {}", server.url, server.s3);

    let out = place.path("downloads");
    let runtime = tokio::runtime::Runtime::new()?;
    let mut ids = vec!["70000".to_owned()];
    for name in &names {
        ids.push(runtime.block_on(server.file_id(name)).to_string());
    }
    let done = get(&server, &place, &ids, &out)?;
    print_phases(&done)?;

    for (id, name) in ids[1..].iter().zip(&names) {
        // The name on the disk is made safe for every system; the row says what it became.
        let (here, there) = (
            sha256(&arrival(&done, id)?),
            sha256(&library.join("files").join(name)),
        );
        ensure!(here == there, "{name} arrived as {here}, and is {there}");
        println!("sha256 {here}  equal  {}", shortened(name));
    }
    compare_zip(&arrival(&done, &ids[0])?, &library.join("small"))?;
    let arrived = fs::read_dir(&out)?.count();
    ensure!(
        arrived == 3,
        "{arrived} entries lie in the download folder, not the 3 files"
    );

    let peak = server.peak_memory();
    println!(
        "server's peak memory: {} MiB (bound: {} MiB)",
        peak / MIB,
        MEMORY / MIB
    );
    ensure!(
        peak > 0 && peak < MEMORY,
        "the server's memory went beyond its bound"
    );
    let code = server.terminate();
    ensure!(code == Some(0), "the server ended with {code:?}");
    let store = place.path("data/store");
    let uploads = files_below(&store, |path| path.iter().any(|part| part == "uploads"));
    ensure!(
        uploads.is_empty(),
        "unfinished uploads are left: {uploads:?}"
    );
    println!("all three arrived whole; nothing else is left");
    Ok(())
}

fn options() -> anyhow::Result<(PathBuf, u64)> {
    let (mut folder, mut size) = (PathBuf::from(".demo"), GIB);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args
            .next()
            .with_context(|| format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--folder" => folder = value.into(),
            "--size" => size = value.parse().context("--size is in bytes")?,
            _ => bail!("{arg} is neither --folder nor --size"),
        }
    }
    fs::create_dir_all(&folder)?;
    Ok((fs::canonicalize(folder)?, size))
}

/// Makes what is not there yet; answers the names of the plain files.
fn make_library(library: &Path, size: u64) -> anyhow::Result<[String; 2]> {
    let hard = format!(
        "Ärger mit „Namen“ 'und' \"Zeichen\" {} 終.bin",
        "x y ".repeat(37)
    );
    let names = ["big.bin".to_owned(), hard];
    let (files, small) = (library.join("files"), library.join("small"));
    fs::create_dir_all(&files)?;
    fs::create_dir_all(&small)?;
    for (name, size) in names.iter().zip([size, 3 * MIB + 17]) {
        let path = files.join(name);
        if fs::metadata(&path).map_or(true, |metadata| metadata.len() != size) {
            incompressible(&path, size, size);
        }
    }
    for n in 0..SMALL_FILES {
        let path = small.join(format!("{n:03}.dat"));
        if !path.exists() {
            incompressible(&path, 10_000 + n * 37, n);
        }
    }
    fs::write(
        library.join("catalog.toml"),
        "[[file]]\nid = 70000\nname = \"small files.zip\"\narchive = { folder = \"small\" }\n",
    )?;
    Ok(names)
}

/// One client process gets all; answers each file's last row.
fn get(
    server: &longhaul_tests::server::Server,
    place: &Place,
    ids: &[String],
    out: &Path,
) -> anyhow::Result<BTreeMap<String, Value>> {
    let client = Command::new(binary("longhaul"))
        .arg("get")
        .args(ids)
        .args(["--json", "--server", server.url.as_str()])
        .arg("-o")
        .arg(out)
        .arg("--state-dir")
        .arg(place.path("state"))
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        client.status.success(),
        "longhaul get ended with {}",
        client.status
    );
    let mut rows = BTreeMap::new();
    for line in String::from_utf8(client.stdout)?.lines() {
        let event: Value = serde_json::from_str(line)?;
        if event["event"] == "changed" {
            let row = event["download"].clone();
            rows.insert(row["name"].as_str().unwrap_or_default().to_owned(), row);
        }
    }
    rows.retain(|_, row| row["state"] == "completed");
    ensure!(
        rows.len() == ids.len(),
        "{} of {} completed",
        rows.len(),
        ids.len()
    );
    Ok(rows)
}

/// Where the file with this id arrived.
fn arrival(rows: &BTreeMap<String, Value>, id: &str) -> anyhow::Result<PathBuf> {
    let row = rows
        .values()
        .find(|row| row["source"]["fileId"].as_u64() == id.parse().ok())
        .with_context(|| format!("the file {id} has no row"))?;
    Ok(row["path"]
        .as_str()
        .context("a completed row has a path")?
        .into())
}

fn print_phases(rows: &BTreeMap<String, Value>) -> anyhow::Result<()> {
    println!("\nseconds from one phase to the next");
    print!("{:<24}{:>10}", "file", "MB");
    for phase in &PHASES[1..] {
        print!("{phase:>10}");
    }
    println!("{:>10}{:>10}", "total", "MB/s");
    for (name, row) in rows {
        let size = row["size"].as_u64().context("a size")? as f64 / 1e6;
        print!("{:<24}{size:>10.1}", shortened(name));
        let mut times = BTreeMap::new();
        for moment in row["moments"].as_array().context("moments")? {
            let kind = moment["kind"].as_str().context("a kind")?;
            let at: jiff::Timestamp = moment["at"].as_str().context("a time")?.parse()?;
            times.insert(kind, at.as_microsecond() as f64 / 1e6);
        }
        let clicked = *times.get("clicked").context("the click has no time")?;
        let mut before = clicked;
        for phase in &PHASES[1..] {
            match times.get(phase) {
                Some(at) => {
                    print!("{:>10.2}", at - before);
                    before = *at;
                }
                // A phase shorter than the poll that would have seen it.
                None => print!("{:>10}", "-"),
            }
        }
        let total = before - clicked;
        println!("{total:>10.2}{:>10.1}", size / total);
    }
    println!();
    Ok(())
}

fn compare_zip(zip: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut archive = zip::ZipArchive::new(fs::File::open(zip)?)?;
    ensure!(
        archive.len() as u64 == SMALL_FILES,
        "the zip holds {} files",
        archive.len()
    );
    for n in 0..archive.len() {
        let mut member = archive.by_index(n)?;
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes)?;
        let name = member.name()?.into_owned();
        ensure!(
            bytes == fs::read(folder.join(&name))?,
            "{name} differs in the zip"
        );
    }
    println!("zip: {SMALL_FILES} members, each equal to its source");
    Ok(())
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= 22 {
        return name.to_owned();
    }
    name.chars().take(21).chain(['…']).collect()
}
