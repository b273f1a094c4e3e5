//! Behaviour tests against the real processes: one file a behaviour.

mod bad_input;
mod check;
mod commands;
mod contract;
mod crash;
mod crash_matrix;
mod delivery;
mod demo;
mod deploy;
mod drain;
mod expiry;
mod hostile;
mod legacy;
mod logs;
mod many;
mod metrics;
mod proxy;
mod ready;
mod resumed_upload;
mod s3;
mod sharing;
mod url_jobs;
mod web;
mod window;
