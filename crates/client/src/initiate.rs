//! The server is asked to make a file: once for each click, however often the asking is repeated.

use longhaul_protocol::{InitiateRequest, JobId, JobStatus};

use crate::{
    api::{Api, ApiError},
    download::Record,
    poll::is_unknown_job,
    view::DownloadSource,
};

/// What is sent for a row. It never changes while the row lives: the same key with another body
/// would be refused.
pub(crate) fn request_of(record: &Record) -> InitiateRequest {
    let (file_id, url) = match &record.source {
        DownloadSource::File { file_id } => (Some(*file_id), None),
        DownloadSource::Url { url } | DownloadSource::Direct { url } => (None, Some(url.clone())),
    };
    InitiateRequest {
        file_id,
        url,
        file_name: None,
        priority: None,
    }
}

/// The job for a row: the one that its key made before, or a new one. Where the row already has a
/// job, that one is run again; where the server has forgotten it, it is asked for anew.
pub(crate) async fn ask(api: &Api, record: &Record) -> Result<JobId, ApiError> {
    if let Some(job) = record.job {
        match run_again(api, job).await {
            Err(error) if is_unknown_job(&error) => {}
            other => return other.map(|()| job),
        }
    }
    let reply = api.initiate(&request_of(record), record.id).await?;
    if reply.status == JobStatus::Failed && (record.job.is_some() || record.renewals > 0) {
        // The key still names the failed run; the user has asked for another.
        run_again(api, reply.job_id).await?;
    }
    Ok(reply.job_id)
}

async fn run_again(api: &Api, job: JobId) -> Result<(), ApiError> {
    match api.retry(job).await {
        // It is not failed: it runs, or is there already. The poller will see which.
        Err(ApiError::Refused(problem)) if problem.status == 409 => Ok(()),
        other => other,
    }
}
