//! Buckets and their lifecycle rules.
use std::sync::Arc;

use s3s::{S3Request, S3Result, dto::*, s3_error};

use crate::{condition::s3_time, error::off_runtime, index::read, lifecycle, store::Inner};

pub(super) async fn create_bucket(
    inner: &Arc<Inner>,
    request: S3Request<CreateBucketInput>,
) -> S3Result<CreateBucketOutput> {
    let (inner, name) = (Arc::clone(inner), request.input.bucket);
    let location = format!("/{name}");
    off_runtime(move || inner.create_bucket(&name)).await?;
    Ok(CreateBucketOutput {
        location: Some(location),
    })
}

pub(super) async fn head_bucket(
    inner: &Arc<Inner>,
    request: S3Request<HeadBucketInput>,
) -> S3Result<HeadBucketOutput> {
    inner.bucket(&request.input.bucket)?;
    Ok(HeadBucketOutput::default())
}

pub(super) async fn list_buckets(
    inner: &Arc<Inner>,
    request: S3Request<ListBucketsInput>,
) -> S3Result<ListBucketsOutput> {
    let prefix = request.input.prefix.unwrap_or_default();
    let buckets = read(&inner.buckets)
        .values()
        .filter(|bucket| bucket.name.starts_with(&prefix))
        .map(|bucket| Bucket {
            name: Some(bucket.name.clone()),
            creation_date: Some(s3_time(bucket.created)),
            ..Bucket::default()
        })
        .collect();
    Ok(ListBucketsOutput {
        buckets: Some(buckets),
        ..ListBucketsOutput::default()
    })
}

pub(super) async fn delete_bucket(
    inner: &Arc<Inner>,
    request: S3Request<DeleteBucketInput>,
) -> S3Result<DeleteBucketOutput> {
    let inner = Arc::clone(inner);
    off_runtime(move || inner.delete_bucket(&request.input.bucket)).await?;
    Ok(DeleteBucketOutput::default())
}

pub(super) async fn get_bucket_location(
    inner: &Arc<Inner>,
    request: S3Request<GetBucketLocationInput>,
) -> S3Result<GetBucketLocationOutput> {
    inner.bucket(&request.input.bucket)?;
    // S3 says nothing for us-east-1.
    let region =
        (inner.region != "us-east-1").then(|| BucketLocationConstraint::from(inner.region.clone()));
    Ok(GetBucketLocationOutput {
        location_constraint: region,
    })
}

pub(super) async fn put_bucket_lifecycle_configuration(
    inner: &Arc<Inner>,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> S3Result<PutBucketLifecycleConfigurationOutput> {
    let configuration = request
        .input
        .lifecycle_configuration
        .ok_or_else(|| s3_error!(MalformedXML))?;
    let rules = lifecycle::rules_from_s3(configuration.rules)?;
    let inner = Arc::clone(inner);
    off_runtime(move || inner.set_lifecycle(&request.input.bucket, rules)).await?;
    Ok(PutBucketLifecycleConfigurationOutput::default())
}

pub(super) async fn get_bucket_lifecycle_configuration(
    inner: &Arc<Inner>,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> S3Result<GetBucketLifecycleConfigurationOutput> {
    let rules = lifecycle::current(inner, &request.input.bucket)?;
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(rules),
        ..GetBucketLifecycleConfigurationOutput::default()
    })
}

pub(super) async fn delete_bucket_lifecycle(
    inner: &Arc<Inner>,
    request: S3Request<DeleteBucketLifecycleInput>,
) -> S3Result<DeleteBucketLifecycleOutput> {
    let inner = Arc::clone(inner);
    off_runtime(move || inner.set_lifecycle(&request.input.bucket, Vec::new())).await?;
    Ok(DeleteBucketLifecycleOutput::default())
}
