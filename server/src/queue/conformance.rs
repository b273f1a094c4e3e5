//! What every back end promises, as tests that each of them runs under their own names.

mod build;
mod claims;
mod clicks;
mod ends;
mod ledger;
mod reading;
mod sweeps;
mod waking;

pub(super) use build::Subject;
pub(super) use {claims::*, clicks::*, ends::*, ledger::*, reading::*, sweeps::*, waking::*};

/// Makes each promise a test of the back end whose subjects `$make` gives.
macro_rules! conformance_tests {
    ($make:path) => {
        $crate::queue::conformance::conformance_tests!(
            @each $make;
            a_job_is_claimed_completed_and_read,
            a_new_start_takes_every_lease_back_and_counts_no_attempt,
            two_workers_never_hold_one_job,
            priority_comes_first_then_age,
            a_waiting_job_gains_a_level_a_minute,
            only_the_present_claim_may_write,
            progress_never_falls,
            a_lease_is_prolonged_by_heartbeats,
            a_drained_job_is_claimed_first_and_not_counted,
            one_key_makes_one_job,
            a_key_is_forgotten_after_a_day,
            a_full_queue_refuses_and_takes_again,
            a_retryable_fault_is_retried_after_a_backoff_while_attempts_are_left,
            a_permanent_fault_ends_the_job,
            a_pending_job_is_cancelled_at_once,
            a_claimed_job_is_cancelled_through_its_worker,
            an_ended_job_cannot_be_cancelled,
            only_a_failed_job_can_be_run_again,
            an_upload_is_handed_on_and_told_when_nobody_takes_it_up,
            another_owners_jobs_do_not_exist,
            a_listing_is_paged_newest_first,
            a_listing_of_one_status_holds_only_that,
            positions_are_the_order_of_claims,
            counts_agree_with_the_jobs_whatever_happens,
            the_ledger_tells_what_became_of_each_job_for_ever,
            the_oldest_wait_is_told_whatever_stands_first,
            a_paused_queue_hands_out_nothing_and_then_goes_on,
            a_lost_lease_is_retried_then_ends_the_job,
            a_hang_is_no_progress_not_no_heartbeat,
            a_job_nobody_asks_for_is_abandoned,
            artifacts_expire_and_jobs_are_forgotten_years_ahead,
            a_shared_artifact_goes_with_the_last_job_that_offers_it,
            work_that_nobody_sees_is_no_hang,
            the_seeds_limits_hold_to_the_second,
            a_sweep_is_bounded,
            a_record_that_cannot_be_read_stops_no_other,
            a_refused_change_leaves_nothing,
            a_waiter_wakes_when_its_job_changes,
            a_worker_wakes_for_a_new_job_and_for_a_due_retry,
        );
    };
    (@each $make:path; $($name:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let limits = $crate::queue::conformance::limits();
                let subject = $make(limits).await;
                $crate::queue::conformance::$name(&subject).await;
                subject.audit().await;
            }
        )*
    };
}
pub(super) use build::{artifact, fault, limits};
pub(super) use conformance_tests;
