//! Counts what S3 refuses, by operation: one place for all requests, those that are tried again included.

use std::sync::Arc;

use aws_sdk_s3::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::FinalizerInterceptorContextRef,
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;

use super::Metrics;

/// Sees each request of an S3 client end.
#[derive(Debug)]
pub(crate) struct Watch(pub Arc<Metrics>);

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "longhaul"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Err(_)) = context.output_or_error() {
            let operation = config.load::<Metadata>().map_or("unknown", Metadata::name);
            self.0.refused_by_s3(operation);
        }
        Ok(())
    }
}
