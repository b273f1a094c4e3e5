//! A job's record as the API shows it.

use jiff::{SignedDuration, Timestamp};
use longhaul_protocol::{JobResult, JobView, Stage};

use super::{Api, explain::explained, problem::Refusal};
use crate::{
    artifact::Presigned,
    config::Delivery,
    middleware::Site,
    queue::{Artifact, JobRecord, JobState},
};

impl Api {
    /// Shows a job; a completed one with a URL signed now.
    pub(super) async fn view(&self, site: &Site, job: &JobRecord) -> Result<JobView, Refusal> {
        let position = match job.state {
            JobState::Pending { .. } => self.queue.position(job.id).await?,
            _ => None,
        };
        self.view_at(site, job, position).await
    }

    /// Shows a job whose place in the queue is known.
    pub(super) async fn view_at(
        &self,
        site: &Site,
        job: &JobRecord,
        position: Option<u64>,
    ) -> Result<JobView, Refusal> {
        let result = match &job.state {
            JobState::Completed { artifact, at } => {
                Some(self.result(site, job, artifact, *at).await?)
            }
            _ => None,
        };
        Ok(self.shown(job, position, result, self.clock.now()))
    }

    /// A job, its place in the queue, and its result, as they are shown.
    pub(super) fn shown(
        &self,
        job: &JobRecord,
        position: Option<u64>,
        result: Option<JobResult>,
        now: Timestamp,
    ) -> JobView {
        let mut view = JobView {
            job_id: job.id,
            status: job.status(),
            progress: 0,
            result,
            error: None,
            stage: Stage::Done,
            bytes_done: 0,
            bytes_total: None,
            queue_position: None,
            attempt: job.attempt,
            max_attempts: job.max_attempts,
            cancels_at: None,
            file_name: job.file_name.clone(),
            created_at: job.created_at,
            updated_at: job.updated_at,
        };
        match &job.state {
            JobState::Pending { .. } => {
                view.stage = Stage::Queued;
                view.queue_position = position;
                view.cancels_at = self.cancels_at(now);
            }
            JobState::Processing { progress, .. } => {
                view.stage = progress.stage;
                view.progress = progress.percent;
                view.bytes_done = progress.bytes_done;
                view.bytes_total = progress.bytes_total;
                view.cancels_at = self.cancels_at(now);
            }
            JobState::Completed { artifact, .. } => {
                view.progress = 100;
                view.bytes_done = artifact.size;
                view.bytes_total = Some(artifact.size);
            }
            JobState::Failed { fault, .. } => {
                view.error = Some(explained(fault, &job.failures));
            }
        }
        view
    }

    /// The read that shows a job also renews it, so its end is counted from now.
    fn cancels_at(&self, now: Timestamp) -> Option<Timestamp> {
        (!self.abandon_after.is_zero()).then(|| later(now, self.abandon_after))
    }

    /// Where the artifact is, by the way in which this server delivers; signed now.
    pub(super) async fn download_url(
        &self,
        site: &Site,
        job: &JobRecord,
        artifact: &Artifact,
    ) -> Result<Presigned, Refusal> {
        let now = self.clock.now();
        match self.delivery {
            Delivery::Presigned => Ok(self
                .artifacts
                .presign(artifact, &job.file_name, self.presign_ttl, now)
                .await?),
            Delivery::Redirect | Delivery::Proxy => self.links.sign(site, job.id, now),
        }
    }

    async fn result(
        &self,
        site: &Site,
        job: &JobRecord,
        artifact: &Artifact,
        completed: Timestamp,
    ) -> Result<JobResult, Refusal> {
        let signed = self.download_url(site, job, artifact).await?;
        Ok(JobResult {
            download_url: signed.url,
            expires_at: signed.expires_at,
            size: artifact.size,
            etag: artifact.etag.clone(),
            sha256: artifact.sha256,
            crc64nvme: artifact.crc64nvme,
            manifest_url: format!("/v1/jobs/{}/manifest", job.id),
            artifact_expires_at: later(artifact.since(completed), self.artifact_ttl),
        })
    }
}

pub(super) fn later(at: Timestamp, by: std::time::Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
