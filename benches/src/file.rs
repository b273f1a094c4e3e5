//! One large file produced and uploaded, beside rclone and s5cmd uploading it to the same store.

use std::{
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    Options, machine, ours,
    program::{Program, output},
    report::{Figures, Page, against},
};

const ACCESS: &str = "bench";
const SECRET: &str = "bench-secret";
const BUCKET: &str = "bench";

pub(crate) async fn run(options: &Options, folder: &Path, page: &mut Page) -> anyhow::Result<()> {
    let data = folder.join("file");
    std::fs::create_dir_all(data.join("library"))?;
    let file = data.join("library").join("large.bin");
    output(
        Command::new("dd")
            .args([
                "if=/dev/urandom",
                "bs=1M",
                &format!("count={}", options.mib),
            ])
            .arg(format!("of={}", file.display())),
    )?;
    let (store, endpoint) = Program::that_says(
        Command::new(ours::binary("examples/serve")?)
            .arg(folder.join("store"))
            .args([ACCESS, SECRET]),
        &folder.join("store.log"),
    )?;
    let keys = [
        ("AWS_ACCESS_KEY_ID", ACCESS),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_REGION", "us-east-1"),
        ("S3_ENDPOINT_URL", endpoint.as_str()),
    ];
    output(
        Command::new("s5cmd")
            .args(["mb", &format!("s3://{BUCKET}")])
            .envs(keys),
    )?;
    let more = [
        "--s3-endpoint",
        &endpoint,
        "--s3-bucket",
        BUCKET,
        "--s3-path-style",
        "true",
    ];
    let server = ours::start(&data, &more, &keys)?;
    let mut figures: [(&str, Figures); 3] = [
        ("longhaul-server", Figures::default()),
        ("rclone", Figures::default()),
        ("s5cmd", Figures::default()),
    ];
    for round in 0..=options.rounds.min(3) {
        // Another file each time: an unchanged one is offered again without any work.
        let mut changed = std::fs::OpenOptions::new().write(true).open(&file)?;
        changed.write_all(&[u8::try_from(round)?; 64])?;
        changed.sync_all()?;
        let times = [
            produced(server.port).await?,
            uploaded(&mut rclone(&file, &endpoint))?,
            uploaded(s5cmd(&file).envs(keys))?,
        ];
        for ((_, figure), took) in figures.iter_mut().zip(times) {
            if round > 0 {
                figure.add(options.mib as f64 / took.as_secs_f64());
            }
        }
        output(
            Command::new("s5cmd")
                .args(["rm", &format!("s3://{BUCKET}/*")])
                .envs(keys),
        )?;
    }
    let (_, highest) = machine::memory(server.program.id())?;
    let mine = figures[0].1.median();
    let best = figures[1].1.median().max(figures[2].1.median());
    let rows = figures.map(|(name, figure)| vec![name.to_owned(), figure.to_string()]);
    page.line("");
    page.line("## One large file");
    page.line("");
    page.line(&format!(
        "A file of {} MiB into the same store (our embedded one, as a process of its own, synced). Ours is the whole job, \
         from the click to `completed`: it also takes sha256 and CRC-64/NVME of the stream and stores the manifest. \
         Highest memory of the server over all rounds: **{highest} MiB** (bar: under 200).",
        options.mib
    ));
    page.table(&["uploader", "MiB/s"], &rows);
    page.table(
        &["longhaul-server beside", "by MiB/s"],
        &[vec!["the better of both".into(), against(mine / best, 0.9)]],
    );
    server.program.stop()?;
    drop(store);
    Ok(())
}

/// Clicks, and waits for the end by long polls.
async fn produced(port: u16) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let client = reqwest::Client::new();
    let base = format!("http://127.0.0.1:{port}");
    let body = serde_json::json!({ "file_id": ours::file_id(port).await? });
    let reply = client
        .post(format!("{base}/v1/jobs/download"))
        .json(&body)
        .send()
        .await?;
    let job: Value = reply.error_for_status()?.json().await?;
    let url = format!(
        "{base}{}?wait=20",
        job["checkUrl"].as_str().context("no URL")?
    );
    while began.elapsed() < Duration::from_secs(600) {
        let view: Value = client
            .get(&url)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        ensure!(
            view["status"] != "failed",
            "the job failed: {}",
            view["error"]
        );
        if view["status"] == "completed" {
            return Ok(began.elapsed());
        }
    }
    anyhow::bail!("the job did not end")
}

fn uploaded(command: &mut Command) -> anyhow::Result<Duration> {
    let began = Instant::now();
    output(command)?;
    Ok(began.elapsed())
}

fn rclone(file: &Path, endpoint: &str) -> Command {
    let remote = format!(
        ":s3,provider=Other,access_key_id={ACCESS},secret_access_key={SECRET},endpoint='{endpoint}',force_path_style=true:{BUCKET}/peer/rclone"
    );
    let mut command = Command::new("rclone");
    command.args([
        "copyto",
        "--s3-upload-concurrency",
        "4",
        "--s3-chunk-size",
        "8M",
    ]);
    command.arg(file).arg(remote);
    command
}

fn s5cmd(file: &Path) -> Command {
    let mut command = Command::new("s5cmd");
    command.args(["cp", "--concurrency", "4", "--part-size", "8"]);
    command.arg(file).arg(format!("s3://{BUCKET}/peer/s5cmd"));
    command
}
