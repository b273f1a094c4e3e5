//! Starts and memory with many jobs stored.

use std::{path::Path, time::Duration};

use crate::{
    Options, machine, ours,
    report::{Figures, Page},
};

/// After the ready line, before memory is read: what is done beside the first requests is in it.
const SETTLE: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &Options, folder: &Path, page: &mut Page) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for jobs in [options.jobs / 10, options.jobs] {
        let data = folder.join(format!("jobs-{jobs}"));
        // All wait: each has its place in the line, which no ended job has.
        ours::fill(&data, jobs, 10, false)?;
        let first = ours::start(&data, &["--workers", "1"], &[])?;
        let after_writing = first.took.as_secs_f64();
        first.program.stop()?;
        let (mut clean, mut killed) = (Figures::default(), Figures::default());
        let (mut resident, mut highest) = (Figures::default(), Figures::default());
        for round in 0..=options.rounds.min(3) {
            let server = ours::start(&data, &["--workers", "1"], &[])?;
            std::thread::sleep(SETTLE);
            let (now, most) = machine::memory(server.program.id())?;
            if round > 0 {
                clean.add(server.took.as_secs_f64());
                resident.add(now as f64);
                highest.add(most as f64);
            }
            // By kill -9, in the middle of whatever it does.
            drop(server);
            let server = ours::start(&data, &["--workers", "1"], &[])?;
            if round > 0 {
                killed.add(server.took.as_secs_f64());
            }
            server.program.stop()?;
        }
        let disk = ours::disk(&data.join("queue"))? >> 20;
        let cells = [
            format!("{after_writing:.2}"),
            clean.to_string(),
            killed.to_string(),
            resident.to_string(),
            highest.to_string(),
        ];
        rows.push(
            [
                vec![jobs.to_string()],
                cells.to_vec(),
                vec![disk.to_string()],
            ]
            .concat(),
        );
    }
    page.line("");
    page.line("## Starts and memory");
    page.line("");
    page.line(
        "From the start of the process to the line that says it serves, S3 and all: once after a kill -9 of the process that wrote them all, \
         then after a clean stop, and after a kill -9 of one that served. \
         All jobs wait, so that the whole line is in memory. Memory is read five seconds later, the proof of the database's content under way. Bar: under 2 s with 1,000,000 jobs.",
    );
    page.table(
        &[
            "jobs",
            "start after kill -9 of the writer s",
            "start s",
            "start after kill -9 s",
            "resident MiB",
            "highest MiB",
            "on disk MiB",
        ],
        &rows,
    );
    Ok(())
}
