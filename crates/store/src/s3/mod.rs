//! S3's operations, each handed to the file of its topic.
mod bucket;
mod list;
mod multipart;
mod object;
mod read;
mod tagging;

use std::sync::Arc;

use s3s::{
    S3, S3Request, S3Response, S3Result,
    auth::SimpleAuth,
    dto::*,
    service::{S3Service, S3ServiceBuilder},
};

use crate::{Credentials, store::Inner};

/// The store as `s3s` sees it.
#[derive(Clone)]
struct Front {
    inner: Arc<Inner>,
}

pub(crate) fn service(inner: Arc<Inner>, credentials: &Credentials) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Front { inner });
    builder.set_auth(SimpleAuth::from_single(
        credentials.access_key.clone(),
        credentials.secret_key.clone(),
    ));
    builder.build()
}

/// Each line is an operation: its name, its input and output, and where it is answered.
macro_rules! operations {
    ($($name:ident: $input:ident => $output:ident in $room:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Front {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                $room::$name(&self.inner, request).await.map(S3Response::new)
            })*
        }
    };
}

operations! {
    create_bucket: CreateBucketInput => CreateBucketOutput in bucket;
    head_bucket: HeadBucketInput => HeadBucketOutput in bucket;
    list_buckets: ListBucketsInput => ListBucketsOutput in bucket;
    delete_bucket: DeleteBucketInput => DeleteBucketOutput in bucket;
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput in bucket;
    put_bucket_lifecycle_configuration: PutBucketLifecycleConfigurationInput => PutBucketLifecycleConfigurationOutput in bucket;
    get_bucket_lifecycle_configuration: GetBucketLifecycleConfigurationInput => GetBucketLifecycleConfigurationOutput in bucket;
    delete_bucket_lifecycle: DeleteBucketLifecycleInput => DeleteBucketLifecycleOutput in bucket;
    put_object: PutObjectInput => PutObjectOutput in object;
    copy_object: CopyObjectInput => CopyObjectOutput in object;
    delete_object: DeleteObjectInput => DeleteObjectOutput in object;
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput in object;
    get_object: GetObjectInput => GetObjectOutput in read;
    head_object: HeadObjectInput => HeadObjectOutput in read;
    list_objects: ListObjectsInput => ListObjectsOutput in list;
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output in list;
    get_object_tagging: GetObjectTaggingInput => GetObjectTaggingOutput in tagging;
    put_object_tagging: PutObjectTaggingInput => PutObjectTaggingOutput in tagging;
    delete_object_tagging: DeleteObjectTaggingInput => DeleteObjectTaggingOutput in tagging;
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput in multipart;
    upload_part: UploadPartInput => UploadPartOutput in multipart;
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput in multipart;
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput in multipart;
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput in multipart;
    list_parts: ListPartsInput => ListPartsOutput in multipart;
    list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput in multipart;
}
