//! Many jobs at once.

use longhaul_tests::{
    content::{incompressible, sha256},
    server::{Place, fetch_sha256},
};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_jobs_at_once_complete_with_the_right_bytes() {
    let place = Place::new();
    for n in 0..20 {
        incompressible(
            &place.library().join(format!("{n}.bin")),
            1 + n * 700_001,
            n,
        );
    }
    let server = place.serve(&[]);
    let mut jobs = Vec::new();
    for n in 0..20 {
        let id = server.file_id(&format!("{n}.bin")).await;
        jobs.push((n, server.initiate(id).await));
    }
    for (n, job) in jobs {
        let job = server.completed(&job.check_url).await;
        let result = job.result.expect("a result");
        let source = sha256(&place.library().join(format!("{n}.bin")));
        assert_eq!(result.sha256.to_string(), source);
        assert_eq!(fetch_sha256(result.download_url.expose()).await, source);
    }
    assert_eq!(server.terminate(), Some(0));
}
